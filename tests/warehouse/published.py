"""A random network and everything that an audience outside may ask of it, for the attack."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import combinations

import numpy as np

from warehouse.disclosure import Counts
from warehouse.outside import OutsideRow, merged, outside_rows, weekly_question
from warehouse.periods import last_day
from warehouse.request import MeasureRequest
from warehouse.settings import WarehouseSettings
from warehouse.store import Row

MONDAY = date(2026, 4, 6)  # two of four weeks belong to April, one is cut by May
CLASSES = 4  # out of scope, negative, viral, bacterial: disjoint
NESTED = ((0, 1, 2, 3), (1, 2, 3), (2, 3), (3,))  # the classes of each nested count
AGES = ("0-4", "65+")


@dataclass(frozen=True, slots=True)
class Network:
    """X-rays by week, site, age group and class; regions by site."""

    counts: np.ndarray  # (weeks, sites, ages, classes)
    regions: tuple[str, ...]  # (sites,)

    @property
    def sites(self) -> tuple[str, ...]:
        return tuple(f"S{number}" for number in range(len(self.regions)))

    def week(self, start: date) -> int:
        return (start - MONDAY).days // 7


def random_network(seed: int) -> Network:
    """Three to seven small sites in up to three regions, many cells of 0 to 4."""
    rng = np.random.default_rng(seed)
    weeks, sites = int(rng.integers(2, 5)), int(rng.integers(3, 8))
    size = rng.choice([0.3, 1.0, 4.0, 12.0, 40.0], size=sites)
    share = rng.choice([0.03, 0.1, 0.3, 0.6], size=(sites, CLASSES))
    means = size[None, :, None, None] * share[None, :, None, :] * rng.uniform(0.2, 1.5, 2)[:, None]
    counts = rng.poisson(np.broadcast_to(means, (weeks, sites, len(AGES), CLASSES)))
    counts[rng.random((weeks, sites)) < 0.15] = 0
    return Network(counts, tuple(f"R{n}" for n in sorted(rng.integers(0, 3, sites))))


def row_of(key: tuple[object, ...], classes: np.ndarray) -> Row:
    """A row as queries/counts.sql makes it; `classes` (4,)."""
    nested = [int(classes[list(members)].sum()) for members in NESTED]
    names = ("xrays", "in_scope", "positive", "bacterial")
    labelled = [{"model_version": "m", "calibration_id": None, "in_scope": 0, "positive": 0}]
    return merged(key, [], 0) | dict(zip(names, nested, strict=True)) | {"classifiers": labelled}


def weekly_rows(network: Network, by: tuple[str, ...]) -> list[Row]:
    """What the warehouse answers to a weekly question: silent places too, absent ages not."""
    rows = []
    for week in range(len(network.counts)):
        start = MONDAY + timedelta(weeks=week)
        if by == ("age_group",):
            for at, age in enumerate(AGES):
                if (classes := network.counts[week, :, at].sum(0)).any():
                    rows.append(row_of((start, None, None, age, None), classes))
            continue
        for at, (region, site) in enumerate(zip(network.regions, network.sites, strict=True)):
            classes = network.counts[week, at].sum(0)
            rows.append(row_of((start, region, site, None, None), classes))
    return rows


def every_request(network: Network) -> Iterator[MeasureRequest]:
    """All that an audience outside can ask for, by any measure."""
    base = MeasureRequest(audience="public")
    spans = [(None, None), (MONDAY + timedelta(days=3), None), (None, MONDAY + timedelta(days=9))]
    regions = sorted(set(network.regions))
    for period in ("day", "week", "month"):
        for start, end in spans:
            asked = replace(base, period=period, start=start, end=end)
            for by in ((), ("region",), ("site",), ("region", "site"), ("age_group",)):
                yield replace(asked, by=by)
            for by in (("age_group", "sex"), ("region", "age_group")):
                yield replace(asked, by=by)
            for chosen in [*combinations(network.sites, 1), *combinations(network.sites, 2)]:
                yield replace(asked, by=(), sites=chosen)
                yield replace(asked, by=("region",), sites=chosen)
            for chosen in combinations(regions, min(2, len(regions))):
                yield replace(asked, by=(), regions=chosen)


def published(
    network: Network, request: MeasureRequest, settings: WarehouseSettings
) -> Iterator[tuple[OutsideRow, tuple[np.ndarray, ...], Counts]]:
    """Each row of an answer, with the cells (weeks, sites, ages) it is of, and its true counts."""
    weekly = weekly_rows(network, weekly_question(request, settings).by)
    for found in outside_rows(request, weekly, settings):
        mask = np.zeros(network.counts.shape[:3], bool)
        for week in range(len(network.counts)):
            start = MONDAY + timedelta(weeks=week)
            if request.period == "month":
                first = found.row["period_start"]
                inside = first <= start + timedelta(days=3) <= last_day(first, "month")
            else:
                inside = found.row["period_start"] == start
            for at, (region, site) in enumerate(zip(network.regions, network.sites, strict=True)):
                chosen = (
                    found.row["region"] in (None, region)
                    and found.row["site_id"] in (None, site)
                    and (not request.regions or region in request.regions)
                    and (not request.sites or site in request.sites)
                )
                mask[week, at] = inside and chosen
        if found.row["age_group"] is not None:
            mask &= np.array([age == found.row["age_group"] for age in AGES])
        whole = network.counts[mask].sum(0)
        true = Counts(*(int(whole[list(members)].sum()) for members in NESTED))
        yield found, mask, true
