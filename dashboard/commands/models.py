"""`pneumowatch models`: which versions there are, what one is, and which one is promoted."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingest.errors import UserError

if TYPE_CHECKING:
    from warehouse.store import Warehouse

COLUMNS = (
    "model_version",
    "status",
    "promoted",
    "promoted_at",
    "sensitivity",
    "specificity",
    "digest",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(metavar="ACTION", required=True, dest="action")
    listing = actions.add_parser("list", help="the registered versions, the promoted one first")
    listing.add_argument("--format", choices=("table", "json", "csv"), default="table")
    show = actions.add_parser("show", help="the card of a version, as JSON")
    show.add_argument("version", nargs="?", help="default: the promoted one")
    add = actions.add_parser("add", help="register a model; it is not promoted")
    add.add_argument("model", type=Path, metavar="DIR_OR_CARD", help="as `train --out` wrote it")
    add.add_argument("--challenger", action="store_true", help="what it becomes in any case")
    promote = actions.add_parser("promote", help="make a registered version the one that scores")
    promote.add_argument("version", metavar="VERSION")
    actions.add_parser("rollback", help="promote the version before the promoted one again")
    calibrate = actions.add_parser("calibrate", help="fit sites from their confirmed labels")
    calibrate.add_argument("--site", metavar="ID", help="default: every site that has enough")
    calibrate.add_argument("--model", metavar="VERSION", help="default: the promoted one")
    for action in actions.choices.values():
        action.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse

    changes = {"add": _add, "promote": _promote, "rollback": _rollback, "calibrate": _calibrate}
    with open_warehouse(args.home, read_only=args.action not in changes) as warehouse:
        if args.action == "list":
            return _list(warehouse, args.format)
        if args.action == "show":
            return _show(warehouse, args.version)
        changes[args.action](warehouse, args)
    return 0


def _list(warehouse: "Warehouse", form: str) -> int:
    from dashboard.output import emit
    from warehouse.models import registry

    emit([_summary(row) for row in registry(warehouse)], COLUMNS, form, None)
    return 0


def _show(warehouse: "Warehouse", version: str | None) -> int:
    import json

    from dashboard.output import print_json
    from warehouse.models import registry

    rows = registry(warehouse)
    chosen = [row for row in rows if row["model_version"] == version] if version else rows[:1]
    if not chosen:
        known = ", ".join(row["model_version"] for row in rows) or "none"
        raise UserError(f"there is no model version {version!r}; registered: {known}")
    print_json(json.loads(chosen[0]["card"]))
    return 0


def _add(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from inference.checkpoint import find_card
    from warehouse.model_files import check_loads, install
    from warehouse.models import ADDED, registry

    known = {row["model_version"] for row in registry(warehouse)}
    card = check_loads(find_card(args.model))
    install(warehouse, args.model, origin=ADDED)
    if card.model_version in known:
        _say(f"{card.model_version} is registered already; its files are complete")
        return
    _say(
        f"registered {card.model_version} as a challenger; "
        f"`pneumowatch models promote {card.model_version}` would make it score"
    )


def _promote(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from warehouse.model_files import check_loads, obtain
    from warehouse.models import promote, registry, unknown

    known = [row["model_version"] for row in registry(warehouse)]
    if args.version not in known:
        raise UserError(unknown(args.version, known))
    check_loads(obtain(warehouse, args.version))
    before = promote(warehouse, args.version)
    if before == args.version:
        _say(f"{args.version} is promoted already; nothing was changed")
        return
    _say(f"promoted {args.version}" + (f" in the place of {before}" if before else ""))
    _say_what_waits(warehouse, args.version)


def _rollback(warehouse: "Warehouse", _args: argparse.Namespace) -> None:
    from warehouse.model_files import check_loads, obtain
    from warehouse.models import rollback, rollback_target

    now, before = rollback_target(warehouse)
    check_loads(obtain(warehouse, before))
    rollback(warehouse, (now, before))
    _say(f"rolled back from {now} to {before}")
    _say_what_waits(warehouse, before)


def _calibrate(warehouse: "Warehouse", args: argparse.Namespace) -> None:
    from dashboard.calibrating import say
    from dashboard.context import configuration
    from warehouse.models import champion, registry, unknown
    from warehouse.site_calibrations import refit
    from warehouse.sites import current_sites

    known = [row["model_version"] for row in registry(warehouse)]
    best = champion(warehouse)
    version = args.model or (best["model_version"] if best else "")
    if version not in known:
        raise UserError(unknown(version, known))
    sites = [site.site_id for site in current_sites(warehouse)]
    if args.site and args.site not in sites:
        raise UserError(f"--site {args.site!r}: there is no such site; `pneumowatch sites load`")
    settings = configuration(args.home).warehouse
    say(refit(warehouse, version, settings, [args.site] if args.site else None), settings)


def _say_what_waits(warehouse: "Warehouse", version: str) -> None:
    from warehouse.rescoring import waiting

    if number := waiting(warehouse, version):
        _say(f"{number} stored X-rays have not been scored by it; `pneumowatch rescore` does that")


def _summary(row: dict[str, Any]) -> dict[str, Any]:
    import json

    from warehouse.models import CHAMPION, short

    card = json.loads(row["card"])
    sick = card["true_positives"] + card["false_negatives"]
    well = card["true_negatives"] + card["false_positives"]
    return {
        "model_version": row["model_version"],
        "status": row["status"],
        "promoted": row["status"] == CHAMPION,
        "promoted_at": row["promoted_at"],
        "sensitivity": card["true_positives"] / sick if sick else None,
        "specificity": card["true_negatives"] / well if well else None,
        "digest": short(row["weights_digest"]),
    }


def _say(text: str) -> None:
    print(text, file=sys.stderr)
