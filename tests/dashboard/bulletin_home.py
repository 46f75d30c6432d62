"""A real warehouse, small and seeded, for the bulletin's tests: no image, no model run."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from dashboard.bulletin.contents import Bulletin, BulletinRequest, gather
from inference.records import ModelCard
from warehouse.models import register
from warehouse.records import Region, Site
from warehouse.sites import load_sites
from warehouse.store import Warehouse

WEEK = "2026-W20"
LAST_DAY = date(2026, 5, 17)  # a Sunday: the end of 2026-W20
COUNTS = {"NBO-01": 60, "NBO-02": 40, "MBA-01": 90, "KIS-01": 3}  # NAK-01 is silent
FILES = ["bulletin.html", "bulletin.pdf", "bulletin.csv", "manifest.json"]
SITES = (
    Site("NBO-01", "Nairobi Central", "KE-110", -1.3, 36.81),
    Site("NBO-02", "Nairobi East", "KE-110", -1.28, 36.89),
    Site("MBA-01", "Mombasa Port", "KE-300", -4.04, 39.67),
    Site("KIS-01", "Kisumu Lake", "KE-600", -0.1, 34.75),
    Site("NAK-01", "Nakuru Hill", "KE-700", -0.3, 36.07),
)


def square(west: float, south: float, size: float = 1.0) -> dict[str, object]:
    """A GeoJSON Polygon."""
    east, north = west + size, south + size
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


REGIONS = (
    Region("KE-110", "Nairobi", square(36, -2)),
    Region("KE-300", "Coast", square(38, -4, 2)),
    Region("KE-600", "Nyanza", square(34, -1)),
    Region("KE-700", "Rift Valley", square(35, 0, 2)),
)


def card(version: str = "pw-test-1") -> ModelCard:
    """Sensitivity 0.90 and specificity 0.92, as counts."""
    return ModelCard(
        model_version=version,
        architecture="none",
        labels=("normal", "bacteria", "virus"),
        negative_label="normal",
        input_size=224,
        preprocessing="test",
        thresholds={"surveillance": 0.5},
        temperature=1.0,
        true_positives=450,
        false_negatives=50,
        true_negatives=460,
        false_positives=40,
        intended_use="tests",
        ages=(0, 120),
        views=("PA", "AP"),
        scope_limit=None,
    )


def make_home(
    home: Path, sites: Sequence[Site] = SITES, regions: Sequence[Region] = REGIONS
) -> Warehouse:
    """An open warehouse with places and a promoted model, and no X-ray yet."""
    warehouse = Warehouse.create(home)
    load_sites(warehouse, sites, regions)
    register(warehouse, card(), promote=True)
    return warehouse


def add_weeks(
    warehouse: Warehouse,
    counts: dict[str, int],
    weeks: int = 1,
    *,
    last_day: date = LAST_DAY,
    source: str = "image",
    share: float = 0.2,
    seed: int = 1,
) -> int:
    """X-rays of each site in the weeks up to `last_day`; returns the commit number."""
    rng = np.random.default_rng(seed)
    rows = []
    for ago in range(weeks):
        end, level = last_day - timedelta(weeks=ago), 1 + 0.5 * np.cos(2 * np.pi * ago / 52)
        for site, count in counts.items():
            names = (f"{source}-{seed}-{end}-{site}-{i}" for i in range(count))
            rows += [_row(name, site, end, source, rng, share * level) for name in names]
    with warehouse.write("test") as transaction:
        transaction.append("studies", [study for study, _ in rows])
        transaction.append("predictions", [prediction for _, prediction in rows])
    return transaction.commit_number


def made(warehouse: Warehouse, week: str | None = WEEK, **others: Any) -> Bulletin:
    """The bulletin of a week."""
    return gather(warehouse, BulletinRequest(week, **others))


def study(study_id: str, site: str, day: date, source: str = "image") -> dict[str, object]:
    """A row of `studies`."""
    at = datetime.combine(day, time(9), UTC)
    return {
        "study_id": study_id, "content_hash": study_id, "patient_key": None, "site_id": site,
        "acquired_at": at, "acquired_date": day, "received_at": at, "age_years": 4.0,
        "sex": "F", "view": "PA", "source": source, "flags": "",
    }  # fmt: skip


def prediction(
    study_id: str, *, positive: bool, bacterial: bool = True, in_scope: bool = True
) -> dict[str, object]:
    """A row of `predictions`."""
    label = ("PNEUMONIA" if positive else "NORMAL") if in_scope else None
    chance = 0.9 if bacterial else 0.1
    return {
        "study_id": study_id, "model_version": "pw-test-1", "probability": float(positive),
        "p_bacterial": chance, "p_viral": 1 - chance, "in_scope": in_scope, "label": label,
        "threshold": 0.5, "quality_score": 1.0, "scope_score": 0.0,
        "predicted_at": datetime.combine(LAST_DAY, time(12), UTC),
    }  # fmt: skip


def _row(
    study_id: str, site: str, end: date, source: str, rng: np.random.Generator, share: float
) -> tuple[dict[str, object], dict[str, object]]:
    day = end - timedelta(days=int(rng.integers(7)))
    drawn = {"positive": rng.random() < share, "bacterial": rng.random() < 0.6}
    scored = prediction(study_id, in_scope=bool(rng.random() > 0.01), **drawn)
    return study(study_id, site, day, source), scored
