"""`pneumowatch bench NAME`: the benchmarks of a checkout, printed as ratios."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from ingest.errors import UserError

NAMES = {
    "startup": "`--help`, and the first page of `serve`",
    "inference": "forward passes by engine, beside decoding; on a GPU the whole way from JPEG",
    "receive": "films a second over the network, beside dcmtk's storescp; memory over many",
    "warehouse": "DuckLake beside a native file, the cube beside the base and other engines",
    "ingest": "the whole chain beside its stages alone, and its peak memory",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    listed = "; ".join(f"{name}: {what}" for name, what in NAMES.items())
    parser.add_argument("name", choices=NAMES, metavar="NAME", help=listed)
    parser.add_argument("--images", type=Path, metavar="DIR", help="X-rays to use")
    parser.add_argument("--films", type=int, metavar="N", help="how many, where it can be chosen")
    parser.add_argument("--rows", type=int, metavar="N", help="of warehouse: predictions")


def run(args: argparse.Namespace) -> int:
    if not Path("tests/benchmarks").is_dir():
        raise UserError("the benchmarks are in the source checkout: run this from its folder")
    sys.path.insert(0, str(Path.cwd()))
    main = import_module(f"tests.benchmarks.{args.name}").main
    return int(main(*_given(args)))


def _given(args: argparse.Namespace) -> list[object]:
    if args.name == "warehouse":
        return [args.rows]
    return [args.images] if args.films is None else [args.images, args.films]
