"""Suppression at its boundaries, and what an audience outside gets from a real warehouse."""

from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.output import emit, rows_of
from ingest.errors import ConfigurationError, UserError
from tests.warehouse.rows import load
from warehouse.disclosure import (
    LEVEL_OF,
    LEVELS,
    Counts,
    Node,
    check_audience,
    first_withheld,
    is_small,
    rounded,
    small,
    total_of,
)
from warehouse.measures import MEASURES, compute, compute_all
from warehouse.outside import COMBINED, CROSSED, DAYS, WHOLE_WEEKS, OutsideRow
from warehouse.records import Measure
from warehouse.request import MeasureRequest
from warehouse.settings import WarehouseSettings
from warehouse.store import Warehouse

PUBLIC = MeasureRequest(audience="public")


@pytest.mark.parametrize(
    ("counts", "level", "small_"),
    [
        ((0, 0, 0, 0), 0, False),
        ((4, 4, 0, 0), 0, True),
        ((5, 5, 0, 0), 0, False),
        ((100, 96, 50, 25), 0, False),  # 4 out of scope: no finding about anybody
        ((100, 4, 0, 0), 0, True),
        ((100, 0, 0, 0), 0, False),
        ((100, 100, 4, 0), 1, True),
        ((100, 100, 5, 0), 1, False),
        ((100, 100, 96, 50), 1, True),  # the complement
        ((100, 100, 95, 50), 1, False),
        ((100, 100, 100, 50), 1, False),  # no negatives
        ((100, 100, 0, 0), 1, False),
        ((100, 100, 50, 4), 2, True),
        ((100, 100, 50, 46), 2, True),
        ((100, 100, 50, 0), 2, False),
    ],
)
def test_boundaries(counts: tuple[int, int, int, int], level: int, small_: bool) -> None:
    assert is_small(Counts(*counts), level, 5) is small_


def tree(**leaves: tuple[int, int, int, int]) -> dict[Node, Counts]:
    """A week's cells from its sites, named R_S for site S of region R."""
    cells: dict[Node, list[Counts]] = {}
    for name, counts in leaves.items():
        region, _, site = name.partition("_")
        for node in ((), (region,), (region, site)):
            cells.setdefault(node, []).append(Counts(*counts))
    return {node: total_of(found) for node, found in cells.items()}


def test_a_small_site_is_hidden_with_the_smallest_of_its_region() -> None:
    cells = tree(
        A_1=(90, 90, 30, 10), A_2=(60, 60, 20, 10), A_3=(30, 30, 3, 0), B_1=(80, 80, 40, 20)
    )
    first = first_withheld(cells, 5)
    assert (first["A", "3"], first["A", "2"], first["A", "1"]) == (1, 1, LEVELS)
    assert (first["A",], first["B",], first[()]) == (LEVELS, LEVELS, LEVELS)


def test_below_a_hidden_region_all_is_hidden() -> None:
    cells = tree(A_1=(3, 3, 0, 0), B_1=(40, 40, 20, 10), B_2=(40, 40, 20, 10), C_1=(99, 99, 50, 20))
    first = first_withheld(cells, 5)
    assert {node for node, level in first.items() if level == 0} == {
        ("A",), ("A", "1"), ("B",), ("B", "1"), ("B", "2"),
    }  # fmt: skip


def test_sites_of_one_xray_each_are_hidden_with_the_empty_one() -> None:
    """Else five withheld sites of a region of five X-rays would have one each."""
    cells = tree(**{f"A_{n}": (1, 1, 0, 0) for n in range(5)}, A_6=(0, 0, 0, 0), B_1=(50, 50, 9, 9))
    first = first_withheld(cells, 5)
    assert all(first["A", str(n)] == 0 for n in (0, 1, 2, 3, 4, 6))
    assert first["A",] == LEVELS


