"""The socket of one association: it waits well, takes no more than was announced, and closes."""

import contextlib
import select
import socket
import time
from functools import partial
from typing import Any

from pynetdicom.dul import DULServiceProvider
from pynetdicom.transport import AssociationSocket

MAX_PDU = 2**20  # bytes; announced, so that a film takes few of them
LOOK_SECONDS = 0.02  # at what nobody wakes a thread for: an end, a time-out
_OVERHEAD = 2**16  # a PDU may be longer than what was announced by its own headers
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)  # Linux has it


class Connection(AssociationSocket):
    """Waits for the sender or for our own answer, whichever is first, instead of looking often."""

    @classmethod
    def made_of(cls, bare: AssociationSocket, dul: DULServiceProvider, seconds: float) -> None:
        """Turn pynetdicom's own, which it gives no chance to replace, into one of these."""
        bare.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        bare.recv = partial(read_exactly, bare.socket, seconds)
        bare.__class__ = cls
        bare._expect(dul)

    def _expect(self, dul: DULServiceProvider) -> None:
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
            readable, _, _ = select.select([self.socket, self._woken], [], [], LOOK_SECONDS)
            if self._woken in readable:
                self._woken.recv(64)
        except (OSError, ValueError):
            self.event_queue.put("Evt17")
            return False
        return self.socket in readable

    def _shutdown_socket(self) -> None:
        close(self)
        self._woken.close()
        self._waker.close()


def close(connection: AssociationSocket) -> None:
    """Also where there is nothing to shut down: pynetdicom leaves a socket open then."""
    if connection.socket is not None:
        with contextlib.suppress(OSError):
            connection.socket.shutdown(socket.SHUT_RDWR)
        connection.socket.close()


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
