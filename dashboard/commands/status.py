"""`pneumowatch status`: one screen."""

import argparse
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration, open_warehouse
    from dashboard.doors import open_spool
    from dashboard.output import print_json
    from warehouse.freshness import freshness
    from warehouse.sites import current_sites

    with open_warehouse(args.home) as warehouse:
        facts: dict[str, Any] = asdict(freshness(warehouse))
        facts["sites"] = len(current_sites(warehouse))
        facts["warehouse_bytes"] = _size(warehouse.home.warehouse)
    spool = open_spool(args.home, configuration(args.home).ingest)
    counts = spool.counts() if spool.folder.exists() else {}
    facts["spool_waiting"] = counts.get("waiting", 0)
    facts["spool_deliveries"] = counts.get("deliveries", 0)
    facts["disk_free_bytes"] = shutil.disk_usage(args.home).free
    if args.json:
        print_json(facts)
        return 0
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):22} {'none' if value is None else value}")
    return 0


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
