"""`pneumowatch init`: a home with its configuration, key and warehouse."""

import argparse
import sys

from ingest.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--catalog", default="sqlite", help="sqlite (default)")
    parser.add_argument("--data", default="", help="a folder for the data (default: in the home)")


def run(args: argparse.Namespace) -> int:
    from dashboard.configuration import default_text
    from inference.checkpoint import shipped_model
    from ingest.identity import create_key
    from warehouse.home import Home
    from warehouse.model_files import install
    from warehouse.models import SHIPPED
    from warehouse.settings import WarehouseSettings
    from warehouse.store import Warehouse

    _refuse_what_is_not_there_yet(args)
    home = Home(args.home)
    if home.catalog.exists():
        print(f"{home.root} is a home already; nothing was changed", file=sys.stderr)
        return 0
    try:
        home.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--home {home.root} cannot be created: {error.strerror}") from None
    if not home.key.exists():
        create_key(home.key)
    if not home.configuration.exists():
        home.configuration.write_text(default_text(WarehouseSettings()), encoding="utf-8")
    with Warehouse.create(home.root) as warehouse:
        install(warehouse, shipped_model(), origin=SHIPPED, promote=True)
    print(
        f"created {home.root}\nkeep {home.key} safe and apart from the warehouse: "
        "without it, later X-rays of a patient cannot be joined to earlier ones",
        file=sys.stderr,
    )
    return 0


def _refuse_what_is_not_there_yet(args: argparse.Namespace) -> None:
    if args.catalog != "sqlite":
        raise UserError(
            f"--catalog {args.catalog!r}: this version keeps its catalog in SQLite only"
        )
    if args.data:
        raise UserError(f"--data {args.data!r}: this version keeps its data in the home only")
