import contextlib
import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_sample_images

from ingest.content import content_hash
from ingest.problem import ProblemError
from ingest.raster import decode, decode_gray
from ingest.records import Reason
from tests.ingest.films import SHARED, encoded, film, jpeg, png

CAP = 1_000_000
FILM = film()


def reason(data: bytes, cap: int = CAP) -> Reason:
    with pytest.raises(ProblemError) as caught:
        decode(data, cap)
    return caught.value.problem.reason


def gray_image() -> Image.Image:
    return Image.fromarray(FILM)


LOSSLESS = {
    "gray": encoded(gray_image()),
    "rgb": encoded(gray_image().convert("RGB")),
    "rgba": encoded(gray_image().convert("RGBA")),
    "gray and alpha": encoded(gray_image().convert("LA")),
    "palette": encoded(gray_image().convert("P")),
    "16 bit gray of the same values": encoded(Image.fromarray(FILM.astype(np.uint16))),
}


@pytest.mark.parametrize("form", LOSSLESS)
def test_lossless_forms_give_the_same_pixels_and_hash(form: str) -> None:
    pixels = decode(LOSSLESS[form], CAP)
    np.testing.assert_array_equal(pixels, FILM)
    assert content_hash(pixels) == content_hash(FILM)


def test_16_bits_are_kept() -> None:
    deep = FILM.astype(np.uint16) * 200 + 3
    pixels = decode(encoded(Image.fromarray(deep)), CAP)
    assert pixels.dtype == np.uint16
    np.testing.assert_array_equal(pixels, deep)


def test_one_bit_is_black_and_white() -> None:
    pixels = decode(encoded(gray_image().convert("1")), CAP)
    assert set(np.unique(pixels)) == {0, 255}


def test_jpegs_are_close_to_what_was_stored() -> None:
    cmyk = encoded(gray_image().convert("RGB").convert("CMYK"), "JPEG", quality=95)
    for data in (
        jpeg(FILM),
        jpeg(FILM, progressive=True),
        encoded(gray_image().convert("RGB"), "JPEG"),
        cmyk,
    ):
        difference = np.abs(decode(data, CAP).astype(int) - FILM)
        assert difference.mean() < 4


def test_transparency_becomes_black() -> None:
    image = gray_image().convert("RGBA")
    image.putalpha(Image.new("L", image.size, 0))
    assert decode(encoded(image), CAP).max() == 0


def test_exif_orientation_is_applied() -> None:
    expected = {
        1: FILM, 2: FILM[:, ::-1], 3: FILM[::-1, ::-1], 4: FILM[::-1], 5: FILM.T,
        6: np.rot90(FILM, -1), 7: FILM[::-1, ::-1].T, 8: np.rot90(FILM), 9: FILM,
    }  # fmt: skip
    for orientation, upright in expected.items():
        exif = Image.Exif()
        exif[0x0112] = orientation
        pixels = decode(encoded(gray_image(), exif=exif), CAP)
        np.testing.assert_array_equal(pixels, upright, err_msg=f"orientation {orientation}")
        assert pixels.flags.c_contiguous


def test_a_damaged_exif_block_costs_nothing() -> None:
    data = jpeg(FILM)
    block = b"Exif\0\0MM\0*" + b"\xff" * 40
    broken = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:]
    np.testing.assert_array_equal(decode(broken, CAP), decode(data, CAP))


