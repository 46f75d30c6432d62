"""A PACS that does not give up: sends its share until each instance is acknowledged.

python -m tests.end_to_end.sender FILMS.npy PORT NUMBER OF LOG SECONDS

Instance i of FILMS is sent by client i modulo OF. A line goes to LOG for each acknowledgement,
synced, so that what was acknowledged is known whatever happens. SECONDS is how long the
whole share should take at least.
"""

import os
import sys
import time
from pathlib import Path

import numpy as np
from pynetdicom import AE

from tests.end_to_end.arriving import instance

CR = "1.2.840.10008.5.1.4.1.1.1"


def main() -> None:
    """Send a client's share."""
    films = np.load(sys.argv[1], mmap_mode="r")
    port, number, clients = (int(word) for word in sys.argv[2:5])
    log, seconds = Path(sys.argv[5]), float(sys.argv[6])
    waiting = list(range(number, len(films), clients))
    pause = seconds / len(waiting)
    with log.open("a") as acknowledged:
        while waiting:
            waiting = _through_one_association(films, port, waiting, acknowledged, pause)


def _through_one_association(films, port, waiting, acknowledged, pause) -> list[int]:
    """What is still to be sent when the association has ended."""
    entity = AE("SENDER")
    entity.add_requested_context(CR)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 20
    association = entity.associate("127.0.0.1", port, ae_title="CXRSCP")
    if not association.is_established:
        time.sleep(0.2)
        return waiting
    while waiting and association.is_established:
        made = instance(np.asarray(films[waiting[0]]), waiting[0])
        try:
            status = association.send_c_store(made)
        except (RuntimeError, ValueError):
            break
        if getattr(status, "Status", None) != 0:
            break
        acknowledged.write(f"{made.SOPInstanceUID}\n")
        acknowledged.flush()
        os.fsync(acknowledged.fileno())
        waiting = waiting[1:]
        time.sleep(pause)
    association.abort() if waiting else association.release()
    return waiting


if __name__ == "__main__":
    main()
