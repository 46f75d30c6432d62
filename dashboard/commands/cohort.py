"""`pneumowatch cohort`: trial cohorts, saved as definitions and exported as pseudonymous rows."""

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.cohorts.registry import Saved
    from warehouse.cohorts.tree import Definition
    from warehouse.store import Warehouse

SAVED = ("name", "version", "saved_at", "commit_number", "definition_hash", "definition")
STEPS = ("step", "criterion", "xrays", "participants", "xrays_fell", "participants_fell")
EXAMPLE = "age >= 18 and sex = F and not site = B and follow_up = 0..90 days from first positive"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    save = actions.add_parser("save", help="save a definition; another one is a new version")
    save.add_argument("name", metavar="NAME")
    source = save.add_mutually_exclusive_group(required=True)
    source.add_argument("--where", metavar="EXPR", help=f"criteria, such as: {EXAMPLE}")
    source.add_argument("--file", type=Path, metavar="F.toml", help="the structured form")
    listing = actions.add_parser("list", help="the saved cohorts")
    show = actions.add_parser("show", help="every version of a cohort's definition")
    count = actions.add_parser("count", help="X-rays and participants")
    attrition = actions.add_parser("attrition", help="how many fell at each criterion")
    export = actions.add_parser("export", help="pseudonymous rows, dictionary and provenance")
    for action in (show, count, attrition, export):
        action.add_argument("name", metavar="NAME")
    for action in (listing, count, attrition, export):
        action.add_argument("--as-of", metavar="T", help="a version number or a time")
    for action in (listing, show, attrition):
        action.add_argument("--format", choices=("table", "json", "csv"), default="table")
    for action in (save, count, export):
        action.add_argument("--json", action="store_true", help="one JSON document on stdout")
    export.add_argument("--format", choices=("csv", "parquet"), default="csv")
    export.add_argument("--out", type=Path, metavar="DIR", help="default: NAME-COMMIT, here")
    export.add_argument("--omop", action="store_true", help="OMOP CDM 5.4 tables as well")
    export.add_argument("--force", action="store_true", help="overwrite files that are there")
    for action in actions.choices.values():
        action.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse

    if args.action == "save":
        definition = _definition(args)  # a mistake in it is told before anything is opened
        with open_warehouse(args.home) as warehouse:
            _save(warehouse, args, definition)
        return 0
    reads = {
        "list": _list,
        "show": _show,
        "count": _count,
        "attrition": _attrition,
        "export": _export,
    }
    with open_warehouse(args.home, read_only=True) as warehouse:
        reads[args.action](warehouse, args)
    return 0


def _definition(args: argparse.Namespace) -> "Definition":
    from warehouse.cohorts.definition_file import read_definition
    from warehouse.cohorts.grammar import parse

    return read_definition(args.file) if args.file else parse(args.where)


def _save(warehouse: "Warehouse", args: argparse.Namespace, definition: "Definition") -> None:
    from dashboard.output import print_json
    from warehouse.cohorts.compiler import compiled
    from warehouse.cohorts.registry import save

    compiled(definition, 0)  # what cannot be asked is not saved
    saved, new = save(warehouse, args.name, definition)
    if args.json:
        print_json(asdict(saved) | {"new": new})
    else:
        what = "saved" if new else "nothing was changed; this is"
        print(f"{what} {saved.name}, version {saved.version}: {saved.definition}")


def _list(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from warehouse.cohorts.registry import listed

    _emit_saved(listed(warehouse, args.as_of), args.format)


def _show(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from warehouse.cohorts.registry import history

    _emit_saved(history(warehouse, args.name), args.format)


def _emit_saved(saved: "list[Saved]", form: str) -> None:
    from dashboard.output import emit

    emit(saved, SAVED, form, None)


def _count(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from dashboard.output import print_json
    from warehouse.cohorts.selection import select

    selection = select(warehouse, args.name, args.as_of)
    size = selection.size()
    if args.json:
        version = {"name": args.name, "version": selection.saved.version}
        print_json(version | {"as_of": selection.version.commit_number} | asdict(size))
        return
    print(
        f"{size.xrays} X-rays of {size.participants} participants, as of version "
        f"{selection.version.commit_number}"
    )
    if size.without_participant:
        print(f"{size.without_participant} X-rays came without a patient's id")
    _say_synthetic(size.synthetic, size.xrays)


def _attrition(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from dashboard.output import emit
    from warehouse.cohorts.selection import select

    emit(select(warehouse, args.name, args.as_of).attrition(), STEPS, args.format, None)


def _export(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from dashboard.output import print_json
    from warehouse.audit import Action, record
    from warehouse.cohorts.export import NOTICE, export
    from warehouse.cohorts.selection import select

    selection = select(warehouse, args.name, args.as_of)
    what = {
        "xrays": selection.size().xrays,
        "cohort_version": selection.saved.version,
        "as_of": selection.version.commit_number,
        "format": args.format,
        "omop": args.omop,
    }
    record(warehouse, Action.EXPORT, f"cohort:{args.name}", what)  # before rows leave
    folder = args.out or Path(f"{args.name}-{selection.version.commit_number}")
    done = export(selection, args.format, folder, args.omop, args.force)
    if args.json:
        print_json(asdict(done) | {"folder": str(done.folder)})
    else:
        print(
            f"{done.xrays} X-rays of {done.participants} participants in {done.folder}: "
            f"{', '.join(done.files)}"
        )
    print(NOTICE, file=sys.stderr)
    _say_synthetic(selection.size().synthetic, done.xrays)


def _say_synthetic(synthetic: int, xrays: int) -> None:
    if synthetic:
        print(
            f"{synthetic} of {xrays} X-rays are synthetic and show no patient; "
            "`synthetic = no` leaves them out",
            file=sys.stderr,
        )
