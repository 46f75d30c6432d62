"""A small network in a real home, written through the warehouse's own functions."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from random import Random

from inference.records import ModelCard, Prediction
from ingest.records import Source, Study
from warehouse.arrivals import append_studies
from warehouse.models import register
from warehouse.records import Region, Site
from warehouse.sites import load_sites
from warehouse.store import Warehouse

CARD = ModelCard(
    model_version="test-1",
    architecture="none",
    labels=("normal", "bacteria", "virus"),
    negative_label="normal",
    input_size=8,
    preprocessing="none",
    thresholds={"surveillance": 0.5},
    temperature=1.0,
    true_positives=180,
    false_negatives=20,
    true_negatives=270,
    false_positives=30,
    intended_use="tests",
    ages=(0, 120),
    views=("PA", "AP"),
    scope_limit=None,
)
SITES = (
    Site("NO-1", "Northern General", "NORTH", 10.5, 0.5),
    Site("NO-2", "<b>Hill</b> & Sons", "NORTH", 10.8, 1.5),
    Site("SO-1", "Southern Royal", "SOUTH", 9.5, 0.5),
    Site("EA-1", "Eastern Cottage", "EAST", 9.5, 2.5),
)


def square(west: float, south: float, east: float, north: float) -> dict[str, object]:
    """A polygon wound as RFC 7946 says."""
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


REGIONS = (
    Region("NORTH", "The North", square(0, 10, 3, 11)),
    Region("SOUTH", "The South", square(0, 9, 2, 10)),
    Region("EAST", "The East", square(2, 9, 3, 10)),
)


def create(
    home: Path,
    *,
    weeks: int = 12,
    regions: Sequence[Region] = REGIONS,
    sites: Sequence[Site] = SITES,
    first: date = date(2026, 2, 2),
    source: Source = Source.IMAGE,
    scale: int = 10,
) -> Path:
    """A home with some weeks of X-rays: EAST is silent for a week and always small."""
    with Warehouse.create(home) as warehouse:
        register(warehouse, CARD, promote=True)
        load_sites(warehouse, list(sites), list(regions))
        if weeks:
            add(warehouse, list(films(sites, first, weeks, source, scale)))
    return home


def add(warehouse: Warehouse, pairs: Sequence[tuple[Study, Prediction]]) -> None:
    """Studies and their predictions in one commit."""
    predictions = {study.study_id: prediction for study, prediction in pairs}
    with warehouse.write("ingest") as transaction:
        append_studies(transaction, [study for study, _ in pairs], predictions)


def films(
    sites: Sequence[Site], first: date, weeks: int, source: Source, scale: int, seed: int = 4
) -> Iterator[tuple[Study, Prediction]]:
    """A few X-rays a week and site; every twentieth is out of scope."""
    random = Random(seed)
    for week in range(weeks):
        for position, site in enumerate(sites):
            small = site.region == "EAST"
            number = (0 if week % 5 == 3 else 2) if small else scale * (position + 1)
            share = 0.2 + 0.05 * position + 0.02 * (week % 6)
            for film in range(number):
                name = f"{seed}-{week}-{site.site_id}-{film}"
                day = first + timedelta(days=7 * week + random.randrange(7))
                yield pair(name, site.site_id, day, random, share, source)


def pair(
    name: str, site: str, day: date, random: Random, share: float, source: Source
) -> tuple[Study, Prediction]:
    """One X-ray and what the model says of it."""
    taken = datetime.combine(day, time(12), UTC)
    study = Study(
        study_id=name,
        content_hash=f"hash-{name}",
        patient_key=None,
        site_id=site,
        acquired_at=taken,
        acquired_date=day,
        received_at=taken + timedelta(hours=3),
        age_years=30.0,
        sex="F",
        view="PA",
        source=source.value,
        flags="",
    )
    positive, in_scope = random.random() < share, random.random() > 0.05
    bacterial = random.random()
    prediction = Prediction(
        study_id=name,
        model_version=CARD.model_version,
        probability=0.8 if positive else 0.1,
        p_bacterial=bacterial,
        p_viral=1 - bacterial,
        in_scope=in_scope,
        label=("PNEUMONIA" if positive else "NORMAL") if in_scope else None,
        threshold=0.5,
        quality_score=1.0,
        scope_score=0.0 if in_scope else 9.0,
        predicted_at=taken + timedelta(hours=4),
    )
    return study, prediction
