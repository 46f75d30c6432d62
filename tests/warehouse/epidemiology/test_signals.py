"""EARS, CUSUM and local Moran's I."""

import json
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.epidemiology.references import numbers, reference, some_examples
from warehouse.epidemiology import cusum, ears, local_moran

SERIES = ["k1", "campyDE", "rotaBB_total", "salmonella_agona", "shadar"]
COUNTS = st.lists(st.integers(0, 40), min_size=12, max_size=40)


@pytest.mark.parametrize("name", SERIES)
def test_ears_equals_r(shared_data: Path, name: str) -> None:
    given_ = reference(shared_data, f"ears_cusum_{name}.json")
    for run in given_["ears"].values():
        control, first = run["control"], run["first_index"] - 1
        found = ears(
            given_["series"]["counts"],
            control["method"],
            control["baseline"],
            control["alpha"],
            control["minSigma"],
        )
        assert np.isnan(found.upper_bound[:first]).all()
        np.testing.assert_allclose(found.upper_bound[first:], numbers(run["upperbound"]), atol=1e-9)
        assert found.alarm[first:].tolist() == [bool(one) for one in run["alarm"]]


@pytest.mark.parametrize("name", SERIES)
def test_cusum_equals_r(shared_data: Path, name: str) -> None:
    given_ = reference(shared_data, f"ears_cusum_{name}.json")
    for run in given_["cusum"].values():
        control = run["control"]
        first, last = control["range"]
        monitored = given_["series"]["counts"][first - 1 : last]
        found = cusum(monitored, control["k"], control["h"], run["m_used"], control["trans"])
        np.testing.assert_allclose(found.statistic, run["cusum"], atol=1e-9)
        np.testing.assert_allclose(found.upper_bound, run["upperbound"], atol=1e-9)
        assert found.alarm.tolist() == run["alarm"]


@some_examples
@given(COUNTS)
def test_c1_and_c2_by_their_definition(counts: list[int]) -> None:
    y, z = np.array(counts, dtype=float), NormalDist().inv_cdf(0.999)
    for method, gap in (("C1", 0), ("C2", 2)):
        found = ears(y, method)
        for t in range(y.size):
            window = y[max(t - gap - 7, 0) : max(t - gap, 0)]
            if window.size < 7:
                assert np.isnan(found.upper_bound[t])
                continue
            bound = window.mean() + z * window.std(ddof=1)
            assert found.upper_bound[t] == pytest.approx(bound)


@some_examples
@given(COUNTS)
def test_c3_alarms_on_the_two_points_before(counts: list[int]) -> None:
    """As R has it: where their Σ max(0, C2 − 1) is above z and there is any case now."""
    y, z = np.array(counts, dtype=float), NormalDist().inv_cdf(0.975)
    found = ears(y, "C3", minimum_sd=0.5)
    for t in range(11, y.size):
        excess = 0.0
        for s in (t - 1, t - 2):
            window = y[s - 9 : s - 2]
            excess += max(0.0, (y[s] - window.mean()) / max(window.std(ddof=1), 0.5) - 1)
        if abs(excess - z) > 1e-9:
            assert found.alarm[t] == (excess > z and y[t] > 0)


