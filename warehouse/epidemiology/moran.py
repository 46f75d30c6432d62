"""Local Moran's I: regions whose neighbours are like them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from warehouse.epidemiology.arguments import Floats


@dataclass(frozen=True, slots=True)
class LocalMoran:
    """Arrays as long as the values; p_value is two-sided."""

    statistic: Floats
    expected: Floats
    variance: Floats
    p_value: Floats


def local_moran(values: ArrayLike, neighbours: Sequence[Sequence[int]]) -> LocalMoran:
    """Local Moran's I with row-standardised weights, as spdep's localmoran (1.2).

    With z = x − x̄, m = Σ z²/n and W the number 1 (0 for an island), V = Σ_j w_ij²:
    I = z/m Σ_j w_ij z_j; conditional on x_i E = −z² W/((n − 1) m) and
    Var = (z/m)² n/(n − 2) (V − W²/(n − 1)) (m − z²/(n − 1)); p is two-sided from the normal.
    Anselin 1995, doi:10.1111/j.1538-4632.1995.tb00338.x; moments of Sokal et al. 1998,
    doi:10.1111/j.1538-4632.1998.tb00406.x.

    values: one a region; neighbours: for each region the zero-based positions of its neighbours.
    An island has I = E = Var = 0 and a p of NaN. Constant values leave all NaN. The p values are
    of one region each: control the false discovery over them. ValueError under 3 regions, for a
    missing value, and for a neighbour that is no other region, or twice the same.
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or x.size < 3 or not np.isfinite(x).all():
        raise ValueError("values is one finite number for each of 3 or more regions")
    _check(neighbours, x.size)
    z = x - x.mean()
    m = float((z**2).mean())
    if np.ptp(x) == 0:
        nothing = np.full(x.size, np.nan)
        return LocalMoran(nothing, nothing, nothing, nothing)
    return _moments(z, m, neighbours)


def _moments(z: Floats, m: float, neighbours: Sequence[Sequence[int]]) -> LocalMoran:
    from scipy.special import ndtr

    n = z.size
    count = np.array([len(near) for near in neighbours], dtype=np.float64)
    lag = np.array([z[list(near)].mean() if len(near) else 0.0 for near in neighbours])
    linked = (count > 0).astype(np.float64)
    squares = np.divide(1.0, count, out=np.zeros(n), where=count > 0)
    statistic = z / m * lag
    expected = -(z**2) * linked / ((n - 1) * m)
    spread = squares - linked / (n - 1)
    variance = (z / m) ** 2 * n / (n - 2) * spread * (m - z**2 / (n - 1))
    with np.errstate(divide="ignore", invalid="ignore"):
        p_value = 2 * ndtr(-np.abs((statistic - expected) / np.sqrt(variance)))
    return LocalMoran(statistic, expected, variance, p_value)


def _check(neighbours: Sequence[Sequence[int]], regions: int) -> None:
    if len(neighbours) != regions:
        raise ValueError(f"neighbours has {len(neighbours)} lists for {regions} values")
    for region, near in enumerate(neighbours):
        own = {int(one) for one in near}
        if len(own) != len(near) or region in own or not own <= set(range(regions)):
            raise ValueError(
                f"neighbours[{region}] is {list(near)}; it holds other regions, each once"
            )
