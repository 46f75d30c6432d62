"""Numbers as a reader sees them never say more than is so."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.formatting import (
    ago,
    count,
    interval,
    listing,
    moment,
    number,
    percent,
    period_kind,
    period_name,
    period_short,
    points,
)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "–"),
        (0.0, "0.0%"),
        (1.0, "100.0%"),
        (0.0004, "<0.1%"),
        (0.0005, "0.1%"),
        (0.9996, ">99.9%"),
        (0.1234, "12.3%"),
        (0.5, "50.0%"),
    ],
)
def test_percent(value: float | None, shown: str) -> None:
    assert percent(value) == shown


@given(st.floats(min_value=0, max_value=1))
def test_a_share_reads_as_none_or_all_only_where_it_is(value: float) -> None:
    assert (percent(value) == "0.0%") == (value == 0)
    assert (percent(value) == "100.0%") == (value == 1)


@given(st.floats(min_value=0.001, max_value=0.999))
def test_a_shown_share_is_within_half_a_step_of_the_true_one(value: float) -> None:
    assert abs(float(percent(value).rstrip("%")) / 100 - value) <= 0.0005 + 1e-12


def test_counts_and_points() -> None:
    assert number(1234567) == "1,234,567"
    assert number(None) == "–"
    assert count(1, "X-ray") == "1 X-ray"
    assert count(0, "X-ray") == "0 X-rays"
    assert points(-0.032) == "3.2 percentage points"
    assert points(0.01) == "1.0 percentage point"
    assert interval(0.1, 0.2) == "10.0% to 20.0%"
    assert interval(None, 0.2) == "–"


def test_periods() -> None:
    assert period_kind("2026-W20") == "week"
    assert period_kind("2026-05-14") == "day"
    assert period_kind("2026-05") == "month"
    assert period_name("2026-W05", date(2026, 2, 1)) == "week 5 of 2026 (ending 1 February 2026)"
    assert period_name("2026-05", date(2026, 5, 31)) == "May 2026"
    assert period_name("2026-05-14", date(2026, 5, 14)) == "14 May 2026"
    assert period_short("2026-W20", date(2026, 5, 17)) == "2026-W20, ending 17 May 26"
    assert period_short("2026-05", date(2026, 5, 31)) == "May 2026"


def test_times_and_lists() -> None:
    assert moment(datetime(2026, 5, 7, 4, 5, tzinfo=UTC)) == "7 May 2026, 04:05 UTC"
    assert moment(None) == "never"
    assert ago(date(2026, 5, 6), date(2026, 5, 7)) == "yesterday"
    assert ago(date(2026, 4, 25), date(2026, 5, 7)) == "12 days ago"
    assert ago(date(2026, 1, 1), date(2026, 5, 7)) == "18 weeks ago"
    assert [listing(list("abc")[:size]) for size in range(4)] == ["", "a", "a and b", "a, b and c"]
