"""A model's life in a real home: added, promoted, scoring again, rolled back; then labels."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dashboard.cli import main
from inference.generator import Generator
from tests.inference.tiny_model import write_model
from warehouse.store import Warehouse

SITES = "site_id,name,region,latitude,longitude\nA,Alpha,R1,0,0\nB,Beta,R2,1,1\n"
SETTINGS = """
[ingest]
workers = 0
keep_images = true
[warehouse]
calibrate_positives = 10
calibrate_negatives = 20
"""
N = 48


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Films with a manifest and a radiologist's labels; the first third is sick."""
    folder = tmp_path_factory.mktemp("films")
    sick = np.arange(N) % 3 == 0
    causes = np.where(sick, "virus", "")
    made = Generator.load().sample(0.1 + 0.7 * sick, causes, np.random.default_rng(4))
    (folder / "images").mkdir()
    with (
        (folder / "manifest.csv").open("w", newline="") as manifest,
        (folder / "labels.csv").open("w", newline="") as labels,
    ):
        writer, confirmed = csv.writer(manifest), csv.writer(labels)
        writer.writerow(["file", "site_id", "acquired_at"])
        confirmed.writerow(["file", "label", "aetiology", "reader"])
        for number, film in enumerate(made):
            name = f"Jane_Doe_{number:02d}.png"
            Image.fromarray(film).save(folder / "images" / name)
            writer.writerow([name, "A" if number < 40 else "B", "2026-05-12"])
            truth = ("PNEUMONIA", "virus") if sick[number] else ("NORMAL", "normal")
            confirmed.writerow([name, *truth, "Dr Roe"])
    return folder


class Home:
    """A home and the commands on it, in this process."""

    def __init__(self, root: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.root, self._capsys = root, capsys

    def __call__(self, *words: str, code: int = 0) -> str:
        assert main([*words, "--home", str(self.root)]) == code, self._capsys.readouterr().err
        self.printed = self._capsys.readouterr()
        return self.printed.out

    def json(self, *words: str) -> dict:
        return json.loads(self(*words, "--json"))

    def measures(self, *words: str) -> list[dict]:
        """But for the version that they are of."""
        found = json.loads(self("measures", "--by", "site", "--format", "json", *words))
        return [{k: v for k, v in m.items() if k != "as_of"} for m in found]


def test_the_whole_life(films: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = Home(tmp_path / "home", capsys)
    (tmp_path / "sites.csv").write_text(SITES)
    home("init")
    home("sites", "load", str(tmp_path / "sites.csv"))
    (home.root / "pneumowatch.toml").write_text(SETTINGS)

    given = [str(films / "images"), "--manifest", str(films / "manifest.csv")]
    assert home.json("ingest", *given)["predicted"] == N
    shipped = json.loads(home("models", "list", "--format", "json"))[0]["model_version"]
    images = list((home.root / "studies").rglob("*.png"))
    assert len(images) == N
    before = home.measures()
    assert before

    write_model(tmp_path / "own", "all-sick", sick=9.0)
    home("models", "add", str(tmp_path / "own"))
    assert home.measures() == before
    home("models", "promote", "all-sick")
    assert f"{N} stored X-rays have not been scored" in home.printed.err
    assert home.measures() == before, "no film has its opinion yet"
    first = home.json("rescore", "--device", "cpu")
    assert (first["studied"], first["scored"], first["model_version"]) == (N, N, "all-sick")
    again = home.json("rescore", "--device", "cpu")
    assert (again["scored"], again["already_scored"]) == (0, N)
    version = json.loads(home("status", "--json"))["commit_number"]
    after = home.measures("--measure", "positivity")
    assert sum(m["numerator"] for m in after) == N
    assert {m["model_version"] for m in after} == {"all-sick"}

    home("models", "rollback")
    assert f"rolled back from all-sick to {shipped}" in home.printed.err
    assert home.measures() == before
    assert home.measures("--measure", "positivity", "--as-of", str(version)) == after
    home("models", "rollback", code=2)

    loaded = home.json("labels", "load", str(films / "labels.csv"))
    assert (loaded["received"], loaded["loaded"], loaded["calibrated"]) == (N, N, ["A"])
    assert "site B: 2 confirmed pneumonias and 6 normals" in home.printed.err
    assert home.json("labels", "load", str(films / "labels.csv"))["unchanged"] == N
    assert home.measures() == before, "stored predictions do not change"
    _a_new_film_is_calibrated(home, films, tmp_path)
    _no_name_is_stored(home)


def _a_new_film_is_calibrated(home: Home, films: Path, folder: Path) -> None:
    """Turned upside down it is another film; site A has a calibration, B has none."""
    for site in "AB":
        with Image.open(films / "images" / "Jane_Doe_01.png") as image:
            image.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(folder / f"new-{site}.png")
        assert home.json("ingest", str(folder / f"new-{site}.png"), "--site", site)["predicted"]
    with Warehouse.open(home.root, read_only=True) as warehouse:
        rows = warehouse.sql(
            "SELECT site_id, threshold, p.calibration_id, surveillance, probability "
            "FROM studies JOIN predictions AS p USING (study_id) "
            "LEFT JOIN site_calibrations USING (calibration_id, site_id) "
            "WHERE acquired_date IS NULL ORDER BY 1"
        )
    calibrated, plain = rows
    assert calibrated["calibration_id"] is not None
    assert calibrated["threshold"] == calibrated["surveillance"]
    assert plain["calibration_id"] is None
    assert plain["probability"] != calibrated["probability"], "the same film, two sites"


def _no_name_is_stored(home: Home) -> None:
    for path in home.root.rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert b"Jane_Doe" not in content, path
        assert b"Dr Roe" not in content, path
