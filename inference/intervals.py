"""Intervals for what an evaluation says: Wilson for shares, DeLong for areas under the curve."""

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its limits, NaN where nothing can be said."""

    estimate: float
    low: float
    high: float


NOTHING = Interval(math.nan, math.nan, math.nan)


def wilson(part: int, whole: int, level: float = LEVEL) -> Interval:
    """A share and Wilson's score interval (1927, doi:10.1080/01621459.1927.10502953),

    (p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n).
    """
    if not whole:
        return NOTHING
    z, p = _quantile(level), part / whole
    middle = p + z * z / (2 * whole)
    reach = z * math.sqrt(p * (1 - p) / whole + (z / (2 * whole)) ** 2)
    scale = 1 + z * z / whole
    return Interval(p, max((middle - reach) / scale, 0.0), min((middle + reach) / scale, 1.0))


def areas(positive: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Areas (k,) of k scores of the same films, scores (k, n), and their covariance (k, k).

    DeLong, DeLong and Clarke-Pearson 1988 (doi:10.2307/2531595) by the midranks of Sun and Xu
    2014 (doi:10.1109/LSP.2014.2337313): with m sick and n healthy films, T the midranks among
    all and R those within a class, V10 = (T - R)/n of the sick, V01 = 1 - (T - R)/m of the
    healthy, area = mean V10, covariance = cov(V10)/m + cov(V01)/n. NaN covariance where a
    class has fewer than two films. Both classes must be there.
    """
    from scipy.stats import rankdata

    sick, healthy = scores[:, positive], scores[:, ~positive]
    m, n = sick.shape[1], healthy.shape[1]
    ranks = rankdata(np.hstack([sick, healthy]), axis=1)
    v10 = (ranks[:, :m] - rankdata(sick, axis=1)) / n
    v01 = 1 - (ranks[:, m:] - rankdata(healthy, axis=1)) / m
    if min(m, n) < 2:
        return v10.mean(axis=1), np.full((len(scores), len(scores)), np.nan)
    return v10.mean(axis=1), np.atleast_2d(np.cov(v10)) / m + np.atleast_2d(np.cov(v01)) / n


def delong(positive: np.ndarray, score: np.ndarray, level: float = LEVEL) -> Interval:
    """AUROC with DeLong's interval, cut at 0 and 1.

    Classes that are separated altogether have a DeLong variance of 0, which is no certainty:
    the interval is then Wilson's for as many successes as the smaller class has films.
    """
    return within(positive, score, np.zeros(len(positive)), level, fewest=1)


def within(
    positive: np.ndarray,
    score: np.ndarray,
    strata: np.ndarray,
    level: float = LEVEL,
    fewest: int = 2,
) -> Interval:
    """AUROC of pairs from the same stratum alone: what a score knows beyond the stratum.

    The strata's areas weighted by their pairs of a sick and a healthy film, the DeLong
    variances by the squares of those weights. Strata with fewer than `fewest` films of a
    class are left out.
    """
    parts = []
    for name in np.unique(strata):
        truth, own = positive[strata == name], score[strata == name]
        sick, healthy = int(truth.sum()), int((~truth).sum())
        if min(sick, healthy) >= fewest:
            (area,), covariance = areas(truth, own[None, :])
            parts.append((sick * healthy, area, covariance[0, 0], min(sick, healthy)))
    if not parts:
        return NOTHING
    pairs, area, variance, smaller = (np.array(column) for column in zip(*parts, strict=True))
    weights = pairs / pairs.sum()
    return _area(float(weights @ area), float(weights**2 @ variance), int(smaller.sum()), level)


def delong_difference(
    positive: np.ndarray, score: np.ndarray, other: np.ndarray, level: float = LEVEL
) -> Interval:
    """AUROC of `score` less that of `other` on the same films, with DeLong's paired interval."""
    if positive.all() or not positive.any():
        return NOTHING
    area, covariance = areas(positive, np.stack([score, other]))
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    reach = _quantile(level) * math.sqrt(max(float(variance), 0.0))
    difference = float(area[0] - area[1])
    return Interval(difference, difference - reach, difference + reach)


def _area(area: float, variance: float, smaller: int, level: float) -> Interval:
    if area in (0.0, 1.0):
        limits = wilson(round(area) * smaller, smaller, level)
        return Interval(area, limits.low, limits.high)
    reach = _quantile(level) * math.sqrt(variance)
    return Interval(area, *np.clip([area - reach, area + reach], 0.0, 1.0).tolist())


def _quantile(level: float) -> float:
    return NormalDist().inv_cdf((1 + level) / 2)
