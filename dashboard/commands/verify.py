"""`pneumowatch verify`: every invariant, one line each; exit 2 where one is broken."""

import argparse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration, open_warehouse
    from dashboard.output import print_json
    from warehouse.care.verification import summary, verify, whole

    findings = []
    keeps = configuration(args.home).ingest.keep_images
    with open_warehouse(args.home, read_only=True) as warehouse:
        for one in verify(warehouse, keeps_images=keeps):
            findings.append(one)
            if not args.json:
                todo = f"; {one.todo}" if one.todo else ""
                print(f"{one.state:7} {one.check:14} {one.found}{todo}", flush=True)
    if args.json:
        print_json(summary(findings))
    return 0 if whole(findings) else 2
