"""One decode worker: a process that reads files until its parent goes away.

Run by `workers.py` as `python -m ingest.worker DESCRIPTOR MEMORY_CAP`. It imports NumPy and
Pillow only (pydicom when the first DICOM file comes), never torch. The descriptor is a
socket: pickled settings first, then an Input at a time; back go READY and a result for each.
"""

import contextlib
import pickle
from multiprocessing.connection import Connection

from ingest.child import confine, connect
from ingest.inputs import Input
from ingest.reader import ReaderSettings, read

READY = b"ready"


def main() -> None:
    """Serve one connection; returns when the parent has closed it."""
    connection = connect()
    settings: ReaderSettings = pickle.loads(connection.recv_bytes())
    connection.send_bytes(READY)
    confine()
    with contextlib.suppress(EOFError, OSError):
        _serve(connection, settings)


def _serve(connection: Connection, settings: ReaderSettings) -> None:
    while True:
        item: Input = pickle.loads(connection.recv_bytes())
        connection.send_bytes(pickle.dumps(read(item, settings), pickle.HIGHEST_PROTOCOL))


if __name__ == "__main__":
    main()
