"""When a DICOM film was taken and how old its patient was then, as headers write it."""

import re
from datetime import date, datetime, time, timedelta, timezone

from pydicom.dataset import Dataset

from ingest.dicom_text import text, whole
from ingest.values import IMPLAUSIBLE_AGE, parse_age

UNREADABLE_DATE = date.min  # implausible, so that it is flagged and not taken for absent
_DATE = re.compile(r"(\d{4})([.\-/]?)(\d{2})\2(\d{2})(?:[ T]?(\d{2}.*))?")
_TIME = re.compile(r"(\d{2})(?::?(\d{2})(?::?(\d{2})(?:[.,]\d*)?)?)?")
_DATETIME = re.compile(r"(\d{4}-?\d{2}-?\d{2})[ T]?(\d{2}[\d:]*(?:\.\d*)?)?([+-]\d{2}:?\d{2})?")
_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")


def acquired_moments(dataset: Dataset) -> list[datetime | date]:
    """Candidates that parse, most telling first; only UNREADABLE_DATE when none of them does."""
    offset = _offset(text(dataset, "TimezoneOffsetFromUTC"))
    written = text(dataset, "AcquisitionDateTime")
    found = [parse_datetime(written, offset)]
    for stem in ("Acquisition", "Study", "Series", "Content"):
        told = text(dataset, f"{stem}Date")
        written += told
        match = _DATE.fullmatch(told)
        clock = text(dataset, f"{stem}Time") or ((match and match[5]) or "")
        found.append(_at(parse_date(told), clock, offset))
    read = [moment for moment in found if moment is not None]
    return [UNREADABLE_DATE] if written and not read else read


def parse_date(value: str) -> date | None:
    """A DICOM date, also as ACR-NEMA wrote it (1993.02.24); a time after it does not count."""
    match = _DATE.fullmatch(value)
    try:
        return date(int(match[1]), int(match[3]), int(match[4])) if match else None
    except ValueError:
        return None


def parse_datetime(value: str, offset: timezone | None) -> datetime | date | None:
    """A DICOM date-time; its own offset counts before the file's."""
    match = _DATETIME.fullmatch(value)
    if match is None:
        return None
    return _at(parse_date(match[1]), match[2] or "", _offset(match[3] or "") or offset)


def _at(day: date | None, clock: str, offset: timezone | None) -> datetime | date | None:
    """The day alone when the time of day does not parse."""
    match = _TIME.fullmatch(clock)
    if day is None or match is None:
        return day
    try:
        hour, minute, second = (int(part or 0) for part in match.groups())
        moment = time(hour, minute, second)
    except ValueError:
        return day
    return datetime.combine(day, moment, offset)


def _offset(value: str) -> timezone | None:
    match = _OFFSET.fullmatch(value)
    if match is None or int(match[2]) > 14 or int(match[3]) > 59:
        return None  # no place on earth is further from UTC
    size = timedelta(hours=int(match[2]), minutes=int(match[3]))
    return timezone(-size if match[1] == "-" else size)


def patient_age(
    dataset: Dataset, acquired: tuple[datetime | date, ...]
) -> tuple[float | None, tuple[str, ...]]:
    """Years as stated; else, coarsely, from the date of birth, which goes no further; and flags.

    A stated 0 is what devices write when they were told nothing: the date of birth decides.
    """
    written = whole(dataset, "PatientAge")
    stated, born = parse_age(written), _age_at_birth_date(dataset, acquired)
    if stated is None or (stated == 0.0 and born is not None):
        return born, ((IMPLAUSIBLE_AGE,) if written and born is None else ())
    return stated, ()


def _age_at_birth_date(dataset: Dataset, acquired: tuple[datetime | date, ...]) -> float | None:
    born = parse_date(text(dataset, "PatientBirthDate"))
    days = (moment.date() if isinstance(moment, datetime) else moment for moment in acquired)
    taken = next((day for day in days if born and day >= born), None)  # placeholders lie before
    return None if taken is None or born is None else _coarse_age((taken - born).days)


def _coarse_age(days: int) -> float:
    """Whole years, under 2 years whole months: an exact age would give away the birthday."""
    years = days / 365.25
    return float(int(years)) if years >= 2 else int(years * 12) / 12
