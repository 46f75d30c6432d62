"""Nowcast of counts that are still being reported: the chain ladder."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from warehouse.epidemiology.arguments import Floats, share
from warehouse.epidemiology.discrete import quantile

FEWEST_ROWS = 5  # complete rows from which a horizon's own over-dispersion is estimated


@dataclass(frozen=True, slots=True)
class Nowcast:
    """delay_pmf (delays,) sums to 1; estimate, low and high (reference dates,) are total counts."""

    delay_pmf: Floats
    estimate: Floats
    low: Floats
    high: Floats


def chain_ladder_nowcast(triangle: ArrayLike, level: float = 0.95) -> Nowcast:
    """Expected final counts of a reporting triangle, with a prediction interval.

    triangle (reference dates, delays): counts first reported at each delay, NaN where not yet
    observable (the end of a row; a row may be wholly NaN). Delays: each column over the columns
    before it, summed over the rows that have both (Mack 1993, doi:10.2143/AST.23.2.2005092), fill
    the triangle; the pmf is the share of each column. A row's next column is then
    (x + 1 − F)/F times the pmf, x what it holds so far and F the pmf summed so far: the mean of a
    total with a flat prior. Johnson et al. 2025, doi:10.12688/wellcomeopenres.25027.2, as
    baselinenowcast's estimate_delay and apply_delay.

    Interval, ours: what is to come is negative binomial with mean m = estimate − x and variance
    φ (m/F + ((x + 1)/F)² Σ f_j/((1 + f_j)² B_j)) (the delays' own uncertainty; f_j the factors
    over the sums B_j). φ ≥ 1 is by how much more than that complete rows, cut at the same delay,
    missed their totals; under 5 such rows, the Pearson dispersion of the cells. Complete rows
    have no width.

    NaN for a row of which nothing is known, and for incomplete rows where F is 0. ValueError for
    another shape, negative counts, a number after a NaN in its row, and no row that reached the
    last delay.
    """
    share("level", level)
    y = _checked(triangle)
    seen = ~np.isnan(y)
    factors, bases = _factors(y, seen)
    pmf = _delay_pmf(y, factors)
    known, cdf = seen.sum(1), np.cumsum(pmf)
    estimate = np.where(known > 0, _completed(y, pmf).sum(1), np.nan)
    observed = np.nansum(y, 1)
    reached = np.where(known > 0, cdf[np.maximum(known, 1) - 1], np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        estimate = np.where((reached > 0) | (known == y.shape[1]), estimate, np.nan)
        unit = _relative_variance(factors, bases)[np.maximum(known, 1) - 1]
        mean = np.maximum(estimate - observed, 0.0)
        variance = mean / reached + ((observed + 1) / reached) ** 2 * unit
        phi = _dispersion(y, pmf)[np.maximum(known, 1) - 1]
        over = np.where(mean > 0, np.maximum(phi * variance / mean, 1.0), 1.0)
    low, high = (observed + quantile(q, mean, over) for q in ((1 - level) / 2, (1 + level) / 2))
    complete = known == y.shape[1]
    return Nowcast(
        pmf, estimate, np.where(complete, observed, low), np.where(complete, observed, high)
    )


def _factors(y: Floats, seen: np.ndarray) -> tuple[Floats, Floats]:
    """For each delay after the first: reports at it over reports before it, and the latter."""
    delays = y.shape[1]
    bases = np.ones(delays)
    factors = np.zeros(delays)
    for j in range(1, delays):
        rows = y[seen[:, j], : j + 1]
        bases[j] = max(rows[:, :j].sum(), 1.0)
        factors[j] = rows[:, j].sum() / bases[j]
    return factors, bases


def _delay_pmf(y: Floats, factors: Floats) -> Floats:
    """Share of each column of the filled triangle; NaN where that is empty."""
    filled = y[~np.isnan(y[:, 0])].copy()
    for j in range(1, y.shape[1]):
        gap = np.isnan(filled[:, j])
        filled[gap, j] = factors[j] * filled[gap, :j].sum(1)
    total = filled.sum()
    return filled.sum(0) / total if total > 0 else np.full(y.shape[1], np.nan)


def _completed(y: Floats, pmf: Floats) -> Floats:
    """Each row filled delay by delay."""
    filled, cdf = y.copy(), np.cumsum(pmf)
    with np.errstate(divide="ignore", invalid="ignore"):
        for j in range(1, y.shape[1]):
            gap = np.isnan(filled[:, j])
            so_far = filled[gap, :j].sum(1)
            filled[gap, j] = (so_far + 1 - cdf[j - 1]) / cdf[j - 1] * pmf[j]
    return filled


def _relative_variance(factors: Floats, bases: Floats) -> Floats:
    """Σ f/((1 + f)² B) over the delays after each: the squared relative error of 1/F."""
    steps = factors / ((1 + factors) ** 2 * bases)
    return np.append(np.cumsum(steps[::-1])[::-1][1:], 0.0)


def _dispersion(y: Floats, pmf: Floats) -> Floats:
    """φ of each last seen delay, from complete rows cut there; NaN-free and at least 1."""
    rows, cdf = y[~np.isnan(y).any(1)], np.cumsum(pmf)
    if len(rows) < FEWEST_ROWS:
        return np.full(cdf.size, _cell_dispersion(y, pmf))
    so_far = np.cumsum(rows, axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = (so_far + 1) * (1 - cdf) / cdf
        squares = (so_far[:, -1:] - so_far - mean) ** 2 / (mean / cdf)
        phi = squares.sum(0) / (len(rows) - 1)
    return np.where(np.isfinite(phi), np.maximum(phi, 1.0), 1.0)


def _cell_dispersion(y: Floats, pmf: Floats) -> float:
    seen = ~np.isnan(y)
    share_seen = (seen * pmf).sum(1)
    with np.errstate(divide="ignore", invalid="ignore"):
        expected = (np.nansum(y, 1) / share_seen)[:, None] * pmf
        used = seen & (expected > 0)
        squares = np.where(used, (y - expected) ** 2 / expected, 0.0).sum()
    freedom = used.sum() - used.any(1).sum() - used.any(0).sum() + 1
    return float(max(squares / freedom, 1.0)) if freedom > 0 else 1.0


def _checked(triangle: ArrayLike) -> Floats:
    y = np.asarray(triangle, dtype=np.float64)
    if y.ndim != 2 or y.shape[1] < 2:
        raise ValueError(f"triangle has shape {y.shape}; it is reference dates × 2 or more delays")
    if (y < 0).any() or np.isinf(y).any():
        raise ValueError("triangle holds a count that is negative or infinite")
    missing = np.isnan(y)
    if (missing[:, :-1] & ~missing[:, 1:]).any():
        row = int(np.flatnonzero((missing[:, :-1] & ~missing[:, 1:]).any(1))[0])
        raise ValueError(f"triangle row {row} has a count after a NaN; only a row's end is unknown")
    if missing.any(1).all():
        raise ValueError(f"triangle has no row that reached delay {y.shape[1] - 1}")
    return y
