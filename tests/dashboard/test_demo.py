"""The demo's network: a small one, built whole and held against its own truth."""

import csv
from datetime import date
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from dashboard.configuration import Configuration
from dashboard.demo.build import Plan, build
from dashboard.demo.network import regions, sites
from ingest.errors import UserError
from warehouse.freshness import freshness
from warehouse.measures import MeasureRequest, compute
from warehouse.sites import current_regions, current_sites
from warehouse.store import Warehouse

TODAY = date(2026, 11, 24)  # a Tuesday: few X-rays of its week have come, so few are films
PLAN = Plan(weeks=60, sites=12, seed=3, today=TODAY, fewest_films=60)


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty weeks of twelve sites, with few films: the whole demo has more."""
    home = tmp_path_factory.mktemp("demo") / "home"
    outcome = build(home, Configuration(), PLAN)
    assert outcome.tally.rejected == 0, outcome.tally.by_reason
    assert outcome.tally.duplicates == 0
    assert outcome.tally.predicted >= 60
    return home


def truth_rows(home: Path) -> list[dict[str, str]]:
    with (home / "demo" / "truth_by_week.csv").open() as file:
        return list(csv.DictReader(file))


def test_network_has_twelve_sites_in_five_outlined_regions(demo: Path) -> None:
    with Warehouse.open(demo, read_only=True) as warehouse:
        places, outlines = current_sites(warehouse), current_regions(warehouse)
    assert (len(places), len(outlines)) == (12, 5)
    assert {site.region for site in places} == {region.region for region in outlines}


def test_every_xray_is_labelled_as_simulated_or_generated(demo: Path) -> None:
    with Warehouse.open(demo, read_only=True) as warehouse:
        found = freshness(warehouse)
        measures = compute(warehouse, MeasureRequest("xrays", by=()))
    assert found.simulated + found.generated == found.studies
    assert found.generated >= 60
    assert all(m.simulated + m.generated == m.numerator for m in measures)


def test_the_truth_counts_what_is_in_the_warehouse(demo: Path) -> None:
    with Warehouse.open(demo, read_only=True) as warehouse:
        measures = compute(warehouse, MeasureRequest("xrays", by=("site",)))
    counted = {(m.period_start.isoformat(), m.site): m.numerator for m in measures}
    drawn = {(row["week_start"], row["site_id"]): int(row["xrays"]) for row in truth_rows(demo)}
    assert {key: n for key, n in drawn.items() if n} == {key: n for key, n in counted.items() if n}


def test_adjusted_prevalence_recovers_the_truth_that_raw_positivity_misses(demo: Path) -> None:
    """By region and week of the simulated history after the model change (recipe week 110)."""
    sick: dict[tuple[str, str], int] = {}
    total: dict[tuple[str, str], int] = {}
    for row in truth_rows(demo):
        key = (row["week_start"], row["region"])
        sick[key] = sick.get(key, 0) + int(row["sick"])
        total[key] = total.get(key, 0) + int(row["xrays"])
    with Warehouse.open(demo, read_only=True) as warehouse:
        adjusted = compute(warehouse, MeasureRequest("prevalence"))
        raw = compute(warehouse, MeasureRequest("positivity"))
    bias, raw_bias, covered = [], [], []
    for a, r in zip(adjusted, raw, strict=True):
        if a.estimate is None or a.generated:
            continue
        share = (
            sick[a.period_start.isoformat(), a.region] / total[a.period_start.isoformat(), a.region]
        )
        bias.append(a.estimate - share)
        raw_bias.append(r.estimate - share)
        covered.append(a.ci_low <= share <= a.ci_high)
    assert len(covered) > 100
    assert abs(np.mean(bias)) < 0.01
    assert abs(np.mean(bias)) < abs(np.mean(raw_bias))
    assert np.mean(covered) > 0.93


def test_nothing_has_been_received_after_today(demo: Path) -> None:
    with Warehouse.open(demo, read_only=True) as warehouse:
        found = freshness(warehouse)
    assert found.last_received_at.date() < TODAY


def test_a_home_that_is_there_is_not_built_over(demo: Path) -> None:
    with pytest.raises(UserError, match="is a home already"):
        build(demo, Configuration(), PLAN)


def test_each_site_lies_in_its_own_region_alone() -> None:
    rings = {r.region: r.geometry["coordinates"][0] for r in regions()}
    for site in sites(24):
        inside = [
            code for code, ring in rings.items() if _holds(ring, site.longitude, site.latitude)
        ]
        assert inside == [site.region], site.site_id


def _holds(ring: list[list[float]], x: float, y: float) -> bool:
    """Even-odd rule."""
    crossings = 0
    for (ax, ay), (bx, by) in pairwise(ring):
        if (ay > y) != (by > y) and x < ax + (y - ay) / (by - ay) * (bx - ax):
            crossings += 1
    return crossings % 2 == 1
