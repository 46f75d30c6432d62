"""C-STORE: an object as it came is carried into the spool, then answered."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path

from pydicom.dataset import Dataset
from pynetdicom.events import Event

from ingest.doors.sop_uids import sop_uids
from ingest.doors.statuses import Answer, Status, answer_of
from ingest.doors.tally import Tally
from ingest.errors import DiskError
from ingest.inputs import Input
from ingest.part10 import as_file
from ingest.problem import Problem
from ingest.records import Reason
from ingest.spool.records import Delivery, Door, Receipt

Place = Callable[[str, Path], Input]  # (site, file name) → what is known of an input from there
Take = Callable[[Delivery], Receipt]

_TOO_LARGE = Problem(Reason.PIXEL_BOMB, "the object is larger than any radiograph")
_TWO_NAMES = Problem(Reason.UNREADABLE, "its request and its data name different objects")


@dataclass(frozen=True, slots=True)
class Storing:
    """Answers C-STORE requests. Called by several associations at once."""

    place: Place
    take: Take
    max_bytes: int
    tally: Tally

    def answer(self, event: Event, site: str) -> Answer:
        """Durable in the spool before this returns a success."""
        try:
            answer = self._answer(event, site)
        except DiskError:
            answer = Answer(Status.OUT_OF_RESOURCES, "no room now; send it again later")
        except Exception as error:  # noqa: BLE001  whatever it was, nothing was acknowledged
            comment = f"not taken now ({type(error).__name__}); send it again later"
            answer = Answer(Status.OUT_OF_RESOURCES, comment)
        self.tally.count(answer.status, answer.repeated)
        return answer

    def _answer(self, event: Event, site: str) -> Answer:
        request, context = event.request, event.context
        sop_class = str(request.AffectedSOPClassUID)
        if sop_class != context.abstract_syntax:
            return Answer(Status.NO_SUCH_CLASS, "this class was not negotiated")
        body = _body(request.DataSet)
        item, syntax = self.place(site, Path()), str(context.transfer_syntax)
        if len(body) > self.max_bytes:
            item = replace(item, problem=_TOO_LARGE)
            body = body[: self.max_bytes]
        mismatch = _differs(sop_uids(body, syntax), sop_class, request.AffectedSOPInstanceUID)
        if mismatch:
            item = replace(item, problem=_TWO_NAMES)
        receipt = self.take(Delivery(Door.DICOM, item, as_file(body, syntax, sop_class)))
        return Answer(Status.MISMATCH, _TWO_NAMES.sentence) if mismatch else answer_of(receipt)


def _body(data: BytesIO | None) -> bytes:
    return b"" if data is None else data.getvalue()


def _differs(found: tuple[str, str], sop_class: str, sop_instance: str) -> bool:
    """What a data set does not say cannot differ."""
    named = (sop_class, str(sop_instance))
    return any(own and own != said for own, said in zip(found, named, strict=True))


def as_response(answer: Answer) -> Dataset | int:
    """The answer as pynetdicom takes it: a number where there is nothing to add."""
    if not answer.text:
        return int(answer.status)
    response = Dataset()
    response.Status = int(answer.status)
    response.ErrorComment = answer.text
    return response