def test_ears_of_quiet_short_and_gappy_series() -> None:
    quiet = ears(np.zeros(20), "C2")
    assert (quiet.upper_bound[9:] == 0).all()
    assert not quiet.alarm.any()
    assert np.isnan(ears([1, 2, 3], "C3").upper_bound).all()
    gappy = ears([1, 2, 1, np.nan, 1, 2, 1, 5, 9, 1, 1, 90], "C1")
    assert np.isnan(gappy.upper_bound[:11]).all()
    assert gappy.alarm[11]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([1, 2], "C4"), "method is 'C4'"),
        (([1, 2], "C1", 2), "baseline is 2"),
        (([1, 2], "C1", 7, 1.5), "alpha is 1.5"),
        (([1, 2], "C1", 7, None, -1.0), "minimum_sd is -1.0"),
        (([1, -2], "C1"), "counts holds -2"),
        (([[1, 2]], "C1"), "2 dimensions"),
    ],
)
def test_ears_names_what_is_wrong(arguments: tuple[object, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ears(*arguments)  # type: ignore[arg-type]


@some_examples
@given(st.lists(st.integers(0, 30), min_size=1, max_size=40), st.floats(0.5, 20))
@pytest.mark.parametrize("transform", ["standard", "rossi", "anscombe"])
def test_the_bound_is_the_count_that_alarms(
    transform: str, counts: list[int], target: float
) -> None:
    found = cusum(counts, 1.04, 2.26, target, transform)
    y = np.array(counts, dtype=float)
    assert (found.statistic >= 0).all()
    assert found.alarm[y > found.upper_bound + 1e-6].all()
    if transform != "rossi":  # whose bound turns back where any count would alarm
        rounded_up = 1 if transform == "standard" else 0
        assert not found.alarm[y < found.upper_bound - rounded_up - 1e-6].any()


def test_cusum_adds_up_what_exceeds_the_reference() -> None:
    found = cusum([9, 9, 1, 9], 1.0, 1.5, 4.0)
    assert found.statistic.tolist() == [1.5, 3.0, 0.5, 2.0]
    assert found.alarm.tolist() == [True, True, False, True]
    assert found.upper_bound.tolist() == [9.0, 6.0, 3.0, 8.0]


def test_a_missing_count_ends_the_cusum() -> None:
    found = cusum([9, np.nan, 9], 1.0, 1.5, 4.0)
    assert found.statistic[0] == 1.5
    assert np.isnan(found.statistic[1:]).all()
    assert not found.alarm[1:].any()


@pytest.mark.parametrize(
    ("target", "message"), [(0.0, "target is 0"), ([1.0, 2.0], r"shape \(2,\)")]
)
def test_cusum_names_what_is_wrong(target: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cusum([1, 2, 3], 1.0, 2.0, target)  # type: ignore[arg-type]


def test_local_moran_equals_r(shared_data: Path) -> None:
    for path in sorted((shared_data / "epidemiology").glob("local_moran_*.json")):
        given_ = json.loads(path.read_text())
        found = local_moran(given_["x"], given_["neighbours"])
        for ours, theirs in (("statistic", "Ii"), ("expected", "E_Ii"), ("variance", "Var_Ii")):
            np.testing.assert_allclose(getattr(found, ours), given_[theirs], rtol=0, atol=1e-8)
        z = np.array(given_["Z_Ii"])
        p = [2 * NormalDist().cdf(-abs(one)) for one in z]
        np.testing.assert_allclose(found.p_value, p, atol=1e-8)
        assert found.statistic.mean() == pytest.approx(given_["global_I"], abs=1e-8)


RING = [[5, 1], [0, 2], [1, 3], [2, 4], [3, 5], [4, 0]]


@some_examples
@given(st.lists(st.floats(0, 100), min_size=6, max_size=6).filter(lambda x: np.ptp(x) > 1e-3))
def test_local_statistics_average_to_the_global_one(values: list[float]) -> None:
    """Anselin 1995, with weights that sum to n."""
    z = np.array(values) - np.mean(values)
    whole = sum(z[i] * (z[near[0]] + z[near[1]]) / 2 for i, near in enumerate(RING)) / (z @ z)
    assert local_moran(values, RING).statistic.mean() == pytest.approx(whole, abs=1e-9)


@some_examples
@given(st.floats(0.1, 50), st.floats(-20, 20))
def test_local_moran_knows_no_unit(scale: float, shift: float) -> None:
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0, 7.0])
    one, other = local_moran(values, RING), local_moran(scale * values + shift, RING)
    np.testing.assert_allclose(other.statistic, one.statistic, atol=1e-9)
    np.testing.assert_allclose(other.p_value, one.p_value, atol=1e-9)


def test_the_conditional_moments_are_those_of_all_orders() -> None:
    """Keep one region's value and permute the others over its neighbours: mean and variance."""
    values = np.array([1.0, 4.0, 2.0, 8.0, 5.0])
    found = local_moran(values, [[1, 2], [0], [0], [4], [3]])
    z = values - values.mean()
    pairs = [(z[j] + z[k]) / 2 for j in range(1, 5) for k in range(1, 5) if j != k]
    orders = z[0] / (z**2).mean() * np.array(pairs)
    assert found.expected[0] == pytest.approx(orders.mean())
    assert found.variance[0] == pytest.approx(orders.var())


def test_islands_and_constant_values() -> None:
    island = local_moran([1.0, 2.0, 4.0, 3.0], [[1], [0], [], [0, 1]])
    assert island.statistic[2] == island.expected[2] == island.variance[2] == 0
    assert np.isnan(island.p_value[2])
    assert np.isnan(local_moran([2.0] * 6, RING).statistic).all()


@pytest.mark.parametrize(
    ("values", "neighbours", "message"),
    [
        ([1.0, 2.0], [[1], [0]], "3 or more"),
        ([1.0, 2.0, np.nan], [[1], [0], [1]], "finite"),
        ([1.0, 2.0, 3.0], [[1], [0]], "2 lists for 3 values"),
        ([1.0, 2.0, 3.0], [[1], [1], [0]], r"neighbours\[1\]"),
        ([1.0, 2.0, 3.0], [[1, 1], [0], [0]], r"neighbours\[0\]"),
        ([1.0, 2.0, 3.0], [[-1], [0], [0]], r"neighbours\[0\]"),
    ],
)
def test_local_moran_names_what_is_wrong(
    values: list[float], neighbours: list[list[int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        local_moran(values, neighbours)
