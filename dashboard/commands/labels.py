"""`pneumowatch labels`: confirmed diagnoses loaded, planned and counted."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import RefusedError, UserError

if TYPE_CHECKING:
    from warehouse.labels import Labelled

SHOWN = 20  # mistakes and unknown studies that are named; the rest are counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    load = actions.add_parser(
        "load",
        help="append the diagnoses in a CSV file",
        description="study_id or file, label (NORMAL, PNEUMONIA), optional aetiology, reader, "
        "read_at. Loading again appends what changed. Never a diagnosis of this program's own.",
    )
    load.add_argument("labels", type=Path, metavar="FILE.csv")
    load.add_argument("--strict", action="store_true", help="exit 3 if a line was wrong or unknown")
    load.add_argument("--json", action="store_true", help="one JSON document on stdout")
    plan = actions.add_parser(
        "plan",
        help="draw X-rays for a reader to confirm",
        description="At random within strata of score and site, so that sensitivity and "
        "specificity stay unbiased. Fill in the label column, then `labels load` the file.",
    )
    plan.add_argument("--n", type=int, default=200, metavar="N", help="X-rays (default 200)")
    plan.add_argument("--seed", type=int, metavar="N", help="default: drawn, and recorded")
    plan.add_argument("--site", action="append", default=[], metavar="ID", help="again for more")
    plan.add_argument("--as-of", metavar="T", help="a version number or a time")
    plan.add_argument("--out", type=Path, required=True, metavar="FILE.csv")
    plan.add_argument("--force", action="store_true", help="overwrite a file that is there")
    plan.add_argument("--json", action="store_true", help="one JSON document on stdout")
    counts = actions.add_parser(
        "validation", help="what model versions said of confirmed X-rays, or what a plan shows"
    )
    counts.add_argument("--period", choices=("all", "week", "month"), default="all")
    counts.add_argument("--by", choices=("site", "none"), default="site")
    counts.add_argument("--plan", metavar="ID", help="weighted by a plan's probabilities")
    counts.add_argument("--as-of", metavar="T", help="a version number or a time")
    counts.add_argument("--format", choices=("table", "json", "csv"), default="table")
    for action in actions.choices.values():
        action.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    return {"load": _load, "plan": _plan, "validation": _validation}[args.action](args)


def _plan(args: argparse.Namespace) -> int:
    import secrets

    from dashboard.context import open_warehouse
    from dashboard.output import print_json
    from ingest.durable import write_durably
    from warehouse.audit import Action, record
    from warehouse.label_plans import plan, plan_csv

    _check_out(args.out, args.force)
    seed = secrets.randbelow(2**31) if args.seed is None else args.seed
    with open_warehouse(args.home) as warehouse:
        found = plan(warehouse, args.n, seed, args.site, args.as_of)
        record(warehouse, Action.EXPORT, f"labels_plan:{found.plan_id}", {"xrays": len(found.rows)})
    write_durably(args.out, plan_csv(found), 0o600)
    again = f"--n {args.n} --seed {found.seed} --as-of {found.drawn_as_of}"
    if not found.by_site:
        print("too few for strata of sites: drawn by score alone", file=sys.stderr)
    if args.json:
        names = ("plan_id", "model_version", "seed", "drawn_as_of", "frame", "by_site")
        print_json({name: getattr(found, name) for name in names} | {"drawn": len(found.rows)})
    else:
        print(f"plan {found.plan_id}: {len(found.rows)} of {found.frame} X-rays ({again})")
    return 0


def _check_out(out: Path, force: bool) -> None:
    if not out.parent.is_dir() or out.is_dir():
        raise UserError(f"--out {out}: name a file in a folder that exists")
    if out.exists() and not force:
        raise UserError(f"--out {out} is there already; name another, or overwrite with --force")


def _validation(args: argparse.Namespace) -> int:
    from dataclasses import fields

    from dashboard.context import open_warehouse
    from dashboard.output import emit
    from warehouse.label_plans import PlanResult, result
    from warehouse.validation import Validation, validations

    with open_warehouse(args.home, read_only=True) as warehouse:
        if args.plan:
            found = result(warehouse, args.plan, args.as_of)
            if found.confirmed < found.planned:
                missing = found.planned - found.confirmed
                print(f"{missing} X-rays of the plan are not confirmed yet", file=sys.stderr)
            emit([found], [item.name for item in fields(PlanResult)], args.format, None)
        else:
            rows = validations(warehouse, args.period, args.by == "site", args.as_of)
            emit(rows, [item.name for item in fields(Validation)], args.format, None)
    return 0


def _load(args: argparse.Namespace) -> int:
    from dashboard.calibrating import say
    from dashboard.context import configuration, open_warehouse
    from dashboard.output import print_json
    from ingest.identity import load_key
    from warehouse.label_file import read_labels
    from warehouse.labels import load_labels
    from warehouse.models import champion
    from warehouse.site_calibrations import Refit, refit

    file, settings = read_labels(args.labels), configuration(args.home)
    with open_warehouse(args.home) as warehouse:
        found = load_labels(warehouse, file, load_key(warehouse.home.key), settings.ingest)
        best = champion(warehouse)
        version = best["model_version"] if best else ""
        fitted = refit(warehouse, version, settings.warehouse) if best else Refit("")
    _name_what_is_wrong(args.labels, found)
    say(fitted, settings.warehouse)
    counts = {
        "received": found.received,
        "loaded": found.loaded,
        "unchanged": found.unchanged,
        "unknown": len(found.unknown),
        "errors": len(found.errors),
    }
    if args.json:
        print_json(counts | {"calibrated": [one.site_id for one in fitted.fitted]})
    else:
        print(", ".join(f"{name} {number}" for name, number in counts.items()))
    if args.strict and (found.unknown or found.errors):
        raise RefusedError(
            f"--strict: {len(found.unknown) + len(found.errors)} of {found.received} lines "
            "were not loaded"
        )
    return 0


def _name_what_is_wrong(path: Path, found: "Labelled") -> None:
    """On standard error, where alone a file's name may show."""
    wrong = [f"{path}, {error}" for error in found.errors]
    for row in found.unknown:
        wrong.append(f"{path}, line {row.line}: no stored study is {row.study_id or row.file!r}")
    for text in wrong[:SHOWN]:
        print("".join(c if c.isprintable() else repr(c)[1:-1] for c in text), file=sys.stderr)
    if len(wrong) > SHOWN:
        print(f"… and {len(wrong) - SHOWN} more", file=sys.stderr)
