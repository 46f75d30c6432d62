"""Farrington Flexible against R, against statsmodels, and by its properties."""

from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.stats import nbinom, poisson

from tests.warehouse.epidemiology.references import numbers, reference, some_examples
from warehouse.epidemiology import farrington_flexible
from warehouse.epidemiology.arguments import Floats
from warehouse.epidemiology.discrete import quantile, upper_tail
from warehouse.epidemiology.farrington_history import history, references_by_date

SERIES = ["k1", "campyDE", "rotaBB_total", "salmonella_agona", "shadar"]


def _weekly(weeks: int, seed: int = 1, level: float = 12.0) -> NDArray[np.int_]:
    rng = np.random.default_rng(seed)
    mean = level * np.exp(0.5 * np.cos(2 * np.pi * np.arange(weeks) / 52))
    counts: NDArray[np.int_] = rng.negative_binomial(6, 6 / (6 + mean))
    return counts


def _run(given_: dict[str, Any], control: dict[str, Any]) -> Any:
    series = given_["series"]
    days = [date.fromisoformat(day) for day in series["dates"] or ()]
    first, last = control["range"]
    return farrington_flexible(
        series["counts"],
        dates=days if series["epoch_as_date"] else None,
        exposure=series["population"] if control["populationOffset"] else None,
        frequency=series["frequency"],
        years_back=control["b"],
        half_window=control["w"],
        periods=control["noPeriods"],
        exclude_recent=control["pastWeeksNotIncluded"],
        reweight=control["reweight"],
        weights_threshold=control["weightsThreshold"],
        threshold_method=control["thresholdMethod"],
        power_transform=control["powertrans"],
        alpha=control["alpha"],
        trend=control["trend"],
        trend_p=control["pThresholdTrend"],
        limit=tuple(control["limit54"]),
        at=range(first - 1, last),
    )


@pytest.mark.parametrize("name", SERIES)
def test_it_equals_r(shared_data: Path, name: str) -> None:
    given_ = reference(shared_data, f"farrington_flexible_{name}.json")
    for run in given_["runs"].values():
        found = _run(given_, run["control"])
        exact = 1e-4 if run["control"]["thresholdMethod"] == "delta" else 0
        np.testing.assert_allclose(found.upper_bound, numbers(run["upperbound"]), rtol=exact)
        for ours, theirs in (
            ("expected", "expected"),
            ("score", "score"),
            ("p_value", "pvalue"),
            ("dispersion", "phi"),
        ):
            expected = numbers(run[theirs])
            np.testing.assert_allclose(getattr(found, ours), expected, rtol=1e-4, atol=1e-12)
        assert found.alarm.tolist() == [bool(one) for one in run["alarm"]]
        assert found.trend_used.tolist() == [one == 1 for one in run["trend_fitted"]]


def test_two_fits_step_by_step_equal_r(shared_data: Path) -> None:
    given_ = reference(shared_data, "farrington_flexible_steps_salmonella_agona.json")
    for step in given_["steps"]:
        k, control = step["time_point"] - 1, step["control"]
        references = [k - 52 * year for year in range(control["b"] + 1)]
        periods, recent = control["noPeriods"], control["pastWeeksNotIncluded"]
        past = history(references, control["w"], periods, recent)
        assert (k - past.back + 1).tolist() == step["rows"]["wtime"]
        assert (past.season + 1).tolist() == step["rows"]["seasgroup"]
        found = farrington_flexible(
            given_["counts"],
            years_back=control["b"],
            periods=periods,
            exclude_recent=recent,
            weights_threshold=control["weightsThreshold"],
            alpha=control["alpha"],
            trend=control["trend"],
            trend_p=control["pThresholdTrend"],
            at=[k],
        )
        assert found.expected[0] == pytest.approx(step["expected"], rel=1e-5)
        assert found.upper_bound[0] == step["upper_nbPlugin"]
        phi = max(step["second_fit"]["phi"], 1)
        assert found.dispersion[0] == pytest.approx(phi, rel=1e-5)


