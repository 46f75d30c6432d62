"""Filters and the query string of a page's address: one way there, the same way back.

A link is the view. What is not said in an address is the default; what cannot be used falls
back to the default, with a sentence that names it. Nothing here raises on bad input.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlencode

from dashboard.formatting import listing
from ingest.errors import UserError
from warehouse.periods import PERIODS, period_bounds, week_label

MEASURES = ("positivity", "prevalence", "xrays", "bacterial_share")
VIEWS = ("lines", "regions", "sites")
MOST_PLACES = 4
LONGEST_SHOWN = 60  # characters of a bad value that are repeated back


@dataclass(frozen=True, slots=True)
class Filters:
    """What a page shows. Every field is a parameter of the address."""

    measure: str = "positivity"
    period: str = "week"
    view: str = "lines"
    places: tuple[str, ...] = ()  # "region:KE-110" or "site:NBO-01"; none: the whole network
    start: date | None = None
    end: date | None = None
    week: str | None = None  # 2026-W20; None: the last complete one


DEFAULTS = Filters()
PARAMETERS = {"from": "start", "to": "end"}  # where address and field differ in name
FIELDS = {
    next((p for p, f in PARAMETERS.items() if f == field.name), field.name): field.name
    for field in fields(Filters)
}


@dataclass(frozen=True, slots=True)
class Parsed:
    """The filters that an address asks for, and a sentence for each value not used."""

    filters: Filters
    problems: tuple[str, ...] = ()


def parse(search: str | None) -> Parsed:
    """The filters of a query string, with or without its question mark."""
    try:
        pairs = parse_qsl((search or "").lstrip("?"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        return Parsed(DEFAULTS, ("This address has too many filters; all were passed over.",))
    found: dict[str, Any] = {}
    problems: list[str] = []
    for name, text in pairs:
        _read(name, text, found, problems)
    filters = Filters(**found)
    if filters.start and filters.end and filters.start > filters.end:
        problems.append(f"“from” ({filters.start}) is later than “to” ({filters.end}): not used.")
        filters = replace(filters, start=None, end=None)
    return Parsed(filters, tuple(dict.fromkeys(problems)))


def to_query(filters: Filters) -> str:
    """The query string that `parse` turns back into the same filters; "" for the defaults."""
    pairs = [
        (name, _write(getattr(filters, field)))
        for name, field in FIELDS.items()
        if getattr(filters, field) != getattr(DEFAULTS, field)
    ]
    return f"?{urlencode(pairs, safe=',:')}" if pairs else ""


def from_controls(values: Mapping[str, object]) -> Filters:
    """The filters that a page's controls stand for, by the same rules as an address.

    `values` is by parameter name, as the controls hold them; a week is the number that
    `week_index` gives.
    """
    texts = {name: _write(_from_control(name, value)) for name, value in values.items()}
    return parse(urlencode({name: text for name, text in texts.items() if text})).filters


def week_index(label: str) -> int:
    """The number of a week on a slider: whole weeks since Monday 1 January of the year 1."""
    return (period_bounds(label)[0].toordinal() - 1) // 7


def index_week(index: int) -> str:
    """The week that a slider's number stands for."""
    return week_label(date.fromordinal(index * 7 + 1))


def known_places(filters: Filters, known: Mapping[str, str]) -> Parsed:
    """The same filters with only places that the warehouse knows."""
    unknown = [place for place in filters.places if place not in known]
    problems = tuple(f"“{_short(place)}” is not a known region or site." for place in unknown)
    kept = tuple(place for place in filters.places if place in known)
    return Parsed(replace(filters, places=kept), problems)


def _read(name: str, text: str, found: dict[str, Any], problems: list[str]) -> None:
    if name not in FIELDS:
        problems.append(f"This page has no filter “{_short(name)}”.")
        return
    field = FIELDS[name]
    if field in found:
        problems.append(f"“{name}” is given more than once; the first value is used.")
        return
    try:
        found[field] = READERS[field](text)
    except (UserError, ValueError) as error:
        problems.append(f"“{_short(text)}” is not used for “{name}”: {error}.")


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise ValueError(f"it is one of {listing(list(allowed))}")
        return text

    return read


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise ValueError("write a day as 2026-05-14") from None
    if not 1950 <= found.year <= 2200:
        raise ValueError("the year is out of range")
    return found


def _week(text: str) -> str:
    try:
        first, _ = period_bounds(text)
    except (UserError, ValueError, OverflowError):
        raise ValueError("write a week that exists as 2026-W20") from None
    if not 1950 <= first.year <= 2200:
        raise ValueError("the year is out of range")
    return week_label(first)


def _places(text: str) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(unquote(name) for name in text.split(",") if name))
    if any(name.partition(":")[0] not in ("region", "site") for name in names):
        raise ValueError("write places as region:CODE or site:CODE, with commas between")
    if len(names) > MOST_PLACES:
        raise ValueError(f"at most {MOST_PLACES} places can be compared")
    return names


READERS: dict[str, Callable[[str], object]] = {
    "measure": _one_of(MEASURES),
    "period": _one_of(PERIODS),
    "view": _one_of(VIEWS),
    "places": _places,
    "start": _day,
    "end": _day,
    "week": _week,
}


def _write(value: object) -> str:
    if isinstance(value, tuple | list):
        return ",".join(quote(str(part), safe=":") for part in value)  # a code may hold a comma
    return "" if value is None else str(value)


def _from_control(name: str, value: object) -> object:
    if name == "week" and isinstance(value, int | float):
        return index_week(int(value))
    return value


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
