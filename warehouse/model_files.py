"""The files of registered models in a home: checked, copied durably, found again."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from inference import checkpoint
from inference.labels import not_pneumonia
from inference.records import ModelCard
from ingest.durable import write_durably
from ingest.errors import InputError, PneumoWatchError, UserError
from warehouse.home import Home
from warehouse.models import SHIPPED, register_in, registered_cards
from warehouse.shared_models import share, shared_files
from warehouse.store import Warehouse
from warehouse.versions import resolve

_FILE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,119}")  # a version names files


def install(warehouse: Warehouse, path: Path, *, origin: str, promote: bool = False) -> ModelCard:
    """Copies a model into the home and registers it; the files first, then the row.

    `path` is a card, its weights or a folder (the newest in it). The same model again
    changes nothing, but for files that were lost. What did not come with the package goes
    into the warehouse too, whence the other machines of a shared one take it (`obtain`).
    UserError where it is no pneumonia model, where its files are not those that its card
    describes, or where its version is taken.
    """
    source = checkpoint.find_card(path)
    card = _fit_to_register(source)
    files = _verified(source, card)
    with warehouse.write("models") as transaction:
        # Inside the lock: files of a refused version never lie under a registered one's name.
        register_in(transaction, card, promote=promote, origin=origin)
        if origin != SHIPPED:
            share(transaction, card.model_version, files)
        _copy(warehouse.home, card, files)
    return card


def obtain(warehouse: Warehouse, version: str) -> Path:
    """The card of a version, fetched from the warehouse where its files are not at hand.

    The digests are those of the registered card. UserError where the files are nowhere.
    """
    if _at_hand(warehouse.home, version) is None:
        card = registered_cards(warehouse, resolve(warehouse).commit_number).get(version)
        if card and (files := shared_files(warehouse, version)):
            _check(files, card)
            _copy(warehouse.home, card, files)
    return model_path(warehouse.home, version)


def keep_shipped(home: Home, version: str) -> None:
    """Copies a shipped model's files into the home, where an upgrade does not take them away."""
    source = checkpoint.SHIPPED / f"{version}.json"
    if source.is_file() and not _complete(home.models / source.name):
        card = checkpoint.read_card(source)
        _copy(home, card, _verified(source, card))


def model_path(home: Home, version: str) -> Path:
    """The card of a version: in the home, else among the shipped ones; UserError if nowhere."""
    if card := _at_hand(home, version):
        return card
    raise UserError(
        f"the weights of {version} are not in {home.models}; "
        "add them again with `pneumowatch models add`, or promote another version"
    )


def model_problem(folders: Iterable[Path], card: ModelCard) -> str | None:
    """What is wrong with a version's files in the first folder that has them; None: nothing."""
    for folder in folders:
        source = folder / f"{card.model_version}.json"
        if not _complete(source):
            continue
        try:
            _verified(source, card)
        except InputError:
            return "has files that are not what its card describes"
        return None
    return "is not there"


def check_loads(path: Path) -> ModelCard:
    """The card of a model whose weights are the described ones and fit its network.

    Imports torch. UserError otherwise.
    """
    try:
        _, card = checkpoint.load(path)
    except PneumoWatchError:
        raise
    except Exception as error:  # noqa: BLE001  whatever a file of a stranger sets off
        message = f"its weights do not fit the architecture of its card ({type(error).__name__})"
        raise InputError(message, file=path) from None
    _verified(checkpoint.find_card(path), card)
    return card


def _fit_to_register(source: Path) -> ModelCard:
    card = checkpoint.read_card(source)
    if not _FILE_NAME.fullmatch(card.model_version):
        message = f"{card.model_version!r} cannot name files; use letters, digits, . _ and -"
        raise InputError(message, file=source, column="model_version")
    if strangers := not_pneumonia(card.labels, card.negative_label):
        raise InputError(
            f"the model tells {', '.join(card.labels)} apart, and {', '.join(strangers)} does not "
            "mean pneumonia: the warehouse counts PNEUMONIA and NORMAL only",
            file=source,
        )
    return card


def _verified(source: Path, card: ModelCard) -> dict[str, bytes]:
    """Suffix → content of the model's files, the card last: it makes the others a model."""
    files = {".safetensors": _content(source, ".safetensors", card.weights_digest)}
    if card.onnx_digest:
        files[".onnx"] = _content(source, ".onnx", card.onnx_digest)
    return files | {".json": source.read_bytes()}


def _content(source: Path, suffix: str, digest: str) -> bytes:
    file = source.with_suffix(suffix)
    if not file.is_file():
        raise InputError("is missing; the card beside it describes it", file=file)
    content = file.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise InputError(
            "is not what the card describes (its SHA-256 digest differs); copy all files again",
            file=file,
        )
    return content


def _check(files: dict[str, bytes], card: ModelCard) -> None:
    """UserError where files of the warehouse are not those of the registered card."""
    for suffix, digest in ((".safetensors", card.weights_digest), (".onnx", card.onnx_digest)):
        if digest and hashlib.sha256(files.get(suffix, b"")).hexdigest() != digest:
            raise UserError(
                f"the files of {card.model_version} in the warehouse are not those that were "
                "registered; add them again with `pneumowatch models add` where they are whole"
            )


def _copy(home: Home, card: ModelCard, files: dict[str, bytes]) -> None:
    try:
        home.models.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{home.models} cannot be created: {error.strerror}") from None
    for suffix, content in files.items():
        target = home.models / f"{card.model_version}{suffix}"
        if not target.is_file() or target.read_bytes() != content:
            write_durably(target, content)


def _at_hand(home: Home, version: str) -> Path | None:
    cards = [folder / f"{version}.json" for folder in (home.models, checkpoint.SHIPPED)]
    return next((card for card in cards if _complete(card)), None)


def _complete(card: Path) -> bool:
    return card.is_file() and card.with_suffix(".safetensors").is_file()
