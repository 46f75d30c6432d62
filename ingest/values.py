"""Lenient reading of ages, sexes, views and dates, as manifests and headers write them.

What cannot be true becomes None with a flag; nothing is ever invented.
"""

import re
import unicodedata
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
_AGE = re.compile(r"(-?\d{1,4}(?:[.,]\d+)?)\s*([A-Z]*)\.?")
_UNITS = {  # of an age, in the languages met; only where the first letter is not ambiguous
    unit: size
    for size, units in {
        "Y": "Y YR YRS YEAR YEARS YO J JAHRE JAAR A AN ANS ANOS ANNI",
        "M": "M MO MOS MONTH MONTHS MONATE MOIS MESES MESI",
        "W": "W WK WKS WEEK WEEKS WOCHEN",
        "D": "D DAY DAYS",
    }.items()
    for unit in units.split()
}

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
        "SAGITTAL",
        "SEITLICH",
        "PROFIL",
        "PERFIL",
        "OBLICUA",
        "OBLIQUA",
        "MLO",
        "AXIAL",
    ]
)
_FRONTAL = {"PA": "PA", "AP": "AP", "POSTEROANTERIOR": "PA", "ANTEROPOSTERIOR": "AP"}
_SEXES = {
    word: sex
    for sex, words in {
        "F": "F FEMALE WOMAN GIRL W WEIBLICH FRAU FEMME FEMININ FEMENINO FEMININO FEMMINA "
        "MUJER MULHER DONNA VROUW KVINNA KVINDE KOBIETA KADIN Ж ЖЕН ЖЕНСКИИ 女 女性 여 여성",
        "M": "M MALE MAN BOY MAENNLICH MANNLICH MANN HOMME HOMBRE HOMEM MASCULIN MASCULINO "
        "MASCHIO UOMO MEZCZYZNA ERKEK М МУЖ МУЖСКОИ 男 男性 남 남성",
        "O": "O OTHER DIVERS",
    }.items()
    for word in words.split()
}


def fold(text: str) -> str:
    """Upper case without accents, so that Tórax, TORAX and tôrax are one word."""
    parts = unicodedata.normalize("NFKD", text)
    bare = "".join(part for part in parts if not unicodedata.combining(part))
    return unicodedata.normalize("NFC", bare).upper()


def parse_age(text: str) -> float | None:
    """Years from "062Y", "62", "18M", "3W" or "10D"; None when it is none of these."""
    match = _AGE.fullmatch(fold(text).strip())
    unit = None if match is None else _UNITS.get(match[2] or "Y")
    if match is None or unit is None:
        return None
    return float(match[1].replace(",", ".")) * _DAYS_IN[unit] / _DAYS_IN["Y"]


def plausible_age(years: float | None) -> tuple[float | None, str]:
    """Years fit to be kept, and a flag or "". Ages over 89 become 90."""
    if years is None:
        return None, ""
    if not 0.0 <= years <= OLDEST_AGE:
        return None, IMPLAUSIBLE_AGE
    return (TOP_AGE, AGE_TOP_CODED) if years >= TOP_AGE else (years, "")


def parse_sex(text: str) -> str | None:
    """F, M or O; None for anything else, and for letters that mean both in some languages."""
    return _SEXES.get(text.strip().upper()) or _SEXES.get(fold(text).strip())


def parse_view(text: str) -> str | None:
    """PA, AP or LATERAL (any projection that is not frontal); None for anything else."""
    words = re.findall(r"[A-Z]+", re.sub(r"[-.]", "", fold(text)))
    if any(word in _NOT_FRONTAL or word.startswith("LATERAL") for word in words):
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
