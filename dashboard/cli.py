"""The command line: parses, calls, and turns errors into sentences and exit codes.

Each command is a module of dashboard.commands with `add_arguments(parser)` and
`run(args) -> int`. Only the one that is called is imported, and what is heavy inside it only
when it runs, so that `--help` costs next to nothing.
"""

import argparse
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module, metadata
from pathlib import Path

from dashboard.terminal import NOTICE, printable
from ingest.errors import PneumoWatchError

COMMANDS = {
    "demo": "a whole network from nothing, on generated X-rays; then serves the dashboard",
    "init": "create a home: configuration, key and warehouse",
    "sites": "load the places that send X-rays, and their regions",
    "ingest": "classify X-rays and store the predictions, once",
    "receive": "take X-rays in over the network (DICOM C-STORE, DICOMweb STOW-RS)",
    "watch": "take X-rays out of drop folders as they come",
    "tokens": "who may send X-rays by DICOMweb: add, list and revoke bearer tokens",
    "drain": "score and store what the spool holds; `watch` and `receive` do it by themselves",
    "predict": "score images without storing anything",
    "train": "train a model on labelled X-rays",
    "evaluate": "judge a model on labelled X-rays",
    "models": "list, show, add, promote and roll back models; calibrate sites",
    "rescore": "score stored X-rays again by another model version",
    "labels": "confirmed diagnoses: load them, plan which to ask for, count them",
    "cohort": "trial cohorts: save, list, count and export pseudonymous rows",
    "measures": "rates and counts by period, region and site",
    "report": "write a bulletin",
    "rejections": "what was refused, and why",
    "serve": "the web application",
    "audit": "who did what; whether the record was tampered with",
    "erase": "remove every byte about a patient, or older than some years",
    "verify": "check every invariant of the warehouse and say what to do",
    "compact": "merge and tidy the warehouse's files; every version answers as before",
    "backup": "copy the home while it works",
    "restore": "make a home from a backup",
    "key": "back up or restore the pseudonym key",
    "status": "one screen: data, model, warehouse, disk",
    "bench": "benchmarks, printed as ratios",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; returns 0 done, 1 our bug, 2 the user's mistake, 3 `--strict`."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        args = _parse(words)
        return int(args.run(args))
    except PneumoWatchError as error:
        print(f"pneumowatch: {printable(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("pneumowatch: stopped; what was committed stays", file=sys.stderr)
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:  # noqa: BLE001 - the last resort: no traceback for a user
        return _report_bug(error)


def _parse(words: list[str]) -> argparse.Namespace:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--home",
        type=Path,
        default=argparse.SUPPRESS,
        metavar="DIR",
        help="the home directory (default: PNEUMOWATCH_HOME or ./pneumowatch-home)",
    )
    parser = argparse.ArgumentParser(prog="pneumowatch", description=NOTICE, parents=[common])
    parser.add_argument("--version", action="version", version=_version())
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    called = _called(words)
    for name, summary in COMMANDS.items():
        command = subparsers.add_parser(
            name, help=summary, description=f"{summary}. {NOTICE}", parents=[common]
        )
        if name == called:
            module = import_module(f"dashboard.commands.{name}")
            module.add_arguments(command)
            command.set_defaults(run=module.run)
    args = parser.parse_args(words)
    args.home = Path(getattr(args, "home", os.environ.get("PNEUMOWATCH_HOME", "pneumowatch-home")))
    return args


def _called(words: list[str]) -> str | None:
    """The command among the words; the value of --home is not one."""
    previous = ""
    for word in words:
        if word in COMMANDS and previous != "--home":
            return word
        previous = word
    return None


def _version() -> str:
    return f"pneumowatch {metadata.version('pneumowatch')}"


def _report_bug(error: Exception) -> int:
    """Where it happened and of what kind, without values: they may identify somebody."""
    if os.environ.get("PNEUMOWATCH_DEBUG"):
        traceback.print_exception(error)
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
    print(
        f"pneumowatch: a bug ({type(error).__name__} at {place}); nothing that was committed is "
        "lost. Please report it; PNEUMOWATCH_DEBUG=1 shows more, which may name files.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
