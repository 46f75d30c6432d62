"""Weights and card travel together: digest, missing parts, and what is shipped."""

from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch

from inference import checkpoint
from inference.network import build, load_pretrained
from inference.records import ModelCard
from ingest.errors import InputError, UserError


def _card(version: str = "tiny-1", created: str = "2026-01-01") -> ModelCard:
    return ModelCard(
        model_version=version,
        architecture="small",
        labels=("normal", "bacteria", "virus"),
        negative_label="normal",
        input_size=32,
        preprocessing="as in the test",
        thresholds={"surveillance": 0.5, "screening": 0.2},
        temperature=1.0,
        true_positives=1,
        false_negatives=2,
        true_negatives=3,
        false_positives=4,
        intended_use="tests",
        ages=(1.0, 5.0),
        views=("PA",),
        scope_limit=None,
        created=created,
    )


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = build("small", 3).eval()
    saved = checkpoint.save(tmp_path, module, _card())
    loaded, card = checkpoint.load(tmp_path)
    assert card == saved
    assert len(card.weights_digest) == 64
    films = torch.randint(0, 256, (2, 1, 32, 32), dtype=torch.uint8)
    assert torch.equal(loaded(films), module(films))
    assert asdict(checkpoint.read_card(tmp_path / "tiny-1.safetensors")) == asdict(card)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    checkpoint.save(tmp_path, build("small", 3), _card())
    weights = tmp_path / "tiny-1.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(InputError, match=r"tiny-1\.safetensors.*digest differs"):
        checkpoint.load(tmp_path)


def test_a_folder_gives_its_newest_model(tmp_path: Path) -> None:
    module = build("small", 3)
    checkpoint.save(tmp_path, module, _card("b-old", "2025-05-05"))
    checkpoint.save(tmp_path, module, _card("a-new", "2026-06-06"))
    assert checkpoint.load(tmp_path)[1].model_version == "a-new"


def test_missing_parts_are_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no model"):
        checkpoint.load(tmp_path)
    with pytest.raises(UserError, match="is not a model"):
        checkpoint.load(tmp_path / "none.safetensors")
    broken = tmp_path / "broken.json"
    broken.write_text('{"model_version": "x"}')
    with pytest.raises(InputError, match=r"broken\.json.*not a complete model card"):
        checkpoint.read_card(broken)
    checkpoint.save(tmp_path, build("small", 3), _card())
    (tmp_path / "tiny-1.safetensors").unlink()
    with pytest.raises(InputError, match="missing"):
        checkpoint.load(tmp_path / "tiny-1.json")


def test_an_unknown_architecture_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="mobilenet_v2"):
        build("resnet900", 2)
    saved = checkpoint.save(tmp_path, build("small", 3), _card())
    assert saved.architecture == "small"


def test_imagenet_weights_fit_and_keep_the_grey_response() -> None:
    """Against torchvision's own network, where it is installed."""
    models = pytest.importorskip("torchvision.models")
    torch.manual_seed(1)
    theirs = models.mobilenet_v2(weights=None).eval()
    ours = build("mobilenet_v2", 3).eval()
    taken = load_pretrained(ours, theirs.state_dict())
    assert taken == len(ours.state_dict()) - 2  # the head has another number of classes
    films = torch.rand(2, 1, 64, 64) * 255
    standardised = ours.standardise(films)
    with torch.inference_mode():
        expected = theirs.features(standardised.expand(-1, 3, -1, -1)).mean(dim=(2, 3))
        assert torch.allclose(ours.embed(films), expected, atol=1e-4)


def test_exposure_does_not_matter_to_a_network() -> None:
    module = build("small", 2).eval()
    films = torch.rand(3, 1, 32, 32) * 100 + 20
    with torch.inference_mode():
        assert torch.allclose(module(films), module(films * 1.5 + 10), atol=0.02)
        assert torch.isfinite(module(torch.zeros(1, 1, 32, 32))).all()


def test_the_shipped_model_is_small_whole_and_described() -> None:
    file = checkpoint.shipped_model()
    module, card = checkpoint.load(file)
    assert file.with_suffix(".safetensors").stat().st_size < 25e6
    assert card.labels == ("normal", "bacteria", "virus")
    assert 0 < card.thresholds["screening"] < card.thresholds["surveillance"] < 1
    assert card.true_positives + card.false_negatives > 300
    assert card.true_negatives + card.false_positives > 200
    assert card.training["films_hash"]
    assert card.validation["counts_on"]
    assert {"all", "kermany224", "nih", "rsna_normal", "aetiology"} <= set(card.validation)
    assert "never a diagnosis" in card.intended_use
    assert replace(card, weights_digest="") != card
    with torch.inference_mode():
        logits = module(torch.zeros(2, 1, card.input_size, card.input_size, dtype=torch.uint8))
    assert logits.shape == (2, 3)
