"""Models for the tests: tiny ones made on the spot, and the shipped one with its graph."""

from dataclasses import replace
from pathlib import Path

import torch

from inference import checkpoint
from inference.network import Classifier, build
from inference.records import ModelCard

LABELS = ("normal", "bacteria", "virus")


def tiny_card(labels: tuple[str, ...] = LABELS, size: int = 32, **other: object) -> ModelCard:
    """The card of a made model."""
    values: dict[str, object] = {
        "model_version": "tiny-1",
        "architecture": "small",
        "labels": labels,
        "negative_label": labels[0],
        "input_size": size,
        "preprocessing": "as in the test",
        "thresholds": {"surveillance": 0.5, "screening": 0.2},
        "temperature": 1.3,
        "true_positives": 1,
        "false_negatives": 2,
        "true_negatives": 3,
        "false_positives": 4,
        "intended_use": "tests",
        "ages": (1.0, 5.0),
        "views": ("PA",),
        "scope_limit": None,
        "created": "2026-01-01",
    }
    return ModelCard(**{**values, **other})  # type: ignore[arg-type]


def used(module: Classifier, steps: int = 20) -> Classifier:
    """A network whose batch statistics and logits are not those of a fresh one."""
    torch.manual_seed(3)
    module.train()
    for _ in range(steps):
        module(torch.randint(0, 256, (8, 1, 32, 32), dtype=torch.uint8))
    linear = module.classifier[1]
    assert isinstance(linear, torch.nn.Linear)
    linear.weight.data *= 5
    return module.eval()


def save_tiny(folder: Path, *, steps: int = 20, **other: object) -> Path:
    """A tiny model with random weights and its graph; returns its card's file."""
    card = tiny_card(**other)  # type: ignore[arg-type]
    torch.manual_seed(2)
    checkpoint.save(folder, used(build(card.architecture, len(card.labels)), steps), card)
    return folder / f"{card.model_version}.json"


def shipped_with_graph(folder: Path) -> Path:
    """The shipped model's card, or that of a copy where it was shipped without a graph."""
    file = checkpoint.shipped_model()
    if checkpoint.read_card(file).onnx_digest:
        return file
    module, card = checkpoint.load(file)
    checkpoint.save(folder, module, card)
    return folder / file.name


def without_graph(file: Path) -> None:
    """As if the model had been saved by a version that exported nothing."""
    file.with_suffix(".onnx").unlink()
    checkpoint.write_card(file, replace(checkpoint.read_card(file), onnx_digest=""))
