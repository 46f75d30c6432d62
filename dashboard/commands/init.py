"""`pneumowatch init`: a home with its configuration, key and warehouse, or a share in one."""

import argparse
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ingest.errors import ConfigurationError, UserError

if TYPE_CHECKING:
    from warehouse.home import Home
    from warehouse.settings import WarehouseSettings
    from warehouse.store import Warehouse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--catalog",
        help="sqlite (default), or postgresql://user@host:port/database; "
        "leave the password to PGPASSWORD or ~/.pgpass",
    )
    parser.add_argument(
        "--data", help="a folder, or s3://bucket/prefix, for the data (default: in the home)"
    )


def run(args: argparse.Namespace) -> int:
    from inference.checkpoint import shipped_model
    from warehouse.home import Home
    from warehouse.key_check import is_bound
    from warehouse.model_files import install
    from warehouse.models import SHIPPED, champion
    from warehouse.store import Warehouse

    home = Home(args.home)
    settings = _settings(home, args)
    if home.catalog.exists():
        print(f"{home.root} is a home already; nothing was changed", file=sys.stderr)
        return 0
    _make_root(home)
    with Warehouse.create(home.root, settings) as warehouse:
        joining = is_bound(warehouse)
        if joining:
            _check_reach(warehouse, settings)
        _bind(warehouse, joining)
        none_yet = champion(warehouse) is None
        install(warehouse, shipped_model(), origin=SHIPPED, promote=none_yet)
    _write_configuration(home, settings)
    _say(home, settings, joining)
    return 0


def _settings(home: "Home", args: argparse.Namespace) -> "WarehouseSettings":
    """The configuration's, under what was asked for; UserError where a file says otherwise."""
    from dashboard.configuration import load

    known = load(home.configuration).warehouse
    asked = {} if args.catalog is None else {"catalog": args.catalog}
    if args.data:
        remote = args.data.startswith("s3://")
        asked["data"] = args.data if remote else str(Path(args.data).resolve())
    if home.configuration.exists() and any(getattr(known, key) != asked[key] for key in asked):
        raise UserError(
            f"{home.configuration} or the environment says otherwise than --"
            f"{' and --'.join(asked)}; change it there, and leave the option out"
        )
    return replace(known, **asked)


def _make_root(home: "Home") -> None:
    try:
        home.root.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--home {home.root} cannot be created: {error.strerror}") from None


def _check_reach(warehouse: "Warehouse", settings: "WarehouseSettings") -> None:
    """A folder of the same name on another disk would hold a half of the data each."""
    import duckdb

    try:
        warehouse.query("any_study")
    except duckdb.Error:
        raise ConfigurationError(
            f"{settings.data} does not hold the data of this warehouse; mount the folder that "
            "its other machines use, at the same path"
        ) from None


def _bind(warehouse: "Warehouse", joining: bool) -> None:
    """The home's key, made where a warehouse begins; ConfigurationError where it is another."""
    from ingest.identity import create_key, load_key
    from warehouse.key_check import bind_key

    key = warehouse.home.key
    if joining and not key.exists():
        raise ConfigurationError(
            f"there is a warehouse already, and {key} is missing: copy pseudonym.key from a "
            "machine that writes to it, with mode 600, and run this again"
        )
    bind_key(warehouse, load_key(key) if key.exists() else create_key(key))


def _write_configuration(home: "Home", settings: "WarehouseSettings") -> None:
    from dashboard.configuration import default_text

    if not home.configuration.exists():
        home.configuration.write_text(default_text(settings), encoding="utf-8")


def _say(home: "Home", settings: "WarehouseSettings", joining: bool) -> None:
    if joining:
        print(f"{home.root} is attached to the warehouse that was there", file=sys.stderr)
        return
    print(
        f"created {home.root}\nkeep {home.key} safe and apart from the warehouse: "
        "without it, later X-rays of a patient cannot be joined to earlier ones",
        file=sys.stderr,
    )
    if settings.on_postgres:
        print(
            "other machines need a copy of that key before `pneumowatch init` there; no password "
            f"was written into {home.configuration}",
            file=sys.stderr,
        )
