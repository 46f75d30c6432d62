"""The registry: which model versions there are, and which one is promoted."""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime

from inference.checkpoint import card_from
from inference.records import ModelCard
from ingest.errors import UserError
from warehouse.audit import Action, append
from warehouse.store import Row, Transaction, Warehouse
from warehouse.versions import resolve

CHAMPION, CHALLENGER, RETIRED = "champion", "challenger", "retired"
SHIPPED, ADDED = "shipped", "added"  # origins
PROMOTE, ROLLBACK = "promote", "rollback"


def registered_cards(warehouse: Warehouse, commit: int) -> dict[str, ModelCard]:
    """model_version → ModelCard of every version registered as of a commit."""
    return {row["model_version"]: card_of(row) for row in registry(warehouse, commit)}


def registry(warehouse: Warehouse, commit: int | None = None) -> list[Row]:
    """One row a version, the one promoted last first; see queries/registered_models.sql.

    Each has its `status`: champion (promoted last), retired (promoted before) or challenger
    (registered, never promoted).
    """
    commit = resolve(warehouse).commit_number if commit is None else commit
    rows = warehouse.query("registered_models", commit=commit)
    return [row | {"status": _status(row, number == 0)} for number, row in enumerate(rows)]


def champion(warehouse: Warehouse, commit: int | None = None) -> Row | None:
    """The row of the version that was promoted last; None where none ever was."""
    rows = registry(warehouse, commit)
    return rows[0] if rows and rows[0]["status"] == CHAMPION else None


def card_of(row: Row) -> ModelCard:
    """The ModelCard of a row of the registry."""
    return card_from(json.loads(row["card"]))


def register(
    warehouse: Warehouse, card: ModelCard, *, promote: bool = False, origin: str = ADDED
) -> bool:
    """Adds a version unless it is there; False when nothing was to do."""
    with warehouse.write("models") as transaction:
        return register_in(transaction, card, promote=promote, origin=origin)


def register_in(
    transaction: Transaction, card: ModelCard, *, promote: bool, origin: str = ADDED
) -> bool:
    """The same inside an open transaction. UserError for a known version's name on another."""
    rows = transaction.query("registered_models", commit=transaction.commit_number)
    known = {row["model_version"]: row for row in rows}
    if card.model_version not in known:
        row = {
            "model_version": card.model_version,
            "card": _text(card),
            "weights_digest": card.weights_digest,
            "origin": origin,
        }
        transaction.append("models", [row])
        known_by = {"origin": origin, "weights": card.weights_digest}
        append(transaction, Action.MODEL_ADD, card.model_version, known_by)
    else:
        refuse_other(card, known[card.model_version])
        if not promote or known[card.model_version]["promoted_in"] is not None:
            return False
    if promote:
        _promote(transaction, card.model_version, PROMOTE)
    return True


def refuse_other(card: ModelCard, row: Row) -> None:
    """UserError where a card is not the one that is registered under its version."""
    way_out = "give the new one a model_version of its own"
    if card.weights_digest != row["weights_digest"]:
        raise UserError(
            f"the version {card.model_version} is registered with other weights (SHA-256 "
            f"{short(row['weights_digest'])}, these are {short(card.weights_digest)}); {way_out}"
        )
    if _text(card) != _text(card_of(row)):
        raise UserError(
            f"the version {card.model_version} is registered with another card; {way_out}"
        )


def promote(warehouse: Warehouse, version: str) -> str | None:
    """Makes a registered version the champion; returns the one before it.

    Nothing is appended where it is the champion already. The caller has checked its files.
    UserError for a version that is not registered.
    """
    before = champion(warehouse)
    known = [row["model_version"] for row in registry(warehouse)]
    if version not in known:
        raise UserError(unknown(version, known))
    former = before["model_version"] if before else None
    if former != version:
        with warehouse.write("promote") as transaction:
            _promote(transaction, version, PROMOTE)
    return former


def rollback_target(warehouse: Warehouse) -> tuple[str, str]:
    """(the champion, the version that a rollback would promote); UserError where there is none."""
    rows = warehouse.query("promotions", commit=resolve(warehouse).commit_number)
    return _target(rows)


def rollback(warehouse: Warehouse, expected: tuple[str, str]) -> None:
    """Promotes the version before the champion again. Appends, never deletes.

    `expected` is what `rollback_target` said before the files were checked; UserError where
    somebody promoted another one meanwhile.
    """
    with warehouse.write("rollback") as transaction:
        rows = transaction.query("promotions", commit=transaction.commit_number)
        if _target(rows) != expected:
            raise UserError("another version was promoted meanwhile; look at `models list` first")
        _promote(transaction, expected[1], ROLLBACK)


def standing(rows: Iterable[Row]) -> list[str]:
    """The versions that stand one on the other, the champion last.

    A promotion is put on top, a rollback takes the top away, so that two rollbacks go two
    steps back instead of there and back again.
    """
    stack: list[str] = []
    for row in rows:
        if row["kind"] == ROLLBACK and len(stack) > 1:
            stack.pop()
        elif not stack or stack[-1] != row["model_version"]:
            stack.append(row["model_version"])
    return stack


def unknown(version: str, known: Iterable[str]) -> str:
    """The sentence about a version that is not registered."""
    return f"there is no model version {version!r}; registered: {', '.join(known) or 'none'}"


def short(digest: str) -> str:
    """The beginning of a digest, enough to tell two apart by eye."""
    return digest[:12] or "none"


def _target(rows: list[Row]) -> tuple[str, str]:
    stack = standing(rows)
    if len(stack) < 2:
        raise UserError("no version was promoted before this one: there is nothing to go back to")
    return stack[-1], stack[-2]


def _promote(transaction: Transaction, version: str, kind: str) -> None:
    row = {"model_version": version, "promoted_at": datetime.now(UTC), "kind": kind}
    transaction.append("promotions", [row])
    action = Action.MODEL_ROLLBACK if kind == ROLLBACK else Action.MODEL_PROMOTE
    append(transaction, action, version)


def _status(row: Row, first: bool) -> str:
    if row["promoted_in"] is None:
        return CHALLENGER
    return CHAMPION if first else RETIRED


def _text(card: ModelCard) -> str:
    return json.dumps(asdict(card), sort_keys=True)