def test_without_reweighting_it_is_statsmodels_glm() -> None:
    counts, exposure = _weekly(52 * 4 + 60), np.random.default_rng(2).integers(80, 300, 268)
    k = 250
    found = farrington_flexible(
        counts, exposure=exposure, years_back=4, reweight=False, at=[k], alpha=0.02
    )
    past = history([k - 52 * year for year in range(5)], 3, 10, 26)
    design = np.column_stack([np.eye(10)[past.season], -past.back])
    rows = k - past.back
    model = sm.GLM(
        counts[rows], design, family=sm.families.Poisson(), offset=np.log(exposure[rows])
    ).fit(scale="X2")
    expected = exposure[k] * np.exp(model.params[9])
    phi = max(model.scale, 1.0)
    assert found.trend_used[0] == (expected <= counts[rows].max())
    assert found.expected[0] == pytest.approx(expected, rel=1e-6)
    assert found.dispersion[0] == pytest.approx(phi, rel=1e-6)
    bound = nbinom.ppf(0.98, expected / (phi - 1), 1 / phi)
    assert found.upper_bound[0] == bound
    p = nbinom.sf(counts[k] - 1, expected / (phi - 1), 1 / phi)
    assert found.p_value[0] == pytest.approx(p, rel=1e-6)


def test_an_outbreak_in_the_past_is_weighed_down() -> None:
    counts = _weekly(52 * 3 + 40)
    counts[190 - 53 : 190 - 50] = 200
    light = farrington_flexible(counts, years_back=3, at=[190])
    heavy = farrington_flexible(counts, years_back=3, at=[190], reweight=False)
    assert light.upper_bound[0] < heavy.upper_bound[0] / 2
    assert light.expected[0] < heavy.expected[0]


def test_an_outbreak_now_is_found_and_more_x_rays_are_not_one() -> None:
    counts, exposure = _weekly(52 * 3 + 40, level=30), np.full(196, 200)
    doubled = counts.copy()
    doubled[190:193] *= 3
    found = farrington_flexible(doubled, exposure=exposure, years_back=3, at=range(186, 196))
    assert found.alarm[4:7].all()
    busy = np.where((np.arange(196) >= 190) & (np.arange(196) < 193), 600, exposure)
    offset = farrington_flexible(doubled, exposure=busy, years_back=3, at=range(186, 196))
    assert not offset.alarm.any()


@some_examples
@given(st.integers(0, 10_000), st.integers(2, 9))
def test_a_constant_factor_of_exposure_changes_nothing(seed: int, factor: int) -> None:
    counts = _weekly(52 * 2 + 30, seed)
    plain = farrington_flexible(counts, years_back=2)
    scaled = farrington_flexible(counts, exposure=np.full(counts.size, factor), years_back=2)
    np.testing.assert_allclose(scaled.expected, plain.expected, rtol=1e-6)


@some_examples
@given(st.integers(0, 10_000), st.sampled_from(["nbPlugin", "muan"]))
def test_one_point_alone_is_as_among_others(seed: int, method: str) -> None:
    counts = _weekly(52 * 2 + 12, seed, level=2)
    whole = farrington_flexible(counts, years_back=2, threshold_method=method)
    for row, k in enumerate(whole.at):
        alone = farrington_flexible(counts, years_back=2, threshold_method=method, at=[k])
        np.testing.assert_allclose(alone.upper_bound[0], whole.upper_bound[row])
        np.testing.assert_allclose(alone.p_value[0], whole.p_value[row], rtol=1e-8)


def test_default_positions_begin_where_a_whole_window_fits() -> None:
    assert farrington_flexible(_weekly(120), years_back=2).at.tolist() == list(range(107, 120))


def test_too_few_cases_give_no_bound() -> None:
    counts = np.zeros(120)
    counts[::20] = 1
    found = farrington_flexible(counts, years_back=2)
    assert np.isnan(found.upper_bound).all()
    assert not found.alarm.any()
    assert not np.isnan(farrington_flexible(counts, years_back=2, limit=(0, 4)).expected).all()


def test_all_zero_series_are_quiet() -> None:
    found = farrington_flexible(np.zeros(170), years_back=3, limit=(0, 4))
    assert not found.alarm.any()
    assert (np.nan_to_num(found.upper_bound) == 0).all()


def test_a_missing_count_is_left_out_and_raises_no_alarm() -> None:
    counts = _weekly(52 * 2 + 30).astype(float)
    counts[[40, 120]] = np.nan
    found = farrington_flexible(counts, years_back=2, at=[119, 120, 131])
    assert np.isnan([found.upper_bound[1], found.p_value[1], found.score[1]]).all()
    assert not found.alarm[1]
    assert not np.isnan(found.upper_bound[[0, 2]]).any()
    silent = farrington_flexible(
        np.nan_to_num(counts, nan=50), exposure=~np.isnan(counts) * 1.0, years_back=2, at=[119]
    )
    assert silent.expected[0] == pytest.approx(found.expected[0])


