"""Child processes that read what strangers sent: started, silenced, capped, and never orphans."""

import contextlib
import ctypes
import os
import resource
import signal
import socket
import subprocess
import sys
from multiprocessing.connection import Connection
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def spawn(module: str, memory_cap: int) -> tuple["subprocess.Popen[bytes]", Connection]:
    """`python -m module DESCRIPTOR MEMORY_CAP`, and our end of the socket that it serves.

    A plain child, not a fork: what the parent has loaded is never copied.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno()), str(memory_cap)],
            pass_fds=(theirs.fileno(),),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=_environment(),
        )
    return process, Connection(ours.detach())


def _environment() -> dict[str, str]:
    """One thread a child, and this very package, wherever it was imported from."""
    package_root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join([package_root, *(entry for entry in sys.path if entry)])
    return os.environ | {
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }


def connect() -> Connection:
    """In the child: its end of the socket. It dies with its parent, in a decoder that hangs too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    with contextlib.suppress(OSError, AttributeError):  # Linux; elsewhere the socket's end does
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return Connection(int(sys.argv[1]))


def confine() -> None:
    """In the child, once it has started: no more voice, and no more memory than the cap.

    C decoders print what they choke on: on stdout it would break --json, on stderr leak. The
    data segment is capped, not the address space, which libraries reserve freely.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    cap = int(sys.argv[2])
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (cap, cap))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
