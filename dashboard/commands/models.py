"""`pneumowatch models`: which versions there are, and what one of them is."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.errors import UserError

if TYPE_CHECKING:
    from warehouse.store import Warehouse

COLUMNS = ("model_version", "promoted", "promoted_at", "sensitivity", "specificity")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listing = actions.add_parser("list", help="the registered versions, the promoted one first")
    listing.add_argument("--format", choices=("table", "json", "csv"), default="table")
    show = actions.add_parser("show", help="the card of a version, as JSON")
    show.add_argument("version", nargs="?", help="default: the promoted one")
    for action in (listing, show):
        action.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse

    with open_warehouse(args.home, read_only=True) as warehouse:
        return (
            _list(warehouse, args.format)
            if args.action == "list"
            else _show(warehouse, args.version)
        )


def _list(warehouse: "Warehouse", form: str) -> int:
    from dashboard.output import emit

    rows = [_summary(row, first=number == 0) for number, row in enumerate(_rows(warehouse))]
    emit(rows, COLUMNS, form, None)
    return 0


def _show(warehouse: "Warehouse", version: str | None) -> int:
    import json

    from dashboard.output import print_json

    rows = _rows(warehouse)
    chosen = [row for row in rows if row["model_version"] == version] if version else rows[:1]
    if not chosen:
        known = ", ".join(row["model_version"] for row in rows) or "none"
        raise UserError(f"there is no model version {version!r}; registered: {known}")
    print_json(json.loads(chosen[0]["card"]))
    return 0


def _rows(warehouse: "Warehouse") -> list[dict[str, Any]]:
    from warehouse.models import registry
    from warehouse.versions import resolve

    return registry(warehouse, resolve(warehouse).commit_number)


def _summary(row: dict[str, Any], *, first: bool) -> dict[str, Any]:
    import json

    card = json.loads(row["card"])
    sick = card["true_positives"] + card["false_negatives"]
    well = card["true_negatives"] + card["false_positives"]
    return {
        "model_version": row["model_version"],
        "promoted": first and row["promoted_at"] is not None,
        "promoted_at": row["promoted_at"],
        "sensitivity": card["true_positives"] / sick if sick else None,
        "specificity": card["true_negatives"] / well if well else None,
    }
