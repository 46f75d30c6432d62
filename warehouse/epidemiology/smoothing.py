"""Local linear regression with a normal kernel, as R's sm.regression."""

import numpy as np
from numpy.typing import NDArray

from warehouse.epidemiology.arguments import Floats


def smooth(y: Floats, bandwidth: float | None = None) -> Floats:
    """Smoothed values at 1, 2, …, len(y), not below 0; NaN in y is left out of the fit.

    bandwidth: the kernel's standard deviation; None: that of 6 degrees of freedom (h.select).
    Bowman & Azzalini 1997, Applied Smoothing Techniques for Data Analysis.
    """
    x = np.arange(1, y.size + 1, dtype=np.float64)
    known = ~np.isnan(y)
    if known.sum() < 2:
        return y.copy()
    h = _six_degrees(x[known]) if bandwidth is None else bandwidth
    return np.maximum(_weights(x, x[known], h) @ y[known], 0.0)


def fill_missing(y: Floats) -> Floats:
    """Values missing between known ones, from the smoothed curve; those at the ends stay NaN."""
    known = np.flatnonzero(~np.isnan(y))
    if not known.size or known.size == known[-1] - known[0] + 1:
        return y
    inside = np.zeros(y.size, dtype=np.bool_)
    inside[known[0] : known[-1]] = True
    gaps: NDArray[np.bool_] = inside & np.isnan(y)
    return np.where(gaps, smooth(y), y)


def _weights(at: Floats, x: Floats, h: float) -> Floats:
    """The smoothing matrix: each row's weights of the values at x."""
    away = x[None, :] - at[:, None]
    kernel = np.exp(-0.5 * (away / h) ** 2)
    s0, s1, s2 = (kernel.sum(1), (kernel * away).sum(1), (kernel * away**2).sum(1))
    top = kernel * (s2[:, None] - away * s1[:, None])
    weights: Floats = top / (s0 * s2 - s1**2)[:, None]
    return weights


def _six_degrees(x: Floats) -> float:
    """The bandwidth at which the smoothing matrix has trace 6, within h.select's bounds."""
    from scipy.optimize import minimize_scalar

    start = float(x.std(ddof=1)) / 2

    def miss(log_h: float) -> float:
        return float((np.trace(_weights(x, x, float(np.exp(log_h)))) - 6) ** 2)

    bounds = (float(np.log(start / 8)), float(np.log(start * 4)))
    as_r = {"xatol": float(np.finfo(np.float64).eps) ** 0.25}  # stops where optimize() does
    found = minimize_scalar(miss, bounds=bounds, method="bounded", options=as_r)
    return float(np.exp(found.x))
