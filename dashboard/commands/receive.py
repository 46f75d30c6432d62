"""`pneumowatch receive`: the network doors, until stopped."""

import argparse
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from dashboard.terminal import NOTICE, say
from ingest.errors import UserError

if TYPE_CHECKING:
    from ingest.doors.settings import Peer, ReceiveSettings

NOBODY = """\
nobody may send yet: every association is refused. Name senders in pneumowatch.toml
  [receive.peers.THEIR_AE_TITLE]
  site = "SITE"
or with --peer THEIR_AE_TITLE=SITE ("*" stands for any AE title)"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--ae-title", metavar="T", help="our AE title (default CXRSCP)")
    parser.add_argument("--host", metavar="H", help="address to listen at (default 0.0.0.0)")
    parser.add_argument("--port", type=int, metavar="P", help="of DICOM (default 11112; 0: none)")
    parser.add_argument(
        "--stow-port", type=int, metavar="P", help="of DICOMweb (default 8104; 0: none)"
    )
    parser.add_argument(
        "--peer",
        action="append",
        default=[],
        metavar="AET=SITE",
        help="a sender and its site, beside those of the configuration; again for more",
    )
    parser.add_argument("--no-worker", action="store_true", help="only take in; `drain` predicts")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="the counts as JSON on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.context import configuration, open_warehouse
    from dashboard.output import print_json
    from dashboard.receiving import open_doors, unknown_sites
    from ingest.child import keep_memory
    from ingest.doors.network import quiet_threads

    keep_memory()
    quiet_threads(say)
    configured = configuration(args.home)
    settings = settings_of(args, configured.receive)
    open_warehouse(args.home).close()  # migrated where it is an older one; or there is no home
    stop = _stop_signal()
    with open_doors(args.home, configured, settings, say) as doors:
        if doors.dicom:
            _announce(settings, doors.dicom.port)
        if doors.stow:
            say(f"DICOMweb is at http://{settings.host}:{doors.stow.port}/studies; see `tokens`")
        for sentence in unknown_sites(settings, doors.places):
            say(f"WARNING: {sentence}; what it sends is refused until it is")
        with _worker(args):
            stop.wait()
            say("stopping: what is in hand is finished first")
    if args.json:
        print_json(doors.tally.as_dict())
    else:
        print(doors.tally)
    return 0


def settings_of(args: argparse.Namespace, configured: "ReceiveSettings") -> "ReceiveSettings":
    """The configuration under the flags. UserError for a --peer that is none."""
    given: dict[str, Any] = {
        name: getattr(args, name)
        for name in ("ae_title", "host", "port", "stow_port")
        if getattr(args, name) is not None
    }
    named = [_peer(text) for text in args.peer]
    titles = {peer.ae_title for peer in named}
    kept = [peer for peer in configured.peers if peer.ae_title not in titles]
    return replace(configured, **given, peers=(*kept, *named))


def _peer(text: str) -> "Peer":
    from ingest.doors.settings import Peer

    title, equals, site = text.rpartition("=")
    if not equals or not title.strip():
        raise UserError(f"--peer {text}: write AET=SITE, as in --peer PACS1=A")
    return Peer(title.strip(), site.strip())


def _announce(settings: "ReceiveSettings", port: int) -> None:
    say(NOTICE)
    say(f"{settings.ae_title} listens for DICOM at {settings.host} port {port}")
    for peer in settings.peers:
        say(f"  {peer.ae_title} may send, for site {peer.site or '(the only one)'}")
    if not settings.peers:
        for line in NOBODY.splitlines():
            say(line)


def _stop_signal() -> Any:
    """An event that is set by SIGTERM and SIGINT."""
    import signal
    import threading

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def _worker(args: argparse.Namespace) -> AbstractContextManager[None]:
    """The ingest worker, beside the doors unless --no-worker."""
    if args.no_worker:
        return nullcontext()
    from dashboard.draining import worker_beside

    return worker_beside(args.home, args.device)
