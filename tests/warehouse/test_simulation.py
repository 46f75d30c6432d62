"""The demo's epidemic: its truth is what the recipe says, and the X-rays follow it."""

import numpy as np

from warehouse.simulation import (
    BASE_PREVALENCE,
    BATCH_SITE,
    OUTBREAK_REGION,
    SILENT_SITE,
    SILENT_WEEKS,
    WEEKS,
    draw,
    epidemic,
)

DAY_OF_YEAR = (np.arange(WEEKS) * 7) % 365 + 1


def test_the_outbreak_is_in_one_region_and_nowhere_else() -> None:
    truth = epidemic(DAY_OF_YEAR)
    sites, weeks = np.nonzero(truth.outbreak)
    assert set(truth.region[sites]) == {OUTBREAK_REGION}
    assert (weeks.min(), weeks.max()) == (128, 135)


def test_prevalence_without_season_waves_or_outbreak_is_the_sites_own() -> None:
    truth = epidemic(DAY_OF_YEAR)
    quiet = np.abs(truth.prevalence[:, 70:76].mean(axis=1) - np.asarray(BASE_PREVALENCE))
    assert quiet.max() < 0.1
    assert ((truth.prevalence > 0) & (truth.prevalence < 0.8)).all()


def test_fewer_weeks_are_the_last_ones_of_the_same_epidemic() -> None:
    whole, tail = epidemic(DAY_OF_YEAR), epidemic(DAY_OF_YEAR[-40:])
    np.testing.assert_allclose(tail.prevalence, whole.prevalence[:, -40:])


def test_more_sites_repeat_the_recipe() -> None:
    truth = epidemic(DAY_OF_YEAR, 30)
    np.testing.assert_allclose(truth.prevalence[12], truth.prevalence[0])


def test_xrays_follow_the_truth() -> None:
    truth = epidemic(DAY_OF_YEAR)
    xrays = draw(truth, np.random.default_rng(3))
    expected = truth.expected_xrays.sum()
    assert abs(len(xrays) - expected) < 5 * np.sqrt(expected)
    share = np.bincount(xrays.site, xrays.sick) / np.bincount(xrays.site)
    weighted = (truth.prevalence * truth.expected_xrays).sum(1) / truth.expected_xrays.sum(1)
    np.testing.assert_allclose(share, weighted, atol=0.02)
    assert not (xrays.viral & ~xrays.sick).any()


def test_delays_are_the_recipes() -> None:
    xrays = draw(epidemic(DAY_OF_YEAR), np.random.default_rng(3))
    ordinary = ~np.isin(xrays.site, [BATCH_SITE, SILENT_SITE])
    assert abs(np.mean(xrays.delay[ordinary] == 0) - 0.30) < 0.01
    assert xrays.delay[ordinary].max() == 7
    batch = xrays.where(xrays.site == BATCH_SITE)
    assert set((batch.day + batch.delay) % 7) == {0}, "uploaded on Mondays"
    silent = xrays.where((xrays.site == SILENT_SITE) & np.isin(xrays.week, SILENT_WEEKS))
    assert set(silent.day + silent.delay) == {(SILENT_WEEKS[-1] + 1) * 7}, "backfilled at once"


def test_the_same_seed_draws_the_same() -> None:
    one, two = (draw(epidemic(DAY_OF_YEAR), np.random.default_rng(9)) for _ in range(2))
    assert all(np.array_equal(getattr(one, n), getattr(two, n)) for n in one.__dataclass_fields__)
