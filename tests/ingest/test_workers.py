import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from ingest.errors import PneumoWatchError
from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.records import Reason, Rejection, Study
from ingest.workers import read_all
from tests.ingest import films

ROOT = Path(__file__).resolve().parents[2]


def settings(prepare: Callable[[np.ndarray], np.ndarray] = films.small) -> ReaderSettings:
    return ReaderSettings(films.KEY, prepare)


def folder_of(folder: Path, count: int, marked: int | None = None) -> list[Input]:
    """`count` films of different content; the marked one sets a faulty `prepare` off."""
    found = []
    for number in range(count):
        pixels = films.film(seed=number)
        path = folder / f"{number}.png"
        path.write_bytes(films.png(films.mark(pixels) if number == marked else pixels))
        found.append(Input(path, path.name, "S"))
    return found


def test_every_worker_count_reads_the_same(tmp_path: Path) -> None:
    inputs = folder_of(tmp_path, 9)
    inputs.append(Input(tmp_path / "gone.png", "gone.png", "S"))
    found = []
    for workers in (0, 1, 3):
        results = list(read_all(inputs, settings(), workers))
        assert sorted(item.name for item, _ in results) == sorted(item.name for item in inputs)
        found.append({i.name: r.study_id for i, r in results if isinstance(r, Study)})
    assert found[0] == found[1] == found[2]
    assert len(found[0]) == 9


def test_nothing_to_read() -> None:
    assert list(read_all([], settings(), 2)) == []


@pytest.mark.parametrize("marked", [0, 11])
def test_a_worker_that_is_killed_costs_one_file(tmp_path: Path, marked: int) -> None:
    inputs = folder_of(tmp_path, 12, marked)
    results = {i.name: r for i, r in read_all(inputs, settings(films.crash_on_mark), 2)}
    lost = results.pop(f"{marked}.png")
    assert isinstance(lost, Rejection)
    assert (lost.reason, "crashed" in lost.sentence) == (Reason.DECODER_FAILED, True)
    assert len(results) == 11
    assert all(isinstance(result, Study) for result in results.values())


def test_a_worker_that_hangs_costs_one_file(tmp_path: Path) -> None:
    inputs = folder_of(tmp_path, 8, marked=3)
    before = time.monotonic()
    results = list(read_all(inputs, settings(films.hang_on_mark), 2, time_cap=1.0))
    assert time.monotonic() - before < 30
    reasons = Counter(r.reason for _, r in results if isinstance(r, Rejection))
    assert (len(results), reasons) == (8, {Reason.DECODER_FAILED: 1})


def test_memory_is_capped_for_each_worker(tmp_path: Path) -> None:
    inputs = folder_of(tmp_path, 4, marked=1)
    results = list(read_all(inputs, settings(films.hoard_on_mark), 1, memory_cap=2**30))
    reasons = [r.reason for _, r in results if isinstance(r, Rejection)]
    assert reasons == [Reason.PIXEL_BOMB]


def test_a_slow_caller_is_not_a_slow_decoder(tmp_path: Path) -> None:
    results = []
    for result in read_all(folder_of(tmp_path, 12), settings(), 2, capacity=1, time_cap=0.4):
        time.sleep(0.15)
        results.append(result)
    assert sum(isinstance(r, Study) for _, r in results) == 12


def test_inputs_are_not_drawn_ahead_of_the_caller(tmp_path: Path) -> None:
    """Which is what keeps memory flat: results of 1 MB, and few of them at any time."""
    (item,) = folder_of(tmp_path, 1)
    drawn = 0

    def endless() -> Iterator[Input]:
        nonlocal drawn
        while True:
            drawn += 1
            yield item

    results = read_all(endless(), settings(films.large), 2, capacity=4)
    before = psutil.Process().memory_info().rss
    for taken in range(1, 100):
        next(results)
        assert drawn <= taken + 4 + 2 * 3 + 2
    results.close()
    assert psutil.Process().memory_info().rss - before < 60 * 2**20


def test_leaving_early_leaves_no_process(tmp_path: Path) -> None:
    results = read_all(folder_of(tmp_path, 30), settings(), 2)
    next(results)
    assert len(worker_processes(os.getpid())) == 2
    results.close()
    assert worker_processes(os.getpid()) == []


def worker_processes(parent: int) -> list[psutil.Process]:
    children = psutil.Process(parent).children(recursive=True)
    return [child for child in children if "ingest.worker" in child.cmdline()]


def test_an_error_of_the_inputs_reaches_the_caller(tmp_path: Path) -> None:
    def failing() -> Iterator[Input]:
        yield from folder_of(tmp_path, 2)
        raise LookupError("the list broke")

    with pytest.raises(LookupError, match="the list broke"):
        list(read_all(failing(), settings(), 1))


def test_workers_that_cannot_start_say_so(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A `prepare` that cannot be imported in the worker."""
    module = tmp_path / "passing.py"
    module.write_text("def prepare(pixels):\n    return pixels\n")
    sys.path.insert(0, str(tmp_path))
    import passing  # type: ignore[import-not-found]

    sys.path.remove(str(tmp_path))
    with pytest.raises(PneumoWatchError, match="could not start"):
        list(read_all(folder_of(tmp_path, 1), settings(passing.prepare), 1))
    assert "No module named 'passing'" in capfd.readouterr().err


PARENT = """
import sys, time
from pathlib import Path
from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.workers import read_all
from tests.ingest import films

item = Input(Path(sys.argv[1]), "x.png", "S")
prepare = films.hang_on_mark if sys.argv[2] == "hang" else films.small
for _ in read_all(iter(lambda: item, None), ReaderSettings(films.KEY, prepare), 2):
    print("one", flush=True)
    time.sleep(0.05)
"""


def parent_process(image: Path, how: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, str(image), how],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until(condition: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize("how", ["work", "hang"])
def test_workers_die_with_a_parent_that_is_killed(tmp_path: Path, how: str) -> None:
    image = tmp_path / "x.png"
    image.write_bytes(films.png(films.mark(films.film())))
    with parent_process(image, how) as parent:
        assert wait_until(lambda: len(worker_processes(parent.pid)) == 2)
        orphans = worker_processes(parent.pid)
        time.sleep(0.5)
        parent.kill()
        assert wait_until(
            lambda: not any(o.is_running() and o.status() != "zombie" for o in orphans)
        )


def test_ctrl_c_ends_it_cleanly(tmp_path: Path) -> None:
    image = tmp_path / "x.png"
    image.write_bytes(films.png(films.film()))
    with parent_process(image, "work") as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "one\n"
        orphans = worker_processes(parent.pid)
        os.killpg(parent.pid, signal.SIGINT)  # as a terminal does: to the workers as well
        _, errors = parent.communicate(timeout=20)
    assert errors.count("Traceback") == 1
    assert "KeyboardInterrupt" in errors
    assert wait_until(lambda: not any(o.is_running() and o.status() != "zombie" for o in orphans))


def test_a_worker_imports_neither_torch_nor_pydicom_until_it_must() -> None:
    code = "import ingest.worker, sys; print({'torch', 'pydicom', 'polars'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
