"""`pneumowatch rejections`: what was refused, and why."""

import argparse
from pathlib import Path

COLUMNS = ("received_at", "reason", "sentence", "site_id", "file_key", "rejection_id")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--as-of", metavar="T", help="a version number or a time")
    parser.add_argument("--format", choices=("table", "json", "csv", "parquet"), default="table")
    parser.add_argument("--out", type=Path, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse
    from dashboard.output import emit
    from warehouse.versions import resolve

    with open_warehouse(args.home, read_only=True) as warehouse:
        commit = resolve(warehouse, args.as_of).commit_number
        rows = warehouse.query("rejections", commit=commit)
    emit(rows, COLUMNS, args.format, args.out)
    return 0
