"""A threshold judged: shares with their intervals, and what they mean at a prevalence."""

import math
from dataclasses import asdict, dataclass

import numpy as np

from inference.intervals import NOTHING, Interval, delong, wilson
from inference.judged import Judged
from inference.metrics import Confusion, confusion, reliability, share

PREVALENCES = (0.01, 0.05, 0.10, 0.20, 0.30, 0.50)
Z = 1.959964
BINS = 10


@dataclass(frozen=True, slots=True)
class Bin:
    """Films whose probability lies from `low` up to `high`."""

    low: float
    high: float
    n: int
    predicted: float  # mean probability
    observed: Interval  # share of sick films


def operating_point(judged: Judged, threshold: float) -> dict[str, object]:
    """Counts, sensitivity, specificity and accuracy at a threshold; predictive values."""
    counts = confusion(judged.positive, judged.p, threshold)
    return {
        "threshold": threshold,
        "confusion": asdict(counts),
        **rates(counts),
        "predictive_values": predictive_values(counts),
    }


def summary(judged: Judged) -> dict[str, object]:
    """The line of a subgroup: AUROC, and the rates at the surveillance threshold."""
    return {
        "n": len(judged.films),
        "positives": int(judged.positive.sum()),
        **keyed("auroc", delong(judged.positive, judged.p)),
        **rates(confusion(judged.positive, judged.p, judged.threshold)),
    }


def rates(counts: Confusion) -> dict[str, object]:
    """Accuracy, sensitivity, specificity: each with Wilson's interval beside it."""
    n = counts.tp + counts.fn + counts.tn + counts.fp
    return {
        **keyed("accuracy", wilson(counts.tp + counts.tn, n)),
        **keyed("sensitivity", wilson(counts.tp, counts.tp + counts.fn)),
        **keyed("specificity", wilson(counts.tn, counts.tn + counts.fp)),
    }


def predictive_values(counts: Confusion) -> list[dict[str, object]]:
    """PPV and NPV at each of PREVALENCES; empty where a class is missing."""
    if not counts.tp + counts.fn or not counts.tn + counts.fp:
        return []
    return [
        {
            "prevalence": prevalence,
            **keyed("ppv", _ppv(counts, prevalence)),
            **keyed("npv", _npv(counts, prevalence)),
        }
        for prevalence in PREVALENCES
    ]


def calibration_bins(positive: np.ndarray, p: np.ndarray) -> list[Bin]:
    """Tenths of probability that hold films, with Wilson's interval of what was seen there."""
    table = reliability(positive, p, BINS)
    return [
        Bin(
            at / BINS,
            (at + 1) / BINS,
            n,
            float(table.predicted[at]),
            wilson(round(table.observed[at] * n), n),
        )
        for at, n in enumerate(table.count.tolist())
        if n
    ]


def keyed(name: str, interval: Interval) -> dict[str, object]:
    """`name` and `name_interval`, as JSON has them: null where nothing can be said."""
    low, high = number(interval.low), number(interval.high)
    limits = None if low is None or high is None else [low, high]
    return {name: number(interval.estimate), f"{name}_interval": limits}


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else round(float(value), 6)


def _ppv(counts: Confusion, prevalence: float) -> Interval:
    """P Se / (P Se + (1-P)(1-Sp)), the share of called films that are sick at prevalence P."""
    return _bayes(counts.tp, counts.fn, counts.fp, counts.tn, prevalence)


def _npv(counts: Confusion, prevalence: float) -> Interval:
    """(1-P) Sp / ((1-P) Sp + P (1-Se)): the same with the classes exchanged."""
    return _bayes(counts.tn, counts.fp, counts.fn, counts.tp, 1 - prevalence)


def _bayes(hits: int, misses: int, alarms: int, quiet: int, prior: float) -> Interval:
    """The posterior and its logit interval: Mercaldo, Lau and Zhou 2007 (doi:10.1002/sim.2677).

    logit = log(a P) - log(b (1-P)), a the hit rate and b the alarm rate, of variance
    (1-a)/(a n1) + (1-b)/(b n0). Where a count is 0, z^2/2 is added to each for the limits, as
    they advise: a rate of 0 or 1 that was seen is no certainty.
    """
    estimate = share(prior * hits / (hits + misses), _called(hits, misses, alarms, quiet, prior))
    if math.isnan(estimate):  # no film at all is called so
        return NOTHING
    more = 0.0 if min(hits, misses, alarms, quiet) else Z * Z / 2
    n1, n0 = hits + misses + 2 * more, alarms + quiet + 2 * more
    a, b = (hits + more) / n1, (alarms + more) / n0
    logit = math.log(a * prior / (b * (1 - prior)))
    reach = Z * math.sqrt((1 - a) / (a * n1) + (1 - b) / (b * n0))
    low, high = (1 / (1 + math.exp(-limit)) for limit in (logit - reach, logit + reach))
    return Interval(estimate, min(low, estimate), max(high, estimate))


def _called(hits: int, misses: int, alarms: int, quiet: int, prior: float) -> float:
    return prior * hits / (hits + misses) + (1 - prior) * alarms / (alarms + quiet)
