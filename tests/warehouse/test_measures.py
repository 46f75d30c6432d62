"""Golden tests: X-rays drawn as a table, measures drawn as a table, a real warehouse between."""

from dataclasses import replace
from datetime import date

import pytest

from ingest.errors import UserError
from tests.warehouse.rows import card, load, prediction, study
from warehouse.arrivals import append_studies
from warehouse.disclosure import small
from warehouse.epidemiology import lang_reiczigel, wilson_interval
from warehouse.measures import MEASURES, PLANNED, MeasureRequest, compute
from warehouse.models import register
from warehouse.sites import current_sites, load_sites
from warehouse.store import Warehouse

TWO_WEEKS = """
    A1 2026-05-11 PPNNN
    A2 2026-05-13 PN-
    B1 2026-05-17 NNNN
    A1 2026-05-18 PPPP
    B1 none       PPN
"""


def drawn(measures: list, *names: str) -> list[tuple]:
    return [tuple(getattr(m, name) for name in names) for m in measures]


def test_xrays_by_region_and_week(warehouse: Warehouse) -> None:
    load(warehouse, TWO_WEEKS)
    found = compute(warehouse, MeasureRequest("xrays"))
    assert drawn(found, "period", "region", "numerator", "missing_reason") == [
        ("2026-W20", "ALPHA", 8, None),
        ("2026-W20", "BETA", 4, None),
        ("2026-W21", "ALPHA", 4, None),
        ("2026-W21", "BETA", 0, None),
    ]


def test_positivity_leaves_out_of_scope_films_out(warehouse: Warehouse) -> None:
    load(warehouse, TWO_WEEKS)
    found = compute(warehouse, MeasureRequest("positivity"))
    assert drawn(found, "period", "region", "numerator", "denominator", "estimate") == [
        ("2026-W20", "ALPHA", 3, 7, 3 / 7),
        ("2026-W20", "BETA", 0, 4, 0.0),
        ("2026-W21", "ALPHA", 4, 4, 1.0),
        ("2026-W21", "BETA", 0, 0, None),
    ]
    low, high = wilson_interval(3, 7)
    assert (found[0].ci_low, found[0].ci_high) == (low, high)
    assert found[3].missing_reason == "no X-rays in this period"


def test_out_of_scope_is_counted_and_is_neither_normal_nor_pneumonia(warehouse: Warehouse) -> None:
    load(warehouse, TWO_WEEKS)
    (week,) = compute(warehouse, MeasureRequest("out_of_scope", by=("site",), sites=("A2",)))
    assert (week.site, week.numerator, week.denominator) == ("A2", 1, 3)


