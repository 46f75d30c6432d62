"""Prevalence over strata with different classifiers: one stratum, coverage, shared samples."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from warehouse.epidemiology import Stratum, lang_reiczigel, stratified_prevalence

COUNTS = st.integers(0, 40)


@given(COUNTS, COUNTS, COUNTS, COUNTS, COUNTS, COUNTS)
def test_one_stratum_is_lang_reiczigel(x: int, no: int, tp: int, fn: int, tn: int, fp: int) -> None:
    alone = lang_reiczigel(x, x + no, tp, tp + fn, tn, tn + fp)
    strata = stratified_prevalence([Stratum(x, x + no, tp, tp + fn, tn, tn + fp)])
    assert repr(strata) == repr(alone)  # NaN is not equal to itself


def test_the_point_is_the_weighted_mean_of_the_strata() -> None:
    one, two = Stratum(30, 100, 90, 100, 190, 200), Stratum(20, 300, 45, 50, 95, 100, "S")
    apart = [lang_reiczigel(*(s.x, s.n, s.tp, s.positives, s.tn, s.negatives)) for s in (one, two)]
    both = stratified_prevalence([one, two])
    assert both.raw == pytest.approx((100 * apart[0].raw + 300 * apart[1].raw) / 400)
    assert both.low < both.estimate < both.high


def test_strata_of_one_validation_sample_are_never_narrower_than_independent_ones() -> None:
    one = Stratum(30, 100, 45, 50, 95, 100, "S")
    apart = stratified_prevalence([one, replace(one, sample="T")])
    together = stratified_prevalence([one, one])
    assert together.high - together.low > apart.high - apart.low


def test_a_stratum_that_cannot_be_adjusted_refuses_the_whole() -> None:
    blind = Stratum(30, 100, 25, 50, 50, 100, "S")
    found = stratified_prevalence([Stratum(30, 100, 90, 100, 190, 200), blind])
    assert not found.usable
    assert found.reason == "sensitivity + specificity − 1 is not surely above 0"


def test_the_interval_covers_the_truth_where_sites_differ() -> None:
    """Three sites of differing sensitivity, specificity and prevalence, 1,500 repetitions."""
    rng = np.random.default_rng(5)
    sites = [(0.78, 0.96, 0.30, 150), (0.92, 0.85, 0.10, 400), (0.85, 0.92, 0.20, 80)]
    truth = sum(share * n for _, _, share, n in sites) / sum(n for *_, n in sites)
    covered = []
    for _ in range(1500):
        strata = []
        for number, (se, sp, share, n) in enumerate(sites):
            x = rng.binomial(n, share * se + (1 - share) * (1 - sp))
            tp, tn = rng.binomial(150, se), rng.binomial(300, sp)
            strata.append(Stratum(x, n, tp, 150, tn, 300, str(number)))
        found = stratified_prevalence(strata)
        covered.append(found.low <= truth <= found.high)
    assert 0.935 <= np.mean(covered) <= 0.985
