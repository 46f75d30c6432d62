"""Porters: deliveries packed in child processes, on behalf of any number of threads."""

import os
import pickle
import queue
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from ingest.child import spawn
from ingest.errors import DiskError, PneumoWatchError
from ingest.facts import gather
from ingest.film import Header
from ingest.identity import Pseudonymiser
from ingest.problem import Problem
from ingest.reader import ReaderSettings
from ingest.records import Reason, Source
from ingest.spool.errors import SpoolUnavailableError
from ingest.spool.pack import entry_id_of
from ingest.spool.records import Delivery, Packed, Receipt
from ingest.spool.spool import Spool
from ingest.worker import READY

_START_SECONDS = 120.0
_KEPT = 2**24  # bytes of shared memory that stay for the next delivery
_CRASHED = Problem(Reason.DECODER_FAILED, "its header crashed the parser; send it again")
_HUNG = Problem(Reason.DECODER_FAILED, "its header was not parsed in time; send it again")


class Porters:
    """Takes deliveries into a spool. `take` may be called by several threads at once."""

    def __init__(
        self,
        spool: Spool,
        settings: ReaderSettings,
        count: int = 2,
        time_cap: float = 60.0,
        memory_cap: int = 2 * 2**30,
    ) -> None:
        """`count` processes are started when they are first needed."""
        self.spool, self.settings = spool, settings
        self._time_cap, self._memory_cap = time_cap, memory_cap
        self._idle: queue.LifoQueue[_Porter | None] = queue.LifoQueue()
        self._count = count
        for _ in range(count):
            self._idle.put(None)
        self._closed = False
        # A child dies with the thread that started it (PR_SET_PDEATHSIG): not with a caller's.
        self._starter = ThreadPoolExecutor(1, "porters")

    def __enter__(self) -> "Porters":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop the processes that are idle; the others stop with this process."""
        self._closed = True
        while not self._idle.empty():
            porter = self._idle.get_nowait()
            if porter:
                porter.stop()
        self._starter.shutdown(wait=False)

    def warm(self) -> None:
        """Start all processes now: the first deliveries need not wait for them."""
        cold = [self._idle.get() for _ in range(self._count)]
        try:
            cold = [one or self._started() for one in cold]
        finally:
            for one in cold:
                self._idle.put(one)

    def _living(self, porter: "_Porter | None") -> "_Porter":
        if porter and porter.alive:
            return porter
        if porter:
            porter.stop()
        return self._started()

    def _started(self) -> "_Porter":
        arguments = (self.spool, self.settings, self._memory_cap)
        return self._starter.submit(_Porter, *arguments).result()

    def take(self, delivery: Delivery) -> Receipt:
        """The delivery is durable in the spool when this returns, or recorded as refused.

        A header that crashes or hangs its parser is a refusal too. Raises
        SpoolUnavailableError where the disk refuses, WrongStudyError where it is not of the
        study that the delivery names; then nothing was taken.
        """
        size = len(delivery.data) if isinstance(delivery.data, bytes) else 0
        self.spool.check_room(size)
        porter = self._idle.get()
        try:
            porter = self._living(porter)
            packed: Packed | PneumoWatchError = porter.pack(delivery, self._time_cap)
        except TimeoutError:
            packed, porter = self._lost(delivery, _HUNG, porter), None
        except (EOFError, OSError):
            packed, porter = self._lost(delivery, _CRASHED, porter), None
        finally:
            self._idle.put(porter)
        if isinstance(packed, DiskError):
            raise SpoolUnavailableError(str(packed))
        if isinstance(packed, PneumoWatchError):
            raise packed
        return self.spool.add(packed)

    def _lost(self, delivery: Delivery, problem: Problem, porter: "_Porter | None") -> Packed:
        """What is recorded of a delivery that cost a porter."""
        if porter:
            porter.stop()
        names, item = Pseudonymiser(self.settings.key), delivery.item
        entry_id = entry_id_of(
            names, item, delivery.data if isinstance(delivery.data, bytes) else b""
        )
        facts = gather(item, Header(), names, Source.IMAGE, self.settings.received_at, problem)
        return Packed(entry_id, delivery.door, facts, None, 0)


class _Porter:
    """A child process and its socket; used by one thread at a time."""

    def __init__(self, spool: Spool, settings: ReaderSettings, memory_cap: int) -> None:
        self._shared = _memory()
        inherited = () if self._shared is None else (self._shared,)
        self._process, self._connection = spawn("ingest.spool.porter", memory_cap, inherited)
        self._connection.send_bytes(pickle.dumps((spool.films, settings, self._shared)))
        if not self._connection.poll(_START_SECONDS) or self._connection.recv_bytes() != READY:
            self.stop()
            raise PneumoWatchError("a porter could not start; see its message above")

    @property
    def alive(self) -> bool:
        """One that was killed while it was idle is nobody's fault at the door."""
        return self._process.poll() is None

    def pack(self, delivery: Delivery, time_cap: float) -> Packed | PneumoWatchError:
        """Raises EOFError or OSError when the process died over it, TimeoutError when it hung."""
        data = delivery.data
        head = replace(delivery, data=b"") if isinstance(data, bytes) else delivery
        self._connection.send_bytes(pickle.dumps(head, pickle.HIGHEST_PROTOCOL))
        if isinstance(data, bytes):
            self._send(data)
        if not self._connection.poll(time_cap):
            raise TimeoutError
        answer: Packed | PneumoWatchError = pickle.loads(self._connection.recv_bytes())
        if self._shared is not None and len(data if isinstance(data, bytes) else b"") > _KEPT:
            os.ftruncate(self._shared, 0)
        return answer

    def _send(self, data: bytes) -> None:
        if self._shared is None:
            self._connection.send_bytes(data)
            return
        left = memoryview(data)
        while left:
            left = left[os.pwrite(self._shared, left, len(data) - len(left)) :]
        self._connection.send_bytes(len(data).to_bytes(8, "big"))

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()
        if self._shared is not None:
            os.close(self._shared)
            self._shared = None


def _memory() -> int | None:
    """Memory that a child can share, never a file; None where the system has none such."""
    return os.memfd_create("porter") if hasattr(os, "memfd_create") else None
