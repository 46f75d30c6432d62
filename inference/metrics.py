"""How good a classifier is: pure functions on NumPy arrays; scikit-learn does the arithmetic.

`positive` is (n,) bool, `probability` and `score` (n,) floats. What cannot be said, because a
class or every film is missing, is NaN. scikit-learn is imported where it is used: serving
needs the softmax of this module and must not pay a second for the rest.
"""

from dataclasses import dataclass

import numpy as np

CERTAIN = 1e-7  # probabilities are kept this far from 0 and 1 before a logarithm


@dataclass(frozen=True, slots=True)
class Confusion:
    """Counts at a threshold; a film at the threshold is called positive."""

    tp: int
    fn: int
    tn: int
    fp: int

    @property
    def sensitivity(self) -> float:
        return share(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float:
        return share(self.tn, self.tn + self.fp)

    @property
    def accuracy(self) -> float:
        return share(self.tp + self.tn, self.tp + self.fn + self.tn + self.fp)


def share(part: float, whole: float) -> float:
    """part of whole; NaN of nothing."""
    return part / whole if whole else float("nan")


def confusion(positive: np.ndarray, probability: np.ndarray, threshold: float) -> Confusion:
    """Counts of (n,) truths against (n,) probabilities, positive from the threshold on."""
    called = probability >= threshold
    return Confusion(
        tp=int(np.sum(called & positive)),
        fn=int(np.sum(~called & positive)),
        tn=int(np.sum(~called & ~positive)),
        fp=int(np.sum(called & ~positive)),
    )


def auroc(positive: np.ndarray, score: np.ndarray) -> float:
    """P(score of a sick film > score of a healthy one), ties one half (Mann-Whitney U)."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, score)) if both_classes(positive) else float("nan")


def average_precision(positive: np.ndarray, score: np.ndarray) -> float:
    """Sum over thresholds of precision times the recall gained there."""
    from sklearn.metrics import average_precision_score

    known = bool(positive.any())
    return float(average_precision_score(positive, score)) if known else float("nan")


def roc_curve(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(1 - specificity, sensitivity) from (0, 0) to (1, 1), one point for each distinct score.

    Both classes must be there.
    """
    from sklearn import metrics

    false_alarms, found, _ = metrics.roc_curve(positive, score, drop_intermediate=False)
    return np.asarray(false_alarms), np.asarray(found)


def precision_recall_curve(
    positive: np.ndarray, score: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(recall, precision), recall rising from 0. A positive film must be there."""
    from sklearn import metrics

    precision, recall, _ = metrics.precision_recall_curve(positive, score)
    return np.asarray(recall[::-1]), np.asarray(precision[::-1])


def log_loss(positive: np.ndarray, probability: np.ndarray) -> float:
    """Mean of -log of the probability given to what was true."""
    from sklearn import metrics

    if not len(positive):
        return float("nan")
    kept = np.clip(probability.astype(np.float64), CERTAIN, 1 - CERTAIN)
    return float(metrics.log_loss(positive, kept, labels=[False, True]))


def brier(positive: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared distance of the probability from the truth."""
    from sklearn.metrics import mean_squared_error  # brier_score_loss wants two classes

    return float(mean_squared_error(positive, probability)) if len(positive) else float("nan")


def both_classes(positive: np.ndarray) -> bool:
    """Are there sick films and healthy ones?"""
    return bool(positive.any() and not positive.all())


@dataclass(frozen=True, slots=True)
class Reliability:
    """Films by predicted probability, in bins of equal width; NaN where a bin is empty."""

    count: np.ndarray
    predicted: np.ndarray
    observed: np.ndarray


def reliability(positive: np.ndarray, probability: np.ndarray, bins: int = 10) -> Reliability:
    """Mean prediction, observed share and count in equal bins of probability, each (bins,)."""
    index = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(index, probability, bins) / count
        observed = np.bincount(index, positive.astype(float), bins) / count
    return Reliability(count, predicted, observed)


def expected_calibration_error(
    positive: np.ndarray, probability: np.ndarray, bins: int = 10
) -> float:
    """Mean |observed - predicted| over the bins, weighted by their films (Guo 2017)."""
    if not len(positive):
        return float("nan")
    table = reliability(positive, probability, bins)
    used = table.count > 0
    gap = np.abs(table.observed[used] - table.predicted[used])
    return float(np.sum(gap * table.count[used]) / table.count.sum())


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(n, classes) probabilities of logits divided by the temperature."""
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
