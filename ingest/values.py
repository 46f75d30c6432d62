"""Lenient reading of ages, sexes, views and dates, as manifests and headers write them.

What cannot be true becomes None with a flag; nothing is ever invented.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NO_DATE = "no_date"
IMPLAUSIBLE_DATE = "implausible_date"
AGE_TOP_CODED = "age_top_coded"
IMPLAUSIBLE_AGE = "implausible_age"

TOP_AGE = 90.0  # HIPAA Safe Harbor: every age over 89 becomes 90
OLDEST_AGE = 130.0
_EARLIEST = date(1950, 1, 1)  # placeholders such as 19010101 and 19000101 lie before it
_CLOCK_SKEW = timedelta(days=1)
_DAYS_IN = {"Y": 365.25, "M": 365.25 / 12, "W": 7.0, "D": 1.0}
_AGE = re.compile(r"\s*(-?\d{1,4}(?:\.\d+)?)\s*([YMWD])?(?:EARS?|RS?|O)?\s*", re.IGNORECASE)

_NOT_FRONTAL = frozenset(
    [
        "LATERAL",
        "LAT",
        "LL",
        "RL",
        "LLAT",
        "RLAT",
        "LATL",
        "LATR",
        "LLD",
        "RLD",
        "DECUBITUS",
        "DECUB",
        "LLO",
        "RLO",
        "RAO",
        "LAO",
        "RPO",
        "LPO",
        "OBL",
        "OBLIQUE",
        "XTABLE",
    ]
)
_FRONTAL = {"PA": "PA", "AP": "AP", "POSTEROANTERIOR": "PA", "ANTEROPOSTERIOR": "AP"}


def parse_age(text: str) -> float | None:
    """Years from "062Y", "62", "18M", "3W" or "10D"; None when it is none of these."""
    match = _AGE.fullmatch(text)
    if match is None:
        return None
    return float(match[1]) * _DAYS_IN[(match[2] or "Y").upper()] / _DAYS_IN["Y"]


def plausible_age(years: float | None) -> tuple[float | None, str]:
    """Years fit to be kept, and a flag or "". Ages over 89 become 90."""
    if years is None:
        return None, ""
    if not 0.0 <= years <= OLDEST_AGE:
        return None, IMPLAUSIBLE_AGE
    return (TOP_AGE, AGE_TOP_CODED) if years >= TOP_AGE else (years, "")


def parse_sex(text: str) -> str | None:
    """F, M or O; None for anything else."""
    first = text.strip().upper()
    return {"F": "F", "FEMALE": "F", "M": "M", "MALE": "M", "O": "O", "OTHER": "O"}.get(first)


def parse_view(text: str) -> str | None:
    """PA, AP or LATERAL (any projection that is not frontal); None for anything else."""
    words = re.findall(r"[A-Z]+", text.upper().replace("-", ""))
    if _NOT_FRONTAL.intersection(words):
        return "LATERAL"
    return next((_FRONTAL[word] for word in words if word in _FRONTAL), None)


def parse_iso(text: str) -> datetime | date | None:
    """An ISO 8601 date or time; a time may lack its offset. None when it is neither."""
    text = text.strip()
    if "W" in text.upper():
        return None  # a week is not a day
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def to_utc(moment: datetime | date, zone: str) -> datetime | None:
    """UTC of a time (the site's own where it has no offset) or of a day's local midnight."""
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    local = moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))
    try:
        return local.astimezone(UTC)
    except (OverflowError, ValueError):
        return None


def plausible_time(moment: datetime | None, now: datetime | None = None) -> bool:
    """Neither a placeholder nor in the future, but for a day of clock skew."""
    now = now or datetime.now(UTC)
    return moment is not None and moment.date() >= _EARLIEST and moment <= now + _CLOCK_SKEW


def acquired(
    moment: datetime | date | None, zone: str, now: datetime | None = None
) -> tuple[datetime | None, str]:
    """The UTC time to keep, and a flag: no_date, implausible_date or ""."""
    if moment is None:
        return None, NO_DATE
    moment_utc = to_utc(moment, zone)
    return (moment_utc, "") if plausible_time(moment_utc, now) else (None, IMPLAUSIBLE_DATE)


def local_day(moment: datetime | None, zone: str) -> date | None:
    """The calendar day at the site."""
    return None if moment is None else moment.astimezone(ZoneInfo(zone)).date()
