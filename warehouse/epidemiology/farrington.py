"""Farrington Flexible: is this week's count more than the same weeks of past years foretell?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warehouse.epidemiology.arguments import Floats, at_least, one_of, share
from warehouse.epidemiology.farrington_bounds import POWERS, delta, plug_in
from warehouse.epidemiology.farrington_fit import Rows
from warehouse.epidemiology.farrington_history import History, history
from warehouse.epidemiology.farrington_model import Options, Prediction, predict
from warehouse.epidemiology.farrington_points import calendar, monitored, observed

METHODS = ("nbPlugin", "delta", "muan")
Ints = NDArray[np.int_]


@dataclass(frozen=True, slots=True)
class Farrington:
    """Arrays with one value for each of the zero-based positions `at`.

    expected and upper_bound are NaN where the last weeks had too few cases (`limit`) or the model
    did not converge; the others in the latter case alone. alarm and trend_used are booleans.
    """

    at: Ints
    expected: Floats
    upper_bound: Floats
    score: Floats
    alarm: NDArray[np.bool_]
    p_value: Floats
    dispersion: Floats
    trend_used: NDArray[np.bool_]


def farrington_flexible(
    counts: ArrayLike,
    dates: Sequence[date] | NDArray[np.datetime64] | None = None,
    exposure: ArrayLike | None = None,
    frequency: int = 52,
    years_back: int = 5,
    half_window: int = 3,
    periods: int = 10,
    exclude_recent: int = 26,
    reweight: bool = True,
    weights_threshold: float = 2.58,
    threshold_method: str = "nbPlugin",
    power_transform: str = "2/3",
    alpha: float = 0.05,
    trend: bool = True,
    trend_p: float = 1.0,
    limit: tuple[float, float] = (5, 4),
    at: ArrayLike | None = None,
) -> Farrington:
    """Noufaily et al. 2013 (doi:10.1002/sim.5595), as R surveillance's farringtonFlexible 1.20.

    For each monitored point a quasi-Poisson regression log μ = season + trend + log(exposure) on
    the years_back years before it: one season for the windows of ± half_window around the same
    time of each year, periods − 1 between them, without the last exclude_recent points.
    φ = max(1, Pearson/df). Counts of an Anscombe residual s above weights_threshold get the
    weight s⁻² and all is fitted again. The trend goes where it is not significant at trend_p,
    would foretell more than ever seen, or years_back < 3. Bound: `farrington_bounds`. Alarm where
    the score is above 1, the count not 0, and the last limit[1] points hold limit[0] cases.

    counts: one series, NaN where unknown (left out of baselines; no alarm there). exposure: as
    many, e.g. X-rays; a point whose exposure is 0 or NaN counts as unknown. dates: ascending, one
    a point: references are then the same day of earlier years, for weeks (frequency 52) its
    nearest same weekday; None: `frequency` points back. at: positions to monitor, by default all
    with enough history. ValueError for arguments out of range, a position without history, and a
    series in which no point has enough.
    """
    y, population = observed(counts, exposure)
    options = Options(reweight, weights_threshold, trend, trend_p)
    _check(threshold_method, power_transform, alpha, limit, years_back, half_window, periods)
    days, times = calendar(dates, frequency, y.size)
    positions, references = monitored(at, days, frequency, years_back, half_window, y.size)
    found = np.full((3, positions.size), np.nan)
    trended = np.zeros(positions.size, dtype=np.bool_)
    log_exposure = np.log(population)
    for chosen, past in _by_history(references, half_window, periods, exclude_recent):
        part = positions[chosen]
        if past.current < 0:
            raise ValueError(f"exclude_recent is {exclude_recent}; it leaves no window to compare")
        rows = _rows(y, log_exposure, times, part, past)
        one = predict(rows, log_exposure[part], years_back, options)
        found[:, chosen] = one.log_mean, one.error, one.dispersion
        trended[chosen] = one.trend
    prediction = Prediction(found[0] + log_exposure[positions], found[1], found[2], trended)
    return _judged(y, positions, prediction, threshold_method, power_transform, alpha, limit)


def _judged(
    y: Floats,
    at: Ints,
    one: Prediction,
    method: str,
    power: str,
    alpha: float,
    limit: tuple[float, float],
) -> Farrington:
    seen = y[at]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if method == "delta":
            bound, p, score = delta(seen, one.log_mean, one.error, one.dispersion, alpha, power)
        else:
            bound, p, score = plug_in(seen, one.log_mean, one.error, one.dispersion, alpha, method)
        expected = np.exp(one.log_mean)
        enough = _recent(y, at, int(limit[1])) >= limit[0]
    alarm = enough & (score > 1) & (seen != 0)
    expected = np.where(enough & ~np.isnan(bound), expected, np.nan)
    bound = np.where(enough, bound, np.nan)
    return Farrington(at, expected, bound, score, alarm, p, one.dispersion, one.trend)


def _recent(y: Floats, at: Ints, size: int) -> Floats:
    """Cases in the last `size` points up to each position, NaN where one is unknown."""
    return np.array([y[max(k - size + 1, 0) : k + 1].sum() for k in at], dtype=np.float64)


def _rows(y: Floats, log_exposure: Floats, times: Floats, at: Ints, past: History) -> Rows:
    where = at[:, None] - past.back
    counts, offset = y[where], log_exposure[where]
    known = ~np.isnan(counts + offset)
    time = times[where] - times[at][:, None]
    if np.ptp(time, axis=0).max() == 0:
        time = time[:1]
    return Rows(
        counts=np.where(known, counts, 0.0),
        known=known.astype(np.float64),
        member=np.eye(past.seasons)[past.season],
        season=past.season,
        time=time,
        log_exposure=np.where(known, offset, 0.0),
        current=past.current,
    )


def _by_history(
    references: Sequence[Sequence[int]], half_window: int, periods: int, exclude_recent: int
) -> list[tuple[Ints, History]]:
    """Positions (in `references`) that look back on the same pattern, and the pattern."""
    alike: dict[tuple[int, ...], list[int]] = {}
    for position, one in enumerate(references):
        cut = min(one[-1] - half_window, 0)
        alike.setdefault((cut, *(one[0] - past for past in one)), []).append(position)
    return [
        (np.array(chosen), history(references[chosen[0]], half_window, periods, exclude_recent))
        for chosen in alike.values()
    ]


def _check(
    method: str,
    power: str,
    alpha: float,
    limit: tuple[float, float],
    years: int,
    half_window: int,
    periods: int,
) -> None:
    one_of("threshold_method", method, METHODS)
    one_of("power_transform", power, tuple(POWERS))
    share("alpha", alpha)
    at_least("limit[0]", limit[0], 0)
    at_least("limit[1]", limit[1], 1)
    at_least("years_back", years, 1)
    at_least("half_window", half_window, 0)
    at_least("periods", periods, 1)
