"""One preprocessing function: type, shape, and what it does to shapes and depths."""

import numpy as np
import pytest

from inference.preprocess import prepare, to_uint8


@pytest.mark.parametrize("shape", [(1, 1), (40, 90), (224, 224), (1500, 1100)])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_any_shape_and_depth_becomes_a_square_of_bytes(shape: tuple[int, int], kind: type) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, shape).astype(kind)
    prepared = prepare(pixels, 64)
    assert prepared.dtype == np.uint8
    assert prepared.shape == (64, 64)


def test_an_oblong_film_is_squashed_not_cropped() -> None:
    pixels = np.zeros((100, 400), dtype=np.uint8)
    pixels[:, 300:] = 200  # the last quarter
    prepared = prepare(pixels, 80)
    assert prepared[:, :58].max() == 0
    assert prepared[:, 62:].min() == 200


def test_bytes_are_not_stretched() -> None:
    pixels = np.full((90, 90), 77, dtype=np.uint8)
    assert (prepare(pixels, 30) == 77).all()


def test_a_deep_film_is_stretched_whatever_its_range_and_a_hot_pixel_does_not_matter() -> None:
    ramp = np.tile(np.linspace(0, 1, 256), (256, 1))
    shallow = to_uint8((1000 + 500 * ramp).astype(np.uint16))
    deep = (200 + 40_000 * ramp).astype(np.uint16)
    deep[0, 0] = 65_535
    assert shallow.min() == 0
    assert shallow.max() == 255
    assert np.abs(shallow[1:].astype(int) - to_uint8(deep)[1:]).max() <= 2


def test_small_detail_is_averaged_away_and_not_aliased() -> None:
    stripes = np.zeros((640, 640), dtype=np.uint8)
    stripes[:, ::2] = 200
    assert np.abs(prepare(stripes, 64)[:, 2:-2].astype(int) - 100).max() <= 3


@pytest.mark.parametrize("shape", [(0, 5), (4, 4, 3), (7,)])
def test_what_is_not_a_film_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="2-D"):
        prepare(np.zeros(shape, dtype=np.uint8), 32)
