"""`pneumowatch watch`: X-rays that are dropped into folders, as they come."""

import argparse
import signal
import threading
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.terminal import say

if TYPE_CHECKING:
    from ingest.doors.settings import WatchSettings
    from ingest.doors.under_way import Counts
    from ingest.inputs import Input


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="DIR=SITE",
        help="a drop folder and its site, in place of those of [[watch.folders]]; may be repeated",
    )
    parser.add_argument("--after", choices=("move", "leave"), help="what becomes of settled files")
    parser.add_argument("--once", action="store_true", help="what is there now, and no more")
    parser.add_argument(
        "--no-worker", action="store_true", help="another process runs `pneumowatch drain`"
    )
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration, open_warehouse
    from dashboard.doors import Places, open_porters
    from dashboard.draining import worker_beside
    from ingest.doors.watch import Watcher

    open_warehouse(args.home).close()  # migrated where it is an older one; or there is no home
    configured = configuration(args.home)
    settings = _settings(args, configured.watch)
    places = Places(args.home)
    _check(settings, args.home, places.input, args.once)
    beside = nullcontext() if args.no_worker else worker_beside(args.home, args.device)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    with open_porters(args.home, configured) as porters, beside:
        watcher = Watcher(settings, places.input, porters, say, configured.ingest.porters)
        if args.once:
            counts = watcher.once(stopping, settled=not args.no_worker)
        else:
            say(f"watching {len(settings.folders)} folders (Ctrl+C stops it)")
            counts = watcher.run(stopping)
    _report(counts, args.json)
    return 0


def _settings(args: argparse.Namespace, configured: "WatchSettings") -> "WatchSettings":
    """The flags go before the configuration."""
    from dataclasses import replace

    from ingest.doors.settings import Folder

    folders = configured.folders
    if args.folder:
        pairs = [one.rpartition("=") if "=" in one else (one, "", "") for one in args.folder]
        folders = tuple(Folder(path, site) for path, _, site in pairs)
    if args.after:
        folders = tuple(replace(one, after=args.after) for one in folders)
    return replace(configured, folders=folders)


def _check(settings: "WatchSettings", home: Path, place: Any, once: bool) -> None:
    """What would go wrong with every single file is said before the first one."""
    from ingest.doors.watch import overlapping
    from ingest.errors import ConfigurationError

    if not settings.folders:
        raise ConfigurationError("name a folder with --folder DIR=SITE, or [[watch.folders]]")
    for folder in settings.folders:
        root = Path(folder.path)
        if once and not root.is_dir():
            raise ConfigurationError(f"{root}: there is no such folder")
        if home.resolve().is_relative_to(root.resolve()):
            raise ConfigurationError(f"{root}: the home {home} lies in it; watch another folder")
        item: Input = place(folder.site, root)
        if item.problem and (folder.site or not folder.manifest):
            raise ConfigurationError(f"{root}: {item.problem.sentence}")
    if pair := overlapping([Path(folder.path) for folder in settings.folders]):
        raise ConfigurationError(f"{pair[0]} and {pair[1]} overlap; watch one of them")


def _report(counts: "Counts", as_json: bool) -> None:
    from dashboard.output import print_json

    if as_json:
        print_json(
            {
                "received": counts.received,
                "predicted": counts.predicted,
                "duplicates": counts.duplicates,
                "rejected": counts.rejected,
                "by_reason": dict(sorted(counts.by_reason.items())),
                "waiting": counts.waiting,
            }
        )
        return
    print(
        f"received {counts.received}: {counts.predicted} predicted, {counts.duplicates} "
        f"duplicates, {counts.rejected} rejected; {counts.waiting} waiting"
    )
