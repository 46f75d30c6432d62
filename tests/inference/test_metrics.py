"""The metrics against their definitions, and their edges."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as reference

from inference.calibration import (
    fit_temperature,
    screening_threshold,
    source_weights,
    surveillance_threshold,
)
from inference.metrics import (
    auroc,
    average_precision,
    brier,
    confusion,
    expected_calibration_error,
    log_loss,
    precision_recall_curve,
    roc_curve,
    softmax,
)


def _films(seed: int, n: int = 400) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    positive = rng.random(n) < 0.4
    score = 1 / (1 + np.exp(-(rng.normal(0, 1.2, n) + np.where(positive, 1, -1))))
    return positive, np.round(score, 2)  # rounded: there are ties


@settings(deadline=None)  # the first call imports the library
@given(st.integers(0, 10_000))
def test_measures_are_what_they_are_defined_to_be(seed: int) -> None:
    positive, p = _films(seed, 60)
    pairs = [(s > h) + (s == h) / 2 for s in p[positive] for h in p[~positive]]
    assert auroc(positive, p) == pytest.approx(np.mean(pairs))
    losses = [-np.log(q if sick else 1 - q) for sick, q in zip(positive, p, strict=True)]
    if np.isfinite(losses).all():
        assert log_loss(positive, p) == pytest.approx(np.mean(losses))
    assert brier(positive, p) == pytest.approx(
        np.mean([(q - t) ** 2 for t, q in zip(positive, p, strict=True)])
    )
    counts = confusion(positive, p, 0.5)
    table = reference.confusion_matrix(positive, p >= 0.5)
    assert [[counts.tn, counts.fp], [counts.fn, counts.tp]] == table.tolist()
    assert counts.sensitivity == pytest.approx(reference.recall_score(positive, p >= 0.5))
    assert counts.accuracy == pytest.approx(reference.accuracy_score(positive, p >= 0.5))


def test_curves_run_through_the_counts_and_their_areas_are_the_measures() -> None:
    positive, p = _films(1)
    false_alarms, found = roc_curve(positive, p)
    counts = confusion(positive, p, 0.7)
    point = (1 - counts.specificity, counts.sensitivity)
    assert np.isclose(np.column_stack([false_alarms, found]), point).all(axis=1).any()
    assert np.trapezoid(found, false_alarms) == pytest.approx(auroc(positive, p))
    recall, precision = precision_recall_curve(positive, p)
    point = (counts.sensitivity, counts.tp / (counts.tp + counts.fp))
    assert np.isclose(np.column_stack([recall, precision]), point).all(axis=1).any()
    steps = np.diff(recall) @ precision[1:]
    assert average_precision(positive, p) == pytest.approx(steps)


def test_one_class_alone_has_no_auroc() -> None:
    assert np.isnan(auroc(np.ones(4, dtype=bool), np.arange(4.0)))
    assert np.isnan(average_precision(np.zeros(4, dtype=bool), np.arange(4.0)))
    assert np.isnan(confusion(np.ones(4, dtype=bool), np.arange(4.0), 1).specificity)


def test_calibration_error_by_hand() -> None:
    p = np.array([0.15, 0.15, 0.15, 0.15, 0.95, 1.0])
    positive = np.array([True, False, False, False, True, True])
    # bins: four films at .15 of which .25 are sick, two at .975 of which all are
    assert expected_calibration_error(positive, p) == pytest.approx((4 * 0.10 + 2 * 0.025) / 6)


def test_the_temperature_that_made_the_logits_is_found_again() -> None:
    rng = np.random.default_rng(5)
    true_logits = rng.normal(0, 2, (4000, 3))
    drawn = [rng.choice(3, p=row) for row in softmax(true_logits)]
    allowed = np.eye(3, dtype=bool)[drawn]
    assert fit_temperature(2.5 * true_logits, allowed, np.ones(4000)) == pytest.approx(2.5, rel=0.1)


def test_a_film_of_unknown_cause_fits_the_temperature_by_the_sum() -> None:
    logits = np.array([[0.0, 4.0, 4.0], [4.0, 0.0, 0.0]])
    allowed = np.array([[False, True, True], [True, False, False]])
    assert fit_temperature(logits, allowed, np.ones(2)) < 0.3  # both are right: sharpen


def test_sources_and_classes_weigh_the_same() -> None:
    sources = np.array(["a"] * 90 + ["b"] * 10)
    positive = np.array([True] * 60 + [False] * 35 + [True] * 5)
    weights = source_weights(sources, positive)
    assert weights.mean() == pytest.approx(1)
    totals = [
        weights[(sources == s) & (positive == c)].sum()
        for s, c in (("a", True), ("a", False), ("b", True), ("b", False))
    ]
    assert totals == pytest.approx([25] * 4)


def test_thresholds() -> None:
    positive, p = _films(7, n=4000)
    weights = np.ones(len(p))
    screening = screening_threshold(positive, p, weights)
    assert confusion(positive, p, screening).sensitivity >= 0.97
    assert confusion(positive, p, screening + 0.02).sensitivity < 0.98
    chosen = surveillance_threshold(positive, p, weights)
    assert _variance(positive, p, chosen) <= 1.05 * min(
        _variance(positive, p, t) for t in np.linspace(0.05, 0.95, 91)
    )


def _variance(positive: np.ndarray, p: np.ndarray, threshold: float) -> float:
    """Of the Rogan-Gladen estimate at prevalence .3, by simulation of its parts."""
    rng = np.random.default_rng(0)
    counts = confusion(positive, p, threshold)
    n, draws = 2000, 4000
    sensitivity = rng.binomial(n, counts.sensitivity, draws) / n
    specificity = rng.binomial(n, counts.specificity, draws) / n
    called = rng.binomial(n, 0.3 * counts.sensitivity + 0.7 * (1 - counts.specificity), draws) / n
    return float(np.var((called + specificity - 1) / (sensitivity + specificity - 1)))
