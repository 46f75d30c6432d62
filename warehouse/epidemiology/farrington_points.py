"""What farrington_flexible is given: counts, exposures, dates and the positions to monitor."""

from collections.abc import Sequence
from datetime import date

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warehouse.epidemiology.arguments import Floats, at_least, series
from warehouse.epidemiology.farrington_history import (
    DAYS,
    references_by_date,
    references_by_index,
)

Ints = NDArray[np.int_]


def monitored(
    at: ArrayLike | None,
    days: list[date] | None,
    frequency: int,
    years: int,
    half_window: int,
    size: int,
) -> tuple[Ints, list[list[int]]]:
    """The positions to monitor, and the reference points of each."""
    wanted = range(size) if at is None else [int(k) for k in np.atleast_1d(np.asarray(at))]
    place = {day: k for k, day in enumerate(days or ())}
    positions, references = [], []
    for k in wanted:
        if not 0 <= k < size:
            raise ValueError(f"at holds {k}; positions go from 0 to {size - 1}")
        if days is None:
            found = references_by_index(k, frequency, years)
        else:
            found = references_by_date(k, days, place, frequency == 52, years)
        short = 0 if at is None else 1  # R drops one row before the series, but does not monitor so
        if found is not None and found[-1] - half_window >= -short:
            positions.append(k)
            references.append(found)
        elif at is not None:
            raise ValueError(f"at holds {k}, before which there are not {years} years of history")
    if at is None and not positions:
        raise ValueError(
            f"counts holds {size} points: no point has {years} years of history and a half-window "
            f"of {half_window} before it"
        )
    return np.array(positions, dtype=np.int_), references


def calendar(
    dates: Sequence[date] | NDArray[np.datetime64] | None, frequency: int, size: int
) -> tuple[list[date] | None, Floats]:
    """Days (if any) and times, one unit a point."""
    at_least("frequency", frequency, 1)
    if dates is None:
        return None, np.arange(size, dtype=np.float64)
    if frequency not in DAYS:
        raise ValueError(f"frequency is {frequency}; with dates it is one of {sorted(DAYS)}")
    stamps = np.asarray(dates, dtype="datetime64[D]")
    if stamps.shape != (size,) or np.isnat(stamps).any():
        raise ValueError(f"dates has {stamps.size} days for {size} counts, or one is missing")
    numbers = stamps.astype(np.int64)
    if size > 1 and np.diff(numbers).min() <= 0:
        raise ValueError("dates are not ascending")
    step = numbers[1] - numbers[0] if size > 1 else 1
    return stamps.tolist(), (numbers - numbers[:1]) / step


def observed(counts: ArrayLike, exposure: ArrayLike | None) -> tuple[Floats, Floats]:
    """Counts and exposures, both NaN where there is no exposure."""
    y = series("counts", counts)
    if exposure is None:
        return y, np.ones(y.size)
    population = series("exposure", exposure)
    if population.size != y.size:
        raise ValueError(f"exposure has {population.size} values for {y.size} counts")
    population = np.where(population > 0, population, np.nan)
    return np.where(np.isnan(population), np.nan, y), population
