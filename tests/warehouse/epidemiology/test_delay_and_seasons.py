"""The chain-ladder nowcast and the moving epidemic method."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.warehouse.epidemiology.references import numbers, reference, some_examples
from warehouse.epidemiology import chain_ladder_nowcast, moving_epidemic_thresholds
from warehouse.epidemiology.arguments import Floats
from warehouse.epidemiology.smoothing import fill_missing, smooth

NAN = np.nan
DELAYS = np.array([0.30, 0.28, 0.16, 0.10, 0.07, 0.04, 0.03, 0.02])


def test_the_nowcast_equals_r(shared_data: Path) -> None:
    for case in reference(shared_data, "nowcast_chainladder.json")["cases"]:
        found = chain_ladder_nowcast(numbers(case["triangle"]))
        np.testing.assert_allclose(found.delay_pmf, case["delay_pmf"], rtol=0, atol=1e-9)
        np.testing.assert_allclose(found.estimate, case["nowcast"], rtol=0, atol=1e-9)
        eventual = np.array(case["eventual"])
        late = np.isnan(numbers(case["triangle"])).any(1)
        inside = (found.low <= eventual) & (eventual <= found.high)
        assert inside[~late].all()
        assert inside[late].mean() >= 0.8


def test_it_is_near_the_bayesian_nowcast(shared_data: Path) -> None:
    """surveillance::nowcast, bayes.trunc and lawless: within a few counts from delay 3 on."""
    for case in reference(shared_data, "nowcast_husO104.json")["cases"]:
        found = chain_ladder_nowcast(numbers(case["reporting_triangle"]["counts"]))
        days = len(case["when"])
        ours = found.estimate[-days:][:-3]
        np.testing.assert_allclose(ours, case["median_mean_over_seeds"][:-3], atol=5)
        eventual = np.array(case["eventual_total"])[:-3]
        low, high = found.low[-days:][:-3], found.high[-days:][:-3]
        assert ((low <= eventual) & (eventual <= high)).mean() >= 0.9


def test_the_example_of_the_baselinenowcast_manual() -> None:
    """Help of estimate_and_apply_delay: its printed matrix, summed over the delays."""
    triangle = [
        [80, 50, 25, 10],
        [100, 50, 20, NAN],
        [90, 45, NAN, NAN],
        [110, NAN, NAN, NAN],
        [95, NAN, NAN, NAN],
    ]
    printed = [165, 180.97165, 90 + 45 + 21.72707 + 10.11533]
    printed += [110 + 59.32834 + 27.24413 + 12.68600, 95 + 51.27278 + 23.53877 + 10.95949]
    assert chain_ladder_nowcast(triangle).estimate == pytest.approx(printed, abs=2e-5)


def _cut(complete: Floats) -> Floats:
    """What of complete rows is known when the last one has just begun."""
    rows, delays = np.indices(complete.shape)
    return np.where(rows + delays >= complete.shape[0], NAN, complete)


@some_examples
@given(st.integers(0, 10_000), st.integers(9, 40), st.sampled_from([2, 30, 200]))
def test_the_nowcast_adds_to_what_is_known(seed: int, rows: int, level: int) -> None:
    rng = np.random.default_rng(seed)
    triangle = _cut(rng.multinomial(rng.poisson(level, rows), DELAYS).astype(float))
    found = chain_ladder_nowcast(triangle)
    known = np.nansum(triangle, 1)
    usable = ~np.isnan(found.estimate)
    assert (found.estimate >= known - 1e-9)[usable].all()
    assert (known <= found.low)[usable].all()
    assert (found.low <= found.high)[usable].all()
    whole = ~np.isnan(triangle).any(1)
    assert (found.low == known)[whole].all()
    assert (found.high == known)[whole].all()
    assert found.delay_pmf.sum() == pytest.approx(1) or not known.any()


def test_intervals_cover_their_level() -> None:
    """150 seeded triangles with the demo's delays, over-dispersed: each of the last 7 rows."""
    rng = np.random.default_rng(3)
    inside = []
    for _ in range(150):
        totals = rng.negative_binomial(5, 5 / (5 + 60), 40)
        complete = np.array([rng.multinomial(n, rng.dirichlet(DELAYS * 60)) for n in totals])
        found = chain_ladder_nowcast(_cut(complete.astype(float)))
        inside.append(((found.low <= totals) & (totals <= found.high))[-7:])
    assert 0.92 <= np.mean(inside) <= 0.985


def test_rows_without_reports_and_triangles_without_any() -> None:
    silent = chain_ladder_nowcast([[5, 3], [6, 2], [NAN, NAN], [4, NAN]])
    assert np.isnan([silent.estimate[2], silent.low[2], silent.high[2]]).all()
    assert silent.estimate[3] == pytest.approx(4 + (4 + 1 - 11 / 16) / (11 / 16) * 5 / 16)
    empty = chain_ladder_nowcast([[0, 0], [0, 0], [0, NAN]])
    assert empty.estimate[:2].tolist() == [0, 0]
    assert np.isnan(empty.estimate[2])


