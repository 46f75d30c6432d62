from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.values import (
    acquired,
    local_day,
    parse_age,
    parse_iso,
    parse_sex,
    parse_view,
    plausible_age,
    to_utc,
)

NOW = datetime(2026, 5, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "years"),
    [
        ("062Y", 62), ("62", 62), ("62 y", 62), ("62 years", 62), ("18M", 1.5), ("000Y", 0),
        ("3W", 21 / 365.25), ("10D", 10 / 365.25), ("4.5", 4.5), ("-1", -1),
        ("", None), ("Y", None), ("abc", None), ("12345", None), ("6 2", None), ("nan", None),
    ],
)  # fmt: skip
def test_ages(text: str, years: float | None) -> None:
    assert parse_age(text) == (years if years is None else pytest.approx(years))


@pytest.mark.parametrize(
    ("years", "kept"),
    [
        (None, (None, "")), (0.0, (0.0, "")), (89.0, (89.0, "")), (89.9, (89.9, "")),
        (90.0, (90.0, "age_top_coded")), (103.0, (90.0, "age_top_coded")),
        (131.0, (None, "implausible_age")), (-1.0, (None, "implausible_age")),
    ],
)  # fmt: skip
def test_ages_over_89_are_not_told_apart(
    years: float | None, kept: tuple[float | None, str]
) -> None:
    assert plausible_age(years) == kept


@pytest.mark.parametrize(
    ("text", "sex"),
    [("M", "M"), ("f ", "F"), ("Female", "F"), ("o", "O"), ("", None), ("X", None), ("MF", None)],
)
def test_sexes(text: str, sex: str | None) -> None:
    assert parse_sex(text) == sex


@pytest.mark.parametrize(
    ("text", "view"),
    [
        ("PA", "PA"), ("ap", "AP"), ("AP SUPINE", "AP"), ("postero-anterior", "PA"),
        ("LL", "LATERAL"), ("RL", "LATERAL"), ("Lateral", "LATERAL"), ("left lateral", "LATERAL"),
        ("LLD", "LATERAL"), ("RAO", "LATERAL"), ("AP LLD", "LATERAL"), ("", None),
        ("upright", None),
    ],
)  # fmt: skip
def test_views(text: str, view: str | None) -> None:
    assert parse_view(text) == view


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-05-14", date(2026, 5, 14)),
        ("20260514", date(2026, 5, 14)),
        ("2026-05-14T08:30", datetime(2026, 5, 14, 8, 30)),
        ("2026-05-14 08:30:15", datetime(2026, 5, 14, 8, 30, 15)),
        ("2026-05-14T08:30Z", datetime(2026, 5, 14, 8, 30, tzinfo=UTC)),
        ("14.05.2026", None), ("05/14/2026", None), ("2026-W20-4", None), ("2026-13-01", None),
    ],
)  # fmt: skip
def test_iso_dates(text: str, moment: datetime | date | None) -> None:
    assert parse_iso(text) == moment


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    parse_age(text), parse_sex(text), parse_view(text), parse_iso(text)


def test_a_naive_time_is_the_sites_own_and_an_offset_is_respected() -> None:
    naive = to_utc(datetime(2026, 5, 14, 1, 30), "Africa/Nairobi")
    assert naive == datetime(2026, 5, 13, 22, 30, tzinfo=UTC)
    stated = datetime.fromisoformat("2026-05-14T01:30:00-05:00")
    assert to_utc(stated, "Africa/Nairobi") == datetime(2026, 5, 14, 6, 30, tzinfo=UTC)


@given(st.dates(date(1950, 1, 3), date(2026, 5, 12)))
def test_a_day_at_the_site_stays_that_day(day: date) -> None:
    for zone in ("Pacific/Kiritimati", "America/Los_Angeles", "Africa/Nairobi", "UTC"):
        moment, flag = acquired(day, zone, NOW)
        assert (local_day(moment, zone), flag) == (day, "")


@pytest.mark.parametrize(
    ("moment", "flag"),
    [
        (None, "no_date"),
        (date(1901, 1, 1), "implausible_date"),
        (date(1949, 12, 30), "implausible_date"),
        (date(1, 1, 1), "implausible_date"),
        (date(9999, 12, 31), "implausible_date"),
        (NOW + timedelta(hours=23), ""),
        (NOW + timedelta(hours=25), "implausible_date"),
        (date(1950, 1, 2), ""),
    ],
)
def test_dates_that_cannot_be_are_flagged(moment: datetime | date | None, flag: str) -> None:
    kept, found = acquired(moment, "Africa/Nairobi", NOW)
    assert found == flag
    assert (kept is None) is bool(flag)
