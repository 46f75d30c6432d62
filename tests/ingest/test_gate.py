import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

from ingest import gate
from ingest.problem import ProblemError
from ingest.raster import decode_gray
from ingest.records import Reason
from tests.ingest.films import SHARED, film


def reason(pixels: np.ndarray) -> Reason | None:
    try:
        gate.check(pixels, 96)
    except ProblemError as error:
        return error.problem.reason
    return None


def uniform(size: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size), dtype=np.uint8)


def salt_and_pepper(size: int) -> np.ndarray:
    rng = np.random.default_rng(1)
    grains = rng.choice(np.array([0, 255], dtype=np.uint8), (size, size))
    return np.where(rng.random((size, size)) < 0.3, grains, 128).astype(np.uint8)


def gaussian(size: int) -> np.ndarray:
    values = np.random.default_rng(2).normal(128, 30, (size, size))
    return np.clip(values, 0, 255).astype(np.uint8)


def as_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=quality)
    return np.asarray(Image.open(buffer))


def blurred(pixels: np.ndarray, radius: float) -> np.ndarray:
    return np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(radius)))


@pytest.mark.parametrize("size", [96, 224, 512, 1100])
def test_noise_is_noise_however_it_was_stored(size: int) -> None:
    white = uniform(size)
    radius = 1 if size < 224 else 2
    kinds = (
        white,
        salt_and_pepper(size),
        gaussian(size),
        as_jpeg(white, 30),
        blurred(white, radius),
    )
    assert [reason(kind) for kind in kinds] == [Reason.NOISE] * 5
    deep = np.random.default_rng(3).integers(0, 65536, (size, size), dtype=np.uint16)
    assert reason(deep) is Reason.NOISE


@pytest.mark.parametrize("value", [0, 1, 128, 255])
def test_a_plate_of_one_shade_is_blank(value: int) -> None:
    plate = np.full((300, 250), value, dtype=np.uint8)
    assert reason(plate) is Reason.BLANK
    plate[5:20, 5:40] = 255 - value  # its marker
    assert reason(plate) is Reason.BLANK
    assert reason(plate.astype(np.uint16) * 257) is Reason.BLANK


def test_an_unexposed_plate_with_its_sensors_noise_is_blank() -> None:
    noise = np.random.default_rng(4).normal(0, 1.5, (400, 400))
    assert reason((200 + noise).astype(np.uint8)) is Reason.BLANK
    assert reason(((200 + noise) * 20).astype(np.uint16)) is Reason.BLANK


def test_films_pass_at_any_depth_and_with_a_grain() -> None:
    for seed in range(5):
        plain = film(220, 200, seed)
        grain = np.random.default_rng(seed).normal(0, 25, plain.shape)
        grainy = np.clip(plain + grain, 0, 255).astype(np.uint8)
        deep = plain.astype(np.uint16) * 4
        faint = (plain // 5 + 100).astype(np.uint8)
        assert [reason(kind) for kind in (plain, grainy, deep, faint)] == [None] * 4


def test_the_shorter_side_decides_on_size() -> None:
    assert reason(film(96, 200)) is None
    assert reason(film(200, 95)) is Reason.TOO_SMALL
    assert reason(np.zeros((1, 1), dtype=np.uint8)) is Reason.TOO_SMALL


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here")
def test_real_films_pass_with_room_to_spare() -> None:
    """A sample of each collection; all 11,121 were measured once, see gate.py."""
    for folder in ("incoming/images", "kermany224/train", "adults/nih", "adults/ieee8023"):
        paths = sorted(p for p in (SHARED / folder).rglob("*") if p.suffix in (".jpg", ".jpeg"))
        assert paths
        for path in paths[:: max(1, len(paths) // 25)]:
            found = gate.measure(decode_gray(path))
            assert found.correlation > gate.NOISE_CORRELATION + 0.2
            assert found.contrast > 2 * gate.BLANK_CONTRAST
