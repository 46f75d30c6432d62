"""`pneumowatch restore DIR`: a home made from a backup."""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="a backup, or a folder of them: the newest"
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.output import print_json
    from warehouse.care.backups import restore

    made = restore(args.folder, args.home)
    if not made.with_key:
        print(
            "the backup holds no key: `pneumowatch key restore FILE` puts it in place; without "
            "it nothing can be ingested or erased",
            file=sys.stderr,
        )
    print(
        "what was erased after this backup was made is in it again: erase it again "
        "(docs/care.md); then `pneumowatch verify`",
        file=sys.stderr,
    )
    if args.json:
        print_json({"home": str(args.home), "version": made.version, "files": made.files})
    else:
        print(f"restored {args.home} from {made.folder}: version {made.version}")
    return 0