COUNTS = st.lists(st.integers(0, 30), min_size=4, max_size=4).map(
    lambda c: (sum(c), sum(c[1:]), sum(c[2:]), c[3])
)


@given(st.dictionaries(st.sampled_from([f"{r}_{s}" for r in "AB" for s in range(4)]), COUNTS))
def test_no_small_count_is_shown_and_what_is_hidden_stays_hidden(leaves: dict) -> None:
    if not leaves:
        return
    cells = tree(**leaves)
    first = first_withheld(cells, 5)
    for node, counts in cells.items():
        assert not any(is_small(counts, level, 5) for level in range(first[node]))
    for parent in cells:
        for level in range(first[parent]):  # where the whole is shown, one alone is never hidden
            hidden = [n for n in cells if n and n[:-1] == parent and first[n] <= level]
            assert len(hidden) != 1


def test_rounding() -> None:
    assert [rounded(n, 5) for n in (0, 2, 3, 7, 8, 100)] == [0, 0, 5, 5, 10, 100]
    assert [rounded(n, 0) for n in (0, 2, 3)] == [0, 2, 3]


def test_an_unknown_audience_and_settings_that_would_tell_are_refused() -> None:
    check_audience("partner")
    with pytest.raises(UserError, match="'press'"):
        check_audience("press")
    for wrong in ({"suppress_below": 2}, {"rounding": 9}, {"published_weeks": "cdc"}):
        with pytest.raises(ConfigurationError, match=next(iter(wrong))):
            WarehouseSettings(**wrong)  # type: ignore[arg-type]


# From a real warehouse

NETWORK = f"""
    A1 2026-05-01 {"P" * 20}{"N" * 40}-- age_years=3 sex=F
    A2 2026-05-02 {"P" * 3}{"N" * 30} age_years=40 sex=M
    B1 2026-05-03 {"P" * 30}{"N" * 30} age_years=70 sex=F
    A1 2026-05-05 {"P" * 20}{"N" * 40} age_years=3 sex=F
    B1 2026-05-06 {"P" * 30}{"N" * 30} age_years=70 sex=F
"""


def shown(measures: list[Measure]) -> dict[tuple, tuple]:
    return {
        (m.period, m.region, m.site, m.stratum): (m.numerator, m.denominator)
        for m in measures
        if not m.suppressed
    }


def test_a_suppressed_cell_is_not_told_by_any_other_table(warehouse: Warehouse) -> None:
    load(warehouse, NETWORK)
    ask = replace(PUBLIC, measure="positivity")
    sites = shown(compute(warehouse, replace(ask, by=("site",))))
    assert ("2026-W18", None, "A2", None) not in sites
    assert ("2026-W18", None, "A1", None) not in sites
    assert sites["2026-W18", None, "B1", None] == (30, 60)
    assert shown(compute(warehouse, replace(ask, by=("region",))))[
        "2026-W18", "ALPHA", None, None
    ] == (23, 93)
    whole = shown(compute(warehouse, replace(ask, by=())))
    assert whole["2026-W18", None, None, None] == (53, 153)
    ages = compute(warehouse, replace(ask, by=("age_group",)))
    assert {m.stratum: m.suppressed for m in ages if m.period == "2026-W18"} == {
        "age_group=0-4": True, "age_group=15-44": True, "age_group=65+": False,
        "age_group=5-14": False, "age_group=45-64": False, "age_group=unknown": False,
    }  # fmt: skip


def test_two_sites_together_are_shown_where_each_is(warehouse: Warehouse) -> None:
    load(warehouse, NETWORK)
    ask = replace(PUBLIC, measure="positivity", by=())
    both = shown(compute(warehouse, replace(ask, sites=("A1", "B1"))))
    assert both == {("2026-W19", None, None, None): (50, 120)}
    region = shown(compute(warehouse, replace(ask, sites=("A1", "A2"))))
    assert region["2026-W18", None, None, None] == (23, 93)  # all of ALPHA


