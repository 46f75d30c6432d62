"""`ingest` and `predict` on a CPU, with a tiny model that judges scope by brightness."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from inference import checkpoint
from inference.network import Classifier, build
from tests.inference.films import made_film, write_film
from tests.inference.models import tiny_card

SITES = "site_id,name,region,latitude,longitude\nA,Alpha,R1,0,0\n"
NAMES = ("dark.png", "bright.png", "brightest.png")
CALL = (
    "import sys; from pathlib import Path; from inference import checkpoint\n"
    "checkpoint.SHIPPED = Path(sys.argv[1])\n"
    "from dashboard.cli import main\n"
    "code = main(sys.argv[2:])\n"
    "print('torch' in sys.modules, file=sys.stderr)\n"
    "sys.exit(code)"
)


class Lamp(Classifier):
    """Its scope score is a film's mean grey level."""

    def judge(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self(films), films.float().mean(dim=(1, 2, 3))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that stands in for the shipped weights."""
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(1)
    module = Lamp(build("small", 3).features, 64, 3).eval()
    card = tiny_card(scope_limit=120.0, scope_hard_limit=160.0, ages=(0.0, 120.0))
    checkpoint.save(folder, module, card)
    return folder


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Mean grey levels of about 110, 140 and 170."""
    folder = tmp_path_factory.mktemp("films")
    film = made_film(np.random.default_rng(4), 0, 128)
    return [write_film(folder / name, film + 30 * n) for n, name in enumerate(NAMES)]


@pytest.fixture(scope="module")
def home(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    (folder / "sites.csv").write_text(SITES)
    call(model, folder / "home", "init")
    call(model, folder / "home", "sites", "load", str(folder / "sites.csv"))
    return folder / "home"


def call(model: Path, home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", CALL, str(model), *words, "--home", str(home)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=240)


def test_ingest_refuses_what_is_no_chest_and_loads_no_torch(
    model: Path, home: Path, films: list[Path]
) -> None:
    words = [str(films[0].parent), "--site", "A", "--device", "cpu", "--json"]
    for predicted, duplicates in ((2, 0), (0, 2)):
        ran = call(model, home, "ingest", *words)
        found = json.loads(ran.stdout)
        assert (found["predicted"], found["duplicates"]) == (predicted, duplicates)
        assert found["by_reason"] == {"not_a_chest": 1}
        assert "refused 'brightest.png': not_a_chest: its pixels" in ran.stderr
        assert ran.stderr.endswith("False\n")
    (row,) = json.loads(call(model, home, "rejections", "--format", "json").stdout)
    assert row["reason"] == "not_a_chest"
    assert "brightest" not in str(row)


def test_predict_shows_the_three_in_the_order_given(model: Path, films: list[Path]) -> None:
    words = [*map(str, films[::-1]), "--device", "cpu", "--json"]
    ran = call(model, films[0].parent / "no-home", "predict", *words)
    refused, outside, inside = json.loads(ran.stdout)
    assert ran.stderr.endswith("False\n")
    assert [Path(e["file"]).name for e in (refused, outside, inside)] == list(NAMES[::-1])
    assert refused["probability"] is refused["label"] is refused["study_id"] is None
    assert refused["reasons"][0].startswith("not_a_chest: its pixels are not those")
    assert (refused["in_scope"], outside["in_scope"], inside["in_scope"]) == (False, False, True)
    assert outside["label"] is None
    assert outside["probability"] is not None
    assert "unlike the films" in outside["reasons"][0]
    assert (inside["reasons"], inside["label"] in ("NORMAL", "PNEUMONIA")) == ([], True)
