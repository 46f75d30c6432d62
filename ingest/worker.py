"""One decode worker: a process that reads files until its parent goes away.

Run by `workers.py` as `python -m ingest.worker DESCRIPTOR MEMORY_CAP`. It imports NumPy and
Pillow only (pydicom when the first DICOM file comes), never torch. The descriptor is a
socket: pickled settings first, then an Input at a time; back go READY and a result for each.
"""

import contextlib
import ctypes
import os
import pickle
import resource
import signal
import sys
from multiprocessing.connection import Connection

from ingest.inputs import Input
from ingest.reader import ReaderSettings, read

READY = b"ready"
_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Serve one connection; returns when the parent has closed it."""
    connection = Connection(int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's business
    _die_with_parent()
    settings: ReaderSettings = pickle.loads(connection.recv_bytes())
    connection.send_bytes(READY)
    _silence()
    _limit_memory(int(sys.argv[2]))
    with contextlib.suppress(EOFError, OSError):
        _serve(connection, settings)


def _serve(connection: Connection, settings: ReaderSettings) -> None:
    while True:
        item: Input = pickle.loads(connection.recv_bytes())
        connection.send_bytes(pickle.dumps(read(item, settings), pickle.HIGHEST_PROTOCOL))


def _die_with_parent() -> None:
    """Even in the middle of a decoder that hangs. Linux only; elsewhere the socket's end does."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _silence() -> None:
    """C decoders print what they choke on: on stdout it would break --json, on stderr leak."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _limit_memory(cap: int) -> None:
    """Cap the data segment, not the address space, which libraries reserve freely."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_DATA, (cap, cap))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


if __name__ == "__main__":
    main()
