"""Binomial intervals, Rogan-Gladen's estimate and directly standardised rates."""

from math import comb
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import gamma
from statsmodels.stats.proportion import proportion_confint

from tests.warehouse.epidemiology.references import reference, some_examples
from warehouse.epidemiology import direct_standardisation, rogan_gladen, wilson_interval
from warehouse.epidemiology.binomial import blaker, clopper_pearson

OURS = {"wilson": "wilson", "c-p": "clopper-pearson", "blaker": "blaker"}
TOLERANCE = {"wilson": 1e-9, "c-p": 1e-9, "blaker": 1e-4}

# Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, table I.
NEWCOMBE = [
    (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
    (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
    (0, 20, (0.0, 0.1611), (0.0, 0.1684)),
    (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
]


@pytest.mark.parametrize(("x", "n", "score", "exact"), NEWCOMBE)
def test_published_intervals(
    x: int, n: int, score: tuple[float, float], exact: tuple[float, float]
) -> None:
    low, high = wilson_interval(x, n)
    assert (float(low), float(high)) == pytest.approx(score, abs=5e-5)
    assert clopper_pearson(x, n) == pytest.approx(exact, abs=5e-5)


def test_rogan_gladen_equals_r(shared_data: Path) -> None:
    rows = reference(shared_data, "rogan_gladen_epi_prev.json")["rows"]
    compared = 0
    for row in rows:
        if row["method"] not in OURS:
            continue
        compared += 1
        found = rogan_gladen(
            row["pos"], row["n"], row["se"], row["sp"], row["conf_level"], OURS[row["method"]]
        )
        tolerance = TOLERANCE[row["method"]]
        assert found.raw == pytest.approx(row["true"][0], abs=1e-9)
        limits = (found.estimate, found.low, found.high)
        assert limits == pytest.approx(row["true_clamped"], abs=tolerance)
    assert compared > len(rows) / 2


@some_examples
@given(st.integers(0, 60), st.integers(1, 60), st.sampled_from([0.8, 0.9, 0.95, 0.99]))
def test_clopper_pearson_equals_statsmodels(x: int, n: int, level: float) -> None:
    x = min(x, n)
    expected = proportion_confint(x, n, 1 - level, "beta")
    assert clopper_pearson(x, n, level) == pytest.approx(np.nan_to_num(expected), abs=1e-10)


@some_examples
@given(st.integers(0, 40), st.integers(1, 40), st.sampled_from([0.8, 0.9, 0.95]))
def test_blaker_lies_within_clopper_pearson_and_mirrors(x: int, n: int, level: float) -> None:
    x = min(x, n)
    low, high = blaker(x, n, level)
    outer_low, outer_high = clopper_pearson(x, n, level)
    assert outer_low - 1e-12 <= low <= x / n <= high <= outer_high + 1e-12
    assert blaker(n - x, n, level) == pytest.approx((1 - high, 1 - low), abs=1e-9)


@pytest.mark.parametrize("p", [0.013, 0.1, 0.27, 0.5, 0.77])
def test_blaker_covers_at_least_its_level(p: float) -> None:
    """By enumeration of all outcomes, not by simulation."""
    n = 17
    limits = [blaker(x, n) for x in range(n + 1)]
    covered = sum(
        comb(n, x) * p**x * (1 - p) ** (n - x)
        for x, (low, high) in enumerate(limits)
        if low <= p <= high
    )
    assert covered >= 0.95


def test_of_a_large_sample_it_is_quick_and_close_to_wilson() -> None:
    low, high = blaker(90_000, 1_000_000)
    expected = [float(limit) for limit in wilson_interval(90_000, 1_000_000)]
    assert [low, high] == pytest.approx(expected, abs=2e-4)


@some_examples
@given(
    st.integers(0, 200),
    st.integers(1, 200),
    st.floats(0.55, 1),
    st.floats(0.55, 1),
    st.sampled_from(sorted(OURS.values())),
)
def test_the_estimate_lies_in_its_interval(
    x: int, n: int, sensitivity: float, specificity: float, method: str
) -> None:
    found = rogan_gladen(min(x, n), n, sensitivity, specificity, method=method)
    assert 0 <= found.low <= found.estimate <= found.high <= 1
    assert found.clamped == (not 0 <= found.raw <= 1)


def test_a_perfect_classifier_leaves_the_raw_share() -> None:
    found = rogan_gladen(30, 200, 1.0, 1.0)
    low, high = wilson_interval(30, 200)
    assert (found.low, found.high) == pytest.approx((float(low), float(high)))
    assert found.raw == pytest.approx(0.15)


def test_the_herd_of_the_epi_prev_manual() -> None:
    """23 of 150 cows positive, Se .96, Sp .89: 5.1 per 100 (R epiR, help of epi.prev)."""
    assert round(rogan_gladen(23, 150, 0.96, 0.89).estimate, 3) == 0.051


def test_what_cannot_be_adjusted_says_why() -> None:
    assert rogan_gladen(0, 0, 0.9, 0.9).reason == "no X-rays"
    useless = rogan_gladen(5, 10, 0.4, 0.6)
    assert not useless.usable
    assert np.isnan([useless.raw, useless.estimate, useless.low, useless.high]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((11, 10, 0.9, 0.9), "x is 11 and n is 10"),
        ((1, 10, 1.2, 0.9), "sensitivity is 1.2"),
        ((1, 10, 0.9, float("nan")), "specificity is nan"),
        ((1, 10, 0.9, 0.9, 1.0), "level is 1.0"),
        ((1, 10, 0.9, 0.9, 0.95, "wald"), "method is 'wald'"),
        ((1.5, 10, 0.9, 0.9, 0.95, "blaker"), "whole numbers"),
    ],
)
def test_rogan_gladen_names_what_is_wrong(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        rogan_gladen(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("example", ["example_1", "example_2"])
def test_standardisation_equals_r(shared_data: Path, example: str) -> None:
    given_ = reference(shared_data, "direct_standardisation.json")[example]
    found = direct_standardisation(
        given_["obs"], given_["tar"], given_["std"], given_["conf_level"]
    )
    for kind, names in (
        ("crude_strata", ("crude", "crude_low", "crude_high")),
        ("adj_strata", ("estimate", "low", "high")),
    ):
        for name, column in zip(names, ("est", "lower", "upper"), strict=True):
            expected = [row[column] for row in given_[kind]]
            np.testing.assert_allclose(getattr(found, name), expected, rtol=0, atol=1e-9)


def test_one_stratum_is_a_poisson_rate() -> None:
    found = direct_standardisation([12], [1000], [1])
    exact = gamma.ppf([0.025, 0.975], [12, 13]) / 1000
    assert (found.low, found.high) == pytest.approx(exact)
    assert (found.crude_low, found.crude_high) == pytest.approx(exact)


def test_a_population_made_up_as_the_standard_keeps_its_rate() -> None:
    found = direct_standardisation([3, 40, 7], [100, 500, 400], [10, 50, 40])
    assert found.estimate == pytest.approx(found.crude)


def test_many_areas_are_each_their_own() -> None:
    events, people, standard = [[3, 9], [0, 0]], [[50, 80], [10, 20]], [1, 2]
    both = direct_standardisation(events, people, standard)
    one = direct_standardisation(events[0], people[0], standard)
    assert both.high[0] == pytest.approx(float(one.high))
    assert both.estimate[1] == both.low[1] == both.crude_low[1] == 0
    assert both.high[1] == pytest.approx(2 / 3 / 20 * -np.log(0.025))  # exponential, scale max w/n


def test_a_stratum_without_population() -> None:
    assert np.isnan(direct_standardisation([1, 0], [10, 0], [1, 1]).estimate)
    assert direct_standardisation([1, 0], [10, 0], [1, 0]).estimate == pytest.approx(0.1)
    deserted = direct_standardisation([0, 0], [0, 0], [1, 1])
    assert np.isnan([deserted.crude, deserted.crude_high, deserted.high]).all()
    with pytest.raises(ValueError, match="events are 2 where population is 0"):
        direct_standardisation([1, 2], [10, 0], [1, 1])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], [10], [1, 1]), "shape"),
        (([1, -2], [10, 10], [1, 1]), "events holds"),
        (([1, 2], [10, float("nan")], [1, 1]), "population holds"),
        (([1, 2], [10, 10], [0, 0]), "standard is all 0"),
    ],
)
def test_standardisation_names_what_is_wrong(
    arguments: tuple[list[float], list[float], list[float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        direct_standardisation(*arguments)
