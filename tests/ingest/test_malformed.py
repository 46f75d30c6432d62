"""Each malformed input through the real workers: one outcome, in time, within memory."""

import threading
from pathlib import Path

import psutil
import pytest

from ingest.discover import discover
from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.records import Rejection, Study
from ingest.workers import read_all
from tests.ingest.corpus import PLANTED
from tests.ingest.films import KEY, small
from tests.ingest.malformed import Case, cases

TIME_CAP = 20.0
MEMORY_CAP = 2**30
SHARED_LIBRARIES = 2**28  # resident, but not data of the worker
ALL = cases()
Outcome = Study | Rejection


def test_there_are_enough_of_them() -> None:
    assert len(ALL) >= 120
    assert len({case.name for case in ALL}) == len(ALL)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """All read in one go by the same workers, as a drop folder would be."""
    root = tmp_path_factory.mktemp("malformed")
    folders = {f"{number:03}": case.name for number, case in enumerate(ALL)}
    for (folder, _), case in zip(folders.items(), ALL, strict=True):
        case.write(root / folder)
    found: dict[str, list[Outcome]] = {case.name: [] for case in ALL}
    with PeakMemory() as memory:
        for item, outcome in read_folders(root, folders):
            found[folders[item.path.relative_to(root).parts[0]]].append(outcome)
    assert memory.peak < MEMORY_CAP + SHARED_LIBRARIES
    return found


def read_folders(root: Path, folders: dict[str, str]):  # type: ignore[no-untyped-def]
    """Each case's folder is named apart: links out of it are judged against it."""
    settings = ReaderSettings(KEY, small)
    inputs = discover([root / folder for folder in folders], site_id="S")
    return read_all(inputs, settings, 2, 16, TIME_CAP, MEMORY_CAP)


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_it_has_one_outcome_among_those_expected(
    case: Case, outcomes: dict[str, list[Outcome]]
) -> None:
    (outcome,) = outcomes[case.name]
    reason = outcome.reason.value if isinstance(outcome, Rejection) else "accepted"
    assert reason in case.expected, outcome
    assert PLANTED not in repr(outcome).upper()


class PeakMemory:
    """The most that any child process has held, in bytes, looked at four times a second."""

    def __enter__(self) -> "PeakMemory":
        self.peak = 0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.25):
            for child in psutil.Process().children():
                self.peak = max(self.peak, _high_water(child.pid))


def _high_water(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM")), 0)


def test_the_reader_does_not_wait_for_a_pipe(tmp_path: Path) -> None:
    """Also where nobody looked first, as a door might not."""
    import os

    from ingest.reader import read

    os.mkfifo(tmp_path / "pipe")
    outcome = read(Input(tmp_path / "pipe", "pipe", "S"), ReaderSettings(KEY, small))
    assert isinstance(outcome, Rejection)
    assert outcome.reason.value == "unreadable"
