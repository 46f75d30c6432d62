"""Against reference numbers that no one here wrote, and against what must always hold."""

import csv
import json
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from warehouse.epidemiology import epiweek, lang_reiczigel, wilson_interval


def test_wilson_equals_r(shared_data: Path) -> None:
    rows = json.loads((shared_data / "epidemiology" / "wilson.json").read_text())["rows"]
    assert rows
    for row in rows:
        low, high = wilson_interval(row["x"], row["n"], row["conf_level"])
        assert float(low) == pytest.approx(row["lower"], abs=1e-9)
        assert float(high) == pytest.approx(row["upper"], abs=1e-9)


@given(st.integers(0, 500), st.integers(1, 500), st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_wilson_equals_statsmodels(x: int, n: int, level: float) -> None:
    x = min(x, n)
    expected = proportion_confint(x, n, 1 - level, "wilson")
    np.testing.assert_allclose(wilson_interval(x, n, level), expected, atol=1e-12)


def test_wilson_takes_arrays_and_has_no_interval_of_nothing() -> None:
    low, high = wilson_interval([0, 3, 0], [10, 10, 0])
    assert low.shape == high.shape == (3,)
    assert np.isnan([low[2], high[2]]).all()
    assert not np.isnan(low[:2]).any()


def test_wilson_refuses_more_than_all() -> None:
    with pytest.raises(ValueError, match="between 0 and n"):
        wilson_interval(11, 10)


def test_lang_reiczigel_equals_r(shared_data: Path) -> None:
    rows = json.loads((shared_data / "epidemiology" / "lang_reiczigel.json").read_text())["rows"]
    usable = 0
    for row in rows:
        found = lang_reiczigel(
            row["pos"],
            row["n"],
            row["se"] * row["n_se"],
            row["n_se"],
            row["sp"] * row["n_sp"],
            row["n_sp"],
            row["conf_level"],
        )
        if not found.usable:
            continue
        usable += 1
        assert found.raw == pytest.approx(row["estimate_raw"], abs=1e-9)
        for ours, theirs in zip(
            (found.estimate, found.low, found.high),
            (row["estimate"], row["lower"], row["upper"]),
            strict=True,
        ):
            assert ours == pytest.approx(theirs, abs=1e-9)
        if row["degenerate"]:
            assert found.clamped
    assert usable > len(rows) / 2


@given(
    st.integers(0, 300),
    st.integers(1, 300),
    st.integers(0, 60),
    st.integers(1, 60),
    st.integers(0, 60),
    st.integers(1, 60),
)
def test_lang_reiczigel_stays_within_its_bounds(
    x: int, n: int, tp: int, positives: int, tn: int, negatives: int
) -> None:
    found = lang_reiczigel(
        min(x, n), n, min(tp, positives), positives, min(tn, negatives), negatives
    )
    if found.usable:
        assert 0 <= found.low <= found.high <= 1
        assert 0 <= found.estimate <= 1
    else:
        assert found.reason
        assert np.isnan([found.estimate, found.low, found.high]).all()


def test_a_classifier_no_better_than_chance_is_refused() -> None:
    found = lang_reiczigel(30, 100, 25, 50, 27, 50)
    assert not found.usable
    assert "not surely above 0" in (found.reason or "")


def test_nothing_confirmed_is_refused() -> None:
    assert "no confirmed labels" in (lang_reiczigel(3, 10, 0, 0, 5, 5).reason or "")
    assert lang_reiczigel(0, 0, 5, 5, 5, 5).reason == "no X-rays"


def test_epiweeks_equal_the_reference(shared_data: Path) -> None:
    lines = (shared_data / "epidemiology" / "epiweeks.csv").read_text().splitlines()
    rows = list(csv.DictReader(line for line in lines if not line.startswith("#")))
    assert rows
    for row in rows:
        day = date.fromisoformat(row["date"])
        assert epiweek(day) == (int(row["iso_year"]), int(row["iso_week"]))
        assert epiweek(day, "mmwr") == (int(row["mmwr_year"]), int(row["mmwr_week"]))


def test_lang_reiczigel_covers_a_known_truth() -> None:
    """2,000 seeded surveys with Se .85 and Sp .90 known from 150 and 300 confirmed films."""
    rng = np.random.default_rng(5)
    truth, se, sp, n = 0.15, 0.85, 0.90, 300
    covered = 0
    for _ in range(2000):
        tp, tn = rng.binomial(150, se), rng.binomial(300, sp)
        x = rng.binomial(n, truth * se + (1 - truth) * (1 - sp))
        found = lang_reiczigel(x, n, tp, 150, tn, 300)
        covered += found.low <= truth <= found.high
    assert 0.93 <= covered / 2000 <= 0.99
