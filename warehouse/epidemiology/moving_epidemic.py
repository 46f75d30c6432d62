"""The moving epidemic method: when a seasonal epidemic begins, and how strong it is."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warehouse.epidemiology.arguments import Floats, at_least, share
from warehouse.epidemiology.proportions import normal_quantile
from warehouse.epidemiology.smoothing import fill_missing, smooth

VALUES = 30  # pre-epidemic values that are used over all seasons


@dataclass(frozen=True, slots=True)
class MovingEpidemic:
    """Thresholds for the coming season, and what each past one was.

    pre_threshold and post_threshold: rates above which an epidemic begins, below which it is
    over; pre_interval, post_interval: (low, mean, high) whose high they are. intensity_levels and
    intensity_thresholds: where medium, high and very high begin. start and end: the zero-based
    first and last epidemic week of each season that was used (−1 where it had none). values: how
    many of each season's highest rates were used.
    """

    pre_threshold: float
    post_threshold: float
    pre_interval: Floats
    post_interval: Floats
    intensity_levels: tuple[float, ...]
    intensity_thresholds: Floats
    start: NDArray[np.int_]
    end: NDArray[np.int_]
    values: int


def moving_epidemic_thresholds(
    seasons: ArrayLike,
    level: float = 0.95,
    *,
    intensity_levels: Sequence[float] = (0.40, 0.90, 0.975),
    slope: float = 2.8,
    values: int | None = None,
    most_seasons: int = 10,
) -> MovingEpidemic:
    """Thresholds by the moving epidemic method, as R mem's memmodel with its defaults.

    For each length r the share of a season's sum that its best r weeks in a row hold is smoothed
    (local linear, bandwidth 1). The epidemic is the best run of the longest r whose last week
    adds `slope` percent or more. The `values` highest rates before it (by default 30 over the
    number of seasons), pooled over the seasons, have mean m and standard deviation s: the
    pre-epidemic threshold is m + z s, z = Φ⁻¹(level); the post-epidemic one is that of the rates
    after. Intensity thresholds: the same of the logarithms of the highest epidemic rates. Vega et
    al. 2013, doi:10.1111/j.1750-2659.2012.00422.x, and 2015, doi:10.1111/irv.12330.

    seasons: weekly rates, weeks × seasons as in mem, or a list of seasons (which may differ in
    length): the longer side is the weeks (with as many weeks as seasons the first). NaN between
    known rates is filled by the smoothed curve, at the ends it stays unknown. Seasons that sum to
    0 are passed over, and of more than most_seasons the last are used. Thresholds are NaN where
    fewer than two rates are left for one. ValueError for negative rates and under two seasons
    with cases.
    """
    share("level", level)
    at_least("slope", slope, 0)
    rates = _usable(seasons, most_seasons)
    count = max(1, round(VALUES / rates.shape[1])) if values is None else values
    at_least("values", count, 1)
    spans = [_epidemic(column, slope) for column in rates.T]
    before, during, after = _parts(rates, spans, count)
    pre, post = _interval(before, level), _interval(after, level)
    intensity = [_log_limit(during, share("intensity_levels", one)) for one in intensity_levels]
    start, end = np.array(spans).T
    return MovingEpidemic(
        float(pre[2]),
        float(post[2]),
        pre,
        post,
        tuple(intensity_levels),
        np.array(intensity),
        start,
        end,
        count,
    )


def _usable(seasons: ArrayLike, most: int) -> Floats:
    """Weeks × seasons, gaps filled."""
    rates = _table(seasons)
    if rates.ndim != 2:
        raise ValueError(f"seasons has {rates.ndim} dimensions; it is weeks × seasons")
    if (rates < 0).any() or np.isinf(rates).any():
        raise ValueError("seasons holds a rate that is negative or infinite")
    rates = rates.T if rates.shape[1] > rates.shape[0] else rates
    rates = rates[:, np.nansum(rates, 0) > 0][:, -most:]
    if rates.shape[1] < 2:
        raise ValueError(f"seasons has {rates.shape[1]} with cases; the method needs two or more")
    return np.column_stack([fill_missing(column) for column in rates.T])


def _table(seasons: ArrayLike) -> Floats:
    """An array; seasons of different lengths are filled up with NaN at their end."""
    if isinstance(seasons, list | tuple) and len({np.size(one) for one in seasons}) > 1:
        weeks = max(np.size(one) for one in seasons)
        table = np.full((len(seasons), weeks), np.nan)
        for row, one in zip(table, seasons, strict=True):
            row[: np.size(one)] = one
        return table
    return np.array(seasons, dtype=np.float64)


def _epidemic(season: Floats, slope: float) -> tuple[int, int]:
    """First and last week of the epidemic, (−1, −1) where no week adds `slope` percent."""
    y = np.nan_to_num(season)
    sums = np.concatenate([[0.0], np.cumsum(y)])
    runs = [sums[length:] - sums[: sums.size - length] for length in range(1, y.size + 1)]
    best = np.array([0.0, *(run.max() for run in runs)])
    added = np.diff(smooth(100 * best / y.sum(), bandwidth=1.0))
    slow = np.flatnonzero(added < slope)
    length = int(slow[0]) if slow.size else y.size
    if length == 0:
        return -1, -1
    run = runs[length - 1]
    first = int(np.flatnonzero(np.isclose(run, run.max(), rtol=1e-12, atol=0))[0])
    return first, first + length - 1


def _parts(
    rates: Floats, spans: Sequence[tuple[int, int]], count: int
) -> tuple[Floats, Floats, Floats]:
    """The highest rates before, during and after the epidemics, over all seasons."""
    parts: tuple[list[Floats], list[Floats], list[Floats]] = ([], [], [])
    for column, (first, last) in zip(rates.T, spans, strict=True):
        cut = (column, column[:0], column[:0])
        if first >= 0:
            cut = (column[:first], column[first : last + 1], column[last + 1 :])
        for part, values in zip(parts, cut, strict=True):
            part.append(np.sort(values[~np.isnan(values)])[::-1][:count])
    before, during, after = (np.concatenate(part) for part in parts)
    return before, during, after


def _interval(values: Floats, level: float) -> Floats:
    """(low, mean, high) of one more value, one-sided at `level` each."""
    if values.size < 2:
        return np.full(3, np.nan)
    half = normal_quantile(level) * values.std(ddof=1)
    return np.array([values.mean() - half, values.mean(), values.mean() + half])


def _log_limit(values: Floats, level: float) -> float:
    """Upper limit on the logarithmic scale; of the values + 1 where one of them is 0."""
    one = 1.0 if (values == 0).any() else 0.0
    return float(np.exp(_interval(np.log(values + one), level)[2]) - one)
