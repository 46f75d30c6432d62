"""Probes: a model that learned a border is caught, one that learned the middle is not."""

import numpy as np
import pytest

from inference.metrics import softmax
from inference.network import Classifier
from inference.probes import border_only, border_removed, degraded, probe
from inference.scoring import score
from tests.inference.tiny import CPU, SIZE, films_marked_at, judged_by, made_card, trained_on

WHOLE = slice(0, SIZE)


def _areas(rows: slice, columns: slice) -> dict[str, dict[str, object]]:
    module = trained_on(*films_marked_at(rows, columns, 192, seed=1))
    pixels, positive = films_marked_at(rows, columns, 80, seed=2)
    judged = judged_by(module, pixels, positive, made_card())
    return probe(judged, pixels, lambda changed: _p(module, changed))


def _p(module: Classifier, pixels: np.ndarray) -> np.ndarray:
    return np.asarray(softmax(score(module, pixels, CPU))[:, 1])


def test_a_model_that_learned_the_border_is_caught() -> None:
    found = _areas(slice(0, 4), WHOLE)
    assert found["border_only"]["auroc"] >= 0.95  # type: ignore[operator]
    assert found["border_removed"]["auroc"] <= 0.7  # type: ignore[operator]
    assert found["border_removed"]["difference_interval"][1] < -0.1  # type: ignore[index]


def test_a_model_that_learned_the_middle_is_not() -> None:
    found = _areas(slice(16, 32), slice(16, 32))
    low, high = found["border_only"]["auroc_interval"]  # type: ignore[misc]
    assert low <= 0.5 <= high
    for name in ("border_removed", "mirrored"):
        assert found[name]["auroc"] >= 0.95  # type: ignore[operator]
        assert abs(found[name]["difference"]) < 0.05  # type: ignore[arg-type]


def test_a_border_alone_tells_nothing_of_the_inside() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.integers(0, 256, (2, 50, 50), dtype=np.uint8)
    second[:4], second[-4:], second[:, :4], second[:, -4:] = (
        first[:4],
        first[-4:],
        first[:, :4],
        first[:, -4:],
    )
    assert (first[4:-4, 4:-4] != second[4:-4, 4:-4]).any()
    np.testing.assert_array_equal(border_only(first), border_only(second))
    assert len(np.unique(border_only(first)[4:-4, 4:-4])) == 1
    inside = border_removed(first)
    np.testing.assert_array_equal(inside[4:-4, 4:-4], first[4:-4, 4:-4])
    assert len(np.unique(inside[:4])) == 1


@pytest.mark.parametrize("size", [20, 160])
def test_degraded_films_keep_their_size_and_lose_their_detail(size: int) -> None:
    film = np.indices((size, size)).sum(axis=0) % 2 * np.uint8(255)
    coarse = degraded(film.astype(np.uint8))
    assert coarse.shape == (size, size)
    assert coarse.std() < 0.5 * film.std()
