"""`pneumowatch labels load`: confirmed diagnoses, and the sites that they calibrate."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import RefusedError

if TYPE_CHECKING:
    from warehouse.labels import Labelled

SHOWN = 20  # mistakes and unknown studies that are named; the rest are counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    load = actions.add_parser(
        "load",
        help="append the diagnoses in a CSV file",
        description="study_id or file, label (NORMAL, PNEUMONIA), optional aetiology, reader, "
        "read_at. Loading again appends what changed. Never a diagnosis of this program's own.",
    )
    load.add_argument("labels", type=Path, metavar="FILE.csv")
    load.add_argument("--strict", action="store_true", help="exit 3 if a line was wrong or unknown")
    load.add_argument("--json", action="store_true", help="one JSON document on stdout")
    load.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
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
