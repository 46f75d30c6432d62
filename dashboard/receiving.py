"""The network doors of a home, put together: spool, porters, storage commitment, servers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from dashboard.configuration import Configuration
from dashboard.doors import Places, open_porters
from ingest.doors.commitment import Committing
from ingest.doors.reporting import Reports
from ingest.doors.scp import DicomServer
from ingest.doors.settings import ReceiveSettings
from ingest.doors.storing import Storing
from ingest.doors.stow import StowServer
from ingest.doors.tally import Tally
from ingest.doors.tokens import Tokens
from ingest.errors import UserError
from ingest.identity import Pseudonymiser, load_key
from ingest.spool.commitments import Commitments
from ingest.spool.porters import Porters
from warehouse.home import Home

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Doors:
    """The open doors and what they counted."""

    dicom: DicomServer | None
    stow: StowServer | None
    tally: Tally
    places: Places


@contextmanager
def open_doors(
    home: Path, configuration: Configuration, settings: ReceiveSettings, say: Say
) -> Iterator[Doors]:
    """Doors that are open until the block ends; what is in hand then is finished first.

    UserError where a port cannot be had, or none is asked for: 0 means no such door.
    """
    if not settings.port and not settings.stow_port:
        raise UserError("there is nothing to listen at: --port and --stow-port are both 0")
    tally, places = Tally(), Places(home)
    places.zones()  # now, not while the first sender waits
    with ExitStack() as stack:
        porters = stack.enter_context(open_porters(home, configuration))
        porters.warm()
        dicom = None
        if settings.port:
            dicom = _dicom(home, configuration, settings, porters, places, tally, say, stack)
        stow = None
        if settings.stow_port:
            tokens, limit = Tokens(Home(home).stow_tokens), configuration.ingest.max_bytes
            tokens.all()  # a file that others can read is said now
            stow = StowServer(settings, limit, places.input, porters, tokens, tally)
            stow.start()
            stack.callback(stow.stop)
        yield Doors(dicom, stow, tally, places)


def _dicom(
    home: Path,
    configuration: Configuration,
    settings: ReceiveSettings,
    porters: Porters,
    places: Places,
    tally: Tally,
    say: Say,
    stack: ExitStack,
) -> DicomServer:
    """The DICOM server and its storage commitment, started; stopped with the stack."""
    caps = configuration.ingest
    storing = Storing(places.input, porters.take, caps.max_bytes, tally)
    names = Pseudonymiser(load_key(Home(home).key))
    commitments = Commitments(porters.spool, names)
    server = DicomServer(settings, storing, say, lambda event: committing.request(event))
    reports = Reports(settings.ae_title, server.peers, server.quiet_since)
    committing = Committing(
        commitments, settings.commitment, caps.keeps_originals_of, say, reports.send
    )
    server.start()
    stack.callback(committing.stop)
    stack.callback(server.stop)
    committing.start()
    return server


def unknown_sites(settings: ReceiveSettings, places: Places) -> list[str]:
    """Sentences about peers whose films could not be counted as things are."""
    zones = places.zones()
    sentences = []
    for peer in settings.peers:
        if peer.site and peer.site not in zones:
            sentences.append(f"{peer.ae_title}: the site {peer.site} is not loaded")
        elif not peer.site and len(zones) != 1:
            sentences.append(f"{peer.ae_title}: no site is named, and the home has {len(zones)}")
    return sentences
