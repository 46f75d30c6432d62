"""`pneumowatch key`: the pseudonym key, backed up apart from the home and put back."""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    backup = actions.add_parser("backup", help="write the key to a new file, mode 600")
    restore = actions.add_parser("restore", help="put the key into a home that has none")
    restore.add_argument("--force", action="store_true", help="even if it is not the one on record")
    for action in (backup, restore):
        action.add_argument("file", type=Path, metavar="FILE")
        action.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse
    from warehouse.care import keys

    with open_warehouse(args.home) as warehouse:
        if args.action == "backup":
            known = keys.back_up(warehouse, args.file)
            print(
                f"wrote the key (fingerprint {known}) to {args.file}; keep it apart from the home "
                "and from its backups: with both, X-rays can be traced to patients",
                file=sys.stderr,
            )
        else:
            known = keys.restore(warehouse, args.file, force=args.force)
            print(f"the key (fingerprint {known}) is in its place", file=sys.stderr)
    return 0
