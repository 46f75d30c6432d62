"""Model files in a home: checked before they are let in, there whole, found again."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from inference import checkpoint
from ingest.errors import InputError, UserError
from tests.inference.tiny_model import write_model
from warehouse.model_files import check_loads, install, keep_shipped, model_path
from warehouse.models import ADDED, registry
from warehouse.store import Warehouse


def installed(warehouse: Warehouse) -> list[str]:
    folder = warehouse.home.models
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def versions(warehouse: Warehouse) -> set[str]:
    return {row["model_version"] for row in registry(warehouse)}


def rewritten(card: Path, **other: object) -> Path:
    card.write_text(json.dumps(json.loads(card.read_text()) | other))
    return card


def test_a_model_is_copied_and_registered_as_a_challenger(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    source = write_model(tmp_path / "model")
    card = install(warehouse, source.parent, origin=ADDED)
    assert installed(warehouse) == ["tiny-1.json", "tiny-1.onnx", "tiny-1.safetensors"]
    row = next(row for row in registry(warehouse) if row["model_version"] == "tiny-1")
    assert (row["status"], row["origin"]) == ("challenger", ADDED)
    assert row["weights_digest"] == card.weights_digest
    assert check_loads(model_path(warehouse.home, "tiny-1")) == card


def test_the_same_again_changes_nothing_but_restores_lost_files(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    source = write_model(tmp_path / "model")
    install(warehouse, source, origin=ADDED)
    weights = warehouse.home.models / "tiny-1.safetensors"
    weights.unlink()
    with pytest.raises(UserError, match=r"weights of tiny-1 are not in .*models add"):
        model_path(warehouse.home, "tiny-1")
    install(warehouse, source, origin=ADDED)
    assert weights.read_bytes() == source.with_suffix(".safetensors").read_bytes()
    assert len(registry(warehouse)) == 2


def test_other_bytes_under_a_known_version_are_refused_and_not_copied(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    install(warehouse, write_model(tmp_path / "one"), origin=ADDED)
    before = (warehouse.home.models / "tiny-1.safetensors").read_bytes()
    with pytest.raises(UserError, match="registered with other weights"):
        install(warehouse, write_model(tmp_path / "two", seed=2), origin=ADDED)
    assert (warehouse.home.models / "tiny-1.safetensors").read_bytes() == before


def test_damaged_weights_are_refused(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model")
    weights = source.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-1] + b"x")
    with pytest.raises(InputError, match=r"tiny-1\.safetensors.*digest differs"):
        install(warehouse, source, origin=ADDED)
    weights.unlink()
    with pytest.raises(InputError, match=r"tiny-1\.safetensors.*missing"):
        install(warehouse, source, origin=ADDED)
    assert (installed(warehouse), versions(warehouse)) == ([], {"m1"})


def test_an_exported_graph_travels_with_its_digest(warehouse: Warehouse, tmp_path: Path) -> None:
    source = write_model(tmp_path / "model")
    graph = source.with_suffix(".onnx")
    content = graph.read_bytes()
    graph.unlink()
    with pytest.raises(InputError, match=r"tiny-1\.onnx.*missing"):
        install(warehouse, source, origin=ADDED)
    graph.write_bytes(content[:-1] + b"!")
    with pytest.raises(InputError, match=r"tiny-1\.onnx.*digest differs"):
        install(warehouse, source, origin=ADDED)
    graph.write_bytes(content)
    install(warehouse, source, origin=ADDED)
    assert (warehouse.home.models / "tiny-1.onnx").read_bytes() == content


@pytest.mark.parametrize(
    ("labels", "negative", "stranger"),
    [
        (("CNV", "DME", "DRUSEN", "NORMAL"), "NORMAL", "CNV, DME, DRUSEN does not"),
        (("normal", "pneumonia", "tuberculosis"), "normal", "tuberculosis does not"),
    ],
)
def test_a_model_of_something_else_is_refused(
    warehouse: Warehouse, tmp_path: Path, labels: tuple[str, ...], negative: str, stranger: str
) -> None:
    source = write_model(tmp_path / "model", labels=labels, negative_label=negative)
    with pytest.raises(InputError, match=stranger):
        install(warehouse, source, origin=ADDED)
    assert versions(warehouse) == {"m1"}


def test_a_model_without_causes_is_welcome(warehouse: Warehouse, tmp_path: Path) -> None:
    labels = ("COVID-19", "NORMAL", "Viral Pneumonia")
    source = write_model(tmp_path / "model", labels=labels, negative_label="NORMAL")
    assert install(warehouse, source, origin=ADDED).labels == labels


@pytest.mark.parametrize("version", ["../../key", "", "a/b", ".hidden", "x" * 200])
def test_a_version_that_cannot_name_a_file_is_refused(
    warehouse: Warehouse, tmp_path: Path, version: str
) -> None:
    source = rewritten(write_model(tmp_path / "model"), model_version=version)
    with pytest.raises(InputError, match="cannot name files"):
        install(warehouse, source, origin=ADDED)
    assert installed(warehouse) == []


def test_weights_of_another_network_do_not_load(tmp_path: Path) -> None:
    source = rewritten(write_model(tmp_path / "model"), architecture="mobilenet_v2")
    with pytest.raises(InputError, match="do not fit the architecture"):
        check_loads(source)


def test_a_shipped_model_is_kept_where_an_upgrade_does_not_take_it(warehouse: Warehouse) -> None:
    shipped = checkpoint.shipped_model()
    card = checkpoint.read_card(shipped)
    assert model_path(warehouse.home, card.model_version) == shipped
    keep_shipped(warehouse.home, card.model_version)
    kept = model_path(warehouse.home, card.model_version)
    assert kept.parent == warehouse.home.models
    assert asdict(checkpoint.read_card(kept)) == asdict(card)
    keep_shipped(warehouse.home, "no-such-version")
