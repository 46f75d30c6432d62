"""Saved cohorts: names, versions and the definitions behind them. Append-only."""

import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from ingest.errors import UserError
from warehouse.cohorts.grammar import parse
from warehouse.cohorts.tree import Definition
from warehouse.store import Transaction, Warehouse
from warehouse.versions import resolve

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Saved:
    """One version of a cohort. Every field is a column of the table `cohorts`."""

    name: str
    version: int  # 1, 2, …
    definition: str  # canonical text; parsing it gives the tree
    definition_hash: str  # SHA-256 of the text
    saved_at: datetime
    commit_number: int

    @property
    def tree(self) -> Definition:
        """The definition, parsed again: only what the grammar takes is ever run."""
        return parse(self.definition, f"the stored cohort {self.name}")


def save(warehouse: Warehouse, name: str, definition: Definition) -> tuple[Saved, bool]:
    """Appends a definition under a name; (what is in force, whether it is new).

    The same definition again changes nothing. UserError for a name that is none.
    """
    checked_name(name)
    text = definition.text()
    with warehouse.write("cohort") as transaction:
        versions = _versions(transaction, name)
        if versions and versions[-1].definition == text:
            return versions[-1], False
        saved = Saved(
            name,
            len(versions) + 1,
            text,
            digest(text),
            transaction.recorded_at.astimezone(UTC),
            transaction.commit_number,
        )
        fields = ("name", "version", "definition", "definition_hash", "saved_at")
        transaction.append("cohorts", [{key: getattr(saved, key) for key in fields}])
    return saved, True


def digest(text: str) -> str:
    """SHA-256 of a definition's canonical text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def checked_name(name: str) -> str:
    """The name, if it is one: it becomes part of file names."""
    if not _NAME.fullmatch(name):
        raise UserError(
            f"{name!r} is not a cohort's name: 1 to 64 of a-z, 0-9, - and _, and not a person's"
        )
    return name


def listed(warehouse: Warehouse, as_of: str | int | None = None) -> list[Saved]:
    """Every cohort in its newest version as of a time."""
    commit = resolve(warehouse, as_of).commit_number
    newest = {row["name"]: _saved(row) for row in warehouse.query("cohorts", commit=commit)}
    return list(newest.values())


def history(warehouse: Warehouse, name: str) -> list[Saved]:
    """Every version of a cohort, oldest first; UserError where there is none."""
    commit = resolve(warehouse).commit_number
    rows = [_saved(row) for row in warehouse.query("cohorts", commit=commit)]
    found = [one for one in rows if one.name == name]
    if not found:
        known = ", ".join(dict.fromkeys(one.name for one in rows)) or "none"
        raise UserError(
            f"there is no cohort {name!r}; saved: {known}; "
            f'`pneumowatch cohort save {_shown(name)} --where "…"` makes one'
        )
    return found


def in_force(warehouse: Warehouse, name: str, commit: int) -> Saved:
    """The version that was in force at a commit; before the first was saved, the first.

    Either way the answer for a commit never changes again once that commit is there.
    """
    versions = history(warehouse, name)
    return next((one for one in reversed(versions) if one.commit_number <= commit), versions[0])


def _versions(transaction: Transaction, name: str) -> list[Saved]:
    rows = transaction.query("cohorts", commit=transaction.commit_number)
    return [_saved(row) for row in rows if row["name"] == name]


def _saved(row: dict[str, object]) -> Saved:
    moment = row["saved_at"]
    assert isinstance(moment, datetime)
    return Saved(**{**row, "saved_at": moment.astimezone(UTC)})  # type: ignore[arg-type]


def _shown(name: str) -> str:
    return name if _NAME.fullmatch(name) else "NAME"
