"""The counts that answer an audience outside: sums of whole, shown cells and nothing else.

What is withheld is decided once for each week, by one rule over all places (or all age
groups, or both sexes), whatever is asked: two questions can never disagree. Every answer is
then a sum of such cells, shown only where all of them are, so no question tells more than the
weekly tables do. What is no such sum (a day, a calendar month cut through a week, age by
site) is not answered.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ingest.errors import UserError
from warehouse.disclosure import LEVEL_OF, Counts, Node, first_withheld, rounded, small, total_of
from warehouse.periods import first_day, last_day
from warehouse.request import MeasureRequest
from warehouse.settings import WarehouseSettings
from warehouse.store import Row

STRATA = {
    "age_group": ("0-4", "5-14", "15-44", "45-64", "65+", "unknown"),
    "sex": ("F", "M", "O", "unknown"),
}
PLACES = ("region", "site_id")
DAYS = "suppressed: days are shown to the internal audience alone; ask by week or month"
CROSSED = (
    "suppressed: outside the internal audience, numbers are broken down by place, by age group "
    "or by sex, one at a time and the latter two for the whole network"
)
COMBINED = "suppressed: combined from sites whose own numbers are withheld"
WHOLE_WEEKS = "of whole weeks, each in the month of its fourth day"


@dataclass(frozen=True, slots=True)
class OutsideRow:
    """A row of counts and the first level of it that is withheld, with the reason."""

    row: Row
    first: int
    reason: str

    def why(self, measure: str, level: int) -> str | None:
        """Why a measure of this row is withheld; None where it is shown."""
        if level >= self.first:
            return self.reason
        mixed = len(self.row["classifiers"]) > 1 and not self.row["apart"]
        return COMBINED if measure == "prevalence" and mixed else None


@dataclass(frozen=True, slots=True)
class _Part:
    """One site, or one stratum, in one week."""

    week: date
    node: Node
    row: Row


def weekly_question(request: MeasureRequest, settings: WarehouseSettings) -> MeasureRequest:
    """What to count for an outside audience: whole weeks, every place, one breakdown.

    UserError for a week system other than the home's published one: the two together would
    tell the Sundays.
    """
    if request.epiweek != settings.published_weeks:
        raise UserError(
            f"--audience {request.audience} has {settings.published_weeks} weeks in this home, "
            f"not {request.epiweek}: both would tell single days; "
            "[warehouse] published_weeks says which"
        )
    strata = tuple(name for name in request.by if name in STRATA)
    by = ("region", "site") if unanswerable(request) or not strata else strata
    first, last = _window(request)
    return replace(
        request, period="week", by=by, start=first, end=last, regions=(), sites=()
    )  # fmt: skip


def unanswerable(request: MeasureRequest) -> str | None:
    """Why an outside audience gets no number at all for a request; None where it may."""
    if request.period == "day":
        return DAYS
    strata = [name for name in request.by if name in STRATA]
    crossed = strata and (len(request.by) > 1 or request.regions or request.sites)
    return CROSSED if crossed else None


def outside_rows(
    request: MeasureRequest, weekly: Sequence[Row], settings: WarehouseSettings
) -> list[OutsideRow]:
    """The rows of a request, from the rows of its `weekly_question`."""
    parts = [_part(row, request) for row in [*weekly, *_empty_strata(request, weekly)]]
    if (refused := unanswerable(request)) is not None:
        return list(_refused(request, parts, refused))
    below, said = settings.suppress_below, small(settings.suppress_below)
    first = _decided(parts, below)
    groups: dict[tuple[object, ...], list[_Part]] = {}
    for part in parts:
        if _asked_for(request, part) and (start := _period(request, part.week)):
            groups.setdefault((start, *_group(request, part)), []).append(part)
    members = _members(parts)
    return [
        _answer(key, found, members, first, said, settings.rounding)
        for key, found in groups.items()
    ]


def _empty_strata(request: MeasureRequest, weekly: Sequence[Row]) -> Iterator[Row]:
    """Rows of nothing, so that a group without X-rays may be withheld as well."""
    for name in [] if unanswerable(request) else [one for one in request.by if one in STRATA]:
        seen = {(row["period_start"], row[name]) for row in weekly}
        for week in {week for week, _ in seen}:
            for group in STRATA[name]:
                if (week, group) not in seen:
                    ages = [group if name == one else None for one in STRATA]
                    yield merged((week, None, None, *ages), [], 0)


def _part(row: Row, request: MeasureRequest) -> _Part:
    strata = [name for name in STRATA if name in request.by and not unanswerable(request)]
    names = strata or list(PLACES)
    return _Part(row["period_start"], tuple(row[name] for name in names), row)


def _counts(row: Row) -> Counts:
    return Counts(row["xrays"], row["in_scope"], row["positive"], row["bacterial"])


def _decided(parts: Sequence[_Part], below: int) -> dict[tuple[date, Node], int]:
    """For each week and node (network, region, site; or network, stratum) the first level
    that is withheld."""
    weeks: dict[date, dict[Node, list[Counts]]] = {}
    for part in parts:
        cells = weeks.setdefault(part.week, {})
        for depth in range(len(part.node) + 1):
            cells.setdefault(part.node[:depth], []).append(_counts(part.row))
    return {
        (week, node): level
        for week, cells in weeks.items()
        for node, level in first_withheld(
            {node: total_of(counts) for node, counts in cells.items()}, below
        ).items()
    }


def _members(parts: Iterable[_Part]) -> dict[tuple[date, Node], set[Node]]:
    """The leaves under each node of each week."""
    found: dict[tuple[date, Node], set[Node]] = {}
    for part in parts:
        for depth in range(len(part.node) + 1):
            found.setdefault((part.week, part.node[:depth]), set()).add(part.node)
    return found


def _answer(
    key: tuple[object, ...],
    found: Sequence[_Part],
    members: Mapping[tuple[date, Node], set[Node]],
    first: Mapping[tuple[date, Node], int],
    said: str,
    base: int,
) -> OutsideRow:
    by_week: dict[date, set[Node]] = {}
    for part in found:
        by_week.setdefault(part.week, set()).add(part.node)
    cells = [
        (week, node) for week, leaves in by_week.items() for node in _cover(week, leaves, members)
    ]
    told = LEVEL_OF["prevalence"]
    apart = all(len(p.row["classifiers"]) < 2 and first[p.week, p.node] > told for p in found)
    row = merged(key, [part.row for part in found], base) | {"apart": apart}
    return OutsideRow(row, min(first[cell] for cell in cells), said)


def _cover(
    week: date, leaves: set[Node], members: Mapping[tuple[date, Node], set[Node]]
) -> Iterator[Node]:
    """The fewest nodes that together are these leaves."""
    pending: list[Node] = [()]
    while pending:
        node = pending.pop()
        under = members[week, node]
        if under <= leaves:
            yield node
        elif under & leaves:
            pending += {leaf[: len(node) + 1] for leaf in under & leaves}


def merged(key: tuple[object, ...], rows: Sequence[Row], base: int) -> Row:
    """Rows of queries/counts.sql added up, under (period_start, region, site, age group, sex)."""
    row: Row = dict(
        zip(("period_start", "region", "site_id", "age_group", "sex"), key, strict=True)
    )
    for name in ("xrays", "in_scope", "positive", "bacterial"):
        row[name] = rounded(sum(one[name] for one in rows), base)
    for name in ("simulated", "generated"):
        row[name] = sum(one[name] for one in rows)
    row["model_versions"] = sorted({name for one in rows for name in one["model_versions"]})
    labelled: dict[tuple[str, str | None], list[int]] = {}
    for one in (one for row_ in rows for one in row_["classifiers"] or ()):
        sums = labelled.setdefault((one["model_version"], one["calibration_id"]), [0, 0])
        sums[0] += one["in_scope"]
        sums[1] += one["positive"]
    row["classifiers"] = [
        {
            "model_version": version, "calibration_id": calibration,
            "in_scope": rounded(n, base), "positive": rounded(x, base),
        }
        for (version, calibration), (n, x) in sorted(
            labelled.items(), key=lambda item: (item[0][0], item[0][1] or "")
        )
    ]  # fmt: skip
    return row


def _group(request: MeasureRequest, part: _Part) -> tuple[object, ...]:
    """region, site, age group and sex as far as they are asked for."""
    columns = {"region": "region", "site": "site_id", "age_group": "age_group", "sex": "sex"}
    return tuple(part.row[c] if name in request.by else None for name, c in columns.items())


def _asked_for(request: MeasureRequest, part: _Part) -> bool:
    region, site = part.row["region"], part.row["site_id"]
    return (not request.regions or region in request.regions) and (
        not request.sites or site in request.sites
    )


def _refused(request: MeasureRequest, parts: Sequence[_Part], why: str) -> Iterator[OutsideRow]:
    """One blank row for each period and place asked for, whatever is in it."""
    by = [name for name in request.by if name not in STRATA]
    asked = [part for part in parts if _asked_for(request, part)]
    if not asked:
        return
    bare = replace(request, by=tuple(by))
    places = {_group(bare, part) for part in asked}
    weeks = sorted({part.week for part in asked})
    for start in _starts(request, weeks[0], last_day(weeks[-1], "week")):
        for place in sorted(places, key=str):
            yield OutsideRow(merged((start, *place), [], 0) | {"apart": True}, 0, why)


def _starts(request: MeasureRequest, first: date, last: date) -> Iterator[date]:
    first = max(first, request.start or first)
    last = min(last, request.end or last)
    start = first_day(first, request.period, request.epiweek)
    while start <= last:
        yield start
        start = last_day(start, request.period) + timedelta(days=1)


def _window(request: MeasureRequest) -> tuple[date | None, date | None]:
    """Whole weeks that hold every period asked for."""
    first, last = request.start, request.end
    if first is not None:
        first = first_day(first, request.period, request.epiweek)
        if request.period == "month":
            first -= timedelta(days=3)
        first = first_day(first, "week", request.epiweek)
    if last is not None:
        last = last_day(first_day(last, request.period, request.epiweek), request.period)
        if request.period == "month":
            last += timedelta(days=3)
        last = last_day(first_day(last, "week", request.epiweek), "week")
    return first, last


def _period(request: MeasureRequest, week: date) -> date | None:
    """The first day of the period that a week counts in; None outside the window."""
    if request.period == "week":
        return week
    month = first_day(week + timedelta(days=3), "month")
    if request.start and last_day(month, "month") < request.start:
        return None
    return None if request.end and month > request.end else month
