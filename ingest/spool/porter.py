"""One porter: a process that packs deliveries until its parent goes away.

Run by `porters.py` as `python -m ingest.spool.porter DESCRIPTOR MEMORY_CAP`. Headers are
parsed here, so that one that is made to hang or to eat memory costs nothing but itself. Over
the socket: pickled (folder, settings, descriptor) first, then for each delivery its pickled
head and, if it carries them, its bytes; back go READY, and a Packed, a DiskError or a
WrongStudyError for each. Where there is a descriptor, it is of memory that holds the bytes, and
the socket carries their number: it takes a megabyte in a dozen turns of both processes.
"""

import contextlib
import os
import pickle
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from ingest.child import confine, connect
from ingest.errors import DiskError, PneumoWatchError
from ingest.reader import ReaderSettings
from ingest.spool.errors import WrongStudyError
from ingest.spool.pack import pack
from ingest.spool.records import Delivery, Packed
from ingest.worker import READY


def main() -> None:
    """Serve one connection; returns when the parent has closed it."""
    connection = connect()
    films, settings, shared = pickle.loads(connection.recv_bytes())
    connection.send_bytes(READY)
    confine()
    with contextlib.suppress(EOFError, OSError):
        while True:
            answer = _answer(_delivery(connection, shared), films, settings)
            connection.send_bytes(pickle.dumps(answer, pickle.HIGHEST_PROTOCOL))


def _delivery(connection: Connection, shared: int | None) -> Delivery:
    """Bytes travel beside the pickle: they are large, and need no copy to be pickled."""
    delivery: Delivery = pickle.loads(connection.recv_bytes())
    if isinstance(delivery.data, Path):
        return delivery
    if shared is None:
        return replace(delivery, data=connection.recv_bytes())
    size = int.from_bytes(connection.recv_bytes(), "big")
    data = os.pread(shared, size, 0)
    if len(data) != size:
        raise OSError("the shared memory ends early")
    return replace(delivery, data=data)


def _answer(delivery: Delivery, films: Path, settings: ReaderSettings) -> Packed | PneumoWatchError:
    try:
        return pack(delivery, films, settings)
    except (DiskError, WrongStudyError) as error:
        return error


if __name__ == "__main__":
    main()
