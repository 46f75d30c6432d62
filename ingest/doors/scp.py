"""Door (b): a DICOM storage SCP with verification and storage commitment."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.presentation import PresentationContext, build_context
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,
    Verification,
)

from ingest.doors import network
from ingest.doors.connection import MAX_PDU
from ingest.doors.peers import Peers, Refusal
from ingest.doors.settings import ReceiveSettings
from ingest.doors.storing import Storing, as_response
from ingest.doors.transfer import in_order_of_ours
from ingest.errors import UserError

Say = Callable[[str], None]
_PLAIN = [ExplicitVRLittleEndian, ImplicitVRLittleEndian]
_SILENT_SECONDS = 30.0  # for an association request after the connection


@dataclass(slots=True)
class _Visit:
    """What one association has brought so far."""

    received: int = 0
    refused: int = 0
    at: float = field(default_factory=time.monotonic)  # when it last said something


@dataclass
class DicomServer:
    """Listens from `start` to `stop`. `settings.port` 0 takes any port that is free.

    `commit` answers N-ACTION where storage commitment is offered.
    """

    settings: ReceiveSettings
    storing: Storing
    say: Say
    commit: Callable[[Event], tuple[int, Dataset | None]]
    _ae: AE = field(init=False)
    _server: network.Server | None = field(default=None, init=False)
    _visits: dict[Association, _Visit] = field(default_factory=dict, init=False)
    _stopping: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        settings = self.settings
        network.tame()
        self.peers = Peers(settings.ae_title, settings.peers)
        self._ae = AE(settings.ae_title)
        self._ae.maximum_pdu_size = MAX_PDU
        self._ae.maximum_associations = settings.max_associations
        self._ae.acse_timeout = min(_SILENT_SECONDS, settings.idle_seconds)
        self._ae.network_timeout = settings.idle_seconds
        self._ae.dimse_timeout = settings.idle_seconds

    @property
    def port(self) -> int:
        """The port that it listens at."""
        assert self._server is not None
        return int(self._server.server_address[1])

    @property
    def associations(self) -> list[Association]:
        """Those that are established."""
        return [one for one in list(self._visits) if one.is_established]

    def quiet_since(self) -> list[tuple[Association, float]]:
        """The established associations, and when (monotonic) each asked for something last."""
        return [(one, visit.at) for one, visit in list(self._visits.items()) if one.is_established]

    def start(self) -> None:
        """Returns once connections are taken. UserError where the address cannot be had."""
        settings = self.settings
        try:
            server = self._ae.make_server(
                (settings.host, settings.port),
                contexts=_contexts(),
                evt_handlers=self._handlers(),
                server_class=network.Server,
                request_handler=network.Handler,
                max_bytes=self.storing.max_bytes,
                idle_seconds=settings.idle_seconds,
                say=self.say,
            )
        except OSError as error:
            raise UserError(
                f"cannot listen on {settings.host} port {settings.port}: "
                f"{error.strerror or 'there is no such address'}; stop what is using it, "
                "or choose another with --port"
            ) from None
        self._server = server
        self._ae._servers.append(server)
        threading.Thread(target=server.serve_forever, name="dicom-door", daemon=True).start()

    def stop(self, seconds: float = 20.0) -> None:
        """Finish and answer what is in hand, then end; what was not answered is not taken."""
        self._stopping = True
        if self._server is not None:
            self._server.shutdown()
            self._server = None
        until = time.monotonic() + seconds
        while (left := self.associations) and time.monotonic() < until:
            for one in left:
                if isinstance(one.dimse, network.Dimse) and one.dimse.idle:
                    one.abort()
            time.sleep(0.02)
        for one in self.associations:
            one.abort(block=False)

    def _handlers(self) -> list[evt.EventHandlerType]:
        return [
            (evt.EVT_REQUESTED, self._requested),
            (evt.EVT_ESTABLISHED, self._established),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_C_ECHO, self._echo),
            (evt.EVT_N_ACTION, self._commitment),
            (evt.EVT_RELEASED, self._ended, ["released"]),
            (evt.EVT_ABORTED, self._ended, ["aborted"]),
            (evt.EVT_CONN_CLOSE, self._ended, ["connection lost"]),
        ]

    def _requested(self, event: Event) -> None:
        """Who may come in is decided here, once; the rest is negotiation."""
        assoc = event.assoc
        request = assoc.requestor.primitive
        full = len(self.associations) >= self.settings.max_associations
        refusal = self.peers.refusal(request.calling_ae_title, request.called_ae_title)
        refusal = refusal or (Refusal.FULL if full or self._stopping else None)
        if refusal:
            self.say(f"{_who(assoc, request.calling_ae_title)}: refused, {refusal.sentence}")
            assoc.acse.send_reject(*refusal.codes)
            assoc.is_rejected = True
            assoc.kill()
            return
        for proposed in request.presentation_context_definition_list:
            proposed.transfer_syntax = in_order_of_ours(proposed.transfer_syntax)

    def _established(self, event: Event) -> None:
        self._visits[event.assoc] = _Visit()
        self.say(f"{_who(event.assoc)}: association opened")

    def _store(self, event: Event) -> Dataset | int:
        assoc = event.assoc
        assoc.dimse.owes_answer = True
        visit = self._visits[assoc]
        answer = self.storing.answer(event, self.peers.site(assoc.requestor.ae_title))
        visit.at = time.monotonic()
        assoc.dul._idle_timer.restart()  # our own work is not the sender's silence
        if answer.status:
            visit.refused += 1
            self.say(f"{_who(assoc)}: {answer.status:04X}, {answer.comment}")
        else:
            visit.received += 1
        return as_response(answer)

    def _echo(self, _event: Event) -> int:
        return 0x0000

    def _commitment(self, event: Event) -> tuple[int, Dataset | None]:
        event.assoc.dimse.owes_answer = True
        self._visits[event.assoc].at = time.monotonic()
        return self.commit(event)

    def _ended(self, event: Event, how: str) -> None:
        event.assoc.dimse.let_go()
        visit = self._visits.pop(event.assoc, None)
        if visit is not None:
            counts = f"{visit.received} received, {visit.refused} refused"
            self.say(f"{_who(event.assoc)}: association {how}, {counts}")


def _contexts() -> list[PresentationContext]:
    """Beside storage, of which every class is taken."""
    return [build_context(Verification, _PLAIN), build_context(StorageCommitmentPushModel, _PLAIN)]


def _who(assoc: Association, title: str | None = None) -> str:
    """Address and AE title for the log, without control characters."""
    name = (assoc.requestor.ae_title if title is None else title).strip()
    shown = "".join(one if one.isprintable() else "?" for one in name)
    return f"{assoc.requestor.address} {shown}"
