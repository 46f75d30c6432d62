"""`pneumowatch report weekly`: one week's bulletin as HTML, PDF and CSV."""

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """`weekly` is the only kind so far."""
    kinds = parser.add_subparsers(title="kinds", metavar="KIND", required=True, dest="kind")
    weekly = kinds.add_parser(
        "weekly",
        help="bulletin.html, bulletin.pdf, bulletin.csv and manifest.json of one week",
        description="Writes the bulletin of one week. Surveillance statistics, not a diagnosis.",
    )
    weekly.add_argument(
        "--home",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="the home directory (default: PNEUMOWATCH_HOME or ./pneumowatch-home)",
    )
    weekly.add_argument("--week", metavar="2026-W20", help="default: the last complete week")
    weekly.add_argument(
        "--as-of", metavar="T", help="as it was at a time or version (default: the newest)"
    )
    weekly.add_argument(
        "--audience",
        choices=("internal", "partner", "public"),
        default="public",
        help="who will read it; all but internal see small numbers suppressed (default: public)",
    )
    weekly.add_argument(
        "--epiweek", choices=("iso", "mmwr"), default="iso", help="kind of week (default: iso)"
    )
    weekly.add_argument("--out", type=Path, required=True, metavar="DIR", help="made if missing")
    weekly.add_argument("--json", action="store_true", help="the manifest on stdout")


def run(args: argparse.Namespace) -> int:
    """Writes the four files and says where; the HTML, typst and figures load only here."""
    from dashboard.bulletin.contents import BulletinRequest, gather
    from dashboard.bulletin.write import write
    from dashboard.context import configuration, open_warehouse

    request = BulletinRequest(args.week, args.as_of, args.audience, args.epiweek)
    settings = configuration(args.home).warehouse
    with open_warehouse(args.home, read_only=True) as warehouse:
        bulletin = gather(warehouse, request, settings)
    written = write(bulletin, args.out)
    if bulletin.empty:
        print(f"week {bulletin.week} has no X-rays in this version", file=sys.stderr)
    if args.json:
        print(json.dumps(json.loads(written[-1].read_bytes()), indent=2, sort_keys=True))
    else:
        print("\n".join(str(path) for path in written))
    return 0
