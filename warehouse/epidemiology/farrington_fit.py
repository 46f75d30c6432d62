"""Quasi-Poisson regressions of many baselines at once, step by step as R's glm.

A baseline's regression has one level a season and, if wanted, a linear trend. Its normal
equations are an arrow: solved in closed form from sums over the seasons, without a matrix
inversion. Iterations begin, and stop, as glm's do (mean count + 0.1; relative change of the
deviance below 1e-8, at most 25), for the fitted values of a season without cases depend on it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from warehouse.epidemiology.arguments import Floats

TOLERANCE, ITERATIONS = 1e-8, 25
SMALLEST = float(np.finfo(np.float64).eps)  # glm's smallest fitted value


@dataclass(frozen=True, slots=True)
class Rows:
    """K baselines of n rows that have the same seasons.

    counts (K, n), 0 where `known` (K, n) is false; member (n, G) is 1 in the row's season;
    season (n,) is its position; time (K or 1, n) is 0 at the monitored point; log_exposure (K, n);
    current is the season of the monitored point.
    """

    counts: Floats
    known: Floats
    member: Floats
    season: NDArray[np.int_]
    time: Floats
    log_exposure: Floats
    current: int

    def take(self, chosen: NDArray[np.int_]) -> "Rows":
        """Some of the baselines."""
        time = self.time if len(self.time) == 1 else self.time[chosen]
        return Rows(
            self.counts[chosen],
            self.known[chosen],
            self.member,
            self.season,
            time,
            self.log_exposure[chosen],
            self.current,
        )


@dataclass(frozen=True, slots=True)
class Fit:
    """What a regression leaves, one row a baseline.

    fitted, weight (the last working weights) and hat (K, n); level (K,) the linear predictor at
    the monitored point without its exposure; leverage (K,) the variance of that over the
    dispersion; slope and slope_leverage likewise, NaN without a trend; freedom (K,) the residual
    degrees of freedom; converged (K,).
    """

    fitted: Floats
    weight: Floats
    hat: Floats
    level: Floats
    leverage: Floats
    slope: Floats
    slope_leverage: Floats
    freedom: Floats
    converged: NDArray[np.bool_]

    def dispersion(self, counts: Floats, weight: Floats | None = None) -> Floats:
        """Σ w (y − μ)²/μ² over the degrees of freedom, w the working weights unless given."""
        residual = counts / self.fitted - 1
        used = self.weight if weight is None else weight
        with np.errstate(divide="ignore", invalid="ignore"):
            freedom = np.where(self.freedom > 0, self.freedom, np.nan)
            return np.asarray((used * residual**2).sum(1) / freedom)


def fit(rows: Rows, prior: Floats, trend: bool) -> Fit:
    """Fit all baselines. prior (K, n): the weight of each count, 0 where it is not known."""
    y = rows.counts
    eta, mu = np.log(y + 0.1), y + 0.1
    weight = prior * mu
    level, slope = np.zeros((len(y), rows.member.shape[1])), np.zeros(len(y))
    constant = prior * (y * np.log(np.maximum(y, 1e-300)) - y)
    deviance = 2 * (constant - prior * (y * eta - mu)).sum(1)
    converged = np.zeros(len(y), dtype=np.bool_)
    active = np.arange(len(y))
    for _ in range(ITERATIONS):
        some = rows if active.size == len(y) else rows.take(active)
        weight[active] = prior[active] * mu[active]
        level[active], slope[active] = _solve(some, weight[active], eta[active], mu[active], trend)
        eta[active] = _predictor(some, level[active], slope[active])
        mu[active] = np.maximum(np.exp(eta[active]), SMALLEST)
        reached = constant[active] - prior[active] * (y[active] * eta[active] - mu[active])
        new = 2 * reached.sum(1)
        done = np.abs(new - deviance[active]) / (np.abs(new) + 0.1) < TOLERANCE
        deviance[active], converged[active] = new, done
        active = active[~done & np.isfinite(new)]
        if not active.size:
            break
    return _summary(rows, weight, mu, level, slope if trend else None, converged)


def _predictor(rows: Rows, level: Floats, slope: Floats) -> Floats:
    return level[:, rows.season] + slope[:, None] * rows.time + rows.log_exposure


def _solve(
    rows: Rows, weight: Floats, eta: Floats, mu: Floats, trend: bool
) -> tuple[Floats, Floats]:
    """Levels (K, G) and slope (K,) of one weighted least squares."""
    weighted = weight * (eta - rows.log_exposure + (rows.counts - mu) / mu)
    totals, slope = weighted @ rows.member, np.zeros(len(weight))
    sums, moments = _sums(rows, weight)
    if trend:
        spread = _spread(rows, weight, sums, moments)
        along = (weighted * rows.time).sum(1) - (moments * totals / sums).sum(1)
        slope = np.divide(along, spread, out=slope, where=spread > 0)
    return (totals - slope[:, None] * moments) / sums, slope


def _sums(rows: Rows, weight: Floats) -> tuple[Floats, Floats]:
    """Σ w and Σ w t by season, each (K, G); the first is tiny, not 0, for a season without rows."""
    sums = weight @ rows.member
    return np.where(sums > 0, sums, 1e-300), (weight * rows.time) @ rows.member


def _spread(rows: Rows, weight: Floats, sums: Floats, moments: Floats) -> Floats:
    """Σ w (t − mean time of the season)², (K,); 0 where the seasons leave no trend to see."""
    square = (weight * rows.time**2).sum(1)
    within = square - (moments**2 / sums).sum(1)
    return np.where(within > 1e-11 * square, within, 0.0)


def _summary(
    rows: Rows,
    weight: Floats,
    mu: Floats,
    level: Floats,
    slope: Floats | None,
    converged: NDArray[np.bool_],
) -> Fit:
    sums, moments = _sums(rows, weight)
    present, now = rows.known @ rows.member > 0, rows.current
    inverse = np.zeros(len(weight))
    if slope is not None:
        spread = _spread(rows, weight, sums, moments)
        inverse = np.divide(1.0, spread, out=inverse, where=spread > 0)
    centre = moments / sums
    away = rows.time - centre[:, rows.season]
    hat = weight * (1 / sums[:, rows.season] + away**2 * inverse[:, None])
    missing = np.full(len(weight), np.nan)
    return Fit(
        fitted=mu,
        weight=weight,
        hat=np.minimum(hat, 1.0),
        level=np.where(present[:, now], level[:, now], np.nan),
        leverage=1 / sums[:, now] + centre[:, now] ** 2 * inverse,
        slope=missing if slope is None else np.where(inverse > 0, slope, np.nan),
        slope_leverage=np.where(inverse > 0, inverse, np.nan),
        freedom=rows.known.sum(1) - present.sum(1) - (inverse > 0),
        converged=converged,
    )
