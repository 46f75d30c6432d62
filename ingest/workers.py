"""Several files read at once, each in a process that may crash or hang without harm.

Workers are plain child processes that run `ingest.worker`, not forks: torch in the parent is
never copied, and the parent's main module is not imported again. A thread of the parent
deals out inputs and collects results into a bounded queue, so decoding goes on while the
caller infers, and memory stays the same for any number of files.
"""

import os
import pickle
import queue
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.connection import wait

from ingest.child import spawn
from ingest.errors import PneumoWatchError
from ingest.inputs import Input
from ingest.problem import Problem
from ingest.reader import ReaderSettings, read, reject
from ingest.records import Reason, Rejection, Study
from ingest.settings import IngestSettings
from ingest.worker import READY

Result = tuple[Input, Study | Rejection]

_AHEAD = 3  # inputs a worker holds: one being read, the rest so that it never waits
_POLL = 0.2  # seconds between looks at the clock and at the stop signal
_CRASHED = Problem(Reason.DECODER_FAILED, "the decoder crashed over it; send it again")
_HUNG = Problem(Reason.DECODER_FAILED, "the decoder did not finish in time; send it again")


def read_all(
    inputs: Iterable[Input],
    settings: ReaderSettings,
    workers: int | None = None,
    capacity: int = 64,
    time_cap: float = 60.0,
    memory_cap: int = 2 * 2**30,
) -> Iterator[Result]:
    """Read every input; results come as they are ready, in no fixed order.

    Args:
        inputs: iterated in a thread of its own (with workers=0, in the caller's).
        workers: processes; None: one for each core, 0: read in this process.
        capacity: results that may wait for the caller.
        time_cap: seconds for one file, after which its worker is replaced.
        memory_cap: bytes of data for one worker.

    A worker that crashes or hangs costs the file it was reading. Raises PneumoWatchError
    when workers cannot start at all, and whatever `inputs` raises.
    """
    if workers == 0:
        yield from ((item, read(item, settings)) for item in inputs)
        return
    count = workers or len(os.sched_getaffinity(0))
    pool = _Pool(inputs, settings, count, capacity, time_cap, memory_cap)
    try:
        yield from pool.results()
    finally:
        pool.close()


def read_with(
    inputs: Iterable[Input], settings: ReaderSettings, caps: IngestSettings
) -> Iterator[Result]:
    """`read_all` under the configuration's settings."""
    return read_all(inputs, settings, caps.workers, caps.capacity, caps.time_cap, caps.memory_cap)


class _Worker:
    """A child process, its socket, and the inputs it holds, oldest first."""

    def __init__(self, settings: bytes, memory_cap: int) -> None:
        self.process, self.connection = spawn("ingest.worker", memory_cap)
        self.held: deque[Input] = deque()
        self.ready = False
        self.since = time.monotonic()
        self.connection.send_bytes(settings)

    def give(self, item: Input) -> None:
        if not self.held:
            self.since = time.monotonic()
        self.held.append(item)
        self.connection.send_bytes(pickle.dumps(item, pickle.HIGHEST_PROTOCOL))

    def take(self) -> Result | None:
        """The next result; None for the message that it has started. Raises EOFError, OSError."""
        message = self.connection.recv_bytes()
        self.since = time.monotonic()
        if not self.ready:
            self.ready = message == READY
            return None
        return self.held.popleft(), pickle.loads(message)

    def overdue(self, time_cap: float) -> bool:
        """A result that already waits in the socket, unread, is not the worker's delay."""
        late = self.ready and bool(self.held) and time.monotonic() - self.since > time_cap
        return late and not self.connection.poll()

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
        self.connection.close()


class _Pool:
    def __init__(
        self,
        inputs: Iterable[Input],
        settings: ReaderSettings,
        count: int,
        capacity: int,
        time_cap: float,
        memory_cap: int,
    ) -> None:
        self._inputs = iter(inputs)
        self._settings = settings
        self._pickled = pickle.dumps(settings, pickle.HIGHEST_PROTOCOL)
        self._count, self._time_cap, self._memory_cap = count, time_cap, memory_cap
        self._workers: list[_Worker] = []
        self._again: deque[Input] = deque()  # were held by a worker that died over another
        self._exhausted = False
        self._done: queue.Queue[Result | BaseException | None] = queue.Queue(capacity)
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="decode-pool", daemon=True)

    def results(self) -> Iterator[Result]:
        self._thread.start()
        while (result := self._done.get()) is not None:
            if isinstance(result, BaseException):
                raise result
            yield result

    def close(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        last: BaseException | None = None
        try:
            self._pump()
        except BaseException as error:  # noqa: BLE001  it is raised again where results are taken
            last = error
        finally:
            for worker in self._workers:
                worker.stop()
        self._put(last)

    def _put(self, result: Result | BaseException | None) -> None:
        """Wait for room, which is what bounds memory, unless the caller has left."""
        while not self._stopping.is_set():
            try:
                self._done.put(result, timeout=_POLL)
            except queue.Full:
                continue
            return

    def _pump(self) -> None:
        self._start_workers()
        while not self._stopping.is_set():
            for worker in self._workers:
                self._fill(worker)
            if not any(worker.held for worker in self._workers):
                return
            speaking = wait([worker.connection for worker in self._workers], _POLL)
            for worker in [w for w in self._workers if w.connection in speaking]:
                self._collect(worker)
            for worker in [w for w in self._workers if w.overdue(self._time_cap)]:
                self._replace(worker, _HUNG)

    def _start_workers(self) -> None:
        """No more of them than there are inputs."""
        first = self._next()
        while first is not None and len(self._workers) < self._count:
            self._again.append(first)
            self._workers.append(_Worker(self._pickled, self._memory_cap))
            first = self._next_fresh()
        if first is not None:
            self._again.append(first)

    def _next(self) -> Input | None:
        return self._again.popleft() if self._again else self._next_fresh()

    def _next_fresh(self) -> Input | None:
        item = None if self._exhausted else next(self._inputs, None)
        self._exhausted = item is None
        return item

    def _fill(self, worker: _Worker) -> None:
        while len(worker.held) < _AHEAD:
            item = self._next()
            if item is None:
                return
            try:
                worker.give(item)
            except OSError:  # it died; what it holds is settled when its socket is read
                return

    def _collect(self, worker: _Worker) -> None:
        try:
            result = worker.take()
        except (EOFError, OSError):
            self._replace(worker, _CRASHED)
            return
        if result is not None:
            self._put(result)

    def _replace(self, worker: _Worker, problem: Problem) -> None:
        """The oldest input it held is to blame; the others go to whoever is free."""
        worker.stop()
        if not worker.ready:
            raise PneumoWatchError("a decode worker could not start; see its message above")
        self._workers[self._workers.index(worker)] = _Worker(self._pickled, self._memory_cap)
        if worker.held:
            culprit = worker.held.popleft()
            self._again.extend(worker.held)
            self._put((culprit, reject(culprit, problem, self._settings)))
