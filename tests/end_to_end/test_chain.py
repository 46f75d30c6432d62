"""From files to measures, as a user runs it: real processes, a real model, a real warehouse."""

import csv
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from inference.generator import Generator
from warehouse.store import Warehouse

SITES = "site_id,name,region,latitude,longitude\nA,Alpha,R1,0,0\nB,Beta,R2,1,1\n"
DIAGNOSIS = re.compile("not a diagnosis", re.IGNORECASE)


def call(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard.cli", *words, "--home", str(home)],
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def ingest(home: Path, *words: str) -> dict:
    ran = call(home, "ingest", *words, "--json")
    assert ran.returncode == 0, ran.stderr
    assert "Traceback" not in ran.stderr
    found = json.loads(ran.stdout)
    assert found["received"] == found["predicted"] + found["duplicates"] + found["rejected"]
    assert found["rejected"] == sum(found["by_reason"].values())
    return found


def measures(home: Path, *words: str) -> list[dict]:
    ran = call(home, "measures", "--format", "json", *words)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def new_home(folder: Path) -> Path:
    home = folder / "home"
    (folder / "sites.csv").write_text(SITES)
    assert call(home, "init").returncode == 0
    assert call(home, "sites", "load", str(folder / "sites.csv")).returncode == 0
    return home


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty synthetic films with a manifest; P-SECRET-… are the patients' ids."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(4)
    sick = np.arange(20) % 2
    made = Generator.load().sample(0.1 + 0.8 * sick, np.where(sick, "bacteria", ""), rng)
    (folder / "images").mkdir()
    with (folder / "manifest.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow("file,site_id,acquired_at,patient_id,age_years,sex,view".split(","))
        for number, film in enumerate(made):
            name = f"Jane_Doe_{number:02d}.png"
            Image.fromarray(film).save(folder / "images" / name)
            day = f"2026-05-{11 + number % 10:02d}T10:00:00+00:00"
            writer.writerow([name, "AB"[number % 2], day, f"P-SECRET-{number}", 4, "F", "PA"])
    return folder


@pytest.fixture(scope="module")
def ingested(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = new_home(tmp_path_factory.mktemp("ingested"))
    found = ingest(home, str(films / "images"), "--manifest", str(films / "manifest.csv"))
    assert (found["predicted"], found["device"]) == (20, found["device"])
    return home


def test_the_same_folder_again_adds_nothing_and_says_so(ingested: Path, films: Path) -> None:
    before = measures(ingested, "--by", "site")
    ran = call(
        ingested,
        "ingest",
        str(films / "images"),
        "--manifest",
        str(films / "manifest.csv"),
        "--json",
    )
    found = json.loads(ran.stdout)
    assert (found["predicted"], found["duplicates"], found["rejected"]) == (0, 20, 0)
    assert "nothing new" in ran.stderr
    after = measures(ingested, "--by", "site")
    assert [m["numerator"] for m in after] == [m["numerator"] for m in before]


@pytest.mark.parametrize("period", ["day", "week", "month"])
@pytest.mark.parametrize("by", ["region", "site", "region,site", ""])
def test_xrays_add_up_to_what_came_in(ingested: Path, period: str, by: str) -> None:
    words = ["--measure", "xrays", "--period", period] + (["--by", by] if by else [])
    assert sum(m["numerator"] for m in measures(ingested, *words)) == 20


def test_no_identity_is_in_anything_that_was_written(ingested: Path) -> None:
    for path in ingested.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"SECRET" not in content, path
            assert b"Jane_Doe" not in content, path
    with Warehouse.open(ingested, read_only=True) as warehouse:
        for table in ("studies", "predictions", "rejections"):
            text = str(warehouse.sql(f"SELECT * FROM {table}"))
            assert "SECRET" not in text
            assert "Jane" not in text


def test_predict_scores_without_storing(ingested: Path, films: Path) -> None:
    before = call(ingested, "status", "--json").stdout
    chosen = [str(films / "images" / f"Jane_Doe_{number:02d}.png") for number in (3, 0)]
    ran = call(ingested, "predict", *chosen, "--json")
    assert ran.returncode == 0, ran.stderr
    assert DIAGNOSIS.search(ran.stderr)
    first, second = json.loads(ran.stdout)
    assert [first["file"], second["file"]] == chosen
    assert {
        "file", "study_id", "probability", "label", "threshold", "p_bacterial", "p_viral",
        "in_scope", "reasons", "model_version",
    } <= set(first)  # fmt: skip
    assert first["probability"] > second["probability"], "3 is sick, 0 is healthy"
    assert first["label"] == (
        "PNEUMONIA" if first["probability"] >= first["threshold"] else "NORMAL"
    )
    after = call(ingested, "status", "--json").stdout
    assert json.loads(before)["studies"] == json.loads(after)["studies"]


def test_predict_agrees_with_ingest_and_needs_no_home(
    ingested: Path, films: Path, tmp_path: Path
) -> None:
    chosen = str(films / "images" / "Jane_Doe_05.png")
    ran = call(tmp_path / "no-home", "predict", chosen, "--json")
    assert ran.returncode == 0, ran.stderr
    (alone,) = json.loads(ran.stdout)
    with Warehouse.open(ingested, read_only=True) as warehouse:
        rows = warehouse.sql("SELECT probability FROM predictions")
    gaps = [abs(row["probability"] - alone["probability"]) for row in rows]
    assert min(gaps) < 1e-4, "a batch of one and a batch of many give the same score"


def test_a_folder_of_trouble(films: Path, tmp_path: Path) -> None:
    """A good film goes in; four kinds of trouble are each refused for their own reason."""
    home, folder = new_home(tmp_path), tmp_path / "mixed"
    folder.mkdir()
    good = films / "images" / "Jane_Doe_01.png"
    shutil.copy(good, folder / "good.png")
    with Image.open(good) as image:
        image.save(tmp_path / "whole.jpeg", quality=95)
    whole = (tmp_path / "whole.jpeg").read_bytes()
    (folder / "cut.jpeg").write_bytes(whole[: len(whole) // 2])
    (folder / "empty.png").touch()
    (folder / "letter.dcm").write_text("Dear colleague, please find enclosed\n" * 40)
    noise = np.random.default_rng(1).integers(0, 256, (400, 400), dtype=np.uint8)
    Image.fromarray(noise).save(folder / "noise.png")
    ran = call(home, "ingest", str(folder), "--site", "A", "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert (found["predicted"], found["rejected"]) == (1, 4)
    assert found["by_reason"] == {"truncated": 1, "empty": 1, "not_an_image": 1, "noise": 1}
    for name in ("cut.jpeg", "empty.png", "letter.dcm", "noise.png"):
        assert name in ran.stderr, "standard error names the file"
    listed = json.loads(call(home, "rejections", "--format", "json").stdout)
    assert len({row["reason"] for row in listed}) == 4
    assert all(len(row["sentence"]) > 20 for row in listed)
    assert not [row for row in listed if "cut.jpeg" in str(row)]
    strict = call(home, "ingest", str(folder), "--site", "A", "--strict")
    assert strict.returncode == 3
    again = json.loads(call(home, "rejections", "--format", "json").stdout)
    assert len(again) == 4, "refused again, recorded once"


def test_manifest_rows_are_named_and_cost_only_their_file(films: Path, tmp_path: Path) -> None:
    home = new_home(tmp_path)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text(
        "file,site_id,acquired_at,age_years,sex\n"
        "Jane_Doe_00.png,A,2026-05-11,4,F\n"
        "Jane_Doe_01.png,A,yesterday,4,F\n"
        "Jane_Doe_02.png,Z,2026-05-11,4,F\n"
        "Jane_Doe_03.png,A,,4,F\n"
        "not-there.png,A,2026-05-11,4,F\n"
    )
    ran = call(home, "ingest", str(films / "images"), "--manifest", str(manifest), "--json")
    assert ran.returncode == 0, ran.stderr
    found = json.loads(ran.stdout)
    assert found["by_reason"] == {"manifest_row": 1, "no_site": 16, "unknown_site": 1}
    assert found["predicted"] == 2
    assert re.search(r"line 3, column acquired_at.*yesterday", ran.stderr)
    assert "1 manifest rows with no file" in ran.stderr
    assert sum(m["numerator"] for m in measures(home, "--measure", "xrays")) == 1, "one has no date"


def test_a_killed_ingest_is_simply_run_again(films: Path, tmp_path: Path) -> None:
    home = new_home(tmp_path)
    words = ["ingest", str(films / "images"), "--manifest", str(films / "manifest.csv")]
    for pause in (2.5, 4.0):
        process = subprocess.Popen(
            [sys.executable, "-m", "dashboard.cli", *words, "--home", str(home)],
            env={**os.environ, "PNEUMOWATCH_WAREHOUSE_COMMIT_ROWS": "1"},
            stdout=subprocess.DEVNULL,
        )
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        process.wait()
    found = ingest(home, *words[1:])
    assert found["predicted"] + found["duplicates"] == 20
    assert sum(m["numerator"] for m in measures(home, "--measure", "xrays")) == 20


def test_the_real_films(shared_data: Path, tmp_path: Path) -> None:
    """The acceptance run: 300 real originals, then the same again."""
    home, incoming = tmp_path / "home", shared_data / "incoming"
    assert call(home, "init").returncode == 0
    sites = [
        "sites",
        "load",
        str(incoming / "sites.csv"),
        "--regions",
        str(incoming / "regions.geojson"),
    ]
    assert call(home, *sites).returncode == 0
    words = [str(incoming / "images"), "--manifest", str(incoming / "manifest.csv")]
    first = ingest(home, *words)
    assert (first["predicted"], first["rejected"]) == (300, 0)
    again = ingest(home, *words)
    assert (again["predicted"], again["duplicates"]) == (0, 300)
    for period in ("day", "week", "month"):
        found = measures(home, "--by", "region", "--period", period)
        assert sum(m["numerator"] for m in found if m["measure"] == "xrays") == 300
        judged = sum(m["denominator"] for m in found if m["measure"] == "positivity")
        words = ("--measure", "out_of_scope", "--by", "region", "--period", period)
        outside = sum(m["numerator"] for m in measures(home, *words))
        assert judged + outside == 300
        assert outside <= 6  # 2 % of children's films
