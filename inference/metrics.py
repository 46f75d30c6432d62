"""How good a classifier is: pure functions on NumPy arrays, tested against scikit-learn.

`positive` is (n,) bool, `probability` (n,) in 0..1, `weights` (n,) or None for equal ones.
A share whose denominator is zero is NaN.
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
    sick, healthy = int(positive.sum()), int((~positive).sum())
    if not sick or not healthy:
        return float("nan")
    _, inverse, counts = np.unique(score, return_inverse=True, return_counts=True)
    mid_ranks = np.cumsum(counts) - (counts - 1) / 2
    rank_sum = mid_ranks[inverse][positive].sum()
    return float((rank_sum - sick * (sick + 1) / 2) / (sick * healthy))


def roc_curve(positive: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(1 - specificity, sensitivity) from (0, 0) to (1, 1), one point for each distinct score."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.diff(score[order]) != 0, True)
    hits = np.cumsum(positive[order])[last]
    alarms = np.cumsum(~positive[order])[last]
    sick, healthy = max(int(positive.sum()), 1), max(int((~positive).sum()), 1)
    return np.insert(alarms / healthy, 0, 0.0), np.insert(hits / sick, 0, 0.0)


def log_loss(positive: np.ndarray, probability: np.ndarray) -> float:
    """Mean of -log of the probability given to what was true."""
    if not len(positive):
        return float("nan")
    given = np.where(positive, probability, 1 - probability)
    return float(-np.log(np.clip(given, CERTAIN, 1.0)).mean())


def brier(positive: np.ndarray, probability: np.ndarray) -> float:
    """Mean squared distance of the probability from the truth."""
    if not len(positive):
        return float("nan")
    return float(np.mean((probability - positive) ** 2))


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
