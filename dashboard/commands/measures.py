"""`pneumowatch measures`: the same numbers as every page and bulletin."""

import argparse
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from warehouse.measures import MeasureRequest


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--measure", default="xrays,positivity,prevalence", metavar="NAME")
    parser.add_argument("--period", choices=("day", "week", "month"), default="week")
    parser.add_argument("--by", default="", metavar="region,site,age_group,sex")
    parser.add_argument("--from", dest="start", metavar="DATE", help="first day, included")
    parser.add_argument("--to", dest="end", metavar="DATE", help="last day, included")
    parser.add_argument("--as-of", metavar="T", help="a version number or a time")
    parser.add_argument("--epiweek", choices=("iso", "mmwr"), default="iso")
    parser.add_argument("--unit", choices=("xray",), default="xray", help="what is counted")
    parser.add_argument("--audience", choices=("internal", "partner", "public"), default="internal")
    parser.add_argument("--format", choices=("table", "json", "csv", "parquet"), default="table")
    parser.add_argument("--out", type=Path, metavar="FILE")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration, open_warehouse
    from dashboard.output import emit
    from warehouse.measures import compute
    from warehouse.records import Measure

    settings = configuration(args.home).warehouse
    requests = _requests(args)
    with open_warehouse(args.home, read_only=True) as warehouse:
        measures = [m for request in requests for m in compute(warehouse, request, settings)]
    emit(measures, [item.name for item in fields(Measure)], args.format, args.out)
    return 0


def _requests(args: argparse.Namespace) -> "list[MeasureRequest]":
    from warehouse.measures import MeasureRequest
    from warehouse.periods import parse_day

    by = tuple(name.strip() for name in args.by.split(",") if name.strip())
    start = parse_day(args.start, "--from") if args.start else None
    end = parse_day(args.end, "--to") if args.end else None
    return [
        MeasureRequest(
            name.strip(), args.period, by, start, end, args.as_of, args.epiweek, args.audience
        )
        for name in args.measure.split(",")
    ]
