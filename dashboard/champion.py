"""Which model a home scores with: its champion, after the shipped one has been registered."""

import sys
from dataclasses import dataclass
from pathlib import Path

from inference.checkpoint import read_card, shipped_model
from inference.records import ModelCard
from warehouse.model_files import install, keep_shipped, obtain
from warehouse.models import ADDED, SHIPPED, card_of, champion, registry
from warehouse.store import Row, Warehouse


@dataclass(frozen=True, slots=True)
class Champion:
    """The promoted model: its card, and where its files are."""

    card: ModelCard
    path: Path


def ensure_model(warehouse: Warehouse) -> Champion:
    """The home's champion, after the model that came with this version has been registered.

    A new shipped model is promoted where the champion was a shipped one too; a model that
    somebody added and promoted stays. UserError where the champion's files are gone.
    """
    card = read_card(shipped_model())
    best = champion(warehouse)
    if best is None or card.model_version not in _versions(warehouse):
        take_over = best is None or best["origin"] != ADDED
        install(warehouse, shipped_model(), origin=SHIPPED, promote=take_over)
        _say_what_was_done(card, best, take_over)
        best = champion(warehouse)
    assert best is not None
    if best["origin"] != ADDED:
        keep_shipped(warehouse.home, best["model_version"])
    return Champion(card_of(best), obtain(warehouse, best["model_version"]))


def _versions(warehouse: Warehouse) -> set[str]:
    return {row["model_version"] for row in registry(warehouse)}


def _say_what_was_done(card: ModelCard, best: Row | None, take_over: bool) -> None:
    if take_over:
        text = f"promoted the model {card.model_version} that came with this version"
    else:
        text = (
            f"registered the model {card.model_version} that came with this version; "
            f"{best['model_version'] if best else ''} stays promoted "
            f"(`pneumowatch models promote {card.model_version}` would change that)"
        )
    print(text, file=sys.stderr)
