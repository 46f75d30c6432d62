"""`pneumowatch drain`: the ingest worker."""

import argparse
import os
import signal
import sys
import threading


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--follow", action="store_true", help="go on until stopped")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--parent", type=int, metavar="PID", help="stop when this process is gone")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration, open_warehouse
    from dashboard.draining import Worker
    from dashboard.output import print_json

    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    if args.parent:
        threading.Thread(target=_outlive, args=(args.parent, stopping), daemon=True).start()
    with open_warehouse(args.home) as warehouse:
        worker = Worker(warehouse, configuration(args.home), args.device)
        tally = worker.run(args.follow, stopping)
        waiting = worker.spool.waiting()
    facts = {
        "received": tally.received,
        "predicted": tally.predicted,
        "duplicates": tally.duplicates,
        "rejected": tally.rejected,
        "by_reason": dict(sorted(tally.by_reason.items())),
        "waiting": waiting,
    }
    if args.json:
        print_json(facts)
    else:
        counts = ", ".join(f"{facts[name]} {name}" for name in ("predicted", "duplicates"))
        summary = f"settled {tally.received}: {counts}, {tally.rejected} rejected"
        print(f"{summary}; {waiting} waiting", file=sys.stderr if args.follow else sys.stdout)
    return 0


def _outlive(parent: int, stopping: threading.Event) -> None:
    """A worker without its door is nobody's: it finishes what it has taken, and ends."""
    while os.getppid() == parent:
        if stopping.wait(0.5):
            return
    stopping.set()
