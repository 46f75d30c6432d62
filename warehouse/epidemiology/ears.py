"""EARS C1, C2 and C3: signals for series with a short history."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warehouse.epidemiology.arguments import Floats, at_least, one_of, series, share
from warehouse.epidemiology.proportions import normal_quantile

LAGS = {"C1": 0, "C2": 2, "C3": 2}  # points between the baseline and the point that is judged
ALPHA = {"C1": 0.001, "C2": 0.001, "C3": 0.025}


@dataclass(frozen=True, slots=True)
class Ears:
    """Arrays as long as the counts. No alarm where the bound is NaN."""

    upper_bound: Floats
    alarm: NDArray[np.bool_]


def ears(
    counts: ArrayLike,
    method: str = "C1",
    baseline: int = 7,
    alpha: float | None = None,
    minimum_sd: float = 0.0,
) -> Ears:
    """The Early Aberration Reporting System's bounds for one series, as surveillance's earsC.

    With mean m and standard deviation s (at least `minimum_sd`) of the baseline points t−7…t−1
    (C1) or t−9…t−3 (C2, C3), and z = Φ⁻¹(1 − α): the bound of C1 and C2 is m + z s; that of C3 is
    y_t + s (z − Σ max(0, C2_j − 1)) over j = t−1, t−2, C2 = (y − m)/s, and not below 0. α is
    0.001, for C3 0.025. Alarm where the count exceeds the bound; for C3, whose bound is relative
    to the count, that is where the two points before it sum to more than z. Hutwagner et al. 2003,
    doi:10.1007/PL00022319; Fricker et al. 2008, doi:10.1002/sim.3197.

    counts: one series; a missing one (NaN) leaves no bound where it is in the baseline. Bounds
    are NaN for the first baseline, baseline + 2, baseline + 4 points. A constant baseline has
    s = 0: any count above it is an alarm, unless `minimum_sd` says otherwise. ValueError for an
    unknown method, a baseline under 3 and a negative minimum_sd.
    """
    one_of("method", method, tuple(LAGS))
    at_least("baseline", baseline, 3)
    at_least("minimum_sd", minimum_sd, 0)
    y = series("counts", counts)
    z = normal_quantile(1 - share("alpha", ALPHA[method] if alpha is None else alpha))
    mean, sd = _baseline(y, baseline, LAGS[method], minimum_sd)
    bound = mean + z * sd if method != "C3" else _c3(y, mean, sd, z)
    with np.errstate(invalid="ignore"):
        return Ears(bound, y > bound)


def _baseline(y: Floats, size: int, lag: int, minimum_sd: float) -> tuple[Floats, Floats]:
    """Mean and standard deviation of the baseline of each point, NaN where it is not whole."""
    mean, sd = np.full(y.size, np.nan), np.full(y.size, np.nan)
    first = size + lag
    if y.size > first:
        windows = np.lib.stride_tricks.sliding_window_view(y, size)[: y.size - first]
        mean[first:] = windows.mean(1)
        sd[first:] = np.maximum(windows.std(1, ddof=1), minimum_sd)
    return mean, sd


def _c3(y: Floats, mean: Floats, sd: Floats, z: float) -> Floats:
    bound = np.full(y.size, np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        excess = np.maximum(0, (y - mean) / sd - 1)
        bound[2:] = y[2:] + sd[2:] * (z - (excess[:-2] + excess[1:-1]))
    return np.asarray(np.maximum(0, bound))
