"""kill -9 of the receiver and of the ingest worker while clients send: nothing lost, none twice."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
import pytest

from dashboard.configuration import load
from dashboard.doors import open_spool
from ingest.identity import Pseudonymiser, load_key
from ingest.spool.records import Outcome
from tests.end_to_end.arriving import generated
from tests.end_to_end.test_chain import call, new_home
from warehouse.store import Warehouse

WHOLE = os.environ.get("PROOF_SIZE", "whole") == "whole"
KILLS, INSTANCES, SECONDS = (50, 2000, 240.0) if WHOLE else (5, 200, 25.0)
CLIENTS = 4
ENVIRONMENT = {
    **os.environ,
    "PNEUMOWATCH_WAREHOUSE_COMMIT_ROWS": "16",
    "PNEUMOWATCH_WAREHOUSE_COMMIT_SECONDS": "0.5",
    "PNEUMOWATCH_INGEST_SPOOL_RESERVE": "0",
}


class _Service:
    """A command that is killed and started again; `--no-worker`, so that each dies alone."""

    def __init__(self, home: Path, *words: str) -> None:
        self._words = [sys.executable, "-m", "dashboard.cli", *words, "--home", str(home)]
        self.kills = 0
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            self._words,
            env=ENVIRONMENT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Its children leave with it."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        self.kills += self.process.poll() is None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        _, alive = psutil.wait_procs(children, timeout=20)
        assert not alive, "a child outlived its parent"

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


@pytest.mark.proof
@pytest.mark.timeout(3600)
def test_receiver_and_worker_killed_at_random_moments(tmp_path: Path) -> None:
    """Every acknowledged instance has exactly one outcome, and none has two."""
    rng = random.Random(17)
    home, port = new_home(tmp_path), _free_port()
    np.save(tmp_path / "films.npy", np.stack(generated(INSTANCES)))
    words = ("--port", str(port), "--stow-port", "0", "--host", "127.0.0.1", "--no-worker")
    receiver = _Service(home, "receive", *words, "--peer", "SENDER=A")
    worker = _Service(home, "drain", "--follow")
    senders = [_sender(tmp_path, port, number) for number in range(CLIENTS)]
    while any(one.poll() is None for one in senders):
        service = rng.choice([one for one in (receiver, worker) if one.kills < KILLS] or [None])
        time.sleep(rng.uniform(0.5, 1.5) * SECONDS / (2.5 * KILLS))
        if service:
            service.kill()
            service.start()
    for service in (receiver, worker):
        while service.kills < KILLS:  # the last ones while the worker catches up
            time.sleep(rng.uniform(0.5, 1.5))
            service.kill()
            service.start()
    assert receiver.stop() == 0
    assert worker.stop() == 0
    drained = call(home, "drain", "--json")
    assert drained.returncode == 0, drained.stderr
    acknowledged = _acknowledged(tmp_path)
    assert sum(acknowledged.values()) == len(acknowledged) == INSTANCES
    _check(home, set(acknowledged))
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}: {receiver.kills} kills of the receiver and "
        f"{worker.kills} of the ingest worker on {psutil.cpu_count()} cores, while {CLIENTS} "
        f"clients sent {INSTANCES} instances: each acknowledged one has one outcome, none two"
    )


def _check(home: Path, acknowledged: set[str]) -> None:
    spool = open_spool(home, load(home / "pneumowatch.toml").ingest)
    names = Pseudonymiser(load_key(home / "pseudonym.key"))
    expected = {names.study_id_from_uid(uid) for uid in acknowledged}
    with Warehouse.open(home, read_only=True) as warehouse:
        studies = Counter(row["study_id"] for row in warehouse.sql("SELECT study_id FROM studies"))
        scored = Counter(row["study_id"] for row in warehouse.sql("FROM predictions"))
        resent = Counter(row["study_id"] for row in warehouse.sql("FROM resends"))
        refused = warehouse.sql("SELECT * FROM rejections")
    assert studies == scored
    outcomes = studies + resent
    assert set(outcomes.values()) == {1}
    assert len(outcomes) + len(refused) == len(expected)
    assert set(outcomes) <= expected
    assert spool.waiting() == 0
    counts = spool.counts()
    assert counts[Outcome.PREDICTED] == len(studies)
    assert counts.get(Outcome.REJECTED, 0) == len(refused)
    # a kill between a payload's rename and its row leaves the file for the sweep an hour later
    assert len(list(spool.films.glob("*/*"))) <= 2 * KILLS


def _sender(folder: Path, port: int, number: int) -> subprocess.Popen[bytes]:
    words = [str(folder / "films.npy"), str(port), str(number), str(CLIENTS)]
    log = str(folder / f"acknowledged-{number}")
    return subprocess.Popen(
        [sys.executable, "-m", "tests.end_to_end.sender", *words, log, str(SECONDS)],
        stderr=subprocess.DEVNULL,
    )


def _acknowledged(folder: Path) -> Counter[str]:
    lines = [file.read_text().split() for file in folder.glob("acknowledged-*")]
    return Counter(uid for uids in lines for uid in uids)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
