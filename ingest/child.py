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
_MMAP_FROM, _TRIM_FROM = 2**26, 2**27  # bytes
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8
_ARENAS = 2


def spawn(
    module: str, memory_cap: int, inherited: tuple[int, ...] = ()
) -> tuple["subprocess.Popen[bytes]", Connection]:
    """`python -m module DESCRIPTOR MEMORY_CAP`, and our end of the socket that it serves.

    A plain child, not a fork: what the parent has loaded is never copied. It dies with the
    thread that called this. `inherited` are descriptors that it has too.
    """
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, str(theirs.fileno()), str(memory_cap)],
            pass_fds=(theirs.fileno(), *inherited),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=_environment(),
        )
    return process, Connection(ours.detach())


def _environment() -> dict[str, str]:
    """One thread a child, and this very package, wherever it was imported from.

    glibc keeps what it has: giving each film's megabytes back to the system and getting them
    again costs more than reading the film does.
    """
    package_root = str(Path(__file__).resolve().parent.parent)
    path = os.pathsep.join([package_root, *(entry for entry in sys.path if entry)])
    return os.environ | {
        "PYTHONPATH": path,
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "MALLOC_MMAP_THRESHOLD_": str(_MMAP_FROM),
        "MALLOC_TRIM_THRESHOLD_": str(_TRIM_FROM),
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


def keep_memory() -> None:
    """In a process that takes films in: the same for its own heap, and few heaps for threads."""
    with contextlib.suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_THRESHOLD, _MMAP_FROM)
        mallopt(_M_TRIM_THRESHOLD, _TRIM_FROM)
        mallopt(_M_ARENA_MAX, _ARENAS)
