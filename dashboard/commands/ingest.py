"""`pneumowatch ingest`: files and folders, once."""

import argparse
import sys
from pathlib import Path

from ingest.errors import RefusedError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("paths", type=Path, nargs="+", metavar="PATH")
    parser.add_argument("--manifest", type=Path, metavar="FILE.csv", help="site and date a file")
    parser.add_argument("--site", metavar="ID", help="the site of files that name none")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--workers", type=int, metavar="N", help="decode processes")
    parser.add_argument("--strict", action="store_true", help="exit 3 if a file was refused")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration, open_warehouse
    from dashboard.intake import Job, ingest
    from dashboard.output import print_json

    job = Job(tuple(args.paths), args.manifest, args.site, args.device, args.workers)
    settings = configuration(args.home)
    with open_warehouse(args.home) as warehouse:
        outcome = ingest(warehouse, settings, job)
    tally = outcome.tally
    summary = (
        f"received {tally.received}: {tally.predicted} predicted, {tally.duplicates} duplicates, "
        f"{tally.rejected} rejected, in {outcome.seconds:.1f} s"
    )
    if args.json:
        print_json(outcome.as_dict())
    else:
        print(summary)
    if tally.received and tally.duplicates == tally.received:
        print("nothing new: every file was ingested before", file=sys.stderr)
    if args.strict and tally.rejected:
        raise RefusedError(f"--strict: {tally.rejected} of {tally.received} files were refused")
    return 0
