"""The ingest worker: what the spool holds is read, scored, written and settled, again and again."""

import fcntl
import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.champion import Champion, ensure_model
from dashboard.configuration import Configuration
from dashboard.doors import open_spool
from dashboard.intake import keeping, open_predictor, reader_settings
from inference.device import resolve
from ingest.burned_in import BURNED_IN
from ingest.errors import DiskError
from ingest.identity import load_key
from ingest.inputs import Input
from ingest.problem import Problem
from ingest.records import Reason
from ingest.spool.records import Entry, Outcome, Settlement
from ingest.workers import read_with
from warehouse.images import keep, keep_original
from warehouse.pipeline import Tally, drain
from warehouse.site_calibrations import in_force
from warehouse.store import Warehouse

if TYPE_CHECKING:
    from inference.predictor import Predictor

IDLE_SECONDS = 0.5  # between looks at an empty spool
STOP_SECONDS = 30.0  # that a worker has to finish what it has taken
RETRY_SECONDS = 5.0  # after the disk refused
SWEEP_SECONDS = 3600.0
TRIES = 5  # of an entry alone: it killed that many workers, and nothing else did
_POISON = Problem(
    Reason.DECODER_FAILED, f"{TRIES} workers died over it one after the other; send it again"
)


class Worker:
    """One at a time a home: a second one waits until the first is gone, however it went."""

    def __init__(self, warehouse: Warehouse, configuration: Configuration, device: str) -> None:
        self.warehouse, self.configuration = warehouse, configuration
        self.device = resolve(device)
        self.key = load_key(warehouse.home.key)
        self.spool = open_spool(warehouse.home.root, configuration.ingest)
        self.tally = Tally()
        self._models: dict[tuple[str, str], Predictor] = {}  # one at most
        self._swept = float("-inf")

    def run(self, follow: bool, stopping: threading.Event) -> Tally:
        """Until the spool is empty or, with `follow`, until `stopping` is set."""
        with self._alone(stopping):
            while not stopping.is_set():
                try:
                    self._sweep()
                    taken = self.once()
                except DiskError as error:
                    if not follow:
                        raise
                    print(f"{error}; trying again", file=sys.stderr)
                    stopping.wait(RETRY_SECONDS)
                    continue
                if not taken and not follow:
                    break
                if not taken:
                    stopping.wait(IDLE_SECONDS)
        return self.tally

    def once(self) -> int:
        """What waits now, or as much of it as is taken at once; returns how many that were."""
        entries = self.spool.take()
        self._drain([_judged(entry) for entry in entries])
        if entries:
            self.spool.went_well()
        return len(entries)

    def _drain(self, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        champion = ensure_model(self.warehouse)
        settings = reader_settings(self.configuration, self.key, champion.card)
        settings = keeping(settings, self.configuration.ingest)
        inputs = [_input(entry) for entry in entries]
        results = read_with(inputs, settings, self.configuration.ingest)
        tally = drain(
            self.warehouse,
            (outcome for _, outcome in results),
            functools.partial(self._model, champion),
            self.key,
            self.configuration.warehouse,
            batch=self.configuration.inference.batch_on(self.device),
            wait_seconds=self.configuration.inference.wait_seconds,
            keep=functools.partial(keep, self.warehouse.home),
            settled=functools.partial(self._settle, {one.entry_id: one for one in entries}),
        )
        self._count(tally)

    def _settle(self, entries: Mapping[str, Entry], settlements: Sequence[Settlement]) -> None:
        """Originals first, where they are kept at all; not one with text burned into it."""
        for one in settlements:
            entry = entries[one.entry_id]
            kept = self.configuration.ingest.keeps_originals_of(entry.facts.site_id)
            if not kept or one.outcome is not Outcome.PREDICTED or BURNED_IN in one.flags:
                continue
            if entry.payload and one.study_id:
                keep_original(self.warehouse.home, one.study_id, entry.payload)
        self.spool.settle(settlements)

    def _model(self, champion: Champion) -> "Predictor":
        """The champion, loaded once for as long as it and the sites' calibrations stay."""
        calibrations = in_force(self.warehouse, champion.card.model_version)
        named = sorted(one.calibration_id for one in calibrations.values())
        wanted = (champion.card.model_version, ",".join(named))
        if wanted not in self._models:
            settings = self.configuration.inference
            loaded = open_predictor(champion.path, settings, self.device, calibrations)
            self._models = {wanted: loaded}
        return self._models[wanted]

    def _count(self, tally: Tally) -> None:
        self.tally.predicted += tally.predicted
        self.tally.duplicates += tally.duplicates
        self.tally.by_reason.update(tally.by_reason)

    def _sweep(self) -> None:
        if time.monotonic() - self._swept > SWEEP_SECONDS:
            self.spool.sweep(self.configuration.ingest.spool_days)
            self._swept = time.monotonic()

    @contextmanager
    def _alone(self, stopping: threading.Event) -> Iterator[None]:
        """The kernel drops the lock when its holder dies."""
        folder = self.spool.folder
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with (folder / "worker.lock").open("a") as file:
            while not stopping.is_set():
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    stopping.wait(IDLE_SECONDS)
            yield


def _judged(entry: Entry) -> Entry:
    """The same; with a problem where workers died over it, so that it is not opened again."""
    if entry.tries < TRIES:
        return entry
    return replace(entry, facts=replace(entry.facts, problem=_POISON), payload=None)


def _input(entry: Entry) -> Input:
    """The payload as something to read; its name was left at the door."""
    return Input(
        path=entry.payload or Path(),
        name=entry.entry_id,
        site_id=entry.facts.site_id,
        entry_id=entry.entry_id,
        facts=entry.facts,
    )


@contextmanager
def worker_beside(home: Path, device: str = "auto") -> Iterator[None]:
    """`pneumowatch drain --follow` in a process beside this one, started again when it dies."""
    supervisor = _Supervisor(home, device)
    supervisor.start()
    try:
        yield
    finally:
        supervisor.stop()


class _Supervisor(threading.Thread):
    """Keeps one child alive. The child leaves by itself when this process is gone."""

    def __init__(self, home: Path, device: str) -> None:
        super().__init__(name="worker", daemon=True)
        self._words = [
            *(sys.executable, "-m", "dashboard.cli", "drain", "--follow", "--home", str(home)),
            *("--device", device, "--parent", str(os.getpid())),
        ]
        self._stopping = threading.Event()

    def run(self) -> None:
        pause = IDLE_SECONDS
        while not self._stopping.is_set():
            began = time.monotonic()
            child = subprocess.Popen(self._words, stdin=subprocess.DEVNULL, stdout=sys.stderr)
            while child.poll() is None and not self._stopping.wait(IDLE_SECONDS / 5):
                pass
            if self._stopping.is_set():
                _end(child)
                return
            pause = IDLE_SECONDS if time.monotonic() - began > 60 else min(2 * pause, 60.0)
            print(f"the ingest worker ended; another one starts in {pause:.0f} s", file=sys.stderr)
            self._stopping.wait(pause)

    def stop(self) -> None:
        """It finishes what it has taken; what it has not stays in the spool."""
        self._stopping.set()
        self.join()


def _end(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        child.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
