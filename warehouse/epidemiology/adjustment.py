"""Prevalence adjusted for a sensitivity and a specificity that are taken as known."""

import math

from warehouse.epidemiology.arguments import one_of, share
from warehouse.epidemiology.binomial import blaker, clopper_pearson
from warehouse.epidemiology.proportions import (
    AdjustedPrevalence,
    clamp,
    refused,
    rogan_gladen_point,
    wilson_interval,
)

METHODS = ("wilson", "clopper-pearson", "blaker")


def rogan_gladen(
    x: float,
    n: float,
    sensitivity: float,
    specificity: float,
    level: float = 0.95,
    method: str = "wilson",
) -> AdjustedPrevalence:
    """Prevalence from x positive results in n, Se and Sp known without error.

    P = (x/n + Sp − 1)/(Se + Sp − 1) of the share and of both limits of its interval by `method`.
    Rogan & Gladen 1978, doi:10.1093/oxfordjournals.aje.a112510; limits as epiR's epi.prev, which
    does not clamp: here `raw` is not clamped, the other three are. Not usable (NaN, with the
    reason) where n is 0 or Se + Sp − 1 is not above 0. ValueError for counts or shares out of
    their range, for an unknown method, and for Blaker's of counts that are not whole.
    """
    one_of("method", method, METHODS)
    share("level", level)
    _check(x, n, sensitivity, specificity)
    if n == 0:
        return refused("no X-rays")
    if sensitivity + specificity - 1 <= 0:
        return refused("sensitivity + specificity − 1 is not above 0")
    low, high = _apparent(x, n, level, method)
    points = (rogan_gladen_point(p, sensitivity, specificity) for p in (x / n, low, high))
    return clamp(*points)


def _apparent(x: float, n: float, level: float, method: str) -> tuple[float, float]:
    if method == "clopper-pearson":
        return clopper_pearson(x, n, level)
    if method == "blaker":
        return blaker(x, n, level)
    low, high = wilson_interval(x, n, level)
    return float(low), float(high)


def _check(x: float, n: float, sensitivity: float, specificity: float) -> None:
    if not 0 <= x <= n or math.isinf(n):
        raise ValueError(f"x is {x} and n is {n}; x lies between 0 and n")
    for name, value in (("sensitivity", sensitivity), ("specificity", specificity)):
        if not 0 <= value <= 1:
            raise ValueError(f"{name} is {value}; it lies between 0 and 1")
