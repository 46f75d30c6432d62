"""kill -9 of the whole chain, many times: afterwards each film is there exactly once."""

import csv
import os
import random
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

from inference.generator import Generator
from tests.end_to_end.test_chain import ingest, measures, new_home
from warehouse.store import Warehouse

WHOLE = os.environ.get("PROOF_SIZE", "whole") == "whole"
KILLS, FILMS = (50, 400) if WHOLE else (5, 240)
TRIES = 4 * KILLS  # some runs end before their moment comes; those do not count


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    (folder / "images").mkdir()
    rng = np.random.default_rng(8)
    made = Generator.load().sample(rng.random(FILMS), np.full(FILMS, ""), rng)
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "site_id", "acquired_at"])
        for number, film in enumerate(made):
            Image.fromarray(film).save(folder / "images" / f"{number:04d}.jpeg", quality=92)
            writer.writerow([f"{number:04d}.jpeg", "AB"[number % 2], "2026-05-11"])
    return folder


@pytest.mark.proof
def test_ingest_killed_at_random_moments(films: Path, tmp_path: Path) -> None:
    """Runs are killed on one home until it is whole in spite of that, then on another."""
    rng = random.Random(11)
    words = [str(films / "images"), "--manifest", str(films / "manifest.csv")]
    undisturbed = _seconds(_home(tmp_path, 0), words)
    home, homes, landed, torn, tries = _home(tmp_path, 1), 1, 0, 0, 0
    while landed < KILLS and tries < TRIES:
        tries += 1
        if _stored(home) == FILMS:
            homes += 1
            home = _home(tmp_path, homes)
        landed += _killed(home, words, rng.uniform(0.3, 1.0) * undisturbed)
        _check_whole(home)
        torn += 0 < _stored(home) < FILMS
    found = ingest(home, *words)
    assert found["predicted"] + found["duplicates"] == FILMS
    for number in range(homes + 1):
        _check_whole(tmp_path / str(number) / "home")
    for number in (0, homes):
        (measure,) = _totals(tmp_path / str(number) / "home")
        assert measure == FILMS
    assert landed == KILLS, f"only {landed} of {tries} runs were still there to be killed"
    assert torn > 0, "no kill left a home with a part of its films"
    print(
        f"\n{datetime.now(UTC):%Y-%m-%d}: {landed} kills of a running `pneumowatch ingest` over "
        f"{FILMS} films on {psutil.cpu_count()} cores; {torn} left a home with a part of its "
        f"films, in {homes} homes; 0 films lost, 0 doubled, 0 without a prediction"
    )


def _home(folder: Path, number: int) -> Path:
    place = folder / str(number)
    place.mkdir()
    return new_home(place)


def _seconds(home: Path, words: list[str]) -> float:
    """How long a run takes that nobody kills."""
    began = time.monotonic()
    assert ingest(home, *words)["predicted"] == FILMS
    return time.monotonic() - began


def _stored(home: Path) -> int:
    with Warehouse.open(home, read_only=True) as warehouse:
        (row,) = warehouse.sql("SELECT count(*) AS n FROM studies")
    return int(row["n"])


def _totals(home: Path) -> list[int]:
    return [measure["numerator"] for measure in measures(home, "--measure", "xrays")]


def _killed(home: Path, words: list[str], seconds: float) -> bool:
    """Whether it was still running when it was killed. No process of it may survive."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", "ingest", *words, "--home", str(home)],
        env={**os.environ, "PNEUMOWATCH_WAREHOUSE_COMMIT_ROWS": "16"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(seconds)
    running = process.poll() is None
    children = psutil.Process(process.pid).children(recursive=True) if running else []
    process.send_signal(signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive, "a decode worker outlived its parent"
    return running


def _check_whole(home: Path) -> None:
    with Warehouse.open(home, read_only=True) as warehouse:
        doubled = "SELECT study_id FROM {} GROUP BY 1 HAVING count(*) <> 1"
        assert warehouse.sql(doubled.format("studies")) == []
        assert warehouse.sql(doubled.format("predictions")) == []
        alone = "SELECT study_id FROM {} ANTI JOIN {} USING (study_id)"
        assert warehouse.sql(alone.format("studies", "predictions")) == []
        assert warehouse.sql(alone.format("predictions", "studies")) == []
