"""Random cohort definitions, and what they mean, written again in plain Python."""

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from hypothesis import strategies as st

from warehouse.cohorts.fields import FIELDS, Field, Kind
from warehouse.cohorts.tree import (
    Both,
    Comparison,
    Condition,
    Criterion,
    Definition,
    Either,
    FollowUp,
    Index,
    Not,
    Spacing,
    Studies,
)

Film = dict[str, Any]
_WORDS = st.one_of(
    st.sampled_from(["A1", "B1", "ALPHA", "m1", "no_date"]),
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=8),
    st.sampled_from(["and", "it's", '"', "x'; DROP TABLE studies; --", "$value_1", "{before}"]),
)
_DAYS = st.dates(date(2026, 1, 1), date(2026, 4, 30))
_NUMBERS = st.one_of(
    st.integers(-3, 99).map(float),
    st.floats(-1, 1, allow_nan=False, allow_infinity=False).map(lambda x: x + 0.0),
)


def _values(field: Field) -> st.SearchStrategy[Any]:
    if field.values:
        return st.sampled_from(field.values)
    return {Kind.NUMBER: _NUMBERS, Kind.DATE: _DAYS, Kind.YES_NO: st.booleans()}.get(
        field.kind, _WORDS
    )


@st.composite
def comparisons(draw: st.DrawFn) -> Comparison:
    """A comparison that the grammar knows, of any field."""
    name = draw(st.sampled_from(sorted(FIELDS)))
    field = FIELDS[name]
    ordered = field.kind in (Kind.NUMBER, Kind.DATE)
    more = ["<", "<=", ">", ">=", "between"] if ordered else []
    operator = draw(st.sampled_from(["=", "!=", "in", "known", "unknown", *more]))
    if operator in ("known", "unknown"):
        return Comparison(name, operator)
    if operator == "in":
        return Comparison(name, "in", tuple(draw(st.lists(_values(field), min_size=1, max_size=3))))
    if operator == "between":
        return Comparison(name, operator, tuple(sorted([draw(_values(field)) for _ in "ab"])))
    return Comparison(name, operator, (draw(_values(field)),))


def conditions() -> st.SearchStrategy[Condition]:
    """Any tree of comparisons."""

    def inside(smaller: st.SearchStrategy[Condition]) -> st.SearchStrategy[Condition]:
        several = st.lists(smaller, min_size=2, max_size=3).map(tuple)
        return st.one_of(smaller.map(Not), several.map(Both), several.map(Either))

    return st.recursive(comparisons(), inside, max_leaves=5)


@st.composite
def definitions(draw: st.DrawFn) -> Definition:
    """Any cohort; an index date at most once, a follow-up window only after it."""
    participant = st.one_of(
        st.builds(Studies, st.sampled_from(["=", "<", "<=", ">", ">="]), st.integers(0, 4)),
        st.builds(Spacing, st.sampled_from([">=", "<="]), st.integers(0, 40)),
    )
    plain = st.one_of(conditions(), participant)
    criteria: list[Criterion] = draw(st.lists(plain, min_size=1, max_size=4))
    if draw(st.booleans()):
        kind = st.sampled_from(["", "positive", "confirmed"])
        index = draw(st.builds(Index, st.booleans(), st.booleans(), kind))
        first = draw(st.integers(-60, 60))
        window = FollowUp(first, first + draw(st.integers(0, 90)))
        criteria += [index, window]
    return Definition(tuple(criteria))


def expected(definition: Definition, films: list[Film]) -> list[Film]:
    """The films of a cohort, by a route that shares nothing with the SQL."""
    left, keyed, studies = list(films), False, None
    for one in definition.criteria:
        if isinstance(one, (Studies, Spacing, Index, FollowUp)) and not keyed:
            left, keyed = [film for film in left if film["patient_key"]], True
        if isinstance(one, Studies):
            left, studies = _count(left, one), one
        elif isinstance(one, Spacing):
            left = _space(left, one)
            left = _count(left, studies) if studies else left
        elif isinstance(one, Index):
            left = _indexed(left, left if one.qualifying else films, one)
        elif isinstance(one, FollowUp):
            left = [f for f in left if f["acquired_date"] and _within(f, one)]
        else:
            left = [film for film in left if holds(one, film)]
    return left


def holds(condition: Condition, film: Film) -> bool:
    """Two-valued: a comparison with an absent value is false."""
    if isinstance(condition, Not):
        return not holds(condition.of, film)
    if isinstance(condition, Both):
        return all(holds(one, film) for one in condition.of)
    if isinstance(condition, Either):
        return any(holds(one, film) for one in condition.of)
    return _compare(condition, film[FIELDS[condition.field].sql])


def _compare(one: Comparison, value: Any) -> bool:
    if one.operator in ("known", "unknown"):
        return (value in (None, "")) == (one.operator == "unknown")
    if value is None:
        return False
    if one.field == "flag":
        value = value.split(",")
        carried = any(wanted in value for wanted in one.values)
        return not carried if one.operator == "!=" else carried
    first, last = one.values[0], one.values[-1]
    tests: dict[str, Callable[[], bool]] = {
        "=": lambda: value == first,
        "!=": lambda: value != first,
        "<": lambda: value < first,
        "<=": lambda: value <= first,
        ">": lambda: value > first,
        ">=": lambda: value >= first,
        "in": lambda: value in one.values,
        "between": lambda: first <= value <= last,
    }
    return tests[one.operator]()


def _series(films: Iterable[Film]) -> list[list[Film]]:
    def order(film: Film) -> tuple[Any, ...]:
        day = film["acquired_date"] or date.max
        return film["patient_key"], day, str(film["acquired_at"]), film["study_id"]

    return [list(g) for _, g in groupby(sorted(films, key=order), lambda f: f["patient_key"])]


def _count(films: list[Film], one: Studies) -> list[Film]:
    tests: dict[str, Callable[[int], bool]] = {
        "=": lambda n: n == one.number,
        "<": lambda n: n < one.number,
        "<=": lambda n: n <= one.number,
        ">": lambda n: n > one.number,
        ">=": lambda n: n >= one.number,
    }
    return [film for own in _series(films) if tests[one.operator](len(own)) for film in own]


def _space(films: list[Film], one: Spacing) -> list[Film]:
    left = []
    for own in _series(film for film in films if film["acquired_date"]):
        kept = own[:1]
        for film in own[1:]:
            gap = film["acquired_date"] - kept[-1]["acquired_date"]
            if one.operator == "<=" and gap > timedelta(one.days):
                break
            if one.operator == "<=" or gap >= timedelta(one.days):
                kept.append(film)
        left += kept
    return left


def _indexed(films: list[Film], pool: list[Film], index: Index) -> list[Film]:
    column = {"positive": "label", "confirmed": "confirmed_label"}.get(index.kind)
    dated = [f for f in pool if f["patient_key"] and f["acquired_date"]]
    usable = [f for f in dated if column is None or f[column] == "PNEUMONIA"]
    days: dict[str, list[date]] = {}
    for film in usable:
        days.setdefault(film["patient_key"], []).append(film["acquired_date"])
    pick = max if index.last else min
    return [
        film | {"index_date": pick(days[film["patient_key"]])}
        for film in films
        if film["patient_key"] in days
    ]


def _within(film: Film, window: FollowUp) -> bool:
    return window.first <= (film["acquired_date"] - film["index_date"]).days <= window.last
