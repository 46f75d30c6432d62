"""A site's own calibration and thresholds, from its confirmed labels.

The probability of the model card is recalibrated by a line on the logit (Platt 1999),
shrunk towards the identity, as small samples need: Steyerberg et al. 2004, "Validation and
updating of predictive models based on logistic regression" (doi:10.1002/sim.1844). Thresholds
are then chosen as for the card, on the site's films alone. All of it is pure NumPy.
"""

import hashlib
from datetime import datetime

import numpy as np

from inference.calibration import screening_threshold, surveillance_threshold
from inference.metrics import CERTAIN, Confusion, confusion
from inference.records import SiteCalibration

# The prior, ours: 95 of 100 sites have a slope of 0.38 to 2.7 and an intercept of -2 to 2.
LOG_SLOPE_SD = 0.5
INTERCEPT_SD = 1.0
FOLDS = 5
_STEPS, _CLOSE = 100, 1e-9
_DECIMALS = 6  # of what is stored, so that the same labels give the same calibration anywhere


def fit_site(
    site_id: str,
    model_version: str,
    positive: np.ndarray,
    probability: np.ndarray,
    fitted_at: datetime,
) -> SiteCalibration:
    """The calibration of one site from (n,) truths and the card's (n,) probabilities.

    The order of the films decides which are held out together: it must say nothing of them.
    ValueError where a class has fewer films than there are folds.
    """
    if min(positive.sum(), (~positive).sum()) < FOLDS:
        raise ValueError(f"a site's calibration needs at least {FOLDS} films of each class")
    slope, intercept = fit_line(positive, probability)
    fitted = recalibrated(probability, slope, intercept)
    values = (slope, intercept, *thresholds(positive, fitted))
    counts = held_out_counts(positive, probability)
    return SiteCalibration(
        _identity(site_id, model_version, values, counts),
        site_id,
        model_version,
        *values,
        positives=int(positive.sum()),
        negatives=int((~positive).sum()),
        true_positives=counts.tp,
        false_negatives=counts.fn,
        true_negatives=counts.tn,
        false_positives=counts.fp,
        fitted_at=fitted_at,
    )


def calibrated(
    probability: float, site: SiteCalibration | None, threshold: float
) -> tuple[float, float]:
    """(probability, surveillance threshold) at a site; the card's own where it has none."""
    if site is None:
        return probability, threshold
    moved = recalibrated(np.array([probability]), site.slope, site.intercept)
    return float(moved[0]), site.surveillance


def fit_line(positive: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """(slope, intercept) of largest posterior: log slope ~ N(0, .5²), intercept ~ N(0, 1²).

    Fisher scoring on (log slope, intercept), steps halved until the posterior rises.
    """
    x, y = _logit(probability), positive.astype(np.float64)
    at = np.zeros(2)
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(at, x, y)
        step = np.linalg.solve(curvature, gradient)
        while _loss(at - step, x, y) > _loss(at, x, y) and np.abs(step).max() > _CLOSE:
            step /= 2
        at = at - step
        if np.abs(step).max() <= _CLOSE:
            break
    return round(float(np.exp(at[0])), _DECIMALS), round(float(at[1]), _DECIMALS)


def recalibrated(probability: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """(n,) probabilities of the logits intercept + slope · logit(p)."""
    return _sigmoid(intercept + slope * _logit(probability))


def as_the_card_said(probability: np.ndarray, slope: float, intercept: float) -> np.ndarray:
    """The inverse of `recalibrated`: what the model gave before a site's calibration."""
    return _sigmoid((_logit(probability) - intercept) / slope)


def thresholds(positive: np.ndarray, probability: np.ndarray) -> tuple[float, float]:
    """(surveillance, screening) on recalibrated probabilities, every film counting the same."""
    alike = np.ones(len(probability))
    surveillance = surveillance_threshold(positive, probability, alike)
    screening = screening_threshold(positive, probability, alike)
    return round(surveillance, _DECIMALS), round(screening, _DECIMALS)


def held_out_counts(positive: np.ndarray, probability: np.ndarray) -> Confusion:
    """Counts at the surveillance threshold, each film judged by a fit that has not seen it.

    Line and threshold are fitted on four of five stratified parts and counted on the fifth,
    in turn; counted on the films that chose it, a threshold looks better than it is.
    """
    part = _parts(positive)
    total = np.zeros(4, dtype=int)
    for number in range(FOLDS):
        out = part == number
        slope, intercept = fit_line(positive[~out], probability[~out])
        seen = recalibrated(probability[~out], slope, intercept)
        cut, _ = thresholds(positive[~out], seen)
        unseen = recalibrated(probability[out], slope, intercept)
        counts = confusion(positive[out], unseen, cut)
        total += (counts.tp, counts.fn, counts.tn, counts.fp)
    return Confusion(*total.tolist())


def _parts(positive: np.ndarray) -> np.ndarray:
    """(n,) 0 to FOLDS - 1, dealt out within each class in the order of the films."""
    part = np.zeros(len(positive), dtype=int)
    for own in (positive, ~positive):
        part[own] = np.arange(own.sum()) % FOLDS
    return part


def _identity(site_id: str, version: str, values: tuple[float, ...], counts: Confusion) -> str:
    """The same fit has the same id, so that a fit that changes nothing is seen as such."""
    text = repr((site_id, version, values, counts))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _derivatives(at: np.ndarray, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scaled = np.exp(at[0]) * x
    p = _sigmoid(at[1] + scaled)
    inner = np.stack([scaled, np.ones_like(x)])  # derivatives of the logit
    precision = np.array([1 / LOG_SLOPE_SD**2, 1 / INTERCEPT_SD**2])
    gradient = inner @ (p - y) + precision * at
    return gradient, (inner * (p * (1 - p))) @ inner.T + np.diag(precision)


def _loss(at: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Minus the log posterior, but for a constant."""
    logit = at[1] + np.exp(at[0]) * x
    prior = at[0] ** 2 / (2 * LOG_SLOPE_SD**2) + at[1] ** 2 / (2 * INTERCEPT_SD**2)
    return float(np.sum(np.logaddexp(0, logit) - y * logit) + prior)


def _logit(probability: np.ndarray) -> np.ndarray:
    p = np.clip(probability, CERTAIN, 1 - CERTAIN)
    return np.asarray(np.log(p) - np.log1p(-p))


def _sigmoid(logit: np.ndarray) -> np.ndarray:
    return np.asarray(0.5 * (1 + np.tanh(logit / 2)))
