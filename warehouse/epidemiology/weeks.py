"""Epidemiological weeks: ISO 8601 (Monday to Sunday) and MMWR (Sunday to Saturday)."""

from datetime import date

from epiweeks import Week

SYSTEMS = {"iso": "iso", "mmwr": "cdc"}  # our name, and the library's


def epiweek(day: date, system: str = "iso") -> tuple[int, int]:
    """(year, week) of a day. ValueError for a system other than iso and mmwr."""
    if system not in SYSTEMS:
        raise ValueError(f"system is {system!r}; it is iso or mmwr")
    week = Week.fromdate(day, system=SYSTEMS[system])
    return int(week.year), int(week.week)


def week_bounds(year: int, week: int, system: str = "iso") -> tuple[date, date]:
    """First and last day of a week. ValueError where the year has no such week."""
    if system not in SYSTEMS:
        raise ValueError(f"system is {system!r}; it is iso or mmwr")
    found = Week(year, week, system=SYSTEMS[system])
    return found.startdate(), found.enddate()
