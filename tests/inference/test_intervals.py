"""Intervals against other libraries, the definition itself, and resampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from inference.intervals import areas, delong, delong_difference, wilson, within


@settings(deadline=None)  # the first call imports the library
@given(st.integers(0, 60), st.integers(1, 60), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_statsmodels(part: int, more: int, level: float) -> None:
    whole = part + more - 1 if part else more
    low, high = proportion_confint(min(part, whole), whole, 1 - level, "wilson")
    ours = wilson(min(part, whole), whole, level)
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=1e-12)


def _films(seed: int, n: int = 90) -> tuple[np.ndarray, np.ndarray]:
    """Truths and two scores (2, n) that agree in part; rounded, so that there are ties."""
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    positive[:4] = [True, True, False, False]
    shared = rng.normal(0, 1, n) + positive
    scores = np.stack([shared + rng.normal(0, 0.5, n), shared + rng.normal(0, 1.5, n)])
    return positive, np.round(scores, 1)


@settings(deadline=None)  # the first call imports the library
@given(st.integers(0, 10_000))
def test_areas_and_covariance_equal_every_pair_compared(seed: int) -> None:
    """DeLong's own O(mn) definition: psi = 1, 1/2 or 0 for every sick and healthy film."""
    positive, scores = _films(seed, 40)
    sick, healthy = scores[:, positive], scores[:, ~positive]
    psi = np.sign(sick[:, :, None] - healthy[:, None, :]) / 2 + 0.5
    by_sick, by_healthy = psi.mean(axis=2), psi.mean(axis=1)
    expected = np.cov(by_sick) / sick.shape[1] + np.cov(by_healthy) / healthy.shape[1]
    area, covariance = areas(positive, scores)
    np.testing.assert_allclose(area, psi.mean(axis=(1, 2)), atol=1e-12)
    np.testing.assert_allclose(covariance, expected, atol=1e-12)


def test_delong_agrees_with_resampled_films() -> None:
    positive, scores = _films(2, 300)
    rng = np.random.default_rng(0)
    drawn = [rng.integers(0, 300, 300) for _ in range(600)]
    resampled = np.array([areas(positive[at], scores[:, at])[0] for at in drawn])
    low, high = np.percentile(resampled[:, 0], [2.5, 97.5])
    ours = delong(positive, scores[0])
    assert (ours.low, ours.high) == pytest.approx((low, high), abs=0.012)
    low, high = np.percentile(resampled[:, 0] - resampled[:, 1], [2.5, 97.5])
    paired = delong_difference(positive, scores[0], scores[1])
    assert (paired.low, paired.high) == pytest.approx((low, high), abs=0.012)


def test_separated_classes_are_not_certain() -> None:
    positive = np.arange(20) >= 14
    perfect = delong(positive, np.arange(20.0))
    assert perfect.estimate == perfect.high == 1
    assert perfect.low == pytest.approx(wilson(6, 6).low)
    assert delong(~positive, np.arange(20.0)).high == pytest.approx(wilson(0, 6).high)


def test_what_cannot_be_said_is_nan() -> None:
    assert np.isnan(wilson(0, 0).estimate)
    assert np.isnan(delong(np.ones(5, dtype=bool), np.arange(5.0)).estimate)
    one_sick = delong(np.arange(5) == 2, np.arange(5.0))
    assert one_sick.estimate == 0.5
    assert np.isnan([one_sick.low, one_sick.high]).all()
    assert np.isnan(delong_difference(np.ones(3, dtype=bool), np.ones(3), np.ones(3)).estimate)


def test_a_score_that_knows_only_the_hospital_is_at_chance_within_hospitals() -> None:
    rng = np.random.default_rng(4)
    hospital = np.repeat(["a", "b"], 300)
    positive = rng.random(600) < np.where(hospital == "a", 0.2, 0.8)
    knows_hospital = (hospital == "b") + rng.normal(0, 0.1, 600)
    knows_disease = positive + rng.normal(0, 1, 600)
    assert delong(positive, knows_hospital).low > 0.7
    inside = within(positive, knows_hospital, hospital)
    assert inside.low < 0.5 < inside.high
    assert within(positive, knows_disease, hospital).low > 0.65
    alone = within(positive[:300], knows_disease[:300], hospital[:300])
    assert alone == delong(positive[:300], knows_disease[:300])