@pytest.mark.parametrize(
    "data",
    [
        jpeg(FILM),
        jpeg(FILM, progressive=True),
        jpeg(FILM, restart_marker_blocks=3),
        png(FILM),
        encoded(gray_image().convert("RGB"), compress_level=1),
    ],
    ids=["jpeg", "progressive", "restart markers", "png", "rgb png"],
)
def test_a_file_cut_anywhere_is_refused_or_whole(data: bytes) -> None:
    """Never filled up: what decodes has every pixel right (the last bytes hold none)."""
    whole = decode(data, CAP)
    cuts = [*range(4, 80), *range(80, len(data) - 40, 97), *range(len(data) - 40, len(data))]
    found = set()
    for cut in cuts:
        try:
            np.testing.assert_array_equal(decode(data[:cut], CAP), whole)
        except ProblemError as error:
            found.add(error.problem.reason)
    assert found <= {Reason.TRUNCATED, Reason.UNREADABLE}
    assert reason(data[: len(data) // 2]) is Reason.TRUNCATED


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 3}])
def test_an_end_marker_does_not_hide_that_data_are_missing(options: dict[str, object]) -> None:
    """Where a block or more is missing; what is lost within the last block stays unseen."""
    data = jpeg(FILM, **options)
    whole = decode(data, CAP)
    hidden = 0
    for cut in range(len(data) // 3, len(data) - 100, 41):
        with contextlib.suppress(ProblemError):
            hidden += not np.array_equal(decode(data[:cut] + b"\xff\xd9", CAP), whole)
    # a progressive film cut in its last scans is whole, but for its finest detail
    assert hidden == 0 or "progressive" in options


def test_a_film_on_mid_grey_ground_is_whole() -> None:
    framed = np.full((200, 200), 128, dtype=np.uint8)
    framed[20:180, 36:164] = FILM
    assert decode(jpeg(framed), CAP).shape == (200, 200)


def test_flipped_bytes_never_escape_as_other_exceptions() -> None:
    rng = np.random.default_rng(7)
    shapes = []
    for data in (jpeg(FILM), png(FILM)):
        for _ in range(150):
            broken = bytearray(data)
            for at in rng.integers(3, len(data), 4):
                broken[at] = rng.integers(256)
            with contextlib.suppress(ProblemError):
                shapes.append(decode(bytes(broken), CAP).ndim)
    assert set(shapes) == {2}


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few hundred bytes that declares any size."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("size", [(1001, 1000), (20_000, 20_000), (60_000, 60_000), (2**31 - 1, 1)])
def test_a_pixel_bomb_is_refused_by_its_header(size: tuple[int, int]) -> None:
    assert reason(bomb(*size)) is Reason.PIXEL_BOMB


def test_photographs_are_refused_and_films_with_some_colour_are_not() -> None:
    for photograph in load_sample_images().images:
        assert reason(encoded(Image.fromarray(photograph), "JPEG")) is Reason.COLOUR
    labelled = np.dstack([FILM] * 3)
    labelled[10:30, 10:60] = (255, 200, 0)
    decode(encoded(Image.fromarray(labelled)), CAP)
    noisy = labelled + np.random.default_rng(0).integers(0, 12, labelled.shape, dtype=np.uint8)
    decode(encoded(Image.fromarray(noisy), "JPEG", quality=60), CAP)


def test_an_animation_is_refused() -> None:
    frames = [gray_image(), gray_image().transpose(Image.Transpose.FLIP_LEFT_RIGHT)]
    data = encoded(frames[0], save_all=True, append_images=frames[1:])
    assert reason(data) is Reason.MULTI_FRAME


def test_other_formats_are_not_decoded(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(encoded(gray_image(), "TIFF"))
    with pytest.raises(ProblemError):
        decode_gray(tmp_path / "a.png")


def test_one_changed_pixel_changes_the_hash() -> None:
    changed = FILM.copy()
    changed[50, 50] ^= 1
    assert content_hash(changed) != content_hash(FILM)
    assert content_hash(FILM.reshape(128, 160)) != content_hash(FILM)
    assert content_hash(FILM[::2]) == content_hash(FILM[::2].copy())


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here")
def test_the_hash_of_a_real_jpeg_is_pinned() -> None:
    """A Pillow or libjpeg that decodes otherwise would make every old film a new one."""
    path = SHARED / "incoming" / "images" / "0024a78c1ac5473ba428f2b90c7c9b9a.jpeg"
    pixels = decode_gray(path)
    assert content_hash(pixels) == "e354e61d8450e0e9593a21979154ce52"
    again = io.BytesIO()
    Image.fromarray(pixels).convert("RGB").save(again, "PNG")
    assert content_hash(decode(again.getvalue(), 10_000_000)) == content_hash(pixels)
