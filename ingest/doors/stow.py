"""The DICOMweb door: STOW-RS (PS3.18 section 10.5) over HTTP, served by waitress.

A request's head is judged before its body is read: without a good token nothing is kept of
it. Bodies stay in memory, for a temporary file would hold a patient's name; together they
never take more than twice the limit of one request. TLS is a reverse proxy's business.
"""

import logging
import socket
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import Any

from waitress import wasyncore
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import create_server

from ingest.doors.settings import ReceiveSettings
from ingest.doors.stow_answer import Answer, busy
from ingest.doors.stow_app import StowApp
from ingest.doors.stow_gate import Gate, Head, Ticket
from ingest.doors.tally import Tally
from ingest.doors.tokens import Tokens
from ingest.errors import UserError
from ingest.inputs import Input
from ingest.spool.porters import Porters

THREADS = 4
CONNECTIONS = 200
BODIES = 2  # how many bodies of the largest size may be in memory at a time
_STOP_SECONDS = 30.0


class StowServer:
    """Serves from `start` until `stop`, in threads of its own."""

    def __init__(
        self,
        settings: ReceiveSettings,
        max_bytes: int,
        place: Callable[[str, Path], Input],
        porters: Porters,
        tokens: Tokens,
        tally: Tally | None = None,
    ) -> None:
        """`max_bytes`: of one instance. `place` makes an Input of a site."""
        self._settings = settings
        self._gate = Gate(tokens, place, porters.spool, settings.stow_max_bytes)
        self._app = StowApp(self._gate, porters, max_bytes, tally or Tally())
        self._stopping = threading.Event()
        self._server: Any = None
        self._thread: threading.Thread | None = None

    @property
    def port(self) -> int:
        """Where it listens; the port that was found where 0 was asked for."""
        return int(self._server.effective_port)

    def start(self) -> None:
        """Listening when this returns. UserError where the address cannot be had."""
        for name in ("waitress", "waitress.queue"):
            logging.getLogger(name).disabled = True  # what it logs holds addresses of studies
        self._server = create_server(self._app, sockets=[self._listening()], **self._options())
        held: weakref.WeakSet[_Parser] = weakref.WeakSet()

        def parser(adjustments: Any) -> "_Parser":
            return _Parser(adjustments, self._gate, held)

        kind = {"parser_class": staticmethod(parser)}
        self._server.channel_class = type("_GatedChannel", (_Channel,), kind)
        self._thread = threading.Thread(target=self._run, name="stow", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """No new connections; requests that are being served are answered first."""
        if self._thread is None:
            return
        self._server.accepting = False
        self._server.task_dispatcher.shutdown(timeout=_STOP_SECONDS)
        self._stopping.set()
        self._server.pull_trigger()
        self._thread.join()
        wasyncore.close_all(self._server._map)
        self._thread = None

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                wasyncore.loop(timeout=1, use_poll=True, map=self._server._map, count=1)
            except OSError:  # out of descriptors, say: it passes
                time.sleep(0.1)

    def _listening(self) -> socket.socket:
        host, port = self._settings.host, self._settings.stow_port
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            return socket.create_server((host, port), family=family)
        except OSError as error:
            raise UserError(
                f"cannot listen on {host} port {port}: {error.strerror or error}; stop what is "
                "using it, or choose another with [receive] stow_port"
            ) from None

    def _options(self) -> dict[str, Any]:
        most = self._settings.stow_max_bytes + 1  # waitress refuses what reaches its limit
        return {
            "threads": THREADS,
            "connection_limit": CONNECTIONS,
            "channel_timeout": max(1, int(self._settings.idle_seconds)),
            "cleanup_interval": max(1, min(30, int(self._settings.idle_seconds))),
            "max_request_body_size": most,
            "inbuf_overflow": most + 2**20,  # never reached: no body goes to a file
            "max_request_header_size": 64 * 1024,
            "recv_bytes": 256 * 1024,
            "asyncore_use_poll": True,
            "log_socket_errors": False,
            "ident": "PneumoWatch",
        }


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection. Its time runs from its first byte until a request's head is whole."""

    last_activity: float

    def handle_read(self) -> None:
        before = self.last_activity
        super().handle_read()
        if self.request is not None and not self.request.headers_finished:
            self.last_activity = before


class _Parser(HTTPRequestParser):  # type: ignore[misc]
    """A request that is refused by its head: the body is let run by, and not kept.

    It is answered once the sender has sent it all, who would else meet a closed connection
    before the answer; or at once where it waits for "100 Continue".
    """

    expect_continue: bool
    completed: bool
    error: Any

    def __init__(self, adjustments: Any, gate: Gate, held: "weakref.WeakSet[_Parser]") -> None:
        super().__init__(adjustments)
        self._gate, self._held, self._judged = gate, held, False
        self._refusal: Any = None

    def received(self, data: bytes) -> int:
        consumed = int(super().received(data))
        self.error = self._refusal or self.error  # what was said first holds
        if self.headers_finished and not self._judged:
            self._judged = True
            self._judge()
        elif self.chunked and self.error is None and self._crowded():
            self._refuse(_crowded())
        if self.error and self.completed:
            return len(data)  # what follows is no request
        return consumed

    @property
    def size(self) -> int:
        """Bytes that its body has, or will have."""
        return self.content_length or (len(self.body_rcv) if self.body_rcv is not None else 0)

    def close(self) -> None:
        self._held.discard(self)
        super().close()

    def _judge(self) -> None:
        legible = self.error is None or self.body_rcv is not None  # else it is no HTTP
        verdict = self._verdict() if legible else self.error
        if isinstance(verdict, Answer) or self.error:
            self._refuse(verdict)
        elif self._crowded():
            self._refuse(_crowded())
        else:
            self._held.add(self)

    def _verdict(self) -> Ticket | Answer:
        try:
            return self._gate.judge(self._head())
        except Exception as error:  # noqa: BLE001  waitress would drop the connection unanswered
            print(f"DICOMweb: {type(error).__name__} at a request's head", file=sys.stderr)
            return busy("it failed here; send it again")

    def _crowded(self) -> bool:
        others = sum(one.size for one in list(self._held) if one is not self)
        return others + self.size > BODIES * self._gate.max_bytes

    def _refuse(self, answer: Any) -> None:
        self._held.discard(self)
        waits, self.expect_continue = self.expect_continue, False
        self.error = self._refusal = answer
        if self.body_rcv is not None and not waits and not self.body_rcv.completed:
            self.body_rcv.buf = _Sink()
            self.completed = False
        else:
            self.completed = True

    def _head(self) -> Head:
        said = self.headers.get
        length = self.content_length if self.chunked or "CONTENT_LENGTH" in self.headers else None
        return Head(
            self.command,
            self.path,
            said("AUTHORIZATION", ""),
            said("CONTENT_TYPE", ""),
            said("CONTENT_ENCODING", "").strip().lower(),
            said("ACCEPT", ""),
            length,
        )


class _Sink:
    """A buffer that keeps nothing."""

    def append(self, _data: bytes) -> None:
        """Gone."""

    def close(self) -> None:
        """Nothing to close."""

    def __len__(self) -> int:
        return 0


def _crowded() -> Answer:
    return busy("too much is being received at the moment", seconds=5)
