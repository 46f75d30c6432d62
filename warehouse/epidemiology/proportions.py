"""Intervals for shares, and prevalence adjusted for an imperfect classifier."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist  # scipy.stats costs every command a second of start-up

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def critical_value(level: float) -> float:
    """Two-sided normal quantile z = Φ⁻¹(1 − α/2) of a confidence level in (0, 1)."""
    if not 0 < level < 1:
        raise ValueError(f"level is {level}; a confidence level lies between 0 and 1")
    return normal_quantile(0.5 + level / 2)


def normal_quantile(p: float) -> float:
    """Φ⁻¹(p), p in (0, 1)."""
    return NormalDist().inv_cdf(p)


def wilson_interval(x: ArrayLike, n: ArrayLike, level: float = 0.95) -> tuple[Floats, Floats]:
    """Wilson score interval (without continuity correction) for x of n.

    x and n are counts of any broadcastable shape; returns (low, high) of that shape, in
    [0, 1], NaN where n is 0. Wilson 1927, doi:10.1080/01621459.1927.10502953:
    (p + z²/2n ± z √(p(1−p)/n + z²/4n²)) / (1 + z²/n).
    """
    x, n = _counts(x, n)
    z = critical_value(level)
    with np.errstate(divide="ignore", invalid="ignore"):
        p = x / n
        centre = p + z**2 / (2 * n)
        half = z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
        low, high = (centre - half) / (1 + z**2 / n), (centre + half) / (1 + z**2 / n)
    low = np.where(x == 0, np.where(n > 0, 0.0, np.nan), low)
    high = np.where(x == n, np.where(n > 0, 1.0, np.nan), high)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


@dataclass(frozen=True, slots=True)
class AdjustedPrevalence:
    """A prevalence adjusted for sensitivity and specificity.

    `raw` is the estimate before it is clamped to [0, 1]; `clamped` says that it, or its
    whole interval, lay outside. Where `usable` is false, `reason` says why and the rest is NaN.
    """

    raw: float
    estimate: float
    low: float
    high: float
    clamped: bool
    usable: bool = True
    reason: str | None = None


def lang_reiczigel(
    x: float,
    n: float,
    tp: float,
    positives: float,
    tn: float,
    negatives: float,
    level: float = 0.95,
) -> AdjustedPrevalence:
    """Prevalence from x positive results in n, with the uncertainty of Se and Sp.

    Se = tp/positives and Sp = tn/negatives come from a validation sample. Lang & Reiczigel
    2014, doi:10.1016/j.prevetmed.2013.09.015, with the sign of its equation 4 put right.
    Refused (`usable` false) where Se + Sp − 1 is not surely above 0: such a classifier
    cannot tell the sick from the well, and any prevalence fits.
    """
    return stratified_prevalence([Stratum(x, n, tp, positives, tn, negatives)], level)


@dataclass(frozen=True, slots=True)
class Stratum:
    """X-rays that one classifier labelled: x positive of n, and its own validation counts.

    Strata whose validation films overlap carry the same `sample`.
    """

    x: float
    n: float
    tp: float
    positives: float
    tn: float
    negatives: float
    sample: str = ""


def stratified_prevalence(strata: Sequence[Stratum], level: float = 0.95) -> AdjustedPrevalence:
    """Prevalence over strata whose classifiers differ in sensitivity and specificity.

    P = Σ (n_k/n) P_k, each P_k adjusted by itself. The interval is MOVER (Zou & Donner 2008,
    doi:10.1002/sim.3095) over the strata's Lang-Reiczigel intervals [l_k, u_k], unclamped:
    P − √Σ d², d = (n_k/n)(P_k − l_k), and likewise above. Distances of strata that share their
    validation sample add up before they are squared, as if their errors were one; that is
    never too narrow. Of one stratum it is that stratum's own. Refused when any of them is.
    """
    for one in strata:
        if reason := _unusable(one.x, one.n, one.tp, one.positives, one.tn, one.negatives, level):
            return refused(reason)
    total = sum(one.n for one in strata)
    raw, below, above = 0.0, defaultdict[str, float](float), defaultdict[str, float](float)
    for one in strata:
        point, low, high = _lang_reiczigel(one, critical_value(level))
        raw += one.n / total * point
        below[one.sample] += one.n / total * (point - low)
        above[one.sample] += one.n / total * (high - point)
    if len(below) == 1:  # exactly the distances: a root of a square would lose a sign
        return clamp(raw, raw - sum(below.values()), raw + sum(above.values()))
    return clamp(raw, raw - math.hypot(*below.values()), raw + math.hypot(*above.values()))


def _lang_reiczigel(one: Stratum, z: float) -> tuple[float, float, float]:
    """Point and limits before they are clamped to [0, 1]."""
    x, n, tp, positives = one.x, one.n, one.tp, one.positives
    tn, negatives = one.tn, one.negatives
    n_adjusted = n + z**2
    apparent = (x + z**2 / 2) / n_adjusted
    se, sp = (tp + 1) / (positives + 2), (tn + 1) / (negatives + 2)
    youden = se + sp - 1
    raw = (apparent + sp - 1) / youden
    var_se, var_sp = se * (1 - se) / (positives + 2), sp * (1 - sp) / (negatives + 2)
    shift = 2 * z**2 * (raw * var_se - (1 - raw) * var_sp)
    variance = apparent * (1 - apparent) / n_adjusted + raw**2 * var_se + (1 - raw) ** 2 * var_sp
    half = z * math.sqrt(variance) / youden
    unadjusted = rogan_gladen_point(x / n, tp / positives, tn / negatives)
    return unadjusted, raw + shift - half, raw + shift + half


def rogan_gladen_point(apparent: float, se: float, sp: float) -> float:
    """P = (AP + Sp − 1)/(Se + Sp − 1); Rogan & Gladen 1978, not clamped."""
    return (apparent + sp - 1) / (se + sp - 1)


def clamp(raw: float, low: float, high: float) -> AdjustedPrevalence:
    """Point and limits in [0, 1], with the point as it was and a mark where it lay outside."""
    estimate = min(max(raw, 0.0), 1.0)
    bounded_low, bounded_high = min(max(low, 0.0), 1.0), min(max(high, 0.0), 1.0)
    outside = raw != estimate or low > 1 or high < 0
    return AdjustedPrevalence(raw, estimate, bounded_low, bounded_high, outside)


def refused(reason: str) -> AdjustedPrevalence:
    """No prevalence, and why."""
    return AdjustedPrevalence(math.nan, math.nan, math.nan, math.nan, False, False, reason)


def _unusable(
    x: float, n: float, tp: float, positives: float, tn: float, negatives: float, level: float
) -> str | None:
    if n <= 0:
        return "no X-rays"
    if positives <= 0 or negatives <= 0:
        return "no confirmed labels to know sensitivity and specificity from"
    if not (0 <= x <= n and 0 <= tp <= positives and 0 <= tn <= negatives):
        raise ValueError("a count is negative or larger than its total")
    se, sp = (tp + 1) / (positives + 2), (tn + 1) / (negatives + 2)
    spread = math.sqrt(se * (1 - se) / (positives + 2) + sp * (1 - sp) / (negatives + 2))
    if se + sp - 1 - critical_value(level) * spread <= 0:
        return "sensitivity + specificity − 1 is not surely above 0"
    return None


def _counts(x: ArrayLike, n: ArrayLike) -> tuple[Floats, Floats]:
    counted, total = np.broadcast_arrays(
        np.asarray(x, dtype=np.float64), np.asarray(n, dtype=np.float64)
    )
    if np.any(counted < 0) or np.any(counted > total):
        raise ValueError("x must lie between 0 and n")
    return counted, total
