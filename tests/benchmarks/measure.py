"""What the benchmarks share: watched processes, the machine's name, lines of figures."""

import os
import platform
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

INTERVAL = 0.05  # seconds between two looks at a process tree


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished command: seconds, and the tree's largest resident memory in bytes."""

    stdout: str
    seconds: float
    peak_bytes: int


def run(words: list[str]) -> Ran:
    """Runs `pneumowatch` with these words; raises CalledProcessError when it fails."""
    began = time.monotonic()
    command = [sys.executable, "-m", "dashboard.cli", *words]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        peak = [0]
        watcher = threading.Thread(target=_watch, args=(process, peak))
        watcher.start()
        stdout, _ = process.communicate()
        watcher.join()
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return Ran(stdout, time.monotonic() - began, peak[0])


def machine() -> str:
    """The machine's name for a report: processors, memory, system."""
    memory = psutil.virtual_memory().total / 2**30
    return f"{os.cpu_count()} cores, {memory:.0f} GiB, {platform.system()} {platform.machine()}"


def say(name: str, value: float, unit: str = "", bound: str = "") -> None:
    """One figure on a line, its bound beside it."""
    print(f"{name:58} {value:10.3f} {unit:10} {bound}", flush=True)


def films_in(folder: Path) -> list[Path]:
    """The image files of a folder, in order."""
    return sorted(path for path in folder.iterdir() if path.is_file())


def _watch(process: "subprocess.Popen[str]", peak: list[int]) -> None:
    root = psutil.Process(process.pid)
    while process.poll() is None:
        peak[0] = max(peak[0], _tree_bytes(root))
        time.sleep(INTERVAL)


def _tree_bytes(root: psutil.Process) -> int:
    """Proportional memory of a process and its children: shared pages count once."""
    total = 0
    try:
        for process in [root, *root.children(recursive=True)]:
            total += process.memory_full_info().pss
    except psutil.Error:
        return total
    return total
