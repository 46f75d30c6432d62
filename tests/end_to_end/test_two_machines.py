"""Two homes as two machines on PostgreSQL and a shared folder."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.generator import Generator
from tests.end_to_end.test_chain import SITES, call, ingest
from tests.postgres import PASSWORD, Server

FILMS = 24


def test_both_are_given_the_same_films_at_once(
    postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    postgres.database("two_machines")
    where = ["--catalog", postgres.url("two_machines", password=False)]
    where += ["--data", str(tmp_path / "shared")]
    first, second = tmp_path / "first", tmp_path / "second"
    assert call(first, "init", *where).returncode == 0
    second.mkdir()
    shutil.copy(first / "pseudonym.key", second / "pseudonym.key")
    assert call(second, "init", *where).returncode == 0
    (tmp_path / "sites.csv").write_text(SITES)
    assert call(second, "sites", "load", str(tmp_path / "sites.csv")).returncode == 0

    words = [str(_films(tmp_path / "images")), "--site", "A"]
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda home: ingest(home, *words), (first, second)))
    assert sum(one["predicted"] for one in found) == FILMS
    assert sum(one["duplicates"] for one in found) == FILMS
    for home in (first, second):
        assert ingest(home, *words)["duplicates"] == FILMS
    seen = [json.loads(call(home, "status", "--json").stdout) for home in (first, second)]
    assert [one["studies"] for one in seen] == [FILMS, FILMS]
    assert len({one["commit_number"] for one in seen}) == 1
    (folder,) = [path for path in tmp_path.rglob("studies") if path.parent.name == "main"]
    assert folder.is_relative_to(tmp_path / "shared"), "no data lie in a home"


def _films(folder: Path) -> Path:
    folder.mkdir()
    rng = np.random.default_rng(3)
    made = Generator.load().sample(rng.random(FILMS), np.full(FILMS, ""), rng)
    for number, film in enumerate(made):
        Image.fromarray(film).save(folder / f"{number:02d}.png")
    return folder
