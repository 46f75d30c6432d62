"""The aggregate cube: counts by site, day, model and label, held in a reader's memory.

A cell counts current predictions (the rule of queries/counts.sql), with the scores in 20
bins. The cube is a ledger: a refresh appends what the changes since the last snapshot add to
or take from each cell, under the newest commit, so that it answers for every commit at which
it was refreshed. What changed comes from the catalog's change feed. A study that came in
since then is counted from the feed alone, the base is not read; one that was there before
(scored again, erased) is taken out as it was and put in as it is. A promotion, or a snapshot
that is gone, builds the cube anew. Compaction changes no row and therefore nothing.

Labels are columns of a cell (in scope, positive, bacterial). Beside the days stands the same by
week, without scores: what pages ask most is whole ISO weeks.

Memory: at most one row of 31 numbers (about 350 bytes) for each site, day and model that
has X-rays, however many they are, a seventh of that for the weeks, and as many again of changes
before they are merged: 200 sites over three years are 219,000 rows, 78 MB as measured.
"""

import threading
from collections.abc import Callable, Iterable
from typing import Any

import duckdb

from warehouse.store import Row, Warehouse, statement

BINS = tuple(f"s{number:02d}" for number in range(20))
COUNTED = ("xrays", "in_scope", "positive", "bacterial", "simulated", "generated")
KEY = ("site_id", "day", "model_version", "calibration_id")
TABLES = {"cells": (*COUNTED, *BINS), "weeks": COUNTED}  # their numbers
UNSERVED = ("by_age", "by_sex")  # of too many values: the base answers
MERGE_SHARE = 1  # changes are merged when they are as many rows as the rest …
MERGE_ROWS = 50_000  # … and at least so many


class Cube:
    """The cube of one reader's warehouse. Safe between threads: one asks or refreshes at a time."""

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._lock = threading.Lock()
        self._snapshot: int | None = None  # of the catalog, the last one that was read
        self._commits: set[int] = set()  # that the cube can answer for
        self._merged = 0  # rows that are not changes
        self.rebuilds = 0

    def counts(self, **parameters: Any) -> list[Row] | None:
        """The rows of queries/counts.sql; None where the base has to answer.

        That is for age and sex, and for a commit at which the cube was not refreshed. A commit
        newer than the cube refreshes it first.
        """
        if any(parameters[name] for name in UNSERVED):
            return None
        asked = {name: value for name, value in parameters.items() if name not in UNSERVED}
        text = statement("cube_counts")
        text = text.replace("cube.cells", "cube.weeks") if _whole(asked) else text
        rows = self._answer(text, asked)
        for row in rows or ():
            if len(row["classifiers"] or ()) > 1:
                row["classifiers"].sort(
                    key=lambda c: (c["model_version"], c["calibration_id"] or "")
                )
        return rows

    def histogram(self, **parameters: Any) -> list[Row] | None:
        """The rows of queries/cube_histogram.sql; None where the base has to answer."""
        return self._answer(statement("cube_histogram"), parameters)

    def refresh(self) -> int:
        """Brings the cube to the newest snapshot; returns its commit number."""
        with self._lock:
            return self._refresh()

    @property
    def rows(self) -> int:
        """Rows in memory, changes that are not merged yet included."""
        with self._lock, self._warehouse.cursor() as cursor:
            return _number(cursor, "SELECT count(*) FROM cube.cells") if self._commits else 0

    def _answer(self, text: str, parameters: dict[str, Any]) -> list[Row] | None:
        with self._lock:
            if parameters["commit"] > max(self._commits, default=-1):
                self._refresh()
            if parameters["commit"] not in self._commits:
                return None
            return self._warehouse.sql(text, **parameters)

    def _refresh(self) -> int:
        with self._warehouse.cursor() as cursor:
            if self._snapshot is None:
                _lay_out(cursor)
            if _number(cursor, "SELECT id FROM w.current_snapshot()") == self._snapshot:
                return max(self._commits)
            try:
                return self._in_transaction(cursor, self._follow)
            except duckdb.Error:  # the snapshot has expired, or its files are gone
                return self._in_transaction(cursor, self._build)

    def _in_transaction(
        self,
        cursor: duckdb.DuckDBPyConnection,
        bring: Callable[[duckdb.DuckDBPyConnection, int, int], None],
    ) -> int:
        """All reads see the snapshot of the transaction's first; the cube changes or does not."""
        cursor.execute("BEGIN")
        try:
            now = _number(cursor, "SELECT id FROM w.current_snapshot()")
            commit = _number(cursor, "SELECT coalesce(max(commit_number), 0) FROM w.commits")
            cursor.execute("CREATE OR REPLACE TABLE cube.sites AS FROM w.sites")
            bring(cursor, now, commit)
        except BaseException:
            cursor.execute("ROLLBACK")
            raise
        cursor.execute("COMMIT")
        self._snapshot = now
        return commit

    def _follow(self, cursor: duckdb.DuckDBPyConnection, now: int, commit: int) -> None:
        """Applies what changed; builds where there is nothing to start from, or a promotion."""
        then = self._snapshot
        if then is None or _promoted(cursor, then, now):
            self._build(cursor, now, commit)
            return
        erased = _apply(cursor, then, now, commit)
        self._commits = {commit} if erased else self._commits | {commit}
        changes = _number(cursor, "SELECT count(*) FROM cube.cells") - self._merged
        if changes > max(MERGE_ROWS, MERGE_SHARE * self._merged):
            self._merge(cursor, commit)

    def _build(self, cursor: duckdb.DuckDBPyConnection, _now: int, commit: int) -> None:
        for table in TABLES:
            cursor.execute(f"DELETE FROM cube.{table}")  # noqa: S608
        _point(cursor, "FROM w.studies", "FROM w.predictions")
        _add(cursor, commit)
        self._settled(cursor, commit)
        self.rebuilds += 1

    def _merge(self, cursor: duckdb.DuckDBPyConnection, commit: int) -> None:
        """One row a cell again; commits before this one are the base's from now on."""
        for table, numbers in TABLES.items():
            cursor.execute(
                f"CREATE OR REPLACE TABLE cube.{table} AS "  # noqa: S608
                f"SELECT {commit}::BIGINT AS commit_number, {_sums(numbers)} FROM cube.{table} "
                "GROUP BY ALL HAVING sum(xrays) > 0"
            )
        self._settled(cursor, commit)

    def _settled(self, cursor: duckdb.DuckDBPyConnection, commit: int) -> None:
        self._merged = _number(cursor, "SELECT count(*) FROM cube.cells")
        self._commits = {commit}