def test_days_and_crossed_strata_are_withheld_with_the_reason(warehouse: Warehouse) -> None:
    load(warehouse, NETWORK)
    days = compute(warehouse, replace(PUBLIC, period="day", by=("site",), start=date(2026, 5, 1)))
    assert {m.missing_reason for m in days} == {DAYS}
    assert len(days) == 10 * 3  # every day and site, whether or not there is an X-ray
    for by in (("age_group", "sex"), ("region", "sex")):
        crossed = compute(warehouse, replace(PUBLIC, by=by))
        assert crossed
        assert {m.missing_reason for m in crossed} == {CROSSED}


def test_a_month_is_of_whole_weeks_and_the_window_too(warehouse: Warehouse) -> None:
    load(warehouse, NETWORK)
    months = compute(warehouse, replace(PUBLIC, measure="xrays", period="month", by=()))
    assert [(m.period, m.numerator) for m in months] == [("2026-04", 155), ("2026-05", 120)]
    assert months[0].method.endswith(WHOLE_WEEKS)
    one = {"start": date(2026, 5, 2), "end": date(2026, 5, 2)}
    cut = compute(warehouse, replace(PUBLIC, measure="xrays", by=(), **one))
    assert [(m.period, m.numerator) for m in cut] == [("2026-W18", 155)]


def test_the_other_week_system_is_refused_with_the_way_out(warehouse: Warehouse) -> None:
    with pytest.raises(UserError, match="published_weeks"):
        compute(warehouse, replace(PUBLIC, epiweek="mmwr"))
    mmwr = WarehouseSettings(published_weeks="mmwr")
    assert compute(warehouse, replace(PUBLIC, epiweek="mmwr"), mmwr) == []


def test_rates_are_computed_from_rounded_counts(warehouse: Warehouse) -> None:
    load(warehouse, f"A1 2026-05-01 {'P' * 13}{'N' * 29}--")
    ask = replace(PUBLIC, by=())
    found = compute_all(warehouse, ask, list(MEASURES), WarehouseSettings(rounding=5))
    assert [m.numerator for m in found["xrays"]] == [45]
    (share,) = found["positivity"]
    assert (share.numerator, share.denominator, share.estimate) == (15, 40, 15 / 40)
    (adjusted,) = found["prevalence"]
    assert (adjusted.numerator, adjusted.denominator) == (15, 40)
    (exact,) = compute(warehouse, replace(ask, measure="positivity", audience="internal"))
    assert (exact.numerator, exact.denominator) == (13, 42)


def test_a_prevalence_of_mixed_calibrations_needs_its_sites_shown() -> None:
    row = {"classifiers": [1, 2], "apart": False}
    assert OutsideRow(row, LEVELS, "").why("prevalence", 1) == COMBINED
    assert OutsideRow(row, LEVELS, "").why("positivity", 1) is None
    assert OutsideRow(row | {"apart": True}, LEVELS, "").why("prevalence", 1) is None


@pytest.mark.parametrize("form", ["json", "csv", "table", "parquet"])
def test_the_reason_is_in_every_output(warehouse: Warehouse, tmp_path: Path, form: str) -> None:
    load(warehouse, NETWORK)
    measures = compute(warehouse, replace(PUBLIC, measure="positivity", by=("site",)))
    out = tmp_path / "out"
    emit(measures, [item.name for item in fields(Measure)], form, out)
    if form == "parquet":
        import pyarrow.parquet as pq

        assert pq.read_table(out)["missing_reason"].to_pylist().count(small(5)) == 2
    else:
        assert out.read_text(encoding="utf-8").count(small(5)) == 2
    hidden = [row for row in rows_of(measures) if row["suppressed"]]
    for name in ("numerator", "denominator", "estimate", "ci_low", "ci_high"):
        assert {row[name] for row in hidden} == {None}


def test_every_measure_has_its_level() -> None:
    assert set(LEVEL_OF) == set(MEASURES)
