"""What leaves the warehouse room: a `Measure`; the places it is about, the labels it rests on."""

from dataclasses import dataclass, field
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of one period and place, with all that is needed to judge it.

    `estimate`, `ci_low` and `ci_high` are proportions in [0, 1], but for counts (`xrays`),
    where `estimate` is the count. They are None where `missing_reason` says why.
    """

    measure: str
    period: str  # 2026-W20, 2026-05 or 2026-05-14
    period_start: date
    period_end: date  # the last day that belongs to it
    region: str | None
    site: str | None
    stratum: str | None
    numerator: int | None
    denominator: int | None
    estimate: float | None
    ci_low: float | None
    ci_high: float | None
    method: str
    model_version: str | None
    as_of: int  # the commit number that it was computed from
    complete: bool  # False while the period is still running
    suppressed: bool
    missing_reason: str | None
    simulated: int = 0  # X-rays counted here that are scores without any image
    generated: int = 0  # X-rays counted here that are synthetic images


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an estimator makes of one row of counts."""

    numerator: int | None
    denominator: int | None
    estimate: float | None
    low: float | None
    high: float | None
    method: str
    missing_reason: str | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """A confirmed diagnosis. Every field is a column of the warehouse table `labels`."""

    study_id: str
    label: str  # PNEUMONIA or NORMAL
    aetiology: str | None = None  # bacteria, virus, fungus, mixed or other
    reader_key: str | None = None  # keyed hash of who confirmed it
    read_at: datetime | None = None  # UTC


@dataclass(frozen=True, slots=True)
class Site:
    """A place that sends X-rays. Every field is a column of the warehouse table `sites`."""

    site_id: str
    name: str
    region: str
    latitude: float
    longitude: float
    time_zone: str = "UTC"
    catchment: int | None = None
    catchment_under5: int | None = None
    icu_beds: int | None = None
    isolation_beds: int | None = None


@dataclass(frozen=True, slots=True)
class Region:
    """A row of the table `regions`: a code, its name and its outline."""

    region: str
    name: str
    geometry: dict[str, object] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Version:
    """One state of the warehouse: all rows whose commit number is at most this one."""

    commit_number: int
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Freshness:
    """How new and how whole the warehouse is."""

    commit_number: int
    last_recorded_at: datetime | None
    last_acquired_at: datetime | None
    last_received_at: datetime | None
    studies: int
    no_date: int
    simulated: int
    generated: int
    rejections: int
    model_version: str | None  # the promoted one
