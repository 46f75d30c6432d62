"""`pneumowatch erase`: a patient, or what is older than the years to keep, leaves the home."""

import argparse
import sys
from typing import TYPE_CHECKING

from ingest.errors import UserError

if TYPE_CHECKING:
    from warehouse.care.erasure import Erased, Journal

CONFIGURED = -1  # --older-than without a number


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--patient-id", metavar="ID", help="whom to erase; - reads it from standard input"
    )
    what.add_argument(
        "--older-than",
        type=int,
        nargs="?",
        const=CONFIGURED,
        metavar="YEARS",
        help="erase what was taken before that (default: [warehouse] keep_years)",
    )
    parser.add_argument("--issuer", default="", help="DICOM's IssuerOfPatientID, where it has one")
    parser.add_argument("--yes", action="store_true", help="do not ask")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dataclasses import asdict

    from dashboard.context import configuration, open_warehouse
    from dashboard.doors import open_spool
    from dashboard.output import print_json
    from ingest.identity import Pseudonymiser, load_key
    from warehouse.care import erasure

    settings = configuration(args.home)
    with open_warehouse(args.home) as warehouse:
        names = Pseudonymiser(load_key(warehouse.home.key))
        spool = open_spool(warehouse.home.root, settings.ingest)
        wanted = _wanted(args, names, settings.warehouse.keep_years)
        if wanted is None:
            return _finish(erasure.finish(warehouse, spool, names), args.json)
        found, counts = erasure.look(warehouse, spool, wanted)
        _ask(counts, args.yes or not any(asdict(counts).values()))
        done = erasure.erase(warehouse, spool, names, wanted, _say)
        commit = warehouse.query("version_latest")[0]["commit_number"]
    _say_what_stays(done, found)
    if args.json:
        print_json(asdict(done) | {"version": commit})
    else:
        print(f"erased {_counted(done)}")
    return 0


def _wanted(args: argparse.Namespace, names: object, keep_years: int) -> "Journal | None":
    from ingest.identity import Pseudonymiser
    from warehouse.care import erasure

    assert isinstance(names, Pseudonymiser)
    if args.patient_id is not None:
        typed = sys.stdin.readline() if args.patient_id == "-" else args.patient_id
        if not typed.strip():
            raise UserError("--patient-id is empty")
        return erasure.patient(names.patient_key(typed, args.issuer))
    if args.older_than is None:
        return None
    years = keep_years if args.older_than == CONFIGURED else args.older_than
    if args.older_than == CONFIGURED and not years:
        raise UserError("[warehouse] keep_years is 0: everything is kept; name the YEARS")
    return erasure.older_than(erasure.years_ago(years))


def _finish(finished: bool, as_json: bool) -> int:
    """Neither a patient nor an age was named: an erasure that was broken off may be waiting."""
    from dashboard.output import print_json

    if not finished:
        raise UserError("name --patient-id ID or --older-than YEARS; no erasure is unfinished")
    if as_json:
        print_json({"finished": True})
    else:
        print("the erasure that was broken off is finished")
    return 0


def _ask(counts: "Erased", sure: bool) -> None:
    if sure:
        return
    question = (
        f"erase {_counted(counts)}? It cannot be undone, and ends --as-of for every version "
        "before it."
    )
    if not sys.stdin.isatty():
        raise UserError(f"{question} Nothing was erased; add --yes")
    print(f"{question} Write yes: ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip() != "yes":
        raise UserError("nothing was erased")


def _counted(counts: "Erased") -> str:
    from dataclasses import asdict

    words = {"spooled": "entries of the spool", "files": "files"}
    return ", ".join(f"{number} {words.get(name, name)}" for name, number in asdict(counts).items())


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _say_what_stays(done: "Erased", found: "Journal") -> None:
    if found.kind == "patient" and not done.studies + done.spooled:
        _say(
            "nothing was stored of this patient; where films came by DICOM with an "
            "IssuerOfPatientID, name it with --issuer"
        )
        return
    _say(
        "backups, bulletins and exports made before are not touched: docs/care.md says what to "
        "do about them"
    )
