"""Temperature and thresholds, chosen on validation films only."""

import numpy as np

from inference.metrics import CERTAIN, softmax

TEMPERATURES = np.exp(np.linspace(np.log(0.25), np.log(6.0), 160))
THRESHOLDS = np.linspace(0.02, 0.98, 193)
PREVALENCE = 0.3  # at which surveillance is meant to be sharpest
SCREENING_SENSITIVITY = 0.97


def source_weights(sources: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """Weights (n,), mean 1, under which every source and class within it counts the same."""
    groups = np.char.add(sources.astype(str), np.where(positive, "+", "-"))
    _, inverse, counts = np.unique(groups, return_inverse=True, return_counts=True)
    weights = 1.0 / counts[inverse]
    return np.asarray(weights / weights.mean())


def fit_temperature(logits: np.ndarray, allowed: np.ndarray, weights: np.ndarray) -> float:
    """The temperature of least weighted loss -log p(what is known of the film).

    logits (n, classes); allowed (n, classes) bool, more than one where the cause is unknown.
    Temperature scaling: Guo et al. 2017, arXiv:1706.04599.
    """
    losses = [_loss(softmax(logits, t), allowed, weights) for t in TEMPERATURES]
    return float(TEMPERATURES[int(np.argmin(losses))])


def surveillance_threshold(
    positive: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> float:
    """The threshold at which the adjusted prevalence varies least.

    Rogan-Gladen P = (A + Sp - 1) / J, A the called share, J = Se + Sp - 1. By the delta method
    n Var(P) = [A(1-A) + P^2 Se(1-Se) r + (1-P)^2 Sp(1-Sp) r] / J^2, with r = 1: a validation
    set of each class as large as the sample. (Youden's J alone ignores the numerator.)
    """
    sensitivity, specificity = _rates(positive, probability, weights)
    index = sensitivity + specificity - 1
    called = PREVALENCE * sensitivity + (1 - PREVALENCE) * (1 - specificity)
    variance = called * (1 - called)
    variance += PREVALENCE**2 * sensitivity * (1 - sensitivity)
    variance += (1 - PREVALENCE) ** 2 * specificity * (1 - specificity)
    with np.errstate(divide="ignore"):
        variance = np.where(index > 0.01, variance / np.maximum(index, 0.01) ** 2, np.inf)
    if not np.isfinite(variance).any():
        return 0.5
    return float(_middle_of_minimum(variance))


def screening_threshold(
    positive: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> float:
    """The highest threshold that still finds 97 % of the sick."""
    sensitivity, _ = _rates(positive, probability, weights)
    enough = THRESHOLDS[sensitivity >= SCREENING_SENSITIVITY]
    return float(enough.max()) if enough.size else float(THRESHOLDS[0])


def _rates(
    positive: np.ndarray, probability: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Weighted sensitivity and specificity at every one of THRESHOLDS."""
    called = probability[None, :] >= THRESHOLDS[:, None]
    sick, healthy = weights * positive, weights * ~positive
    sensitivity = called @ sick / max(sick.sum(), CERTAIN)
    return sensitivity, ~called @ healthy / max(healthy.sum(), CERTAIN)


def _middle_of_minimum(variance: np.ndarray) -> float:
    """The centre of the flat bottom: the lowest single point of a rough curve is chance."""
    low = THRESHOLDS[variance <= variance.min() * 1.02]
    return float(np.median(low))


def _loss(probability: np.ndarray, allowed: np.ndarray, weights: np.ndarray) -> float:
    given = np.clip((probability * allowed).sum(axis=1), CERTAIN, 1.0)
    return float(np.average(-np.log(given), weights=weights))
