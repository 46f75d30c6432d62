"""A tiny real model on disk: three plain layers, made in milliseconds, never trained."""

from dataclasses import replace
from pathlib import Path

import torch

from inference import checkpoint
from inference.network import build
from inference.records import ModelCard
from tests.warehouse.rows import card

SIZE = 32


def tiny_card(version: str = "tiny-1", **other: object) -> ModelCard:
    """A card of the architecture `small` with a sensitivity of 0.9 and a specificity of 0.95."""
    return replace(card(version), input_size=SIZE, **other)  # type: ignore[arg-type]


def write_model(
    folder: Path, version: str = "tiny-1", seed: int = 1, sick: float = 0.0, **other: object
) -> Path:
    """Writes weights and card; returns the card's path.

    `sick` is added to the logits of bacteria and virus: 9 calls every film pneumonia.
    """
    torch.manual_seed(seed)
    made = tiny_card(version, **other)
    module = build("small", len(made.labels))
    with torch.no_grad():
        module.classifier[1].bias[1:] += sick
    checkpoint.save(folder, module, made)
    return folder / f"{version}.json"
