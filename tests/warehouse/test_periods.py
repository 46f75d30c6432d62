"""Labels and bounds of periods."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UserError
from warehouse.periods import (
    PERIODS,
    first_day,
    following,
    label,
    last_day,
    parse_day,
    period_bounds,
)

DAYS = st.dates(date(2000, 1, 1), date(2060, 12, 31))
SYSTEMS = st.sampled_from(["iso", "mmwr"])


@given(DAYS, st.sampled_from(PERIODS), SYSTEMS)
def test_every_day_lies_in_its_own_period(day: date, period: str, system: str) -> None:
    start = first_day(day, period, system)
    assert start <= day <= last_day(start, period)
    assert following(start, period) == first_day(
        last_day(start, period) + timedelta(1), period, system
    )


@given(DAYS, SYSTEMS)
def test_a_weeks_label_leads_back_to_it(day: date, system: str) -> None:
    start = first_day(day, "week", system)
    assert period_bounds(label(start, "week", system), system) == (start, last_day(start, "week"))


@pytest.mark.parametrize("text", ["2026-W60", "2025-W53", "last", "2026-20", "", "2026-W00"])
def test_a_week_that_is_none(text: str) -> None:
    with pytest.raises(UserError):
        period_bounds(text)


def test_a_date_that_is_none_names_the_option() -> None:
    with pytest.raises(UserError, match="--from '2026-02-30'"):
        parse_day("2026-02-30", "--from")
