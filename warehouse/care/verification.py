"""Every invariant of a home, looked at one by one while the others go on working.

What may change meanwhile is read in the order in which it is written, so that work in progress
is never called broken: the spool before the warehouse, files before the rows that name them.
"""

import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from warehouse import audit
from warehouse.care.files import images, models, parquet
from warehouse.care.finding import Finding, State
from warehouse.care.spooled import spooled
from warehouse.home import Home
from warehouse.store import Row, Warehouse

_RESTORE = "restore a backup made before it broke (`pneumowatch restore`), and report it: {what}"
_TODO = {
    "studies of an unknown site": "load the site again with `pneumowatch sites load`",
    "labels for no study": "load the labels again without those lines, or restore a backup",
    "the same film twice at a site": "they count twice; report it",
}


def verify(warehouse: Warehouse, *, keeps_images: bool = False) -> Iterator[Finding]:
    """One finding a check; a check that stumbles is itself a finding."""
    checks: Sequence[tuple[str, Callable[[], list[Finding]]]] = (
        ("catalog", lambda: [_sound("catalog", warehouse.home.catalog)]),
        ("spool", lambda: spooled(warehouse)),
        ("rows", lambda: [_rows(warehouse, "rows", "broken_rows")]),
        ("commits", lambda: [_rows(warehouse, "commits", "broken_commits"), _commits(warehouse)]),
        ("parquet files", lambda: parquet(warehouse)),
        ("kept images", lambda: images(warehouse, keeps_images)),
        ("model files", lambda: models(warehouse)),
        ("audit", lambda: [_audit(warehouse)]),
        ("erasures", lambda: [_erasures(warehouse.home)]),
    )
    for name, check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001  what is broken may break its check
            yield Finding(
                name,
                State.BROKEN,
                f"could not be checked ({type(error).__name__}: {str(error).splitlines()[0]})",
                "restore a backup (`pneumowatch restore`)",
            )


def _sound(name: str, path: Path) -> Finding:
    """SQLite's own look at a file."""
    if not path.exists():
        return Finding(name, State.WHOLE, "is not a file of this home")
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as db:
        rows = [text for (text,) in db.execute("PRAGMA quick_check(5)")]
    if rows == ["ok"]:
        return Finding(name, State.WHOLE, "is a sound database")
    todo = "restore a backup (`pneumowatch restore`)"
    return Finding(name, State.BROKEN, f"is damaged: {rows[0]}", todo, len(rows))


def _rows(warehouse: Warehouse, name: str, query: str) -> Finding:
    broken = warehouse.query(query)
    if not broken:
        return Finding(name, State.WHOLE, "no key twice, nothing refers to what is not there")
    found = "; ".join(f"{row['broken']} {row['kind']} (one is {row['example']})" for row in broken)
    known = [_TODO[row["kind"]] for row in broken if row["kind"] in _TODO]
    todo = "; ".join(known) or _RESTORE.format(what=broken[0]["kind"])
    return Finding(name, State.BROKEN, found, todo, sum(row["broken"] for row in broken))


def _commits(warehouse: Warehouse) -> Finding:
    """Every row belongs to a commit that was recorded."""
    found = {}
    for row in warehouse.query("tables_with_column", wanted="commit_number"):
        table = row["table_name"]
        text = f'SELECT count(*) AS n FROM "{table}" ANTI JOIN commits USING (commit_number)'  # noqa: S608
        found[table] = warehouse.sql(text)[0]["n"]
    lost = {table: number for table, number in found.items() if number}
    if not lost:
        return Finding("commits", State.WHOLE, "every row is of a recorded commit")
    words = ", ".join(f"{number} rows of {table}" for table, number in lost.items())
    todo = _RESTORE.format(what="rows without a commit")
    return Finding("commits", State.BROKEN, f"{words} are of no recorded commit", todo, len(lost))


def _audit(warehouse: Warehouse) -> Finding:
    verdict = audit.verify(warehouse)
    if not verdict.problems:
        return Finding("audit", State.WHOLE, f"{verdict.entries} entries, the chain holds")
    todo = "somebody changed the record: find out who (docs/audit.md), keep the home as it is"
    found = "; ".join(verdict.problems[:5])
    return Finding("audit", State.BROKEN, found, todo, len(verdict.problems))


def _erasures(home: Home) -> Finding:
    if not home.erasure_journal.exists():
        return Finding("erasures", State.WHOLE, "none is unfinished")
    found = "one was broken off, and bytes of what was erased may be left"
    return Finding("erasures", State.BROKEN, found, "run `pneumowatch erase` to finish it", 1)


def whole(findings: Sequence[Finding]) -> bool:
    """Whether nothing is broken; notes do not count."""
    return all(one.state is not State.BROKEN for one in findings)


def summary(findings: Sequence[Finding]) -> Mapping[str, object]:
    """The findings as one JSON document."""
    rows: list[Row] = [
        {
            "check": one.check,
            "state": str(one.state),
            "count": one.count,
            "found": one.found,
            "todo": one.todo,
        }
        for one in findings
    ]
    return {"whole": whole(findings), "findings": rows}
