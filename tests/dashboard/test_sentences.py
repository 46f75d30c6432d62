"""Every claim in a sentence is true to the measures that it was made from."""

import re
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import confint_proportions_2indep

from dashboard.sentences import (
    beyond_chance,
    change_sentence,
    change_short,
    difference_sentence,
    freshness_sentence,
    headline,
    latest_complete,
    level_sentence,
    map_sentence,
    preceding,
    synthetic_sentence,
    trend_sentence,
)
from tests.dashboard.samples import share, week, xrays
from warehouse.records import Freshness, Measure

counts = st.integers(1, 4000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of)))


@given(counts, counts)
def test_rose_and_fell_are_true_and_ties_are_neither(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    before, after = share(*first), share(*second, week(1))
    text = change_sentence(before, after)
    difference = (after.estimate or 0) - (before.estimate or 0)
    if " rose from " in text:
        assert difference > 0
    elif " fell from " in text:
        assert difference < 0
    else:
        assert "stayed at" in text
        assert abs(difference) <= 0.001
    found = re.search(r"from (\S+) to (\S+),", text)
    assert found is None or found[1] != found[2]
    if found:
        size = re.search(r"by ([\d.]+) percentage point", text)
        assert size is not None
        assert abs(float(size[1]) / 100 - abs(difference)) <= 0.0005 + 1e-12


@given(counts, counts)
def test_beyond_chance_is_newcombes_interval(
    first: tuple[int, int], second: tuple[int, int]
) -> None:
    low, high = confint_proportions_2indep(*second, *first, method="newcomb", compare="diff")
    if min(abs(low), abs(high)) < 1e-9:
        return  # on the edge, the last digit decides
    assert beyond_chance(share(*first), share(*second, week(1))) == (low > 0 or high < 0)


def test_chance_is_said() -> None:
    assert "more than chance" in change_sentence(share(50, 100), share(500, 600, week(1)))
    assert "chance alone could" in change_sentence(share(5, 10), share(6, 10, week(1)))
    assert "chance" not in change_sentence(xrays(5), xrays(9, week(1)))


def test_counts_change() -> None:
    text = change_sentence(xrays(1200), xrays(1500, week(1)))
    assert text == "X-rays rose from 1,200 to 1,500, by 300."
    assert change_sentence(xrays(5), xrays(5, week(1))) == (
        "X-rays stayed at 5 from one week to the next."
    )


def test_what_is_missing_is_never_compared() -> None:
    missing, hidden, known = share(0, 0), share(None, None), share(3, 10, week(1))
    assert "no X-rays in this period" in change_sentence(missing, known)
    assert "withheld" in change_sentence(hidden, known)
    assert "nothing from the week before" in change_sentence(None, known)
    for before in (missing, hidden, None):
        assert not re.search("rose|fell|stayed|up|down", change_sentence(before, known))
        assert change_short(before, known) == "no week before to compare with"
    later = share(None, None, week(2))
    assert change_sentence(known, later) == (
        "Raw positivity in the week ending 24 May 2026 is withheld because the numbers are small."
    )


def test_suppressed_measures_give_no_number_away() -> None:
    hidden = share(None, None, region="A")
    texts = [level_sentence(hidden), trend_sentence([hidden], "A"), map_sentence([hidden], {})]
    for text in texts:
        assert not re.search(r"\d%|\d of \d", text)


def test_change_in_a_few_words() -> None:
    assert change_short(share(20, 100), share(31, 100, week(1))) == (
        "up 11.0 percentage points on the week before"
    )
    assert change_short(xrays(9), xrays(4, week(1))) == "down 5 on the week before"
    assert change_short(share(1, 3), share(10, 30, week(1))) == "unchanged on the week before"


def test_the_last_complete_week_is_compared_with_the_one_before_it() -> None:
    series = [share(1, 10, week(0)), share(5, 10, week(2)), share(9, 10, week(3), complete=False)]
    latest = latest_complete(series)
    assert latest is series[1]
    assert preceding(series, series[1]) is None  # there is nothing of week 1
    assert preceding(series, series[2]) is series[1]
    assert latest_complete(series[2:]) is None


def test_headline_leads_with_the_week_and_explains_the_adjustment() -> None:
    adjusted = share(30, 100, week(1), measure="prevalence", estimate=0.25)
    texts = headline(
        [xrays(90), xrays(104, week(1)), xrays(3, week(2), complete=False)],
        [share(20, 90), share(30, 100, week(1))],
        [adjusted],
    )
    assert texts[0] == "In the week ending 17 May 2026, 104 readable X-rays were taken."
    assert texts[1] == "X-rays rose from 90 to 104, by 14."
    assert texts[2] == "Raw positivity was 30.0% (95% interval 21.9% to 39.6%; 30 of 100 X-rays)."
    assert texts[-1].startswith("Adjusted prevalence (25.0%) is lower than raw positivity (30.0%)")
    assert headline([]) == []


@pytest.mark.parametrize(
    ("estimate", "said"), [(0.2, "lower"), (0.4, "higher"), (0.3, "leaves it"), (None, "is not")]
)
def test_adjustment_is_described_as_it_is(estimate: float | None, said: str) -> None:
    adjusted = share(30, 100, measure="prevalence", estimate=estimate, missing_reason="no card")
    assert said in difference_sentence(share(30, 100), adjusted)


def test_trend_names_the_highest_complete_period() -> None:
    series = [share(n, 100, week(k)) for k, n in enumerate((10, 40, 20))]
    text = trend_sentence([*series, share(99, 100, week(3), complete=False)], "Coast")
    assert text == (
        "Coast: raw positivity was 20.0% in the week ending 24 May 2026; "
        "the highest shown was 40.0% in the week ending 17 May 2026."
    )
    assert "the highest of 2 complete periods" in trend_sentence(series[:2], "Coast")
    assert "only complete period" in trend_sentence(series[:1], "Coast")
    assert "no complete period" in trend_sentence([share(0, 0)], "Coast")


def regional(**shares: tuple[int, int]) -> list[Measure]:
    return [share(*pair, region=name) for name, pair in shares.items()]


def test_map_names_the_ends() -> None:
    names = {"a": "Alpha", "b": "Beta", "c": "Gamma"}
    assert map_sentence(regional(a=(1, 10), b=(5, 10), c=(0, 0)), names) == (
        "Raw positivity was highest (50.0%) in Beta and lowest (10.0%) in Alpha. "
        "1 place without a value."
    )
    assert map_sentence(regional(a=(1, 10), b=(1, 10)), names) == (
        "Raw positivity was 10.0% in Alpha, as in all 2 places with a value."
    )
    assert map_sentence(regional(a=(1, 10)), names) == (
        "Raw positivity was 10.0% in Alpha, the only place with a value."
    )
    assert map_sentence([], names) == "No place has a value for this period."


def test_what_is_synthetic_is_said() -> None:
    assert synthetic_sentence([xrays(5)]) == ""
    assert synthetic_sentence([xrays(5, simulated=3, generated=2)]) == (
        "All 5 X-rays counted here are not of real patients: "
        "3 simulated scores without any image and 2 computer-generated images."
    )
    assert synthetic_sentence([xrays(5, generated=2), xrays(4)]) == (
        "Some X-rays counted here are not of real patients: 2 computer-generated images."
    )
    assert synthetic_sentence([xrays(1, generated=1)]).startswith("The X-ray counted here is not")


def test_old_data_are_said_to_be_old() -> None:
    def found(taken: date | None) -> Freshness:
        at = datetime(taken.year, taken.month, taken.day, tzinfo=UTC) if taken else None
        return Freshness(1, at, at, at, 5, 0, 0, 0, 0, "m")

    today = date(2026, 5, 20)
    assert "today" in freshness_sentence(found(today), today)
    assert "picture of the past" in freshness_sentence(found(date(2026, 5, 1)), today)
    assert "past" not in freshness_sentence(found(date(2026, 5, 10)), today)
    assert "after today" in freshness_sentence(found(date(2026, 5, 21)), today)
    assert "No X-ray" in freshness_sentence(found(None), today)
