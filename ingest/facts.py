"""What is known of one input beside its pixels, with every identity already a keyed hash."""

import json
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import PurePath
from typing import Any

from ingest.film import Header
from ingest.identity import Pseudonymiser
from ingest.inputs import Input
from ingest.problem import Problem
from ingest.records import Reason
from ingest.values import NO_DATE, acquired, local_day, plausible_age


@dataclass(frozen=True, slots=True)
class Facts:
    """The columns of a Study that do not need its pixels. Holds nothing that names anybody.

    `study_id` is None for an image without a UID: its content decides. `problem` is what
    rules the input out before its pixels are looked at.
    """

    study_id: str | None
    patient_key: str | None
    site_id: str | None
    acquired_at: datetime | None  # UTC
    acquired_date: date | None
    received_at: datetime  # UTC
    age_years: float | None
    sex: str | None
    view: str | None
    source: str
    flags: str
    file_key: str
    problem: Problem | None = None

    def as_json(self) -> str:
        """One line of JSON that `from_json` turns back into the same facts."""
        values: dict[str, Any] = asdict(self)
        for name in ("acquired_at", "acquired_date", "received_at"):
            values[name] = values[name].isoformat() if values[name] else None
        return json.dumps(values, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> "Facts":
        """Of what `as_json` wrote."""
        values = json.loads(text)
        for name in ("acquired_at", "received_at"):
            values[name] = datetime.fromisoformat(values[name]) if values[name] else None
        day, problem = values["acquired_date"], values["problem"]
        values["acquired_date"] = date.fromisoformat(day) if day else None
        values["problem"] = problem and Problem(Reason(problem["reason"]), problem["sentence"])
        return cls(**values)


def gather(
    item: Input,
    header: Header,
    names: Pseudonymiser,
    source: str,
    received_at: datetime | None = None,
    problem: Problem | None = None,
) -> Facts:
    """The manifest goes before the header; what cannot be true is left out and flagged.

    `received_at` is for an input that says nothing of it; None means now.
    """
    moment, date_flag = _acquired(item, header)
    age, age_flag = _age(item, header)
    uid = header.sop_instance_uid
    return Facts(
        study_id=names.study_id_from_uid(uid) if uid else None,
        patient_key=_patient_key(names, item, header),
        site_id=item.site_id,
        acquired_at=moment,
        acquired_date=local_day(moment, item.zone),
        received_at=item.received_at or received_at or datetime.now(UTC),
        age_years=age,
        sex=item.sex or header.sex,
        view=item.view or header.view,
        source=source,
        flags=_joined(date_flag, age_flag, *item.flags, *header.flags),
        file_key=names.file_key(PurePath(item.path).name),
        problem=problem,
    )


def _patient_key(names: Pseudonymiser, item: Input, header: Header) -> str | None:
    if item.patient_id:
        return names.patient_key(item.patient_id)
    return names.patient_key(header.patient_id, header.issuer) if header.patient_id else None


def _acquired(item: Input, header: Header) -> tuple[datetime | None, str]:
    """The manifest's time, else the header's first plausible one, else None and why."""
    if item.acquired_at is not None:
        return item.acquired_at, ""
    flag = item.acquired_flag or NO_DATE
    for candidate in header.acquired:
        moment, flag = acquired(candidate, item.zone)
        if moment is not None:
            return moment, ""
    return None, flag


def _age(item: Input, header: Header) -> tuple[float | None, str]:
    known = header.age_years if item.age_years is None else item.age_years
    return plausible_age(known)


def _joined(*flags: str) -> str:
    return ",".join(sorted({flag for flag in flags if flag}))
