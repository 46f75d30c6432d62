"""`pneumowatch backup DIR`: a copy of the home while it works."""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="gets a new dated backup")
    parser.add_argument(
        "--with-key",
        action="store_true",
        help="the pseudonym key too: whoever has such a backup can tell whose X-rays they are",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse
    from dashboard.output import print_json
    from warehouse.care.backups import back_up

    with open_warehouse(args.home) as warehouse:
        made = back_up(warehouse, args.folder, with_key=args.with_key)
    if not made.with_key:
        print(
            "the pseudonym key is not in it: keep that apart (`pneumowatch key backup FILE`)",
            file=sys.stderr,
        )
    if args.json:
        names = ("version", "files", "bytes", "linked", "with_key")
        print_json({"folder": str(made.folder)} | {name: getattr(made, name) for name in names})
        return 0
    print(
        f"{made.folder}: version {made.version}, {made.files} files of {made.bytes:,} bytes, "
        f"{made.linked} of them linked"
    )
    return 0
