"""Rows for golden tests: a table drawn as text becomes studies and predictions."""

from datetime import UTC, date, datetime, time
from pathlib import Path

from inference.records import ModelCard, Prediction
from ingest.records import Study
from warehouse.arrivals import append_studies
from warehouse.models import register
from warehouse.records import Region, Site
from warehouse.settings import WarehouseSettings
from warehouse.sites import load_sites
from warehouse.store import Warehouse

SITES = [
    Site("A1", "Alpha One", "ALPHA", 1.0, 10.0),
    Site("A2", "Alpha Two", "ALPHA", 1.5, 10.5, time_zone="Africa/Nairobi"),
    Site("B1", "Beta One", "BETA", -2.0, 11.0),
]


def card(version: str = "m1", tp: int = 90, fn: int = 10, tn: int = 190, fp: int = 10) -> ModelCard:
    """A model card with a sensitivity of 0.9 and a specificity of 0.95."""
    return ModelCard(
        model_version=version,
        architecture="small",
        labels=("normal", "bacteria", "virus"),
        negative_label="normal",
        input_size=64,
        preprocessing="",
        thresholds={"surveillance": 0.5, "screening": 0.2},
        temperature=1.0,
        true_positives=tp,
        false_negatives=fn,
        true_negatives=tn,
        false_positives=fp,
        intended_use="tests",
        ages=(0.0, 120.0),
        views=("PA", "AP"),
        scope_limit=None,
    )


def study(study_id: str, site: str = "A1", day: date | None = None, **other: object) -> Study:
    """A study of its own content; other fields by keyword."""
    values: dict[str, object] = {
        "study_id": study_id,
        "content_hash": f"hash-{study_id}",
        "patient_key": None,
        "site_id": site,
        "acquired_at": datetime.combine(day, time(12), UTC) if day else None,
        "acquired_date": day,
        "received_at": datetime(2026, 6, 1, tzinfo=UTC),
        "age_years": None,
        "sex": None,
        "view": None,
        "source": "image",
        "flags": "",
    }
    return Study(**{**values, **other})  # type: ignore[arg-type]


def prediction(
    study_id: str, label: str | None, version: str = "m1", bacterial: float = 0.9
) -> Prediction:
    """A prediction with this label; None means out of scope."""
    return Prediction(
        study_id=study_id,
        model_version=version,
        probability=0.8 if label == "PNEUMONIA" else 0.1,
        p_bacterial=bacterial,
        p_viral=1 - bacterial,
        in_scope=label is not None,
        label=label,
        threshold=0.5,
        quality_score=None,
        scope_score=None,
        predicted_at=datetime(2026, 6, 1, tzinfo=UTC),
    )


def network(home: Path, settings: WarehouseSettings | None = None) -> Warehouse:
    """An empty warehouse with three sites in two regions and a promoted model m1."""
    warehouse = Warehouse.create(home, settings)
    load_sites(warehouse, SITES, [Region("ALPHA", "Alpha", None)])
    register(warehouse, card(), promote=True)
    return warehouse


LABELS = {"P": "PNEUMONIA", "N": "NORMAL", "-": None}


def load(warehouse: Warehouse, drawn: str) -> int:
    """Stores the X-rays of a table drawn as text; returns the commit number.

    One row a group: site, day, labels (P pneumonia, N normal, - out of scope, one letter an
    X-ray), then optional field=value pairs.
    """
    studies, predictions = [], {}
    for number, line in enumerate(drawn.strip().splitlines()):
        site, day, letters, *pairs = line.split()
        other = dict(pair.split("=") for pair in pairs)
        typed = {k: float(v) if k == "age_years" else v for k, v in other.items()}
        for at, letter in enumerate(letters):
            study_id = f"{site}-{day}-{number}-{at}"
            when = None if day == "none" else date.fromisoformat(day)
            studies.append(study(study_id, site, when, **typed))
            predictions[study_id] = prediction(study_id, LABELS[letter])
    with warehouse.write("test") as transaction:
        append_studies(transaction, studies, predictions)
    return transaction.commit_number
