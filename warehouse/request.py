"""What is asked of the warehouse: one measure, by period, place and stratum."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class MeasureRequest:
    """One question. `regions` and `sites` keep only those named; empty keeps all."""

    measure: str = "positivity"
    period: str = "week"
    by: tuple[str, ...] = ("region",)
    start: date | None = None
    end: date | None = None
    as_of: str | int | datetime | None = None
    epiweek: str = "iso"
    audience: str = "internal"
    regions: tuple[str, ...] = ()
    sites: tuple[str, ...] = ()
