"""Which week a bulletin is about."""

from datetime import date, datetime, timedelta

from ingest.errors import UserError
from warehouse.periods import period_bounds, week_label
from warehouse.versions import BEGINNING

WAY_OUT = "; name another, or leave --week out for the last complete week"
FIRST_YEAR, LAST_YEAR = 1900, 9000  # calendars end; radiographs began in 1895


def week_in_question(week: str | None, recorded_at: datetime, epiweek: str) -> str:
    """The week that was asked for, or the last one that was complete at `recorded_at`.

    Raises UserError, with the way out, for anything that is not a week of its year.
    """
    if week is None:
        if recorded_at <= BEGINNING.recorded_at:
            raise UserError(
                "the warehouse is empty, so there is no last complete week; "
                "run `pneumowatch ingest` first, or name a week with --week"
            )
        return last_complete_week(recorded_at.date(), epiweek)
    try:
        first_day, _ = period_bounds(week, epiweek)
    except UserError as error:
        raise UserError(f"--week {error}{WAY_OUT}") from None
    if not FIRST_YEAR <= first_day.year < LAST_YEAR:
        raise UserError(f"--week {week!r} is not of our time{WAY_OUT}")
    return week_label(first_day, epiweek)


def last_complete_week(today: date, epiweek: str) -> str:
    """The week before the one that `today` falls in: its last day is over."""
    return week_label(today - timedelta(weeks=1), epiweek)


def week_before(week: str, epiweek: str) -> str:
    """The label of the week before."""
    return week_label(period_bounds(week, epiweek)[0] - timedelta(days=7), epiweek)
