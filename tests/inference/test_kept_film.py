"""Kept films: exact where they can be, close where they cannot, without metadata."""

import io

import numpy as np
import pytest
from PIL import Image

from inference.kept_film import film_png
from inference.preprocess import prepare, to_uint8
from tests.ingest.films import film


def back(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


def test_a_small_film_of_8_bits_is_kept_exactly() -> None:
    made = film(300, 240)
    np.testing.assert_array_equal(back(film_png(made, 300)), made)


def test_a_deep_film_is_kept_as_the_model_sees_it() -> None:
    deep = film(300, 240).astype(np.uint16) * 16 + 7
    kept = back(film_png(deep, 1024))
    np.testing.assert_array_equal(kept, to_uint8(deep))
    np.testing.assert_array_equal(prepare(kept, 64), prepare(deep, 64))


@pytest.mark.parametrize("shape", [(1500, 1200), (700, 2100)])
def test_a_large_film_keeps_its_aspect_and_nearly_the_models_input(shape: tuple[int, int]) -> None:
    made = film(*shape)
    kept = back(film_png(made, 1024))
    assert max(kept.shape) == 1024
    assert kept.shape[0] / kept.shape[1] == pytest.approx(shape[0] / shape[1], rel=0.01)
    gap = np.abs(prepare(kept, 160).astype(int) - prepare(made, 160).astype(int))
    assert gap.mean() < 1
    assert gap.max() <= 12


def test_there_is_nothing_in_the_file_but_the_picture() -> None:
    with Image.open(io.BytesIO(film_png(film(), 1024))) as image:
        assert (image.format, image.mode, image.info) == ("PNG", "L", {})
