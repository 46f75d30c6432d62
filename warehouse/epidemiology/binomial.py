"""Exact intervals for one binomial share: Clopper-Pearson and Blaker."""

import math

STEP = 1e-4  # of Blaker's limits


def clopper_pearson(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """(low, high): the shares that neither one-sided binomial test at (1 − level)/2 rejects.

    Quantiles of Beta(x, n − x + 1) and Beta(x + 1, n − x). Clopper & Pearson 1934,
    doi:10.1093/biomet/26.4.404. Expects 0 ≤ x ≤ n, n > 0.
    """
    from scipy.special import betaincinv

    tail = (1 - level) / 2
    low = 0.0 if x == 0 else float(betaincinv(x, n - x + 1, tail))
    high = 1.0 if x == n else float(betaincinv(x + 1, n - x, 1 - tail))
    return low, high


def blaker(x: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """(low, high): the smallest and largest share whose acceptability is 1 − level or more.

    Acceptability of p is the smaller tail at x plus the largest tail on the other side that does
    not exceed it. Blaker 2000, doi:10.2307/3315916. Both limits are widened to steps of 0.0001
    from Clopper-Pearson's, as in Blaker's own program and R's epi.prev. Expects 0 ≤ x ≤ n, n > 0;
    ValueError for counts that are not whole.
    """
    if x != int(x) or n != int(n):
        raise ValueError(f"x is {x} and n is {n}; Blaker's interval needs whole numbers")
    return _blaker_low(x, n, level), 1 - _blaker_low(n - x, n, level)


def _blaker_low(x: float, n: float, level: float) -> float:
    from scipy.optimize import brentq

    if x == 0:
        return 0.0
    low, _ = clopper_pearson(x, n, level)
    far = _far_tail(x, n, low, -1)

    def excess(p: float) -> float:
        return _at_least(x, n, p) + _at_most(far, n, p) - (1 - level)

    def gap(p: float) -> float:
        return _at_most(far + 1, n, p) - _at_least(x, n, p)

    # Up to the share at which one more outcome joins the far tail the graph falls, then rises.
    jump = float(brentq(gap, low, 1.0))
    crosses = excess(low) < 0 < excess(jump)
    exact = float(brentq(excess, low, jump)) if crosses else jump
    low += STEP * max(math.floor((exact - low) / STEP) - 1, 0)
    while _acceptability(x, n, low + STEP, far) < 1 - level:
        low += STEP
    return low


def _acceptability(x: float, n: float, p: float, far: int) -> float:
    return _at_least(x, n, p) + _at_most(_far_tail(x, n, p, far), n, p)


def _far_tail(x: float, n: float, p: float, least: int) -> int:
    """The largest k whose P(X ≤ k) is not above P(X ≥ x); at least `least`."""
    from scipy.special import bdtrik

    near = _at_least(x, n, p)
    k = max(least, int(bdtrik(near, n, p)) - 2) if near > 0 else least
    while k + 1 < x and _at_most(k + 1, n, p) <= near:
        k += 1
    return k


def _at_least(x: float, n: float, p: float) -> float:
    """P(X ≥ x) of Binomial(n, p), x ≥ 1."""
    from scipy.special import betainc

    return float(betainc(x, n - x + 1, p))


def _at_most(k: float, n: float, p: float) -> float:
    """P(X ≤ k) of Binomial(n, p)."""
    from scipy.special import betainc

    if k < 0:
        return 0.0
    return 1.0 if k >= n else float(betainc(n - k, k + 1, 1 - p))
