"""Storage commitment requests that wait to be reported, and what the spool says to them."""

import json
import time
from dataclasses import dataclass
from enum import StrEnum

from ingest.identity import Pseudonymiser
from ingest.spool.records import Outcome
from ingest.spool.spool import Spool

Reference = tuple[str, str]  # SOP class and instance UID


class State(StrEnum):
    """What is known here of an instance."""

    UNKNOWN = "unknown"
    WAITING = "waiting"  # safe in the spool
    COUNTED = "counted"  # its row is in the warehouse
    REFUSED = "refused"


@dataclass(frozen=True, slots=True, repr=False)
class Commitment:
    """One request. Its UIDs live in memory only; `sealed` in the spool."""

    ae_title: str
    address: str  # where the request came from
    transaction_uid: str
    references: tuple[Reference, ...]
    requested_at: float = 0.0  # seconds since 1970
    tries: int = 0


class Commitments:
    """The requests of one spool. They survive restarts. Safe for several threads."""

    def __init__(self, spool: Spool, names: Pseudonymiser) -> None:
        self._spool, self._names = spool, names

    def add(self, one: Commitment, delay: float) -> None:
        """Durable when this returns; due in `delay` seconds. A repeated request replaces it."""
        named = {"transaction": one.transaction_uid, "references": one.references}
        sealed = self._names.seal(json.dumps(named).encode())
        now = time.time()
        row = (self._id(one), one.ae_title, one.address, sealed, now, now + delay, 0)
        with self._spool.transaction() as db:
            db.execute("INSERT OR REPLACE INTO commitments VALUES (?,?,?,?,?,?,?)", row)

    def due(self) -> list[Commitment]:
        """Those whose time has come, oldest first."""
        with self._spool.transaction("DEFERRED") as db:
            rows = db.execute(
                "SELECT ae_title, address, sealed, requested_at, tries FROM commitments "
                "WHERE due_at <= ? ORDER BY requested_at LIMIT 100",
                (time.time(),),
            ).fetchall()
        return [self._opened(*row) for row in rows]

    def postpone(self, one: Commitment, seconds: float) -> None:
        """Try again later."""
        with self._spool.transaction() as db:
            db.execute(
                "UPDATE commitments SET due_at=?, tries=tries+1 WHERE transaction_id=?",
                (time.time() + seconds, self._id(one)),
            )

    def forget(self, one: Commitment) -> None:
        """It was reported, or given up."""
        with self._spool.transaction() as db:
            db.execute("DELETE FROM commitments WHERE transaction_id=?", (self._id(one),))

    def state(self, sop_instance_uid: str) -> tuple[State, str | None]:
        """What became of an instance, and its site. The best of its deliveries counts."""
        study_id = self._names.study_id_from_uid(sop_instance_uid)
        with self._spool.transaction("DEFERRED") as db:
            rows = db.execute(
                "SELECT outcome, json_extract(facts, '$.site_id') FROM entries WHERE study_id=?",
                (study_id,),
            ).fetchall()
        found = {_state(outcome): site for outcome, site in rows}
        for state in (State.COUNTED, State.WAITING, State.REFUSED):
            if state in found:
                return state, found[state]
        return State.UNKNOWN, None

    def _id(self, one: Commitment) -> str:
        return self._names.transaction_id(one.ae_title, one.transaction_uid)

    def _opened(
        self, ae_title: str, address: str, sealed: bytes, requested_at: float, tries: int
    ) -> Commitment:
        named = json.loads(self._names.unseal(sealed))
        references = tuple((str(kind), str(uid)) for kind, uid in named["references"])
        return Commitment(ae_title, address, named["transaction"], references, requested_at, tries)


def _state(outcome: str | None) -> State:
    if outcome is None:
        return State.WAITING
    return State.REFUSED if outcome == Outcome.REJECTED else State.COUNTED