def _lay_out(cursor: duckdb.DuckDBPyConnection) -> None:
    """An empty cube beside the attached warehouse."""
    cursor.execute("ATTACH IF NOT EXISTS ':memory:' AS cube (COMPRESS)")
    for table, counted in TABLES.items():
        numbers = ", ".join(f"{name} BIGINT" for name in counted)
        cursor.execute(
            f"CREATE OR REPLACE TABLE cube.{table} (commit_number BIGINT, site_id VARCHAR, "
            f"day DATE, model_version VARCHAR, calibration_id VARCHAR, {numbers})"
        )


def _whole(asked: dict[str, Any]) -> bool:
    """Whether a question is about whole ISO weeks: from a Monday, to a Sunday."""
    first, last = asked["first"], asked["last"]
    monday, sunday = (
        first is None or first.isoweekday() == 1,
        last is None or last.isoweekday() == 7,
    )
    return asked["period"] == "week" and not asked["mmwr"] and monday and sunday


def _sums(numbers: Iterable[str], sign: int = 1) -> str:
    summed = (f"{sign} * sum({name})::BIGINT AS {name}" for name in numbers)
    return ", ".join((*KEY, *summed))


def _promoted(cursor: duckdb.DuckDBPyConnection, then: int, now: int) -> bool:
    """Whether a promotion is among the changes."""
    return any(
        _number(cursor, f"SELECT count(*) FROM {_feed(kind, 'promotions', then, now)}")  # noqa: S608
        for kind in ("insertions", "deletions")
    )


def _apply(cursor: duckdb.DuckDBPyConnection, then: int, now: int, commit: int) -> bool:
    """Appends what changed; True where rows were deleted, so that older commits changed too."""
    for kind in ("insertions", "deletions"):
        for table in ("studies", "predictions"):
            cursor.execute(
                f"CREATE OR REPLACE TEMP TABLE {kind}_of_{table} AS "
                f"FROM {_feed(kind, table, then, now)}"
            )
    changed = statement("cube_changed")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE changed AS {changed}")
    new = "SEMI JOIN (FROM temp.changed WHERE is_new) USING (study_id)"
    _point(
        cursor,
        f"FROM temp.insertions_of_studies {new}",
        f"FROM temp.insertions_of_predictions {new}",
    )
    _add(cursor, commit)
    if _number(cursor, "SELECT count(*) FROM temp.changed WHERE NOT is_new"):
        old = "SEMI JOIN (FROM temp.changed WHERE NOT is_new) USING (study_id)"
        for version, sign in ((f"AT (VERSION => {then})", -1), ("", 1)):
            _point(cursor, f"FROM w.studies {version} {old}", f"FROM w.predictions {version} {old}")
            _add(cursor, commit, sign)
    return bool(_number(cursor, "SELECT count(*) FROM temp.changed WHERE is_erased"))


def _point(cursor: duckdb.DuckDBPyConnection, studies: str, predictions: str) -> None:
    """Says where queries/cube_cells.sql reads from."""
    sources = {
        "studies": studies,
        "predictions": predictions,
        "promotions": "FROM w.promotions",
    }
    for name, source in sources.items():
        cursor.execute(f"CREATE OR REPLACE TEMP VIEW source_{name} AS {source}")


def _add(cursor: duckdb.DuckDBPyConnection, commit: int, sign: int = 1) -> None:
    cells = statement("cube_cells")
    cursor.execute(f"CREATE OR REPLACE TEMP TABLE delta AS {cells}")
    for table, numbers in TABLES.items():
        cursor.execute(
            f"INSERT INTO cube.{table} SELECT {commit}, {_sums(numbers, sign)} "  # noqa: S608
            "FROM temp.delta GROUP BY ALL"
        )
        cursor.execute("UPDATE temp.delta SET day = date_trunc('week', day)")  # weeks come last


def _feed(kind: str, table: str, then: int, now: int) -> str:
    """The change feed after one snapshot up to another; both are numbers of the catalog."""
    return f"w.table_{kind}('{table}', {then + 1}, {now})"


def _number(cursor: duckdb.DuckDBPyConnection, text: str) -> int:
    found = cursor.execute(text).fetchone()
    return int(found[0]) if found and found[0] is not None else 0
