"""pynetdicom on a short rein: bounded memory, no delays, no voice of its own.

Left alone it reads a PDU of any announced length, collects a message of any size, queues
any number of them, waits for a silent sender for ever, and logs data sets.
"""

import contextlib
import logging
import queue
import select
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from pynetdicom import _config
from pynetdicom.association import Association
from pynetdicom.dimse import DIMSEServiceProvider
from pynetdicom.dimse_messages import C_STORE_RQ
from pynetdicom.dul import DULServiceProvider
from pynetdicom.pdu_primitives import P_DATA
from pynetdicom.transport import AssociationSocket, RequestHandler, ThreadedAssociationServer

MAX_PDU = 2**20  # bytes; announced, so that a film takes few of them
_OVERHEAD = 2**16  # a PDU may be longer than what was announced by its own headers
_MESSAGE_BYTES = 8 * 2**20  # of a message that is no film: 50,000 references
_PATIENCE = 4  # times the cap, after which a sender that does not end is cut off
_BACKLOG = 128  # connections that may wait to be accepted
_LOOK_SECONDS = 0.02  # at what nobody wakes a thread for: an end, a time-out
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it
_SPARE = 16  # connections beyond the associations, so that these can be told why not


def tame() -> None:
    """What is pynetdicom's for the whole process. It logs data sets and identities: no more."""
    AssociationSocket._shutdown_socket = _close
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

    def __init__(self, assoc: Association, max_bytes: int) -> None:
        super().__init__(assoc)
        self._max_bytes = max_bytes
        self._sent = 0  # bytes of the message in hand
        self.owes_answer = False

    def send_msg(self, primitive: Any, context_id: int) -> None:
        """The answer is queued when this returns, ahead of whatever ends the association."""
        super().send_msg(primitive, context_id)
        if primitive.MessageIDBeingRespondedTo is not None:
            self.owes_answer = False

    def get_msg(self, block: bool = False) -> Any:
        """Waits for a message where pynetdicom would ask for one a thousand times a second."""
        if block:
            return super().get_msg(block=True)
        try:
            return self.msg_queue.get(timeout=_LOOK_SECONDS)
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
        super().receive_primitive(primitive)
        if self.message is None:
            self._sent = 0
            self._wait_for_room()

    def _wait_for_room(self) -> None:
        """A sender that does not wait for answers is read no faster than it is answered."""
        while self.msg_queue.qsize() > 1 and not self.assoc._kill:
            time.sleep(0.005)


def _drop_values(primitive: P_DATA) -> None:
    """Fragments without their values: the byte that says which is the last one stays."""
    fragments = primitive.presentation_data_value_list
    primitive.presentation_data_value_list = [[number, value[:1]] for number, value in fragments]


def read_exactly(connection: socket.socket, seconds: float, size: int) -> bytearray:
    """`size` bytes, or fewer where the sender closes. OSError when they take too long."""
    if size > MAX_PDU + _OVERHEAD:
        raise OSError("a longer PDU than was announced")
    buffer = bytearray(size)
    left = memoryview(buffer)
    until = time.monotonic() + seconds
    while left:
        connection.settimeout(max(0.001, until - time.monotonic()))
        _acknowledge_at_once(connection)
        read = connection.recv_into(left)
        if not read:
            break
        left = left[read:]
    missing = len(left)
    left.release()
    return buffer[: size - missing] if missing else buffer


def _acknowledge_at_once(connection: socket.socket) -> None:
    """Else a sender with Nagle's algorithm waits 40 ms for us in every film."""
    if _QUICKACK is not None:
        connection.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)


class _Connection(AssociationSocket):
    """Waits for the sender or for our own answer, whichever is first, instead of looking often."""

    def expect(self, dul: DULServiceProvider) -> None:
        """Set up, once, with the provider that it belongs to."""
        self._woken, self._waker = socket.socketpair()
        self._waker.setblocking(False)
        self._dul_send = dul.send_pdu
        dul.send_pdu = self._send_pdu
        dul._run_loop_delay = 0.0

    def _send_pdu(self, primitive: Any) -> None:
        self._dul_send(primitive)
        with contextlib.suppress(OSError):  # enough of them are on their way, or it is closed
            self._waker.send(b"!")

    @property
    def ready(self) -> bool:
        """Whether there is something to read; waits a little for it."""
        if self.socket is None or not self._is_connected:
            return False
        try:
            readable, _, _ = select.select([self.socket, self._woken], [], [], _LOOK_SECONDS)
            if self._woken in readable:
                self._woken.recv(64)
        except (OSError, ValueError):
            self.event_queue.put("Evt17")
            return False
        return self.socket in readable

    def _shutdown_socket(self) -> None:
        _close(self)
        self._woken.close()
        self._waker.close()


def _close(connection: AssociationSocket) -> None:
    """Also where there is nothing to shut down: pynetdicom leaves a socket open then."""
    if connection.socket is not None:
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
        connection.socket.close()


class Handler(RequestHandler):
    """Prepares an association for one connection."""

    server: "Server"

    def _create_association(self) -> Association:
        assoc = super()._create_association()
        assoc.dimse = Dimse(assoc, self.server.max_bytes)
        connection = assoc.dul.socket
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader: Any = partial(read_exactly, connection.socket, self.server.idle_seconds)
        connection.recv = reader
        connection.__class__ = _Connection  # pynetdicom has no place to name one
        assert isinstance(connection, _Connection)
        connection.expect(assoc.dul)
        return assoc


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
