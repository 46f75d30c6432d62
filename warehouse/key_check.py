"""One warehouse, one pseudonym key: machines with another are refused.

The warehouse holds a keyed hash of a constant. It shows whether a key is the same and
nothing else of it.
"""

from ingest.errors import ConfigurationError
from ingest.identity import Pseudonymiser
from warehouse.store import Transaction, Warehouse


def is_bound(warehouse: Warehouse) -> bool:
    """Whether the warehouse knows which key it was begun with."""
    return bool(warehouse.query("key_checks"))


def bind_key(warehouse: Warehouse, key: bytes) -> None:
    """Records the check value where there is none yet, once; else holds the key against it.

    ConfigurationError where the warehouse was begun with another key.
    """
    check = Pseudonymiser(key).key_check()

    def record(transaction: Transaction) -> None:
        if not transaction.query("key_checks"):
            transaction.append("key_checks", [{"key_check": check}])

    if not is_bound(warehouse):
        warehouse.write_again("key", record)
    if warehouse.query("key_checks") != [{"key_check": check}]:
        raise ConfigurationError(
            f"{warehouse.home.key} is not the key that this warehouse was begun with: a patient "
            "would get a second pseudonym. Copy pseudonym.key from a machine that writes to it, "
            "with mode 600, in the place of this one"
        )
