"""`pneumowatch audit`: who did what, and whether the record was tampered with."""

import argparse
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.store import Warehouse

COLUMNS = ("seq", "happened_at", "actor", "action", "object", "details", "commit_number")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--from", dest="first", metavar="T", help="a day or a time (UTC)")
    parser.add_argument("--to", dest="last", metavar="T", help="a day or a time, included")
    parser.add_argument("--action", metavar="NAME", help="only this action, such as export")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--format", choices=("table", "json", "csv"), default="table")
    form.add_argument(
        "--fhir", action="store_true", help="FHIR R4B AuditEvent resources, one a line (NDJSON)"
    )
    form.add_argument(
        "--verify", action="store_true", help="look for edits, gaps and cuts; exit 2 if any"
    )
    parser.add_argument(
        "--expect", metavar="SEQ:HASH", help="with --verify: a head that was noted elsewhere"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")
    parser.add_argument("--out", type=Path, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse
    from dashboard.output import emit, write_text
    from warehouse.audit import entries
    from warehouse.audit_fhir import events

    with open_warehouse(args.home, read_only=True) as warehouse:
        if args.verify:
            return _verify(warehouse, args.expect, args.json)
        first, last = _time("--from", args.first, False), _time("--to", args.last, True)
        found = entries(warehouse, first, last, args.action)
    if args.fhir:
        write_text("".join(f"{line}\n" for line in events(found)), args.out)
        return 0
    form = "json" if args.json else args.format
    columns = COLUMNS if form == "table" else (*COLUMNS, "previous_hash", "hash")
    emit(found, columns, form, args.out)
    return 0


def _verify(warehouse: "Warehouse", expected: str | None, as_json: bool) -> int:
    from dashboard.output import print_json
    from warehouse.audit import verify

    verdict = verify(warehouse, expected)
    if as_json:
        facts = {"entries": verdict.entries, "head": verdict.head, "problems": verdict.problems}
        print_json({"whole": not verdict.problems} | facts)
    else:
        for problem in verdict.problems:
            print(problem)
        print(f"{verdict.entries} entries; head {verdict.head}")
    if not verdict.problems:
        print(
            "the chain holds. Note the head elsewhere: --verify --expect HEAD then finds a record "
            "that was forged as a whole",
            file=sys.stderr,
        )
    return 2 if verdict.problems else 0


def _time(option: str, text: str | None, end: bool) -> datetime | None:
    from datetime import UTC, date, time

    from ingest.errors import UserError

    if text is None:
        return None
    try:
        if len(text) == len("2026-05-14"):
            return datetime.combine(date.fromisoformat(text), time.max if end else time.min, UTC)
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UserError(
            f"{option} {text!r} is no time; write 2026-05-14 or 2026-05-14T09:30+00:00"
        ) from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
