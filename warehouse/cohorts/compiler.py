"""A definition becomes SQL: fixed snippets, every value a bound parameter.

Nothing of a user's text is ever part of the statement: names of columns come from FIELDS,
operators from the tables here, values go to `parameters`. Each criterion is a step that sees
what the one before it left, so that the steps can be counted for the attrition table.

A comparison with an absent value is false, whatever its operator; `not` turns that round.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from ingest.errors import UserError
from warehouse.cohorts.fields import FIELDS, Kind
from warehouse.cohorts.tree import (
    PARTICIPANT,
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
    written,
)
from warehouse.store import statement

MOST_CRITERIA = 100
EVERYTHING = "all readable X-rays"
NO_PARTICIPANT = "patient_key is known (a criterion for participants needs it)"
_COMPARE = {
    "=": "{column} = ${value}",
    "!=": "{column} != ${value}",
    "<": "{column} < ${value}",
    "<=": "{column} <= ${value}",
    ">": "{column} > ${value}",
    ">=": "{column} >= ${value}",
    "in": "list_contains(${value}, {column})",
    "between": "{column} BETWEEN ${value} AND ${other}",
}
_COMPARE_LIST = {
    "=": "list_contains(string_split({column}, ','), ${value})",
    "!=": "NOT list_contains(string_split({column}, ','), ${value})",
    "in": "list_has_any(string_split({column}, ','), ${value})",
}
_STEPS = {
    "all": "SELECT * FROM film",
    "where": "SELECT * FROM {before} WHERE {condition}",
    "participants": "SELECT * FROM {before} WHERE patient_key IS NOT NULL",
    "studies": (
        "SELECT * FROM {before} "
        "QUALIFY count(*) OVER (PARTITION BY patient_key) {operator} ${value}"
    ),
    # the first X-ray of a series, then each one far enough from the one kept before it
    "spacing >=": (
        "SELECT * FROM {before} WHERE study_id IN (SELECT unnest(list_transform("
        "list_reduce(list_transform("
        "list({{'day': acquired_date, 'id': study_id}} "
        "ORDER BY acquired_date, acquired_at, study_id), lambda film: [film]), "
        "lambda kept, next: CASE WHEN next[1].day - kept[-1].day >= ${value} "
        "THEN list_concat(kept, next) ELSE kept END), "
        "lambda film: film.id)) "
        "FROM {before} WHERE acquired_date IS NOT NULL GROUP BY patient_key)"
    ),
    # a series ends at its first gap that is too long
    "spacing <=": (
        "SELECT * EXCLUDE (gap) FROM ("
        "SELECT *, acquired_date - lag(acquired_date) OVER series AS gap FROM {before} "
        "WHERE acquired_date IS NOT NULL WINDOW series AS "
        "(PARTITION BY patient_key ORDER BY acquired_date, acquired_at, study_id)) "
        "WINDOW series AS (PARTITION BY patient_key ORDER BY acquired_date, acquired_at, study_id) "
        "QUALIFY NOT coalesce(bool_or(gap > ${value}) OVER series, false)"
    ),
    "index": (
        "SELECT seen.* REPLACE (found.day AS index_date) FROM {before} AS seen JOIN ("
        "SELECT patient_key, {pick}(acquired_date) AS day FROM {pool} "
        "WHERE patient_key IS NOT NULL AND acquired_date IS NOT NULL AND {kind} "
        "GROUP BY patient_key) AS found ON seen.patient_key = found.patient_key"
    ),
    "follow_up": (
        "SELECT * FROM {before} WHERE acquired_date - index_date BETWEEN ${value} AND ${other}"
    ),
}
_INDEX_KINDS = {
    "": "true",
    "positive": "label = 'PNEUMONIA'",
    "confirmed": "confirmed_label = 'PNEUMONIA'",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """A compiled definition. `steps` are (what it says, its SELECT), the first one everything."""

    steps: tuple[tuple[str, str], ...]
    parameters: dict[str, object]

    def select(self, tail: str) -> str:
        """The steps as common table expressions, and a fixed SELECT of ours over `cohort`."""
        parts = ["film AS (\n" + statement("cohort_films") + ")"]
        parts += [f"step_{at} AS ({text})" for at, (_, text) in enumerate(self.steps)]
        parts.append(f"cohort AS (FROM step_{len(self.steps) - 1})")
        return "WITH " + ",\n".join(parts) + "\n" + tail


def compiled(definition: Definition, commit: int) -> Plan:
    """The plan of a definition, of what is known as of a commit."""
    if len(definition.criteria) > MOST_CRITERIA:
        raise UserError(
            f"a cohort has at most {MOST_CRITERIA} criteria, not {len(definition.criteria)}; "
            "join some with parentheses"
        )
    compiler = _Compiler({"commit": commit})
    for criterion in definition.criteria:
        compiler.add(criterion)
    return Plan(tuple(compiler.steps), compiler.parameters)


@dataclass(slots=True)
class _Compiler:
    parameters: dict[str, object]
    steps: list[tuple[str, str]] = field(default_factory=lambda: [(EVERYTHING, _STEPS["all"])])
    keyed: bool = False  # only X-rays of known participants are left
    studies: Studies | None = None  # to be checked again where a series is thinned

    def add(self, criterion: Criterion) -> None:
        if isinstance(criterion, PARTICIPANT) and not self.keyed:
            self._step(NO_PARTICIPANT, "participants")
            self.keyed = True
        match criterion:
            case Studies():
                self._studies(criterion, written(criterion))
                self.studies = criterion
            case Spacing(operator, days):
                self._step(written(criterion), f"spacing {operator}", value=self._bind(days))
                if self.studies:
                    self._studies(self.studies, f"{written(self.studies)}, again after spacing")
            case Index():
                self._index(criterion)
            case FollowUp(first, last):
                bounds = {"value": self._bind(first), "other": self._bind(last)}
                self._step(written(criterion), "follow_up", **bounds)
            case _:
                self._step(written(criterion), "where", condition=self._condition(criterion))

    def _step(self, says: str, snippet: str, **parts: str) -> None:
        before = f"step_{len(self.steps) - 1}"
        self.steps.append((says, _STEPS[snippet].format(before=before, **parts)))

    def _studies(self, one: Studies, says: str) -> None:
        operator = {"=": "=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}[one.operator]
        self._step(says, "studies", operator=operator, value=self._bind(one.number))

    def _index(self, index: Index) -> None:
        self._step(
            written(index),
            "index",
            pick="max" if index.last else "min",
            pool=f"step_{len(self.steps) - 1}" if index.qualifying else "film",
            kind=_INDEX_KINDS[index.kind],
        )

    def _condition(self, condition: Condition) -> str:
        match condition:
            case Not(of):
                return f"(NOT {self._condition(of)})"
            case Both(of):
                return self._joined(" AND ", of)
            case Either(of):
                return self._joined(" OR ", of)
            case Comparison():
                return self._comparison(condition)

    def _joined(self, word: str, conditions: Iterable[Condition]) -> str:
        return "(" + word.join(self._condition(one) for one in conditions) + ")"

    def _comparison(self, one: Comparison) -> str:
        known = FIELDS[one.field]
        if one.operator in ("known", "unknown"):
            empty = f"coalesce({known.sql}::VARCHAR, '') = ''"
            return f"({empty})" if one.operator == "unknown" else f"(NOT {empty})"
        table = _COMPARE_LIST if known.kind is Kind.WORDS else _COMPARE
        names = {"value": self._bind(list(one.values) if one.operator == "in" else one.values[0])}
        if one.operator == "between":
            names["other"] = self._bind(one.values[1])
        return f"coalesce({table[one.operator].format(column=known.sql, **names)}, false)"

    def _bind(self, value: float | date | str | list[object] | object) -> str:
        name = f"value_{len(self.parameters)}"
        self.parameters[name] = value
        return name
