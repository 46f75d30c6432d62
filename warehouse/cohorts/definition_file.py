"""A cohort as a TOML file: inclusion, exclusion, participants, index and follow-up.

    inclusion = ["age >= 18", "region in (R1, R2)"]
    exclusion = ["synthetic = yes"]

    [participants]
    min_studies = 2          # or max_studies
    min_days_apart = 7       # or max_days_apart

    [index]
    date = "first positive"

    [follow_up]
    from_day = 0
    to_day = 90

It comes to the same definition as an expression, in this order. Comments and the layout are
not kept: what a person writes there never reaches the warehouse.
"""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ingest.errors import InputError, UserError
from warehouse.cohorts.grammar import parse_condition, parse_index
from warehouse.cohorts.tree import Criterion, Definition, FollowUp, Not, Spacing, Studies

_SECTIONS: dict[str, tuple[str, ...]] = {
    "participants": ("min_studies", "max_studies", "min_days_apart", "max_days_apart"),
    "index": ("date",),
    "follow_up": ("from_day", "to_day"),
}
_LISTS = ("inclusion", "exclusion")
_LARGEST = 999_999


def read_definition(path: Path) -> Definition:
    """The cohort that a file describes; InputError names the file and the key."""
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read: {error.strerror}", file=path) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"is not TOML: {error}", file=path) from None
    except RecursionError:
        raise InputError("is nested too deeply", file=path) from None
    try:
        return definition_of(document)
    except UserError as error:
        raise InputError(str(error), file=path) from None


def definition_of(document: Mapping[str, Any]) -> Definition:
    """The cohort that a parsed file describes. UserError names the key, the value, the way out."""
    _known(document, (*_LISTS, *_SECTIONS), "at the top")
    sections = {name: _section(document, name) for name in _SECTIONS}
    criteria: list[Criterion] = [
        parse_condition(text, where) for text, where in _texts(document, "inclusion")
    ]
    criteria += [Not(parse_condition(text, where)) for text, where in _texts(document, "exclusion")]
    criteria += _participants(sections["participants"])
    criteria += _index(sections["index"])
    criteria += _follow_up(sections)
    if not criteria:
        raise UserError("no criterion; write inclusion, exclusion or [participants]")
    return Definition(tuple(criteria))


def _known(table: Mapping[str, Any], keys: tuple[str, ...], place: str) -> None:
    for key in table:
        if key not in keys:
            raise UserError(f"{key!r} {place} is not a key; there are {', '.join(keys)}")


def _section(document: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = document.get(name, {})
    if not isinstance(section, dict):
        raise UserError(f"{name} is a section: write [{name}]")
    _known(section, _SECTIONS[name], f"in [{name}]")
    return section


def _texts(document: Mapping[str, Any], name: str) -> Iterator[tuple[str, str]]:
    """Each expression of a list, and how an error names it."""
    texts = document.get(name, [])
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise UserError(f'{name} is a list of texts: write {name} = ["age >= 18"]')
    for number, text in enumerate(texts, 1):
        yield text, f"{name} {number}"


def _participants(section: Mapping[str, Any]) -> Iterator[Criterion]:
    """Spacing before numbers: it is the spaced series that is counted."""
    for key, operator in (("min_days_apart", ">="), ("max_days_apart", "<=")):
        if key in section:
            yield Spacing(operator, _whole(section, key, 0))
    for key, operator in (("min_studies", ">="), ("max_studies", "<=")):
        if key in section:
            yield Studies(operator, _whole(section, key, 0))


def _index(section: Mapping[str, Any]) -> tuple[Criterion, ...]:
    if not section:
        return ()
    date = section.get("date")
    if not isinstance(date, str):
        raise UserError('date in [index] is a text: write date = "first positive"')
    return (parse_index(date, "date in [index]"),)


def _follow_up(sections: Mapping[str, Mapping[str, Any]]) -> Iterator[Criterion]:
    section = sections["follow_up"]
    if not section:
        return
    if not sections["index"]:
        raise UserError('[follow_up] counts from an index date: write [index] date = "first"')
    first, last = (_whole(section, key, -_LARGEST) for key in _SECTIONS["follow_up"])
    if last < first:
        raise UserError(f"to_day {last} in [follow_up] is before from_day {first}")
    yield FollowUp(first, last)


def _whole(section: Mapping[str, Any], key: str, least: int) -> int:
    value = section.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _LARGEST:
        raise UserError(f"{key} {value!r} is not a whole number from {least} to {_LARGEST}")
    return value
