"""What goes into the spool, what a door is told, and what becomes of it."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ingest.facts import Facts
from ingest.inputs import Input
from ingest.problem import Problem
from ingest.records import Reason

# What a sender must send again, or mend: it is answered as "not understood" at the door.
NOT_UNDERSTOOD = frozenset(
    {
        Reason.EMPTY,
        Reason.UNREADABLE,
        Reason.TRUNCATED,
        Reason.NOT_AN_IMAGE,
        Reason.NO_PIXELS,
        Reason.PIXEL_BOMB,
        Reason.DECODER_FAILED,
    }
)


class Door(StrEnum):
    """How an input came in."""

    WATCH = "watch"
    DICOM = "dicom"
    STOW = "stow"


class Outcome(StrEnum):
    """How an entry ended. A duplicate changed nothing; a rejection has a reason."""

    PREDICTED = "predicted"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True, repr=False)
class Delivery:
    """One input at a door. It may name a patient, so it has no repr and is never stored.

    `item` says what the door knows (site, zone, file name, manifest); `data` is the file's
    bytes, or where to read them. `study_uid` is the study that it must belong to, where the
    sender named one.
    """

    door: Door
    item: Input
    data: bytes | Path
    study_uid: str = ""


@dataclass(frozen=True, slots=True)
class Packed:
    """A delivery with its identities taken out: what a porter makes of it.

    `payload` is the file's name in the spool, or None where there is a problem already.
    """

    entry_id: str
    door: Door
    facts: Facts
    payload: str | None
    bytes: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a door may answer: it is durable from now on, whatever is killed.

    `repeated`: the very same bytes of this site were received before. `problem` is what is
    known to be wrong already; the entry will end as a rejection with that reason.
    """

    entry_id: str
    study_id: str | None
    repeated: bool
    problem: Problem | None

    @property
    def understood(self) -> bool:
        """Whether it is an object that could be read. If not, the sender is told so."""
        return self.problem is None or self.problem.reason not in NOT_UNDERSTOOD


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry that waits for the ingest worker."""

    entry_id: str
    facts: Facts
    payload: Path | None
    tries: int  # how often a worker has begun it and nothing else


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an entry, after its row was committed.

    `forget`: nothing but the outcome is kept of it, for it had been erased before.
    """

    entry_id: str
    outcome: Outcome
    study_id: str | None = None
    problem: Problem | None = None
    flags: str = ""  # of the study, where it is one
    forget: bool = False