@pytest.mark.parametrize("method", ["nbPlugin", "delta", "muan"])
def test_nothing_known_of_the_past_gives_nothing(method: str) -> None:
    counts = np.full(120, np.nan)
    counts[-5:] = 9
    found = farrington_flexible(counts, years_back=2, threshold_method=method, at=[119])
    assert np.isnan([found.expected, found.upper_bound, found.p_value, found.dispersion]).all()
    assert not found.alarm.any()
    silent = farrington_flexible(np.full(120, 9), exposure=np.zeros(120), years_back=2, at=[119])
    assert np.isnan(silent.upper_bound).all()


def test_references_by_date_keep_the_weekday_over_53_week_years() -> None:
    days = [date(2018, 1, 1) + timedelta(7 * week) for week in range(300)]
    position = {day: k for k, day in enumerate(days)}
    k = position[date(2021, 1, 4)]  # the Monday after week 53 of 2020
    found = references_by_date(k, days, position, weekly=True, years=3)
    assert [days[one] for one in found or ()] == [
        date(2021, 1, 4),
        date(2020, 1, 6),
        date(2019, 1, 7),
        date(2018, 1, 1),
    ]


def test_regular_dates_of_52_weeks_equal_index_time() -> None:
    """With `at` in the same calendar position the two ways differ by a week at most."""
    counts = _weekly(52 * 3 + 30)
    days = [date(2015, 1, 5) + timedelta(7 * week) for week in range(counts.size)]
    stamps = np.array(days, dtype="datetime64[D]")
    by_list = farrington_flexible(counts, dates=days, years_back=2)
    by_array = farrington_flexible(counts, dates=stamps, years_back=2)
    np.testing.assert_array_equal(by_list.upper_bound, by_array.upper_bound)
    index = farrington_flexible(counts, years_back=2, at=by_list.at)
    assert np.median(np.abs(by_list.expected / index.expected - 1)) < 0.1


@some_examples
@given(
    st.integers(60, 400),
    st.integers(0, 3),
    st.integers(1, 10),
    st.integers(1, 3),
    st.integers(0, 30),
)
def test_blocks_share_the_year_evenly(
    now: int, half_window: int, periods: int, years: int, recent: int
) -> None:
    references = [now - 52 * year for year in range(years + 1) if now - 52 * year >= half_window]
    if len(references) < 2:
        return
    past = history(references, half_window, periods, recent)
    assert past.back.min() > recent
    assert (np.diff(past.back) < 0).all()
    for later, earlier in pairwise(references):
        between = [
            season
            for back, season in zip(past.back, past.season, strict=True)
            if earlier + half_window < now - back < later - half_window
        ]
        if periods > 1 and now - later > 0:
            sizes = np.bincount(between, minlength=periods)[: periods - 1]
            assert sizes.sum() == 52 - 2 * half_window - 1
            assert sizes.max() - sizes.min() <= 1


@some_examples
@given(st.floats(0.01, 500), st.floats(1, 20), st.floats(0.01, 0.999))
def test_quantiles_and_tails_equal_scipy(mean: float, phi: float, probability: float) -> None:
    phi = 1.0 if phi < 1.001 else phi
    law = poisson(mean) if phi == 1 else nbinom(mean / (phi - 1), 1 / phi)
    found = float(quantile(probability, np.array(mean), np.array(phi)))
    assert law.cdf(found) >= probability - 1e-9
    assert found == 0 or law.cdf(found - 1) < probability + 1e-9
    for y in (0.0, found, found + 3):
        tail: Floats = upper_tail(np.array(y), np.array(mean), np.array(phi))
        assert float(tail) == pytest.approx(law.sf(y - 1), rel=1e-7, abs=1e-12)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"years_back": 5}, "no point has 5 years"),
        ({"years_back": 0}, "years_back is 0"),
        ({"at": [20], "years_back": 2}, "at holds 20, before which"),
        ({"at": [500], "years_back": 2}, "at holds 500; positions go from 0 to 119"),
        ({"threshold_method": "normal"}, "threshold_method is 'normal'"),
        ({"power_transform": "3/4"}, "power_transform is '3/4'"),
        ({"alpha": 0.0}, "alpha is 0.0"),
        ({"limit": (5, 0)}, r"limit\[1\] is 0"),
        ({"periods": 60, "years_back": 2}, "periods is 60, but only 45 points"),
        ({"exposure": [1, 2]}, "exposure has 2 values for 120 counts"),
        ({"dates": [date(2020, 1, 6)]}, "dates has 1 days for 120 counts"),
        ({"frequency": 13, "dates": [date(2020, 1, 6)] * 120}, "frequency is 13"),
        ({"dates": [date(2020, 1, 6)] * 120}, "not ascending"),
    ],
)
def test_it_names_what_is_wrong(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        farrington_flexible(_weekly(120), **options)
