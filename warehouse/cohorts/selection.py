"""A saved cohort as of a version: its size, its attrition and its rows."""

from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from warehouse.cohorts.columns import COLUMNS, schema
from warehouse.cohorts.compiler import Plan, compiled
from warehouse.cohorts.registry import Saved, in_force
from warehouse.records import Version
from warehouse.store import Warehouse, statement
from warehouse.versions import resolve


@dataclass(frozen=True, slots=True)
class Size:
    """How large a cohort is. The fields are the columns of queries/cohort_size.sql."""

    xrays: int
    participants: int  # those that are known
    without_participant: int  # X-rays that came without a patient's id
    synthetic: int  # X-rays that show no patient
    first_day: date | None
    last_day: date | None
    model_versions: list[str]


@dataclass(frozen=True, slots=True)
class Attrition:
    """How many were left after a criterion, and how many fell at it."""

    step: int
    criterion: str
    xrays: int
    participants: int
    xrays_fell: int
    participants_fell: int


@dataclass(frozen=True, slots=True)
class Selection:
    """A cohort's definition and the version of the warehouse that it is asked of."""

    warehouse: Warehouse
    saved: Saved
    version: Version
    plan: Plan

    @property
    def sql(self) -> str:
        """The statement that gives the rows; its values are `plan.parameters`."""
        return self.plan.select(statement("cohort_rows"))

    def size(self) -> Size:
        """One count."""
        text = self.plan.select(statement("cohort_size"))
        return Size(**self.warehouse.sql(text, **self.plan.parameters)[0])

    def attrition(self) -> list[Attrition]:
        """One row a criterion, in the order in which they are applied."""
        steps = range(len(self.plan.steps))
        counted = " UNION ALL ".join(_count(step) for step in steps) + " ORDER BY step"
        rows = self.warehouse.sql(self.plan.select(counted), **self.plan.parameters)
        found: list[Attrition] = []
        for row, (says, _) in zip(rows, self.plan.steps, strict=True):
            before = found[-1] if found else None
            now = row["xrays"], row["participants"]
            fell = (before.xrays - now[0], before.participants - now[1]) if before else (0, 0)
            found.append(Attrition(row["step"], says, *now, *fell))
        return found

    def rows(self) -> pa.Table:
        """The cohort's X-rays, one a row, always in the same order; columns of COLUMNS."""
        rows = self.warehouse.sql(self.sql, **self.plan.parameters)
        columns = {name: [row[name] for row in rows] for name in COLUMNS}
        return pa.table(columns, schema=schema())


def select(warehouse: Warehouse, name: str, as_of: str | int | datetime | None = None) -> Selection:
    """A saved cohort as of a time or version; UserError where there is no such cohort."""
    version = resolve(warehouse, as_of)
    saved = in_force(warehouse, name, version.commit_number)
    return Selection(warehouse, saved, version, compiled(saved.tree, version.commit_number))


def _count(step: int) -> str:
    return (
        f"SELECT {step:d} AS step, count(*) AS xrays, "  # noqa: S608 - a number of ours
        f"count(DISTINCT patient_key) AS participants FROM step_{step:d}"
    )
