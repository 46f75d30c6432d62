"""`pneumowatch sites load`: the places that send X-rays, and their regions."""

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    load = actions.add_parser("load", help="append a version of the sites in a CSV file")
    load.add_argument("sites", type=Path, metavar="SITES.csv")
    load.add_argument("--regions", type=Path, metavar="REGIONS.geojson")
    load.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse
    from warehouse.sites import load_sites, read_regions, read_sites

    sites = read_sites(args.sites)
    regions = read_regions(args.regions) if args.regions else []
    outlined = {region.region for region in regions}
    with open_warehouse(args.home) as warehouse:
        commit = load_sites(warehouse, sites, regions)
    used = {site.region for site in sites}
    print(
        f"loaded {len(sites)} sites in {len(used)} regions and {len(regions)} outlines "
        f"as version {commit}",
        file=sys.stderr,
    )
    if regions and (missing := sorted(used - outlined)):
        print(
            f"no outline for {', '.join(missing)}: the map shows their sites as points",
            file=sys.stderr,
        )
    return 0
