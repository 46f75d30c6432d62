"""`pneumowatch demo`: a whole network from nothing, then the dashboard."""

import argparse
import sys

from ingest.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--weeks", type=int, default=156, metavar="N", help="of history")
    parser.add_argument("--sites", type=int, default=12, metavar="N")
    parser.add_argument("--seed", type=int, default=1, metavar="N")
    parser.add_argument("--no-serve", action="store_true", help="build only")
    parser.add_argument("--port", type=int, default=8050, metavar="P")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration
    from dashboard.demo.build import Plan, build, today

    _within("--weeks", args.weeks, 4, 520)
    _within("--sites", args.sites, 1, 200)
    _within("--seed", args.seed, 0, 2**32 - 1)
    plan = Plan(args.weeks, args.sites, args.seed, today())
    outcome = build(args.home, configuration(args.home), plan)
    tally = outcome.tally
    print(
        f"ingested {tally.received} films in {outcome.seconds:.0f} s: {tally.predicted} predicted, "
        f"{tally.duplicates} duplicates, {tally.rejected} rejected",
        file=sys.stderr,
    )
    _bulletin(args)
    print(
        "everything in this home is simulated or generated: no patient, no hospital",
        file=sys.stderr,
    )
    return 0 if args.no_serve else _serve(args)


def _bulletin(args: argparse.Namespace) -> None:
    from dashboard.commands import report

    parser = argparse.ArgumentParser()
    report.add_arguments(parser)
    words = ["weekly", "--out", str(args.home / "demo" / "bulletin")]
    asked = parser.parse_args(words)
    asked.home = args.home
    report.run(asked)


def _serve(args: argparse.Namespace) -> int:
    from dashboard.server import serve

    serve(args.home, "127.0.0.1", args.port)
    return 0


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise UserError(f"{name} {value}: write a number from {low} to {high}")
