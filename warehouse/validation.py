"""Validation: what a model version said of confirmed X-rays, counted by site and period."""

from dataclasses import dataclass
from datetime import date

from ingest.errors import UserError
from warehouse.periods import label, last_day
from warehouse.store import Row, Warehouse
from warehouse.versions import resolve

PERIODS = ("all", "week", "month")


@dataclass(frozen=True, slots=True)
class Validation:
    """TP, FN, TN and FP of a model version and threshold at a site over a period.

    They are of the X-rays that were confirmed, however these were chosen: only a plan
    (`label_plans`) makes them speak for the others.
    """

    model_version: str
    threshold: float
    site_id: str | None  # None: all sites, where not asked for by site
    period: str | None  # None: all days, or no date
    period_start: date | None
    period_end: date | None
    true_positives: int
    false_negatives: int
    true_negatives: int
    false_positives: int
    out_of_scope: int  # confirmed X-rays that the version gave no label


def validations(
    warehouse: Warehouse,
    period: str = "all",
    by_site: bool = True,
    as_of: str | int | None = None,
) -> list[Validation]:
    """Every model version's counts, ordered by version, threshold, site and period.

    UserError for an unknown period or version of the warehouse.
    """
    if period not in PERIODS:
        raise UserError(f"--period {period!r} is not one of {', '.join(PERIODS)}")
    rows = warehouse.query(
        "validation",
        commit=resolve(warehouse, as_of).commit_number,
        period=None if period == "all" else period,
        by_site=by_site,
    )
    return [_validation(row, period) for row in rows]


def _validation(row: Row, period: str) -> Validation:
    start = row["period_start"]
    name, end = (label(start, period), last_day(start, period)) if start else (None, None)
    return Validation(**row, period=name, period_end=end)
