"""What a C-STORE is answered: PS3.4 GG.4.2 and PS3.7 9.1.1.1.9."""

from dataclasses import dataclass
from enum import IntEnum

from ingest.records import Reason
from ingest.spool.records import Receipt

_COMMENT = 64  # characters of an LO
_NO_PLACE = frozenset({Reason.NO_SITE, Reason.UNKNOWN_SITE})


class Status(IntEnum):
    """Status codes that this receiver gives."""

    SUCCESS = 0x0000
    NO_SUCH_CLASS = 0x0122
    NOT_AUTHORISED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    MISMATCH = 0xA900
    NOT_UNDERSTOOD = 0xC000


@dataclass(frozen=True, slots=True)
class Answer:
    """A status and a comment that names nobody."""

    status: Status
    comment: str = ""
    repeated: bool = False

    @property
    def text(self) -> str:
        """The comment as DICOM takes it."""
        return self.comment[:_COMMENT]


def answer_of(receipt: Receipt) -> Answer:
    """What is said of an object that is durable now, or recorded as refused.

    A film that is refused for what it shows is a success: it was received, and sending it
    again would change nothing. One of a site that is not loaded is to be sent again.
    """
    problem = receipt.problem
    if problem is not None and problem.reason in _NO_PLACE:
        return Answer(Status.NOT_AUTHORISED, "the site of this sender is not loaded")
    if problem is not None and not receipt.understood:
        return Answer(Status.NOT_UNDERSTOOD, f"{problem.reason}: {problem.sentence}")
    return Answer(Status.SUCCESS, repeated=receipt.repeated)
