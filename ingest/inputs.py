"""One file to read, with what is known about it before it is opened."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.problem import Problem

if TYPE_CHECKING:  # facts are gathered from an Input
    from ingest.facts import Facts


@dataclass(frozen=True, slots=True)
class Input:
    """What `discover` found and the manifest says. Picklable: it travels to a decode worker.

    `name` is the path as the person gave it, relative to the folder that was named. A date
    that is missing or implausible is None, with `acquired_flag` saying which.
    """

    path: Path
    name: str = ""
    site_id: str | None = None
    zone: str = "UTC"  # IANA name of the site's time zone
    acquired_at: datetime | None = None  # UTC
    acquired_flag: str = ""  # "", no_date or implausible_date
    received_at: datetime | None = None  # UTC
    patient_id: str | None = None
    age_years: float | None = None
    sex: str | None = None
    view: str | None = None
    source: str | None = None
    flags: tuple[str, ...] = ()
    problem: Problem | None = None  # known before the file is opened
    entry_id: str = ""  # of an input from the spool
    facts: "Facts | None" = None  # of an input from the spool: what its header said

    def __repr__(self) -> str:
        """Without the name and the patient: a traceback must not carry an identity."""
        return f"Input(site_id={self.site_id!r})"