def test_prevalence_uses_the_counts_of_the_model_that_scored(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-11 PPPPNNNNNN")
    (found,) = compute(warehouse, MeasureRequest("prevalence", by=()))
    expected = lang_reiczigel(4, 10, 90, 100, 190, 200)
    assert (found.estimate, found.ci_low, found.ci_high) == (
        expected.estimate,
        expected.low,
        expected.high,
    )


def test_prevalence_is_refused_where_two_models_scored(warehouse: Warehouse) -> None:
    register(warehouse, card("m2"), promote=True)
    load(warehouse, "A1 2026-05-11 PN")
    with warehouse.write("test") as transaction:
        later = study("x", day=date(2026, 5, 12))
        append_studies(transaction, [later], {"x": prediction("x", "PNEUMONIA", "m2")})
    (found,) = compute(warehouse, MeasureRequest("prevalence", by=()))
    assert found.estimate is None
    assert found.missing_reason == "scored by more than one model version"
    assert found.model_version == "m1+m2"


def test_bacterial_share_is_of_the_positive_ones(warehouse: Warehouse) -> None:
    with warehouse.write("test") as transaction:
        ids = {"a": 0.9, "b": 0.2, "c": 0.5}
        studies = [study(name, day=date(2026, 5, 12)) for name in ids]
        scored = {name: prediction(name, "PNEUMONIA", bacterial=p) for name, p in ids.items()}
        append_studies(transaction, studies, scored)
    (found,) = compute(warehouse, MeasureRequest("bacterial_share", by=()))
    assert (found.numerator, found.denominator) == (2, 3)


def test_bacterial_share_says_that_nothing_was_positive(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-11 NN")
    (found,) = compute(warehouse, MeasureRequest("bacterial_share", by=()))
    assert (found.estimate, found.missing_reason) == (None, "no X-rays labelled pneumonia")


@pytest.mark.parametrize(
    ("period", "epiweek", "labels"),
    [
        ("day", "iso", ["2026-05-16", "2026-05-17", "2026-05-18"]),
        ("week", "iso", ["2026-W20", "2026-W21"]),
        ("week", "mmwr", ["2026-W19", "2026-W20"]),
        ("month", "iso", ["2026-05"]),
    ],
)
def test_periods(warehouse: Warehouse, period: str, epiweek: str, labels: list[str]) -> None:
    load(warehouse, "A1 2026-05-16 P\nA1 2026-05-18 N")
    found = compute(warehouse, MeasureRequest("xrays", period, by=(), epiweek=epiweek))
    assert [m.period for m in found] == labels
    assert sum(m.numerator for m in found) == 2
    assert all(m.period_start <= m.period_end for m in found)


def test_strata_add_up_to_the_whole(warehouse: Warehouse) -> None:
    load(
        warehouse,
        """
        A1 2026-05-11 PPN age_years=3 sex=F
        A1 2026-05-11 PN age_years=4.9 sex=M
        A1 2026-05-12 NN age_years=5
        A1 2026-05-12 P
        """,
    )
    found = compute(warehouse, MeasureRequest("positivity", by=("age_group", "sex")))
    assert drawn(found, "stratum", "numerator", "denominator") == [
        ("age_group=0-4;sex=F", 2, 3),
        ("age_group=0-4;sex=M", 1, 2),
        ("age_group=5-14;sex=unknown", 0, 2),
        ("age_group=unknown;sex=unknown", 1, 1),
    ]


def test_filters_keep_days_regions_and_sites(warehouse: Warehouse) -> None:
    load(warehouse, TWO_WEEKS)
    first = MeasureRequest(
        "xrays", "day", by=("site",), start=date(2026, 5, 13), end=date(2026, 5, 17)
    )
    whole = compute(warehouse, first)
    assert {m.site: m.numerator for m in whole if m.numerator} == {"A2": 3, "B1": 4}
    only = compute(warehouse, replace(first, regions=("BETA",)))
    assert drawn(only, "site", "numerator") == [("B1", 4)]


def test_an_earlier_version_is_seen_as_it_was(warehouse: Warehouse) -> None:
    before = load(warehouse, "A1 2026-05-11 PN")
    then = compute(warehouse, MeasureRequest("positivity"))
    load(warehouse, "A1 2026-05-12 PPPP")
    load_sites(warehouse, [replace(current_sites(warehouse)[0], region="BETA")], [])
    assert compute(warehouse, MeasureRequest("positivity", as_of=before)) == then
    now = compute(warehouse, MeasureRequest("positivity"))
    assert drawn(now, "region", "denominator") == [("ALPHA", 0), ("BETA", 6)]


def test_a_rescored_study_counts_once_under_the_model_promoted_last(warehouse: Warehouse) -> None:
    commit = load(warehouse, "A1 2026-05-11 PP")
    register(warehouse, card("m2"), promote=True)
    with warehouse.write("rescore") as transaction:
        (one, _) = warehouse.sql("SELECT study_id FROM studies ORDER BY 1")
        scored = prediction(one["study_id"], "NORMAL", "m2")
        append_studies(transaction, [], {})
        transaction.append("predictions", [{n: getattr(scored, n) for n in scored.__slots__}])
    now = compute(warehouse, MeasureRequest("positivity", by=()))
    then = compute(warehouse, MeasureRequest("positivity", by=(), as_of=commit))
    assert drawn(now, "numerator", "denominator") == [(1, 2)]
    assert drawn(then, "numerator", "denominator") == [(2, 2)]


def test_a_registered_model_that_is_not_promoted_changes_nothing(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-11 PP")
    before = compute(warehouse, MeasureRequest("positivity", by=()))
    register(warehouse, card("shadow"))
    (one, _) = warehouse.sql("SELECT study_id FROM studies ORDER BY 1")
    scored = prediction(one["study_id"], "NORMAL", "shadow")
    with warehouse.write("shadow") as transaction:
        transaction.append("predictions", [{n: getattr(scored, n) for n in scored.__slots__}])
    after = compute(warehouse, MeasureRequest("positivity", by=()))
    assert drawn(after, "numerator", "denominator") == drawn(before, "numerator", "denominator")


def test_synthetic_studies_are_counted_as_such(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-11 PN source=simulated\nA1 2026-05-11 N source=generated")
    (found,) = compute(warehouse, MeasureRequest("positivity", by=()))
    assert (found.simulated, found.generated) == (2, 1)


def test_the_running_period_is_not_complete(warehouse: Warehouse) -> None:
    from datetime import UTC, datetime

    today = datetime.now(UTC).date().isoformat()
    load(warehouse, f"A1 2026-05-11 P\nA1 {today} N")
    found = compute(warehouse, MeasureRequest("xrays", by=()))
    assert [found[0].complete, found[-1].complete] == [True, False]


def test_public_sees_no_small_number(warehouse: Warehouse) -> None:
    load(warehouse, "A1 2026-05-11 PPNNNNNNNN\nB1 2026-05-11 PPPPPNNNNN")
    for measure in MEASURES:
        found = compute(warehouse, MeasureRequest(measure, audience="public"))
        for m in found:
            counts = [c for c in (m.numerator, m.denominator) if c is not None]
            assert all(c == 0 or c >= 5 for c in counts), (measure, m)
    hidden = compute(warehouse, MeasureRequest("positivity", audience="public"))
    assert drawn(hidden, "region", "suppressed", "estimate", "missing_reason") == [
        ("ALPHA", True, None, small(5)),
        ("BETA", True, None, small(5)),  # the whole less BETA would tell ALPHA
    ]
    whole = compute(warehouse, MeasureRequest("positivity", by=(), audience="public"))
    assert drawn(whole, "numerator", "denominator") == [(7, 20)]


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (MeasureRequest("fever"), "'fever' is not a measure"),
        (MeasureRequest(PLANNED[0]), "not in this version"),
        (MeasureRequest(period="year"), "--period 'year'"),
        (MeasureRequest(by=("planet",)), "--by 'planet'"),
        (MeasureRequest(audience="press"), "--audience 'press'"),
        (MeasureRequest(epiweek="cdc"), "--epiweek 'cdc'"),
        (MeasureRequest(start=date(2026, 2, 1), end=date(2026, 1, 1)), "later than"),
        (MeasureRequest(as_of="99"), "no version 99"),
        (MeasureRequest(as_of="soon"), "neither a version number nor a time"),
    ],
)
def test_a_bad_request_names_the_value(
    warehouse: Warehouse, request_: MeasureRequest, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        compute(warehouse, request_)


def test_an_empty_warehouse_has_no_measures(warehouse: Warehouse) -> None:
    for measure in MEASURES:
        assert compute(warehouse, MeasureRequest(measure)) == []
