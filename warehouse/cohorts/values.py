"""One value of an expression, read as its field's kind wants it."""

import math
import re
from datetime import date

from warehouse.cohorts.fields import Field, Kind
from warehouse.cohorts.tree import Value
from warehouse.cohorts.words import RESERVED, Word

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_INTEGER = re.compile(r"[+-]?\d{1,6}", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_YES_NO = {"yes": True, "true": True, "no": False, "false": False}


def value_of(word: Word, name: str, field: Field) -> Value:
    """The word as a value of the field; UserError names what the field wants."""
    if word.kind not in ("word", "text"):
        raise word.error(_wanted(name, field))
    match field.kind:
        case Kind.NUMBER:
            return _number(word, name, field)
        case Kind.DATE:
            return _date(word, name, field)
        case Kind.YES_NO:
            return _yes_no(word, name, field)
        case _:
            return _word(word, name, field)


def integer(word: Word, what: str) -> int:
    """A whole number of at most six digits."""
    if word.kind != "word" or not _INTEGER.fullmatch(word.value):
        raise word.error(what)
    return int(word.value)


def _number(word: Word, name: str, field: Field) -> float:
    number = float(word.value) if _NUMBER.fullmatch(word.value) else math.nan
    if not math.isfinite(number):
        raise word.error(_wanted(name, field))
    return number + 0.0  # no negative zero


def _date(word: Word, name: str, field: Field) -> date:
    try:
        if _DATE.fullmatch(word.value):
            return date.fromisoformat(word.value)
    except ValueError:  # 2026-02-30
        pass
    raise word.error(_wanted(name, field))


def _yes_no(word: Word, name: str, field: Field) -> bool:
    if word.value.lower() not in _YES_NO:
        raise word.error(_wanted(name, field))
    return _YES_NO[word.value.lower()]


def _word(word: Word, name: str, field: Field) -> str:
    if not field.values:
        if word.kind == "word" and word.value.lower() in RESERVED:
            raise word.error(f"{_wanted(name, field)}; write it in quotes if it is one")
        return word.value
    for known in field.values:
        if known.lower() == word.value.lower():
            return known
    raise word.error(_wanted(name, field))


def _wanted(name: str, field: Field) -> str:
    if field.values:
        return f"one of {', '.join(field.values)} ({name})"
    examples = {Kind.NUMBER: "such as 0.5", Kind.DATE: "such as 2026-05-14", Kind.YES_NO: ""}
    example = examples.get(field.kind, 'such as R1 or "R 1"')
    return f"{field.kind.value} {example}".rstrip() + f" ({name})"
