"""`pneumowatch tokens add|list|revoke`: who may send by DICOMweb, and for which site."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingest.doors.tokens import Tokens

COLUMNS = ("id", "site", "name", "created_at", "revoked_at")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    add = actions.add_parser("add", help="make a token; it is shown once, and kept nowhere")
    add.add_argument("--site", required=True, metavar="ID", help="the site of what it sends")
    add.add_argument("--name", default="", metavar="N", help="what it is for, to know it by")
    listing = actions.add_parser("list", help="all tokens, without their secrets")
    listing.add_argument("--format", choices=("table", "json", "csv"), default="table")
    revoke = actions.add_parser("revoke", help="a token stops at once")
    revoke.add_argument("token", metavar="ID", help="its id, as `list` shows it")
    for action in actions.choices.values():
        action.add_argument("--home", type=Path, default=argparse.SUPPRESS, help=argparse.SUPPRESS)


def run(args: argparse.Namespace) -> int:
    from dashboard.context import open_warehouse
    from ingest.doors.tokens import Tokens
    from warehouse.home import Home

    open_warehouse(args.home, read_only=True).close()  # or there is no home
    actions = {"add": _add, "list": _list, "revoke": _revoke}
    actions[args.action](Tokens(Home(args.home).stow_tokens), args)
    return 0


def _add(tokens: "Tokens", args: argparse.Namespace) -> None:
    from dashboard.doors import Places
    from ingest.errors import UserError

    if problem := Places(args.home).input(args.site).problem:
        raise UserError(problem.sentence)
    token, secret = tokens.add(args.site, args.name)
    print(f"token {token.id} for site {token.site}; it is not shown again:", file=sys.stderr)
    print(secret)


def _list(tokens: "Tokens", args: argparse.Namespace) -> None:
    from dashboard.output import emit

    rows = [{name: getattr(token, name) or None for name in COLUMNS} for token in tokens.all()]
    emit(rows, COLUMNS, args.format, None)


def _revoke(tokens: "Tokens", args: argparse.Namespace) -> None:
    gone = tokens.revoke(args.token)
    print(f"token {gone.id} of site {gone.site} is revoked", file=sys.stderr)
