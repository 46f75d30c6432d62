"""Weights travel with a JSON that says what they are: `<version>.safetensors` and `.json`.

Reading a card needs no torch; loading weights verifies their SHA-256 digest first.
"""

import hashlib
import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from inference.records import ModelCard
from ingest.errors import InputError, UserError

if TYPE_CHECKING:  # torch is only paid for by whoever loads weights
    from inference.network import Classifier

SHIPPED = Path(__file__).parent / "weights"
_TUPLES = ("labels", "ages", "views")


def shipped_model() -> Path:
    """The card of the newest model that comes with the package."""
    return find_card(SHIPPED)


def find_card(path: Path) -> Path:
    """The card at `path`: a `.json`, its `.safetensors`, or the newest in a directory.

    Raises UserError when there is none.
    """
    if path.is_dir():
        found = [file for file in sorted(path.glob("*.json")) if _weights_of(file).is_file()]
        if not found:
            raise UserError(f"{path} holds no model: a .safetensors file beside its .json card")
        return max(found, key=lambda file: (read_card(file).created, file.name))
    card = path.with_suffix(".json")
    if path.suffix not in (".json", ".safetensors") or not card.is_file():
        raise UserError(f"{path} is not a model: expected a .safetensors file or its .json card")
    return card


def read_card(path: Path) -> ModelCard:
    """The card of the model at `path` (see `find_card`), without loading torch.

    Raises InputError when the JSON is not a complete card.
    """
    file = find_card(path) if path.is_dir() or path.suffix != ".json" else path
    try:
        return card_from(json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"not a complete model card ({error})", file=file) from error


def card_from(content: dict[str, Any]) -> ModelCard:
    """A card from its JSON object; fields that this version does not know are passed over.

    Raises KeyError or TypeError when a field is missing.
    """
    known = {field.name for field in fields(ModelCard)}
    values = {name: value for name, value in content.items() if name in known}
    values.update({name: tuple(values[name]) for name in _TUPLES})
    return ModelCard(**values)


def load(path: Path) -> "tuple[Classifier, ModelCard]":
    """The network, in evaluation mode on the CPU, and its card.

    Raises InputError when the weights are missing or are not those that the card describes.
    """
    from safetensors.torch import load as tensors_from

    from inference.network import build
    from inference.scope_head import Scope

    file = find_card(path)
    card = read_card(file)
    content = _verified_bytes(_weights_of(file), card)
    tensors = tensors_from(content)
    module = build(card.architecture, len(card.labels))
    module.scope = Scope.within(tensors)
    module.load_state_dict(tensors)
    return module.eval(), card


def save(directory: Path, module: "Classifier", card: ModelCard) -> ModelCard:
    """Write the weights, then the card with their digest; returns that card.

    The card goes last: until it is there, nobody takes the weights for a model.
    """
    content = weights_bytes(module)
    card = replace(card, weights_digest=hashlib.sha256(content).hexdigest())
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{card.model_version}.json"
    _weights_of(file).write_bytes(content)
    file.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")
    return card


def weights_bytes(module: "Classifier") -> bytes:
    """The network's parameters and buffers as the bytes of a safetensors file."""
    from safetensors.torch import save as bytes_of

    tensors = {name: value.cpu().contiguous() for name, value in module.state_dict().items()}
    return bytes_of(tensors)


def _weights_of(card: Path) -> Path:
    return card.with_suffix(".safetensors")


def _verified_bytes(weights: Path, card: ModelCard) -> bytes:
    if not weights.is_file():
        raise InputError("the weights that the card beside it describes are missing", file=weights)
    content = weights.read_bytes()
    if hashlib.sha256(content).hexdigest() != card.weights_digest:
        raise InputError(
            "the weights are not those that the card describes (their SHA-256 digest differs); "
            "copy both files again",
            file=weights,
        )
    return content