@pytest.mark.parametrize(
    ("triangle", "message"),
    [
        ([1, 2, 3], r"shape \(3,\)"),
        ([[1], [2]], r"shape \(2, 1\)"),
        ([[1, -2], [1, 2]], "negative"),
        ([[1, 2], [NAN, 2]], "row 1 has a count after a NaN"),
        ([[1, NAN], [2, NAN]], "no row that reached delay 1"),
    ],
)
def test_the_nowcast_names_what_is_wrong(triangle: list[object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        chain_ladder_nowcast(triangle)  # type: ignore[arg-type]


def test_moving_epidemics_equal_r(shared_data: Path) -> None:
    for path in sorted((shared_data / "epidemiology").glob("mem_*.json")):
        given_ = json.loads(path.read_text())
        model = next(one for one in given_["models"] if not one["args"])
        found = moving_epidemic_thresholds(numbers(model["rates"]))
        np.testing.assert_allclose(found.pre_interval, model["pre_threshold"], atol=1e-6)
        np.testing.assert_allclose(found.post_interval, model["post_threshold"], atol=1e-6)
        levels = [row[0] for row in model["epi_intervals"]]
        limits = [row[3] for row in model["epi_intervals"]]
        assert list(found.intensity_levels) == levels
        np.testing.assert_allclose(found.intensity_thresholds, limits, atol=1e-6)
        assert found.values == model["n_max"]
        timing = given_["timing_method2"]
        assert (found.start + 1).tolist() == [one["start"] for one in timing]
        assert (found.end + 1).tolist() == [one["end"] for one in timing]


def _seasons(starts: list[int], seed: int = 0, weeks: int = 33) -> NDArray[np.float64]:
    """Weeks × seasons: a flat base of 10 and ten weeks of epidemic."""
    rng = np.random.default_rng(seed)
    rates = rng.uniform(5, 15, (weeks, len(starts)))
    wave = 400 * np.exp(-0.5 * ((np.arange(10) - 4.5) / 2.2) ** 2)
    for column, start in enumerate(starts):
        rates[start : start + 10, column] += wave
    return rates


def test_planted_epidemics_are_found_and_thresholds_lie_between() -> None:
    starts = [8, 12, 10, 15, 11, 9]
    found = moving_epidemic_thresholds(_seasons(starts))
    assert np.abs(found.start - starts).max() <= 2
    assert np.abs(found.end - np.array(starts) - 9).max() <= 2
    assert 15 < found.pre_threshold < 80
    assert found.pre_threshold < found.intensity_thresholds[0]
    assert (np.diff(found.intensity_thresholds) > 0).all()
    assert found.values == 5


@some_examples
@given(st.floats(0.1, 1000), st.integers(0, 1000))
def test_thresholds_are_in_the_unit_of_the_rates(scale: float, seed: int) -> None:
    rates = _seasons([8, 12, 10], seed)
    one, other = moving_epidemic_thresholds(rates), moving_epidemic_thresholds(scale * rates)
    assert other.pre_threshold == pytest.approx(scale * one.pre_threshold)
    assert other.post_threshold == pytest.approx(scale * one.post_threshold)
    assert other.start.tolist() == one.start.tolist()


def test_seasons_may_be_rows_or_columns_and_empty_or_too_many() -> None:
    rates = _seasons([8, 12, 10, 15])
    expected = moving_epidemic_thresholds(rates).pre_threshold
    assert moving_epidemic_thresholds(list(rates.T)).pre_threshold == expected
    uneven = [*rates.T[:-1].tolist(), [*rates[:, -1].tolist(), NAN, NAN]]
    assert moving_epidemic_thresholds(uneven).pre_threshold == pytest.approx(expected)
    padded = np.column_stack([np.zeros(33), rates])
    assert moving_epidemic_thresholds(padded).pre_threshold == expected
    longer = np.column_stack([_seasons([5]), rates])
    assert moving_epidemic_thresholds(longer, most_seasons=4).pre_threshold == expected


def test_gaps_are_filled_and_open_ends_are_not() -> None:
    """The curve is that of R 4.2's sm.regression with h.select (sm 2.2-5.7.1)."""
    y = np.array([1, 2, NAN, 5, 9, 20, 33, 28, NAN, NAN, 11, 6, 4, 2, 1, 1])
    assert fill_missing(y)[[2, 8, 9]] == pytest.approx([4.3752018, 21.5891309, 16.5991048])
    assert smooth(y, 1.0)[[0, 7]] == pytest.approx([0.9782959766, 28.8498878348])
    rates = _seasons([8, 12, 10])
    rates[20, 0], rates[30:, 1] = NAN, NAN
    assert np.isfinite(moving_epidemic_thresholds(rates).post_threshold)


def test_a_season_as_flat_as_can_be_has_no_epidemic() -> None:
    rates = np.column_stack([np.full(52, 10.0), np.full(52, 12.0)])
    found = moving_epidemic_thresholds(rates)
    assert found.start.tolist() == found.end.tolist() == [-1, -1]
    assert found.pre_threshold > 10
    assert np.isnan(found.post_threshold)
    assert np.isnan(found.intensity_thresholds).all()


@pytest.mark.parametrize(
    ("seasons", "message"),
    [
        ([[1.0], [2.0], [3.0]], "seasons has 1 with cases"),
        ([1.0, 2.0], "1 dimensions"),
        ([[1.0, 2.0], [-1.0, 2.0], [0.0, 0.0]], "negative"),
        (np.zeros((33, 4)), "seasons has 0 with cases"),
    ],
)
def test_the_moving_epidemic_method_names_what_is_wrong(seasons: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        moving_epidemic_thresholds(seasons)  # type: ignore[arg-type]
