"""`pneumowatch receive` beside dcmtk's storescp: the same films from the same senders, in one run.

Four storescu processes send each receiver radiographs of 1 MB, every one with UIDs of its own.
storescp runs with --fork and its largest PDU, at its fastest; it syncs nothing to the disk.
Then the receiver's memory, while many more of them come in and a worker takes them away.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import psutil

from ingest.errors import UserError
from ingest.spool.records import Outcome, Settlement
from ingest.spool.spool import Spool
from tests.benchmarks.measure import machine, run, say
from tests.ingest.films import dataset, dicom_bytes, film

SENDERS, SIDE = 4, 1024
ROUNDS = 3
FILMS = 1200  # in each round, for each receiver
OURS, THEIRS = "CXRSCP", "STORESCP"
PASSES = 9  # of the films, for memory: 10,800 of them
ROOT = "1.2.826.0.1.3680043.8.498."
START_SECONDS = 60.0


def main(_images: Path | None, films: int = FILMS) -> int:
    """Prints the rates, their ratio and the receiver's memory; returns 0."""
    if not shutil.which("storescp") or not shutil.which("storescu"):
        raise UserError("this benchmark needs dcmtk (storescp, storescu)")
    load = os.getloadavg()[0]
    print(f"receive: {films} films of 1 MB from {SENDERS} senders, medians of {ROUNDS} in turn")
    print(f"on {machine()}, load {load:.1f} before it began")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        make_films(work / "films", films)
        rounds = [_round(work, number, films) for number in range(ROUNDS)]
        memory = over_many(work)
    theirs, ours = (list(column) for column in zip(*rounds, strict=True))
    ratios = [our / their for our, their in zip(ours, theirs, strict=True)]
    say("dcmtk storescp --fork", median(theirs), "films/s")
    say("pneumowatch receive, durable and without the patient", median(ours), "films/s")
    say("  as a share of storescp, median of the rounds", median(ratios), "", ">= 0.6")
    print("  round by round: " + ", ".join(f"{ratio:.2f}" for ratio in ratios))
    sent = PASSES * films
    say(f"memory of receiver and porters after {films} films", memory[0] / 2**20, "MiB")
    say(f"  after {sent} films", memory[-1] / 2**20, "MiB")
    say("  as a multiple", memory[-1] / memory[0], "", "<= 1.1")
    return 0


def make_films(folder: Path, count: int) -> None:
    """A folder for each sender; the same picture, another patient and other UIDs each time."""
    made = dataset(film(SIDE, SIDE), PatientName="Bench^Mark")
    for number in range(count):
        uid = f"{ROOT}9.{number + 1}"
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = uid
        made.StudyInstanceUID, made.SeriesInstanceUID = f"{uid}.1", f"{uid}.2"
        made.PatientID = f"P{number}"
        target = folder / str(number % SENDERS)
        target.mkdir(parents=True, exist_ok=True)
        (target / f"{number:05d}.dcm").write_bytes(dicom_bytes(made))


def _round(work: Path, number: int, films: int) -> tuple[float, float]:
    """Films a second of theirs and ours."""
    with storescp(work / "theirs") as port:
        theirs = films / send(work / "films", port, THEIRS)
    shutil.rmtree(work / "theirs")
    home = work / f"home{number}"
    with receiver(home) as (port, _):
        ours = films / send(work / "films", port, OURS)
    shutil.rmtree(home)
    return theirs, ours


def over_many(work: Path) -> list[int]:
    """Bytes of memory after each pass over the films, which have new UIDs in each."""
    spool, found = Spool(work / "home" / "spool"), []
    with receiver(work / "home") as (port, process):
        for number in range(PASSES):
            renumber(work / "films", number)
            send(work / "films", port, OURS)
            found.append(tree_bytes(process.pid))
            while entries := spool.take():
                spool.settle([Settlement(one.entry_id, Outcome.PREDICTED) for one in entries])
                spool.went_well()
    spool.close()
    return found


def renumber(films: Path, number: int) -> None:
    """Other UIDs of the same length: the films are new ones."""
    for path in films.glob("*/*.dcm"):
        data = path.read_bytes()
        path.write_bytes(re.sub(ROOT.encode() + rb"\d", f"{ROOT}{number}".encode(), data))


def send(films: Path, port: int, called: str) -> float:
    """Seconds until all senders have had an answer to everything. They fail on any refusal."""
    began = time.monotonic()
    head = ["storescu", "-aet", "BENCH", "-aec", called, "127.0.0.1", str(port), "+sd"]
    senders = [subprocess.Popen([*head, str(one)]) for one in sorted(films.iterdir())]
    for sender in senders:
        if sender.wait():
            raise subprocess.CalledProcessError(sender.returncode, head)
    return time.monotonic() - began


@contextmanager
def storescp(folder: Path) -> Iterator[int]:
    """dcmtk's receiver; its port."""
    folder.mkdir()
    port = free_port()
    words = ["storescp", "--fork", "-pdu", "131072", "-aet", THEIRS, "-od", str(folder), str(port)]
    process = subprocess.Popen(words)
    try:
        wait_for(port, process)
        yield port
    finally:
        process.terminate()
        process.wait()


@contextmanager
def receiver(home: Path) -> Iterator[tuple[int, "subprocess.Popen[str]"]]:
    """`pneumowatch receive` of a new home, without its worker: the receiver alone."""
    sites = home.parent / "sites.csv"
    sites.write_text("site_id,name,region,latitude,longitude\nS,Site,R,0,0\n")
    run(["init", "--home", str(home)])
    run(["sites", "load", str(sites), "--home", str(home)])
    port = free_port()
    words = ["receive", "--no-worker", "--host", "127.0.0.1", "--port", str(port), "--stow-port"]
    command = [*words, "0", "--peer", "BENCH=S", "--home", str(home)]
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", *command],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        wait_for(port, process)
        yield port, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def tree_bytes(pid: int) -> int:
    """Proportional memory of a process and its children."""
    root = psutil.Process(pid)
    total = 0
    for process in [root, *root.children(recursive=True)]:
        with contextlib.suppress(psutil.Error):
            total += process.memory_full_info().pss
    return total


def wait_for(port: int, process: "subprocess.Popen[bytes] | subprocess.Popen[str]") -> None:
    """Until something listens at a port."""
    until = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise UserError("the receiver did not start")


def free_port() -> int:
    """A TCP port that nobody listens at now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
