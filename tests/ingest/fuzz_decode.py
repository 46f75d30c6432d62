"""Fuzzing of the decode path by real workers, structure-aware and guided by new outcomes.

    python -m tests.ingest.fuzz_decode --minutes 10 --seed 1 [--workers N] [--keep DIR]

Films of our own and, where they are at hand, the shared DICOM files are damaged (`mutate.py`)
and read by `ingest.workers.read_all` under its caps. A mutant that comes out in a way not
seen before becomes a seed. A finding is a decoder that hung or stumbled, an outcome that quotes
the header, memory over the cap, or an input with no outcome or two. A decoder that crashed cost its
one file, as it should; crashes are counted apart and kept too.
"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.records import Reason, Rejection, Study
from ingest.workers import read_all
from tests.ingest.corpus import PLANTED, seeds
from tests.ingest.films import KEY, small
from tests.ingest.mutate import mutated

TIME_CAP = 30.0  # seconds for one film
MEMORY_CAP = 2**30
_MOST_KEPT = 400  # mutants that are kept as seeds
_LOOK_EVERY = 200  # films between looks at the workers' memory


@dataclass
class Fuzz:
    """One run: what was done and what was found."""

    seed: int
    workers: int = 1
    keep: Path | None = None  # where inputs that found something are written
    done: int = 0
    peak: int = 0  # bytes resident in one worker, at most
    reasons: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    crashes: list[str] = field(default_factory=list)

    def run(self, seconds: float, most: int | None = None) -> None:
        """Until the time is over or `most` films were read."""
        self._chance = random.Random(self.seed)
        self._pool = list(seeds())
        self._own = len(self._pool)
        self._seen: set[str] = set()
        self._open: dict[str, tuple[str, bytes]] = {}
        settings = ReaderSettings(KEY, small, max_pixels=4_000_000)
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            inputs = self._inputs(Path(folder), time.monotonic() + seconds, most)
            for item, outcome in read_all(inputs, settings, self.workers, 8, TIME_CAP, MEMORY_CAP):
                self._judge(item, outcome)
        self.findings += [f"{name}: no outcome" for name in self._open]

    def _inputs(self, folder: Path, end: float, most: int | None) -> Iterator[Input]:
        number = 0
        while time.monotonic() < end and (most is None or number < most):
            origin, data = self._chance.choice(self._pool)
            data = mutated(data, self._chance, self._chance.choice(self._pool)[1])
            path = folder / f"{number}.dcm"
            path.write_bytes(data)
            self._open[path.name] = (origin, data)
            number += 1
            yield Input(path, path.name, "S")

    def _judge(self, item: Input, outcome: Study | Rejection) -> None:
        self.done += 1
        if item.name not in self._open:
            self.findings.append(f"{item.name}: a second outcome")
            return
        origin, data = self._open.pop(item.name)
        item.path.unlink()
        told = repr(outcome)
        if PLANTED in told.upper():
            self._found("it quotes the header", origin, data)
        if isinstance(outcome, Rejection) and outcome.reason is Reason.DECODER_FAILED:
            self._found(outcome.sentence, origin, data)
        self._remember(outcome, origin, data)
        if self.done % _LOOK_EVERY == 0:
            self._look_at_memory()

    def _remember(self, outcome: Study | Rejection, origin: str, data: bytes) -> None:
        """A new kind of outcome makes its input a seed."""
        refused = isinstance(outcome, Rejection)
        self.reasons[outcome.reason.value if refused else "accepted"] += 1
        kind = outcome.sentence if refused else f"{outcome.flags}|{outcome.view}|{outcome.sex}"
        kind = f"{origin}|{kind}"
        if kind not in self._seen and len(self._pool) < self._own + _MOST_KEPT:
            self._seen.add(kind)
            self._pool.append((origin, data))

    def _found(self, what: str, origin: str, data: bytes) -> None:
        name = f"{self.seed}-{self.done}-{origin}"
        (self.crashes if "crashed" in what else self.findings).append(f"{name}: {what}")
        if self.keep:
            self.keep.mkdir(parents=True, exist_ok=True)
            (self.keep / name).write_bytes(data)

    def _look_at_memory(self) -> None:
        for child in psutil.Process().children():
            with_peak = Path(f"/proc/{child.pid}/status")
            lines = with_peak.read_text().splitlines() if with_peak.exists() else []
            kilobytes = next((int(x.split()[1]) for x in lines if x.startswith("VmHWM")), 0)
            self.peak = max(self.peak, kilobytes * 1024)
        if self.peak > MEMORY_CAP + 2**28:
            self.findings.append(f"a worker held {self.peak} bytes")


def main() -> None:
    """Run and print what was done and found; exit 1 where something was."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    fuzz = Fuzz(options.seed, options.workers, options.keep)
    fuzz.run(options.minutes * 60)
    print(f"{fuzz.done} films, {len(fuzz.findings)} findings, {len(fuzz.crashes)} decoders crashed")
    print(f"{fuzz.peak / 2**20:.0f} MiB in one worker at most")
    print(dict(fuzz.reasons.most_common()))
    print("\n".join([*fuzz.findings, *fuzz.crashes]))
    sys.exit(bool(fuzz.findings))


if __name__ == "__main__":
    main()
