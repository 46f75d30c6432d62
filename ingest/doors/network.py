"""pynetdicom on a short rein: bounded memory, no delays, no voice of its own.

Left alone it reads a PDU of any announced length, collects a message of any size, queues
any number of them, waits for a silent sender for ever, and logs data sets.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from pynetdicom import _config, evt
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dimse_primitives import C_STORE
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

from ingest.doors.answers import answer_pdu
from ingest.doors.connection import LOOK_SECONDS, Connection, close

_MESSAGE_BYTES = 8 * 2**20  # of a message that is no film: 50,000 references
_LARGE = 32 * 2**20  # bytes, from which on an object is large: no radiograph is
_LARGE_AT_ONCE = 2
_PATIENCE = 4  # times the cap, after which a sender that does not end is cut off
_BACKLOG = 128  # connections that may wait to be accepted
_INVALID = "Evt19"  # PS3.8 table 9-10: an invalid PDU; the answer is an abort
_SPARE = 16  # connections beyond the associations, so that these can be told why not


def tame() -> None:
    """What is pynetdicom's for the whole process. It logs data sets and identities: no more."""
    AssociationSocket._shutdown_socket = close
    _config.LOG_HANDLER_LEVEL = "none"
    _config.UNRESTRICTED_STORAGE_SERVICE = True  # private and retired classes are taken too
    logger = logging.getLogger("pynetdicom")
    logger.propagate = False
    logger.disabled = True
    for name, one in logging.root.manager.loggerDict.items():
        if name.startswith("pynetdicom.") and isinstance(one, logging.Logger):
            one.disabled = True


class Dimse(DIMSEServiceProvider):
    """Collects one message at a time, and never much more of it than the cap."""

    def __init__(
        self, assoc: Association, max_bytes: int, large: threading.BoundedSemaphore
    ) -> None:
        """`large` lets few objects be large at a time, whatever the associations."""
        super().__init__(assoc)
        self._max_bytes, self._large = max_bytes, large
        self._holds_large = False
        self._sent = 0  # bytes of the message in hand
        self.owes_answer = False

    def send_msg(self, primitive: Any, context_id: int) -> None:
        """The answer is queued when this returns, ahead of whatever ends the association."""
        pdu = None
        if isinstance(primitive, C_STORE) and primitive.MessageIDBeingRespondedTo is not None:
            pdu = answer_pdu(primitive, context_id, self.maximum_pdu_size)
        if pdu is None:
            super().send_msg(primitive, context_id)
        else:
            self.dul.send_pdu(pdu)
        if primitive.MessageIDBeingRespondedTo is not None:
            self.owes_answer = False
            self.let_go()

    def let_go(self) -> None:
        """The object is out of memory, or soon will be: another one may be large."""
        if self._holds_large:
            self._holds_large = False
            self._large.release()

    def get_msg(self, block: bool = False) -> Any:
        """Waits for a message where pynetdicom would ask for one a thousand times a second."""
        if block:
            return super().get_msg(block=True)
        try:
            return self.msg_queue.get(timeout=LOOK_SECONDS)
        except queue.Empty:
            return None, None

    @property
    def idle(self) -> bool:
        """Nothing half received, nothing unanswered."""
        return not self.owes_answer and self.message is None and self.msg_queue.empty()

    def receive_primitive(self, primitive: P_DATA) -> None:
        """What goes beyond the cap is dropped, so that an answer can still be given."""
        cap = self._max_bytes if isinstance(self.message, C_STORE_RQ) else _MESSAGE_BYTES
        full = self._sent > cap
        self._sent += sum(len(value) for _, value in primitive.presentation_data_value_list)
        if self._sent > _PATIENCE * cap:
            self.assoc.abort(block=False)
            return
        if full:
            _drop_values(primitive)
        if self._sent > _LARGE and not self._holds_large:
            self._wait_for_large()
        try:
            super().receive_primitive(primitive)
        except Exception:  # noqa: BLE001  pynetdicom raises whatever a message leads to
            self.dul.event_queue.put(_INVALID)
            return
        if self.message is None:
            self._sent = 0
            self._wait_for_room()

    def _wait_for_large(self) -> None:
        """The sender is not read on meanwhile, which is what bounds memory."""
        while not self._holds_large and not self.assoc._kill:
            self._holds_large = self._large.acquire(timeout=0.1)

    def _wait_for_room(self) -> None:
        """A sender that does not wait for answers is read no faster than it is answered."""
        while self.msg_queue.qsize() > 1 and not self.assoc._kill:
            time.sleep(0.005)


def _drop_values(primitive: P_DATA) -> None:
    """Fragments without their values: the byte that says which is the last one stays."""
    fragments = primitive.presentation_data_value_list
    primitive.presentation_data_value_list = [[number, value[:1]] for number, value in fragments]


class Handler(RequestHandler):
    """Prepares an association for one connection."""

    server: "Server"

    def _create_association(self) -> Association:
        assoc = super()._create_association()
        assoc.dimse = Dimse(assoc, self.server.max_bytes, self.server.large)
        Connection.made_of(assoc.dul.socket, assoc.dul, self.server.idle_seconds)
        machine = assoc.dul.state_machine
        machine.do_action = partial(_acted, assoc, machine.do_action)
        return assoc


def _acted(assoc: Association, act: Callable[[str], None], event: str) -> None:
    """A state machine that cannot follow its sender ends the association, not just its thread."""
    try:
        act(event)
    except Exception:  # noqa: BLE001  pynetdicom raises whatever an odd order of PDUs leads to
        assoc.is_aborted, assoc.is_established = True, False
        assoc._kill = assoc.dul._kill_thread = True
        evt.trigger(assoc, evt.EVT_ABORTED, {})
        assoc.dul.socket.close()


class Server(ThreadedAssociationServer):
    """Accepts connections, and not more than it can serve."""

    request_queue_size = _BACKLOG
    daemon_threads = True

    def __init__(
        self,
        *arguments: Any,
        max_bytes: int,
        idle_seconds: float,
        say: Callable[[str], None],
        **keywords: Any,
    ) -> None:
        self.max_bytes, self.idle_seconds, self._say = max_bytes, idle_seconds, say
        self.large = threading.BoundedSemaphore(_LARGE_AT_ONCE)
        super().__init__(*arguments, **keywords)

    def verify_request(self, _request: Any, client_address: Any) -> bool:
        """Connections that say nothing take threads too."""
        open_now = len(self.active_associations)
        fits = bool(open_now < self.ae.maximum_associations + _SPARE)
        if not fits:
            self._say(f"{client_address[0]}: connection closed, {open_now} are open already")
        return fits

    def handle_error(self, _request: Any, client_address: Any) -> None:
        """In place of a traceback, which may quote what was sent."""
        self._say(f"{client_address[0]}: the connection failed")


def quiet_threads(say: Callable[[str], None]) -> None:
    """What ends a thread is told by its kind: its words may quote what was sent."""

    def told(problem: threading.ExceptHookArgs) -> None:
        say(f"a connection was given up ({problem.exc_type.__name__})")

    threading.excepthook = told
