"""The registry: which model versions there are, and which one is promoted."""

import json
from dataclasses import asdict
from datetime import UTC, datetime

from inference.checkpoint import card_from
from inference.records import ModelCard
from warehouse.store import Row, Transaction, Warehouse


def registered_cards(warehouse: Warehouse, commit: int) -> dict[str, ModelCard]:
    """model_version → ModelCard of every version registered as of a commit."""
    rows = warehouse.query("registered_models", commit=commit)
    return {row["model_version"]: card_from(json.loads(row["card"])) for row in rows}


def registry(warehouse: Warehouse, commit: int) -> list[Row]:
    """One row a version, the one promoted last first; see queries/registered_models.sql."""
    return warehouse.query("registered_models", commit=commit)


def register(warehouse: Warehouse, card: ModelCard, *, promote: bool = False) -> bool:
    """Adds a version unless it is there; False when nothing was to do."""
    with warehouse.write("models") as transaction:
        return register_in(transaction, card, promote=promote)


def register_in(transaction: Transaction, card: ModelCard, *, promote: bool) -> bool:
    """The same inside an open transaction."""
    rows = transaction.query("registered_models", commit=transaction.commit_number)
    known = {row["model_version"]: row["promoted_in"] for row in rows}
    if card.model_version not in known:
        row = {
            "model_version": card.model_version,
            "card": json.dumps(asdict(card), sort_keys=True),
            "weights_digest": card.weights_digest,
        }
        transaction.append("models", [row])
    elif not promote or known[card.model_version] is not None:
        return False
    if promote:
        promotion = {"model_version": card.model_version, "promoted_at": datetime.now(UTC)}
        transaction.append("promotions", [promotion])
    return True
