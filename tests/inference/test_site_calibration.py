"""A site's own calibration: against scipy, towards the identity, and honest about itself."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from scipy.optimize import minimize

from inference.metrics import confusion, expected_calibration_error
from inference.site_calibration import (
    INTERCEPT_SD,
    LOG_SLOPE_SD,
    as_the_card_said,
    calibrated,
    fit_line,
    fit_site,
    held_out_counts,
    recalibrated,
    thresholds,
)

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def shifted(seed: int, n: int, slope: float = 0.6, intercept: float = 1.2) -> tuple:
    """(n,) truths whose chance is the logit line of the probabilities beside them."""
    rng = np.random.default_rng(seed)
    probability = 1 / (1 + np.exp(-rng.normal(-0.5, 2.5, n)))
    truth = rng.random(n) < recalibrated(probability, slope, intercept)
    return truth, probability


@pytest.mark.parametrize("seed", range(4))
def test_the_fit_is_the_posteriors_maximum_by_scipy(seed: int) -> None:
    positive, probability = shifted(seed, 150)
    x = np.log(probability / (1 - probability))

    def loss(at: np.ndarray) -> float:
        logit = at[1] + np.exp(at[0]) * x
        prior = (at[0] / LOG_SLOPE_SD) ** 2 + (at[1] / INTERCEPT_SD) ** 2
        return float(np.logaddexp(0, np.where(positive, -logit, logit)).sum() + prior / 2)

    best = minimize(
        loss, np.zeros(2), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12}
    )
    slope, intercept = fit_line(positive, probability)
    assert (np.log(slope), intercept) == pytest.approx(tuple(best.x), abs=1e-4)


def test_many_films_show_the_line_and_few_stay_near_the_identity() -> None:
    assert fit_line(*shifted(1, 40_000)) == pytest.approx((0.6, 1.2), abs=0.05)
    slope, intercept = fit_line(np.array([True, False]), np.array([0.4, 0.6]))
    assert abs(np.log(slope)) < 0.2
    assert abs(intercept) < 0.1


def test_films_that_a_threshold_separates_have_a_finite_line() -> None:
    positive = np.arange(40) >= 20
    slope, intercept = fit_line(positive, np.where(positive, 0.999999, 0.000001))
    assert 1 < slope < 4
    assert abs(intercept) < 0.1


def test_calibration_error_falls_on_films_that_the_fit_has_not_seen() -> None:
    line = fit_line(*shifted(2, 200))
    positive, probability = shifted(3, 4000)
    before = expected_calibration_error(positive, probability)
    after = expected_calibration_error(positive, recalibrated(probability, *line))
    assert before > 0.1
    assert after < before / 2


def test_a_stored_probability_gives_back_what_the_card_said() -> None:
    said = np.array([0.001, 0.2, 0.5, 0.93, 0.9999])
    np.testing.assert_allclose(as_the_card_said(recalibrated(said, 0.7, -1.1), 0.7, -1.1), said)


def test_held_out_counts_are_less_flattering_than_the_films_own() -> None:
    """Over many small sites: counted on the films that chose it, a threshold looks better."""
    own, held_out, true = [], [], []
    later = shifted(0, 40_000)
    for seed in range(40):
        positive, probability = shifted(seed + 10, 90)
        site = fit_site("S", "m", positive, probability, NOW)
        fitted = recalibrated(probability, site.slope, site.intercept)
        here = confusion(positive, fitted, site.surveillance)
        there = held_out_counts(positive, probability)
        elsewhere = recalibrated(later[1], site.slope, site.intercept)
        real = confusion(later[0], elsewhere, site.surveillance)
        for kept, counts in ((own, here), (held_out, there), (true, real)):
            kept.append(counts.sensitivity + counts.specificity - 1)
    assert np.mean(own) - np.mean(true) > 0.03
    assert abs(np.mean(held_out) - np.mean(true)) < 0.03


def test_a_site_keeps_what_it_was_fitted_from() -> None:
    positive, probability = shifted(5, 200)
    site = fit_site("S", "m", positive, probability, NOW)
    assert (site.positives, site.negatives) == (positive.sum(), (~positive).sum())
    assert site.true_positives + site.false_negatives == site.positives
    assert site.true_negatives + site.false_positives == site.negatives
    fitted = recalibrated(probability, site.slope, site.intercept)
    assert (site.surveillance, site.screening) == thresholds(positive, fitted)
    found = confusion(positive, fitted, site.screening).sensitivity
    assert found >= 0.97, "screening finds 97 in 100 of the labelled sick"


def test_the_same_labels_give_the_same_identity_and_others_another() -> None:
    positive, probability = shifted(6, 120)
    one = fit_site("S", "m", positive, probability, NOW)
    again = fit_site("S", "m", positive, probability, datetime.now(UTC))
    assert again == replace(one, fitted_at=again.fitted_at)
    assert fit_site("T", "m", positive, probability, NOW).calibration_id != one.calibration_id
    turned = positive.copy()
    turned[0] = not turned[0]
    assert fit_site("S", "m", turned, probability, NOW).calibration_id != one.calibration_id


def test_without_a_calibration_the_cards_own_holds() -> None:
    assert calibrated(0.3, None, 0.55) == (0.3, 0.55)
    site = fit_site("S", "m", *shifted(7, 120), NOW)
    probability, threshold = calibrated(0.3, site, 0.55)
    assert probability == recalibrated(np.array([0.3]), site.slope, site.intercept)[0]
    assert threshold == site.surveillance


def test_too_few_films_of_a_class_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 5 films of each class"):
        fit_site("S", "m", np.arange(30) < 4, np.linspace(0.1, 0.9, 30), NOW)
