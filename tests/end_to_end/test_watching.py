"""`pneumowatch watch` and `tokens` as a user runs them: real processes, files, model, warehouse."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from PIL import Image

from dashboard.cli import main
from tests.end_to_end.arriving import as_bytes, generated, instance
from tests.end_to_end.test_chain import call, new_home
from tests.ingest.dropping import until
from warehouse.store import Warehouse

KILLS = 12 if os.environ.get("PROOF_SIZE", "whole") == "whole" else 3
FILMS = 4 * KILLS


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return new_home(tmp_path)


@pytest.fixture(scope="module")
def empty_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For tests that put no X-ray into it."""
    return new_home(tmp_path_factory.mktemp("empty"))


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def once(home: Path, *words: str) -> dict:
    ran = call(home, "watch", "--once", "--json", "--device", "cpu", *words)
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    found = json.loads(ran.stdout)
    assert found["received"] == found["predicted"] + found["duplicates"] + found["rejected"]
    assert found["rejected"] == sum(found["by_reason"].values())
    return found


@contextmanager
def watching(home: Path, *words: str) -> Iterator["subprocess.Popen[str]"]:
    """The service. It is killed if it is still there at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "dashboard.cli", "watch", "--home", str(home), *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def predicted(home: Path) -> tuple[int, int]:
    """Predictions, and different studies among them."""
    with Warehouse.open(home, read_only=True) as warehouse:
        (row,) = warehouse.sql(
            "SELECT count(*) AS n, count(DISTINCT study_id) AS d FROM predictions"
        )
    return row["n"], row["d"]


def test_once_from_a_folder_to_the_warehouse(home: Path, drop: Path) -> None:
    films = generated(4)
    for number, film in enumerate(films[:3]):
        Image.fromarray(film).save(drop / f"Jane_Doe_{number}.png")
    (drop / "same.dcm").write_bytes(as_bytes(instance(films[3], 1)))
    (drop / "sub").mkdir()
    (drop / "sub" / "other.dcm").write_bytes(as_bytes(instance(films[0], 1)))
    (drop / "letter.txt").write_text("Dear colleague")
    found = once(home, "--folder", f"{drop}=A")
    assert (found["predicted"], found["waiting"]) == (4, 0)
    assert found["by_reason"] == {"id_collision": 1, "not_an_image": 1}
    assert predicted(home) == (4, 4)
    refused = drop / "refused"
    (note,) = [
        json.loads(path.read_text())
        for path in refused.rglob("*.reason.json")
        if "collision" in path.read_text()
    ]
    with Warehouse.open(home, read_only=True) as warehouse:
        (row,) = warehouse.sql("SELECT sentence FROM rejections WHERE reason = 'id_collision'")
    assert note["sentence"] == row["sentence"]
    assert note["file"] in ("same.dcm", "sub/other.dcm")
    assert once(home, "--folder", f"{drop}=A")["received"] == 0


def test_without_a_worker_it_only_takes(home: Path, drop: Path) -> None:
    Image.fromarray(generated(1)[0]).save(drop / "a.png")
    found = once(home, "--folder", f"{drop}=A", "--no-worker")
    assert (found["received"], found["waiting"]) == (0, 1)
    assert (drop / "a.png").exists()
    assert call(home, "drain").returncode == 0
    found = once(home, "--folder", f"{drop}=A", "--after", "leave", "--no-worker")
    assert (found["duplicates"], found["waiting"]) == (1, 0)
    assert (drop / "a.png").exists()


@pytest.mark.proof
def test_killed_again_and_again_nothing_is_lost_or_counted_twice(home: Path, drop: Path) -> None:
    words = ("--folder", f"{drop}=A", "--device", "cpu")
    films = generated(FILMS + 1)
    for number in range(KILLS):
        seconds = 0.5 + 5.0 * number / KILLS
        with watching(home, *words) as process:
            for film in range(4 * number, 4 * number + 4):
                Image.fromarray(films[film]).save(drop / f"{film}.png")
                time.sleep(seconds / 4)
            process.send_signal(signal.SIGKILL)
            process.wait()
    with watching(home, *words, "--json") as process:
        Image.fromarray(films[FILMS]).save(drop / "last.png")  # what it does shows that it is up
        until(lambda: len(list((drop / "done").glob("*.png"))) == FILMS + 1, 120)
        process.send_signal(signal.SIGTERM)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert json.loads(said)["rejected"] == 0
    assert predicted(home) == (FILMS + 1, FILMS + 1)
    print(f"{KILLS} kills: {FILMS} films dropped, each predicted once")
    assert not (drop / "refused").exists()


def test_mistakes_are_named_before_the_first_file(
    empty_home: Path, drop: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    inner = drop / "inner"
    inner.mkdir()
    for words, said in (
        ((), "name a folder with --folder DIR=SITE"),
        (("--folder", f"{drop}=NOWHERE"), "the site NOWHERE is not loaded"),
        (("--folder", str(drop)), "no site is known"),
        (("--folder", f"{drop}/none=A"), "there is no such folder"),
        (("--folder", f"{empty_home.parent}=A"), "lies in it"),
        (("--folder", f"{drop}=A", "--folder", f"{inner}=B"), "overlap"),
    ):
        assert main(["watch", "--home", str(empty_home), "--once", *words]) == 2
        assert said in capsys.readouterr().err


def test_tokens_are_shown_once_and_listed_without_their_secrets(
    empty_home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def tokens(*words: str) -> tuple[int, str]:
        code = main(["tokens", "--home", str(empty_home), *words])
        said = capsys.readouterr()
        return code, said.err if code else said.out

    code, said = tokens("add", "--site", "A", "--name", "PACS")
    secret = said.strip()
    assert (code, secret.startswith("pneumowatch_")) == (0, True)
    _, listed = tokens("list", "--format", "json")
    (one,) = json.loads(listed)
    assert (one["site"], one["name"], one["revoked_at"]) == ("A", "PACS", None)
    assert secret not in listed
    assert tokens("revoke", one["id"])[0] == 0
    (one,) = json.loads(tokens("list", "--format", "json")[1])
    assert one["revoked_at"]
    for words, expected in (
        (("add", "--site", "NOWHERE"), "not loaded"),
        (("revoke", "none"), "there is no token 'none'"),
    ):
        code, said = tokens(*words)
        assert (code, expected in said) == (2, True)
