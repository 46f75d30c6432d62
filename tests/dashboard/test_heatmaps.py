"""`predict --explain`: a heatmap for every film with a score, and none for the rest."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dashboard.cli import main
from dashboard.heatmaps import unique_names
from inference.generator import Generator


def test_colliding_stems_get_names_of_their_own() -> None:
    files = [Path(name) for name in ("a/x.png", "b/X.dcm", "x-2.png", "c/x.jpg", "y.v2.png")]
    assert unique_names(files) == [
        "x.heatmap.png",
        "X-2.heatmap.png",
        "x-2-2.heatmap.png",
        "x-3.heatmap.png",
        "y.v2.heatmap.png",
    ]


def test_every_scored_film_has_its_heatmap(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = Generator.load().sample(np.array([0.9]), np.array(["virus"]), np.random.default_rng(0))
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        Image.fromarray(film[0]).resize((500, 400)).save(tmp_path / folder / "film.png")
    (tmp_path / "note.png").write_text("no film")
    files = [str(tmp_path / name) for name in ("one/film.png", "note.png", "two/film.png")]
    words = ["predict", *files, "--explain", str(tmp_path / "heat"), "--json", "--device", "cpu"]
    assert main([*words, "--home", str(tmp_path / "none")]) == 0
    said = capsys.readouterr()
    first, refused, second = json.loads(said.out)
    assert "wrote 2 heatmaps" in said.err
    assert first["heatmap"] == str(tmp_path / "heat" / "film.heatmap.png")
    assert second["heatmap"] == str(tmp_path / "heat" / "film-2.heatmap.png")
    assert refused["heatmap"] is None
    assert refused["reasons"][-1] == "no heatmap: the film was not scored"
    with Image.open(first["heatmap"]) as picture:
        assert picture.size == (500, 400)
        assert picture.info == {}
        assert (np.ptp(np.asarray(picture).astype(int), axis=2) > 20).any()  # there is colour


def test_a_folder_that_cannot_be_made_is_said_before_any_film_is_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    Image.new("L", (200, 200)).save(tmp_path / "film.png")
    (tmp_path / "file").write_text("in the way")
    words = ["predict", str(tmp_path / "film.png"), "--explain", str(tmp_path / "file" / "heat")]
    assert main([*words, "--home", str(tmp_path / "none")]) == 2
    assert "--explain" in capsys.readouterr().err
