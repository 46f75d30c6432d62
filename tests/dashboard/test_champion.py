"""Which model a home uses after init, after an upgrade, and after a user's own choice."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.champion import ensure_model
from dashboard.cli import main
from dashboard.model_choice import choose_model
from inference.checkpoint import read_card, shipped_model
from ingest.errors import UserError
from tests.inference.tiny_model import write_model
from tests.warehouse.rows import card
from warehouse.model_files import install
from warehouse.models import ADDED, SHIPPED, champion, promote, register, registry, rollback_target
from warehouse.store import Warehouse
from warehouse.versions import resolve

VERSION = read_card(shipped_model()).model_version


@pytest.fixture
def empty(tmp_path: Path) -> Warehouse:
    return Warehouse.create(tmp_path / "home")


def statuses(warehouse: Warehouse) -> dict[str, str]:
    return {row["model_version"]: row["status"] for row in registry(warehouse)}


def test_a_fresh_home_has_the_shipped_model_promoted_and_its_files(empty: Warehouse) -> None:
    found = ensure_model(empty)
    assert found.card.model_version == VERSION
    assert found.path == empty.home.models / f"{VERSION}.json"
    before = resolve(empty)
    assert ensure_model(empty) == found
    assert resolve(empty) == before, "nothing is written when nothing is new"


def test_an_upgrade_promotes_its_model_over_an_earlier_shipped_one(
    empty: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    """The earlier one's weights are no longer in the package; its rows stay."""
    register(empty, card("pneumowatch-old"), promote=True, origin=SHIPPED)
    assert ensure_model(empty).card.model_version == VERSION
    assert statuses(empty) == {VERSION: "champion", "pneumowatch-old": "retired"}
    assert f"promoted the model {VERSION}" in capsys.readouterr().err


def test_an_upgrade_leaves_a_model_that_somebody_promoted(
    empty: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    install(empty, write_model(tmp_path / "own"), origin=ADDED, promote=True)
    found = ensure_model(empty)
    assert found.card.model_version == "tiny-1"
    assert statuses(empty) == {"tiny-1": "champion", VERSION: "challenger"}
    said = capsys.readouterr().err
    assert f"models promote {VERSION}" in said
    assert "tiny-1 stays promoted" in said


def test_a_rollback_to_an_earlier_shipped_model_stays(empty: Warehouse, tmp_path: Path) -> None:
    install(empty, write_model(tmp_path / "old"), origin=SHIPPED, promote=True)
    ensure_model(empty)
    assert rollback_target(empty) == (VERSION, "tiny-1")
    promote(empty, "tiny-1")
    assert ensure_model(empty).card.model_version == "tiny-1"


def test_a_model_that_was_promoted_and_lost_is_said_so(empty: Warehouse, tmp_path: Path) -> None:
    install(empty, write_model(tmp_path / "own"), origin=ADDED, promote=True)
    shutil.rmtree(empty.home.models)
    assert ensure_model(empty).path.is_file(), "fetched from the warehouse"
    shutil.rmtree(empty.home.models)
    empty.sql("DELETE FROM model_files")
    with pytest.raises(UserError, match="weights of tiny-1 are not in"):
        ensure_model(empty)


def test_commands_that_store_nothing_use_the_promoted_model(
    empty: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert choose_model(tmp_path / "no-home") == shipped_model()
    assert choose_model(empty.home.root) == shipped_model(), "none is promoted yet"
    source = write_model(tmp_path / "own")
    assert choose_model(empty.home.root, str(source)) == source
    install(empty, source, origin=ADDED, promote=True)
    assert choose_model(empty.home.root) == empty.home.models / "tiny-1.json"
    assert choose_model(empty.home.root, VERSION) == shipped_model()
    with pytest.raises(UserError, match="no model 'nowhere'"):
        choose_model(empty.home.root, "nowhere")
    register(empty, replace(card("pneumowatch-old")), promote=True, origin=SHIPPED)
    assert choose_model(empty.home.root) == shipped_model()
    assert "pneumowatch-old is gone" in capsys.readouterr().err


def test_the_commands_by_name(
    empty: Warehouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(empty.home.root)]
    ensure_model(empty)
    write_model(tmp_path / "own")
    capsys.readouterr()
    assert main(["models", "add", str(tmp_path / "own"), "--challenger", *home]) == 0
    assert "registered tiny-1 as a challenger" in capsys.readouterr().err
    assert main(["models", "add", str(tmp_path / "own"), *home]) == 0
    assert "registered already" in capsys.readouterr().err
    assert main(["models", "promote", "tiny-2", *home]) == 2
    assert "registered: " in capsys.readouterr().err
    assert main(["models", "promote", "tiny-1", *home]) == 0
    assert f"promoted tiny-1 in the place of {VERSION}" in capsys.readouterr().err
    assert main(["models", "list", "--format", "json", *home]) == 0
    first, second = json.loads(capsys.readouterr().out)
    assert (first["model_version"], first["status"], first["promoted"]) == (
        "tiny-1",
        "champion",
        True,
    )
    assert (second["status"], second["promoted"], len(second["digest"])) == ("retired", False, 12)
    (empty.home.models / f"{VERSION}.safetensors").write_bytes(b"damaged")
    assert main(["models", "rollback", *home]) == 2
    assert "digest differs" in capsys.readouterr().err
    best = champion(empty)
    assert best is not None
    assert best["model_version"] == "tiny-1"
