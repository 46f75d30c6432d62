"""An address and its filters say the same; nothing that someone types is an error of ours."""

from dataclasses import fields
from datetime import date
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.filters import (
    DEFAULTS,
    FIELDS,
    MEASURES,
    VIEWS,
    Filters,
    from_controls,
    index_week,
    known_places,
    parse,
    to_query,
    week_index,
)
from warehouse.periods import PERIODS, week_label

days = st.dates(date(1990, 1, 1), date(2100, 1, 1))
codes = st.text(min_size=1, max_size=12).filter(lambda text: text.isprintable())
places = st.lists(
    st.tuples(st.sampled_from(("region:", "site:")), codes).map("".join), max_size=4, unique=True
).map(tuple)


@st.composite
def filters(draw: st.DrawFn) -> Filters:
    first, last = sorted((draw(days), draw(days)))
    return Filters(
        measure=draw(st.sampled_from(MEASURES)),
        period=draw(st.sampled_from(PERIODS)),
        view=draw(st.sampled_from(VIEWS)),
        places=draw(places),
        start=draw(st.sampled_from((None, first))),
        end=draw(st.sampled_from((None, last))),
        week=draw(st.none() | days.map(week_label)),
    )


@given(filters())
def test_a_link_is_the_view(wanted: Filters) -> None:
    found = parse(to_query(wanted))
    assert found.filters == wanted
    assert found.problems == ()


@given(filters())
def test_controls_say_the_same_as_the_address(wanted: Filters) -> None:
    values: dict[str, object] = {name: getattr(wanted, field) for name, field in FIELDS.items()}
    values["places"] = list(wanted.places)
    values["week"] = week_index(wanted.week) if wanted.week else None
    assert from_controls(values) == wanted


@given(st.text(max_size=200))
def test_any_text_gives_filters(text: str) -> None:
    for search in (text, f"?{text}", f"?measure={quote(text)}", f"?from={quote(text)}&week={text}"):
        found = parse(search)
        assert found.filters.measure in MEASURES
        assert parse(to_query(found.filters)).filters == found.filters


def test_every_filter_has_a_parameter() -> None:
    assert sorted(FIELDS.values()) == sorted(field.name for field in fields(Filters))
    assert to_query(DEFAULTS) == ""


@pytest.mark.parametrize(
    ("search", "named"),
    [
        ("?measure=deaths", "deaths"),
        ("?period=year", "year"),
        ("?from=2026-13-01", "2026-13-01"),
        ("?from=0001-01-01", "0001-01-01"),
        ("?week=2025-W60", "2025-W60"),
        ("?week=0000-W01", "0000-W01"),
        ("?places=KE-110", "KE-110"),
        ("?places=site:1,site:2,site:3,site:4,site:5", "site:5"),
        ("?colour=red", "colour"),
        ("?measure=xrays&measure=prevalence", "measure"),
        ("?from=2026-05-02&to=2026-05-01", "2026-05-02"),
        ("?view=<script>alert(1)</script>", "<script>"),
    ],
)
def test_a_bad_value_is_named_and_not_used(search: str, named: str) -> None:
    found = parse(search)
    assert len(found.problems) == 1
    assert named in found.problems[0]
    assert found.filters in (DEFAULTS, Filters(measure="xrays"))


def test_a_long_bad_value_is_cut() -> None:
    (problem,) = parse(f"?measure={'x' * 5000}").problems
    assert len(problem) < 250
    assert parse("?" + "&".join(f"a{n}=1" for n in range(60))).problems


def test_unknown_places_are_named() -> None:
    found = known_places(Filters(places=("region:A", "site:B")), {"site:B": "Beta"})
    assert found.filters.places == ("site:B",)
    assert "region:A" in found.problems[0]


@given(days)
def test_a_week_and_its_number_on_the_slider(day: date) -> None:
    label = week_label(day)
    assert index_week(week_index(label)) == label
    assert week_index(label) == (day.toordinal() - 1) // 7
