"""Days, weeks and months: their labels and their bounds."""

import calendar
import re
from datetime import date, timedelta

from ingest.errors import UserError
from warehouse.epidemiology.weeks import epiweek, week_bounds

PERIODS = ("day", "week", "month")
WEEK_PATTERN = re.compile(r"(\d{4})-?W(\d{1,2})", re.IGNORECASE)


def week_label(day: date, system: str = "iso") -> str:
    """2026-W20 for a day in that week."""
    year, week = epiweek(day, system)
    return f"{year}-W{week:02d}"


def label(start: date, period: str, system: str = "iso") -> str:
    """The name of the period that begins on `start`."""
    if period == "week":
        return week_label(start, system)
    return f"{start:%Y-%m}" if period == "month" else start.isoformat()


def last_day(start: date, period: str) -> date:
    """The last day that belongs to the period that begins on `start`."""
    if period == "week":
        return start + timedelta(days=6)
    if period == "month":
        return start.replace(day=calendar.monthrange(start.year, start.month)[1])
    return start


def first_day(day: date, period: str, system: str = "iso") -> date:
    """The first day of the period that a day belongs to."""
    if period == "week":
        return week_bounds(*epiweek(day, system), system)[0]
    return day.replace(day=1) if period == "month" else day


def following(start: date, period: str) -> date:
    """The first day of the next period."""
    return last_day(start, period) + timedelta(days=1)


def period_bounds(text: str, system: str = "iso") -> tuple[date, date]:
    """First and last day of a week written 2026-W20.

    UserError for anything else, and for a week that its year does not have.
    """
    found = WEEK_PATTERN.fullmatch(text.strip())
    if not found:
        raise UserError(f"{text!r} is not a week; write it as 2026-W20")
    try:
        return week_bounds(int(found[1]), int(found[2]), system)
    except ValueError:
        raise UserError(f"{text!r}: the year {found[1]} has no week {found[2]}") from None


def parse_day(text: str, what: str) -> date:
    """A day written 2026-05-14; `what` names the option in the error."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        raise UserError(f"{what} {text!r} is not a date; write it as 2026-05-14") from None
