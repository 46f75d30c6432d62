"""Numbers, shares, dates and periods as a reader sees them. Pure; used by pages and bulletins."""

from datetime import date, datetime

MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
PERIOD_NOUNS = {"day": "day", "week": "week", "month": "month"}
NOTHING = "–"


def number(value: float | int | None) -> str:
    """1234 -> "1,234"; None -> a dash."""
    return NOTHING if value is None else f"{round(value):,}"


def percent(value: float | None, digits: int = 1) -> str:
    """0.1234 -> "12.3%". A share that is not 0 (or 1) is never shown as if it were."""
    if value is None:
        return NOTHING
    step = 10.0 ** -(digits + 2)
    if 0 < value < step / 2:
        return f"<{step:.{digits}%}"
    if 1 - step / 2 < value < 1:
        return f">{1 - step:.{digits}%}"
    return f"{value:.{digits}%}"


def points(difference: float, digits: int = 1) -> str:
    """The size of a difference of shares: -0.032 -> "3.2 percentage points"."""
    size = f"{abs(difference) * 100:.{digits}f}"
    return f"{size} percentage point{'' if float(size) == 1 else 's'}"


def interval(low: float | None, high: float | None, digits: int = 1) -> str:
    """An interval of shares: "10.1% to 14.7%"."""
    if low is None or high is None:
        return NOTHING
    return f"{percent(low, digits)} to {percent(high, digits)}"


def count(value: int, noun: str, plural: str = "") -> str:
    """1, "X-ray" -> "1 X-ray"; 1200, "X-ray" -> "1,200 X-rays"."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def day(value: date) -> str:
    """17 May 2026"""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def short_day(value: date) -> str:
    """17 May 26: for table columns and axes."""
    return f"{value.day} {MONTHS[value.month - 1][:3]} {value.year % 100:02d}"


def moment(value: datetime | None) -> str:
    """17 May 2026, 14:05 UTC"""
    if value is None:
        return "never"
    return f"{day(value.date())}, {value:%H:%M} UTC"


def period_kind(label: str) -> str:
    """day, week or month, told from the label: 2026-05-14, 2026-W20, 2026-05."""
    if "W" in label:
        return "week"
    return "day" if label.count("-") == 2 else "month"


def period_name(label: str, end: date) -> str:
    """A period as a heading names it; weeks always carry the week-ending date."""
    kind = period_kind(label)
    if kind == "week":
        return f"week {int(label[-2:])} of {label[:4]} (ending {day(end)})"
    return day(end) if kind == "day" else f"{MONTHS[end.month - 1]} {end.year}"


def period_short(label: str, end: date) -> str:
    """The same in a few characters, for tables and hover labels."""
    kind = period_kind(label)
    if kind == "week":
        return f"{label}, ending {short_day(end)}"
    return short_day(end) if kind == "day" else f"{MONTHS[end.month - 1][:3]} {end.year}"


def listing(words: list[str]) -> str:
    """["a", "b", "c"] -> "a, b and c"."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} and {words[-1]}"


def ago(then: date, today: date) -> str:
    """How long before today: "today", "yesterday", "12 days ago", "3 weeks ago"."""
    days = (today - then).days
    if days <= 0:
        return "today"
    if days == 1:
        return "yesterday"
    return f"{days} days ago" if days < 21 else f"{days // 7} weeks ago"
