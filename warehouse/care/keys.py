"""The pseudonym key's backup: kept apart from the warehouse, and recognised when it comes back.

A key is recognised by a fingerprint, a keyed hash of nothing, which says nothing about the key.
It is in the audit record from the first backup on, so that another home's key is refused.
"""

import json
from pathlib import Path

from ingest.durable import write_durably
from ingest.errors import UserError
from ingest.identity import Pseudonymiser, load_key
from warehouse import audit
from warehouse.store import Warehouse


def back_up(warehouse: Warehouse, target: Path) -> str:
    """Writes the key to a new file, readable by its owner alone; returns its fingerprint.

    UserError where the file is there already or cannot be written.
    """
    key = load_key(warehouse.home.key)
    if target.exists():
        raise UserError(f"{target} is there already; name a new file")
    if not target.parent.is_dir():
        raise UserError(f"{target}: the folder {target.parent} does not exist")
    known = fingerprint(key)
    audit.record(warehouse, audit.Action.KEY, "backup", {"fingerprint": known})
    write_durably(target, f"{key.hex()}\n".encode("ascii"), 0o600)
    return known


def restore(warehouse: Warehouse, source: Path, *, force: bool = False) -> str:
    """Puts a key in its place in a home that has none; returns its fingerprint.

    UserError where there is one already, and for a key of another fingerprint than the one on
    record, unless `force`.
    """
    home = warehouse.home
    if home.key.exists():
        raise UserError(f"{home.key} is there; a home has one key (move it away to replace it)")
    key = load_key(source)
    known, expected = fingerprint(key), recorded(warehouse)
    if expected and known != expected and not force:
        raise UserError(
            f"{source} holds another key (fingerprint {known}, on record is {expected}): with it "
            "later X-rays of a patient would not be joined to earlier ones"
        )
    audit.record(warehouse, audit.Action.KEY, "restore", {"fingerprint": known, "forced": force})
    write_durably(home.key, f"{key.hex()}\n".encode("ascii"), 0o600)
    return known


def recorded(warehouse: Warehouse) -> str | None:
    """The fingerprint that was recorded last; None where no key was backed up yet."""
    for entry in reversed(audit.entries(warehouse, action=str(audit.Action.KEY))):
        return str(json.loads(entry.details).get("fingerprint"))
    return None


def fingerprint(key: bytes) -> str:
    """By which a key is told from another one."""
    return Pseudonymiser(key).fingerprint()
