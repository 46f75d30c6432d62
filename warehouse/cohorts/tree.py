"""What a cohort expression says, as a frozen tree, and the tree written out again.

`written` is the canonical text: parsing it gives the same tree. It is what is stored.
"""

import re
from dataclasses import dataclass, field
from datetime import date

from warehouse.cohorts.words import RESERVED

Value = float | date | str | bool
_BARE = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Comparison:
    """A field held against values. `operator`: = != < <= > >= in between known unknown."""

    field: str
    operator: str
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The contrary."""

    of: "Condition"


@dataclass(frozen=True, slots=True)
class Both:
    """All of several."""

    of: tuple["Condition", ...]


@dataclass(frozen=True, slots=True)
class Either:
    """At least one of several."""

    of: tuple["Condition", ...]


Condition = Comparison | Not | Both | Either


@dataclass(frozen=True, slots=True)
class Studies:
    """Keeps participants by how many of their X-rays are left."""

    operator: str
    number: int


@dataclass(frozen=True, slots=True)
class Spacing:
    """Keeps, of a participant's series, X-rays at least or at most so many days apart."""

    operator: str  # >= or <=
    days: int


@dataclass(frozen=True, slots=True)
class Index:
    """Each participant's index date: the first or last X-ray of a kind."""

    last: bool = False
    qualifying: bool = False  # of those left here; else of all the participant's X-rays
    kind: str = ""  # "", positive or confirmed


@dataclass(frozen=True, slots=True)
class FollowUp:
    """Keeps X-rays from day `first` to day `last` after the index date, both included."""

    first: int
    last: int


Participant = Studies | Spacing | Index | FollowUp
Criterion = Condition | Participant
PARTICIPANT = (Studies, Spacing, Index, FollowUp)


@dataclass(frozen=True, slots=True)
class Definition:
    """A cohort: criteria in the order in which they are applied."""

    criteria: tuple[Criterion, ...] = field(default=())

    def text(self) -> str:
        """The canonical text."""
        return " and ".join(written(criterion) for criterion in self.criteria)


def written(criterion: Criterion) -> str:
    """One criterion as canonical text."""
    match criterion:
        case Comparison():
            return _comparison(criterion)
        case Not(of):
            return f"not {written(of)}"
        case Both(of):
            return f"({' and '.join(written(one) for one in of)})"
        case Either(of):
            return f"({' or '.join(written(one) for one in of)})"
        case Studies(operator, number):
            return f"studies {operator} {number}"
        case Spacing(operator, days):
            return f"spacing {operator} {days} days"
        case Index():
            return f"index = {index_words(criterion)}"
        case FollowUp(first, last):
            return f"follow_up = {first}..{last} days"


def index_words(index: Index) -> str:
    """first, last qualifying, first positive and so on."""
    words = ["last" if index.last else "first", "qualifying" if index.qualifying else ""]
    return " ".join(word for word in (*words, index.kind) if word)


def _comparison(one: Comparison) -> str:
    values = [value_text(value) for value in one.values]
    if one.operator in ("known", "unknown"):
        return f"{one.field} is {one.operator}"
    if one.operator == "in":
        return f"{one.field} in ({', '.join(values)})"
    return f"{one.field} {one.operator} {' and '.join(values)}"


def value_text(value: Value) -> str:
    """A value as it would be written in an expression."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if _BARE.fullmatch(value) and value.lower() not in RESERVED:
        return value
    return '"' + value.replace('"', '""') + '"'
