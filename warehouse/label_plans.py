"""Plans of confirmation: drawn, recorded, written as a CSV to fill in, and weighed afterwards."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from ingest.errors import UserError
from warehouse.csv_bytes import csv_bytes
from warehouse.models import champion
from warehouse.sampling import Drawn, Weighted, bands, draw, weighted
from warehouse.sites import current_sites
from warehouse.store import Row, Warehouse
from warehouse.versions import resolve

# The first five are what `labels load` reads. A score is not among them: readers are blind to it.
COLUMNS = ("study_id", "label", "aetiology", "reader", "read_at")
NOTES = ("site_id", "inclusion_probability", "plan_id")


@dataclass(frozen=True, slots=True)
class LabelPlan:
    """A plan. `rows` are what was drawn, in random order, with the columns of `label_plans`
    and `site_id`."""

    plan_id: str
    model_version: str
    seed: int
    drawn_as_of: int
    frame: int  # X-rays that could have been drawn
    by_site: bool
    rows: list[Row]


@dataclass(frozen=True, slots=True)
class PlanResult:
    """What the confirmed X-rays of a plan say of the whole frame."""

    plan_id: str
    model_version: str
    planned: int
    confirmed: int
    true_positives: float
    false_negatives: float
    true_negatives: float
    false_positives: float
    sensitivity: float | None
    specificity: float | None
    unweighted_sensitivity: float | None
    unweighted_specificity: float | None


def plan(
    warehouse: Warehouse,
    n: int,
    seed: int,
    sites: Sequence[str] = (),
    as_of: str | int | None = None,
) -> LabelPlan:
    """Draws n X-rays that the promoted model scored for a reader, and records the plan.

    The same seed as of the same version gives the same plan, and is recorded once. UserError
    where there is no promoted model, no such site or nothing to confirm.
    """
    if not 0 <= seed < 2**63:
        raise UserError(f"--seed {seed} is not a whole number from 0 to 2⁶³ − 1")
    commit = resolve(warehouse, as_of).commit_number
    version = _model(warehouse, commit)
    frame = _frame(warehouse, version, commit, sites)
    if not frame:
        raise UserError(
            f"there is no X-ray to confirm: none with an image, in the scope of {version} and "
            "without a label" + (f", at {', '.join(sites)}" if sites else "")
        )
    probability, threshold = (
        np.array([row[name] for row in frame], dtype=float) for name in ("probability", "threshold")
    )
    band = bands(probability, threshold)
    drawn = draw(band, [str(row["site_id"] or "") for row in frame], n, seed)
    plan_id = _plan_id(version, seed, commit, n, sites)
    rows = _rows(frame, drawn, plan_id)
    fixed = {"model_version": version, "seed": seed, "drawn_as_of": commit}
    _record(warehouse, plan_id, [row | fixed for row in rows])
    return LabelPlan(plan_id, version, seed, commit, len(frame), drawn.by_site, rows)


def plan_csv(found: LabelPlan) -> bytes:
    """The CSV that a reader fills in and `labels load` takes as it is."""
    names = (*COLUMNS, *NOTES)
    return csv_bytes(pa.table({name: [row.get(name) for row in found.rows] for name in names}))


def result(warehouse: Warehouse, plan_id: str, as_of: str | int | None = None) -> PlanResult:
    """Sensitivity and specificity of a plan's frame; UserError where there is no such plan.

    Unbiased only once every X-ray of the plan is confirmed: what readers leave out is not a
    random part of it.
    """
    commit = resolve(warehouse, as_of).commit_number
    rows = warehouse.query("label_plan", plan_id=plan_id, commit=commit)
    if not rows:
        known = [row["plan_id"] for row in warehouse.query("label_plans", commit=commit)]
        raise UserError(f"there is no plan {plan_id!r}; recorded: {', '.join(known) or 'none'}")
    done = [row for row in rows if row["confirmed"] is not None]
    said = np.array([row["said"] == "PNEUMONIA" for row in done], dtype=bool)
    truth = np.array([row["confirmed"] == "PNEUMONIA" for row in done], dtype=bool)
    chance = np.array([row["inclusion_probability"] for row in done], dtype=float)
    return _result(plan_id, rows, weighted(said, truth, chance), weighted(said, truth, chance**0))


def _result(plan_id: str, rows: list[Row], found: Weighted, raw: Weighted) -> PlanResult:
    return PlanResult(
        plan_id,
        rows[0]["model_version"],
        len(rows),
        sum(row["confirmed"] is not None for row in rows),
        found.true_positives,
        found.false_negatives,
        found.true_negatives,
        found.false_positives,
        *(
            None if np.isnan(ratio) else ratio
            for one in (found, raw)
            for ratio in (one.sensitivity, one.specificity)
        ),
    )


def _model(warehouse: Warehouse, commit: int) -> str:
    best = champion(warehouse, commit)
    if best is None:
        raise UserError("no model is promoted; `pneumowatch models promote VERSION`")
    return str(best["model_version"])


def _frame(warehouse: Warehouse, version: str, commit: int, sites: Sequence[str]) -> list[Row]:
    known = {site.site_id for site in current_sites(warehouse)}
    for site in sites:
        if site not in known:
            raise UserError(f"--site {site!r}: there is no such site; `pneumowatch sites load`")
    return warehouse.query(
        "label_frame", commit=commit, model_version=version, sites=list(sites) or None
    )


def _plan_id(version: str, seed: int, commit: int, n: int, sites: Sequence[str]) -> str:
    text = f"{version}/{seed}/{commit}/{n}/{'/'.join(sorted(sites))}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _rows(frame: list[Row], drawn: Drawn, plan_id: str) -> list[Row]:
    chance = drawn.inclusion_probability
    return [
        {
            "plan_id": plan_id,
            "study_id": frame[at]["study_id"],
            "site_id": frame[at]["site_id"],
            "stratum": drawn.stratum[place],
            "drawn": int(drawn.drawn[place]),
            "frame": int(drawn.frame[place]),
            "inclusion_probability": float(chance[place]),
        }
        for place, at in enumerate(drawn.at)
    ]


def _record(warehouse: Warehouse, plan_id: str, rows: list[Row]) -> None:
    with warehouse.write("label plan") as transaction:
        known = transaction.query("label_plans", commit=transaction.commit_number)
        if plan_id not in {row["plan_id"] for row in known}:
            stored = [{k: v for k, v in row.items() if k != "site_id"} for row in rows]
            transaction.append("label_plans", stored)
