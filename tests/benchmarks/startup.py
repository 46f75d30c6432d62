"""How long a person waits: `--help`, and the first page of `serve`."""

import contextlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.benchmarks.measure import machine, run, say

TIMES = 5


def main(_images: Path | None) -> int:
    """Prints the medians; returns 0."""
    print(f"startup, median of {TIMES}, on {machine()}")
    helped = statistics.median(run(["--help"]).seconds for _ in range(TIMES))
    bare = statistics.median(_interpreter() for _ in range(TIMES))
    say("pneumowatch --help", helped, "s", "< 0.5")
    say("  as a multiple of starting Python", helped / bare)
    with tempfile.TemporaryDirectory() as folder:
        home = str(Path(folder) / "home")
        run(["init", "--home", home])
        served = statistics.median(_first_page(home) for _ in range(TIMES))
    say("serve: from the call to the first page", served, "s", "< 4")
    return 0


def _interpreter() -> float:
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", ""], check=True)
    return time.monotonic() - began


def _first_page(home: str) -> float:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = ["serve", "--home", home, "--port", str(port)]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", *words], stderr=subprocess.DEVNULL
    )
    try:
        while time.monotonic() - began < 60:
            with contextlib.suppress(urllib.error.URLError, ConnectionError):
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
                    answer.read()
                return time.monotonic() - began
            time.sleep(0.02)
        raise TimeoutError("no page within a minute")
    finally:
        process.terminate()
        process.wait()
