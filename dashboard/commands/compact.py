"""`pneumowatch compact`: fewer, larger files; the same answers."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--safe-hours",
        type=int,
        default=24,
        metavar="N",
        help="files replaced or abandoned longer ago are removed (default: 24)",
    )
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from dashboard.context import open_warehouse
    from dashboard.output import print_json
    from warehouse.care.compaction import compact

    with open_warehouse(args.home) as warehouse:
        found = compact(warehouse, args.safe_hours)
    if args.json:
        print_json(asdict(found))
        return 0
    print(
        f"{found.files_before} files of {found.bytes_before:,} bytes became "
        f"{found.files_after} of {found.bytes_after:,}; on the disk lie {found.on_disk_after} "
        f"(before: {found.on_disk_before}), {found.removed} were removed; every version "
        "answers as before"
    )
    return 0
