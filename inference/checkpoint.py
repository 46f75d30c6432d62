"""Weights travel with a JSON that says what they are: `<version>.safetensors` and `.json`.

Beside them lies the same network as an exported graph, `<version>.onnx`. Reading a card or
the graph needs no torch; both kinds of weights are used only if their SHA-256 digest is the
one on the card.
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
    content = _verified_bytes(_weights_of(file), card.weights_digest)
    tensors = tensors_from(content)
    module = build(card.architecture, len(card.labels))
    module.scope = Scope.within(tensors)
    module.load_state_dict(tensors)
    return module.eval(), card


def graph_bytes(file: Path) -> bytes:
    """The exported graph of the model whose card is `file`.

    Raises InputError when it is missing or is not the one that the card describes.
    """
    return _verified_bytes(file.with_suffix(".onnx"), read_card(file).onnx_digest)


def save(directory: Path, module: "Classifier", card: ModelCard) -> ModelCard:
    """Write the weights, the graph, then the card with their digests; returns that card.

    The card goes last: until it is there, nobody takes the weights for a model.
    """
    content = weights_bytes(module)
    card = replace(card, weights_digest=hashlib.sha256(content).hexdigest())
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{card.model_version}.json"
    _weights_of(file).write_bytes(content)
    card = write_graph(file, module, card)
    write_card(file, card)
    return card


def write_graph(file: Path, module: "Classifier", card: ModelCard) -> ModelCard:
    """Export the network beside its card `file`; returns the card with the graph's digest."""
    from inference.export import onnx_bytes

    content = onnx_bytes(module, card.input_size)
    file.with_suffix(".onnx").write_bytes(content)
    return replace(card, onnx_digest=hashlib.sha256(content).hexdigest())


def write_card(file: Path, card: ModelCard) -> None:
    """The card as JSON."""
    file.write_text(json.dumps(asdict(card), indent=2) + "\n", encoding="utf-8")


def weights_bytes(module: "Classifier") -> bytes:
    """The network's parameters and buffers as the bytes of a safetensors file."""
    from safetensors.torch import save as bytes_of

    tensors = {name: value.cpu().contiguous() for name, value in module.state_dict().items()}
    return bytes_of(tensors)


def _weights_of(card: Path) -> Path:
    return card.with_suffix(".safetensors")


def _verified_bytes(weights: Path, digest: str) -> bytes:
    if not weights.is_file():
        raise InputError("the weights that the card beside it describes are missing", file=weights)
    content = weights.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(
            "the weights are not those that the card describes (their SHA-256 digest differs); "
            "copy all files of the model again",
            file=weights,
        )
    return content
