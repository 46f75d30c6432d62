"""Serving the application: one process, a few threads, set up before the first request."""

import ipaddress
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from waitress.server import create_server

from dashboard.app import create_app
from ingest.errors import UserError

THREADS = 8
LOCAL_NAMES = ("localhost", "127.0.0.1", "[::1]")


def serve(home: Path, host: str, port: int, started: Callable[[str], None] | None = None) -> None:
    """Serves until it is stopped; `started` is called with the address once it answers.

    UserError when the address cannot be had. On another address than loopback, anyone who
    reaches it can read it, and there are no accounts yet: small numbers are withheld there.
    """
    listening = listen(host, port)
    local = is_loopback(host)
    app = create_app(home, "internal" if local else "public")
    if local:  # a name that someone else points at this machine is not ours
        app.server.config["TRUSTED_HOSTS"] = [*LOCAL_NAMES, host]
    server = create_server(app.server, sockets=[listening], threads=THREADS, ident="PneumoWatch")
    if started is not None:
        name = f"[{host}]" if ":" in host else host
        started(f"http://{name}:{listening.getsockname()[1]}/")
    signal.signal(signal.SIGTERM, _stop)
    server.run()


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any that is free. UserError where it cannot be had."""
    if not 0 <= port <= 65535:
        raise UserError(f"--port {port} is not a port: write a number from 0 to 65535")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise UserError(
            f"cannot listen on {host} port {port}: {_reason(error)}; "
            "stop what is using it, or choose another with --port"
        ) from None


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _reason(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "there is no such address"
    return error.strerror or str(error)


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)
