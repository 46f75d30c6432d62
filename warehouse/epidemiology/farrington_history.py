"""Which past points the Farrington method compares a point with, and their season."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int_]
DAYS = {12: "month", 52: "week", 365: "day"}  # frequencies that dates are allowed with


@dataclass(frozen=True, slots=True)
class History:
    """The baseline of a point: how far back each row lies, and its season, 0 to seasons − 1.

    `current` is the season of the monitored point itself.
    """

    back: Ints
    season: Ints
    current: int
    seasons: int


def references_by_index(k: int, frequency: int, years: int) -> list[int] | None:
    """The point and the same point of the years before, newest first; None if one is before 0."""
    found = [k - year * frequency for year in range(years + 1)]
    return found if found[-1] >= 0 else None


def references_by_date(
    k: int, days: Sequence[date], position: dict[date, int], weekly: bool, years: int
) -> list[int] | None:
    """The same by the calendar: the same day of earlier years, or the nearest same weekday."""
    earlier = [_years_before(days[k], year) for year in range(years + 1)]
    if weekly:
        earlier = [_nearest_weekday(day, days[k]) for day in earlier]
    found = [position.get(day, -1) for day in earlier]
    return sorted(found, reverse=True) if min(found) >= 0 else None


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return date(day.year - years, 3, 1)


def _nearest_weekday(day: date, like: date) -> date:
    """The day of `like`'s weekday nearest to `day`, first looked for in its Sunday-first week."""
    same_week = day - timedelta(day.isoweekday() % 7 - like.isoweekday() % 7)
    other = same_week + timedelta(-7 if same_week > day else 7)
    return other if abs(same_week - day) > abs(other - day) else same_week


def history(
    references: Sequence[int], half_window: int, periods: int, exclude_recent: int
) -> History:
    """The baseline rows of the first of `references` (newest first), as surveillance's blocks.

    Windows of ± half_window around each reference point are one season; what lies between two
    windows is cut into periods − 1 further ones of nearly equal length, the longer ones first.
    The last exclude_recent points and the point itself are left out. ValueError where the year is
    too short for so many periods.
    """
    now = references[0]
    season = np.zeros(now + 1, dtype=np.int_)  # 0: no row
    season[max(now - half_window, 0) :] = periods
    for later, reference in pairwise(references):
        first, last = reference - half_window, reference + half_window
        season[max(first, 0) : last + 1] = periods
        if periods > 1:
            _cut(season, last + 1, later - half_window - 1 - last, periods)
    season[max(now - exclude_recent, 0) :] = 0
    rows = np.flatnonzero(season)
    levels, found = np.unique(season[rows], return_inverse=True)
    current = np.flatnonzero(levels == periods)
    return History(now - rows, found, int(current[0]) if current.size else -1, levels.size)


def _cut(season: Ints, start: int, length: int, periods: int) -> None:
    """Number `length` points from `start` with the seasons 1 to periods − 1."""
    if length < periods - 1:
        raise ValueError(
            f"periods is {periods}, but only {max(length, 0)} points lie between two windows; "
            "fewer periods or a smaller half_window fit"
        )
    size, rest = divmod(length, periods - 1)
    sizes = [size + (one < rest) for one in range(periods - 1)]
    season[start : start + length] = np.repeat(np.arange(1, periods), sizes)
