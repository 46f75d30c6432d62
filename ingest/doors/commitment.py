"""Storage commitment, push model (PS3.4 annex J): N-ACTION taken in, N-EVENT-REPORT sent."""

import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.sop_class import (
    StorageCommitmentPushModel,
    StorageCommitmentPushModelInstance,
)

from ingest.errors import DiskError
from ingest.quiet import quiet
from ingest.spool.commitments import Commitment, Commitments, Reference, State

RECORD, IMAGE = "record", "image"
_REQUEST = 1  # the action type; also the event type of a report without failures
_WITH_FAILURES = 2
_FAILED, _NOT_HERE = 0x0110, 0x0112  # failure reasons: PS3.3 C.14.1.1
_NO_SUCH_INSTANCE, _NO_SUCH_ACTION, _BAD_ARGUMENT, _NO_RESOURCES = 0x0112, 0x0123, 0x0115, 0x0213
_FIRST_TRY = 1.0  # seconds: the response goes out first, and a sender that releases has left
_RETRIES = (5.0, 30.0, 120.0, 600.0, 1800.0)  # seconds between tries; the last one again
_WAITING_FOR_OUTCOME = 5.0
_GIVE_UP = 3 * 86400.0  # seconds after the request
_LOOK = 0.5
_UID = re.compile(r"[0-9.]{1,64}")

Send = Callable[[Commitment, int, Dataset], bool]  # whether the report was taken


@dataclass
class Committing:
    """Takes requests in, and reports on them in a thread of its own.

    `promise` is what a commitment means: `record`, that the film is safe in the spool or
    counted; `image`, that its original is kept too, which `keeps` says of a site.
    """

    commitments: Commitments
    promise: str
    keeps: Callable[[str | None], bool]
    say: Callable[[str], None]
    send: Send
    _stopping: threading.Event = field(default_factory=threading.Event, init=False)
    _thread: threading.Thread | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin to report, also what an earlier run left."""
        self._thread = threading.Thread(target=self._run, name="commitments", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """What is not reported yet waits in the spool."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(5.0)

    def request(self, event: Event) -> tuple[int, Dataset | None]:
        """Answer N-ACTION: the request is durable before it is accepted."""
        asked = event.request
        if asked.RequestedSOPInstanceUID != StorageCommitmentPushModelInstance:
            return _NO_SUCH_INSTANCE, None
        if asked.ActionTypeID != _REQUEST:
            return _NO_SUCH_ACTION, None
        requestor = event.assoc.requestor
        one = _understood(event, requestor.ae_title, requestor.address)
        if one is None:
            return _BAD_ARGUMENT, None
        try:
            self.commitments.add(one, _FIRST_TRY)
        except DiskError:
            return _NO_RESOURCES, None
        self.say(
            f"{requestor.address} {one.ae_title}: storage commitment asked for "
            f"{len(one.references)} objects"
        )
        return 0x0000, None

    def _run(self) -> None:
        while not self._stopping.wait(_LOOK):
            try:
                for one in self.commitments.due():
                    if self._stopping.is_set():
                        return
                    self._report(one)
            except DiskError:
                self._stopping.wait(_RETRIES[0])

    def _report(self, one: Commitment) -> None:
        judged = [(reference, self._failure(reference)) for reference in one.references]
        late = time.time() - one.requested_at > _GIVE_UP
        if any(failure is None for _, failure in judged) and not late:
            self.commitments.postpone(one, _WAITING_FOR_OUTCOME)
            return
        failed = [(reference, _FAILED if why is None else why) for reference, why in judged if why]
        kept = [reference for reference, why in judged if why == 0]
        kind = _WITH_FAILURES if failed else _REQUEST
        if self.send(one, kind, _report(one.transaction_uid, kept, failed)):
            self.say(f"{one.ae_title}: {len(kept)} objects committed, {len(failed)} not")
            self.commitments.forget(one)
        elif late:
            self.say(f"{one.ae_title}: a storage commitment report was given up")
            self.commitments.forget(one)
        else:
            again = _RETRIES[min(one.tries, len(_RETRIES) - 1)]
            self.say(f"{one.ae_title}: storage commitment not reported, again in {again:.0f} s")
            self.commitments.postpone(one, again)

    def _failure(self, reference: Reference) -> int | None:
        """0 where it is committed, a failure reason where not, None while it is not known."""
        state, site = self.commitments.state(reference[1])
        if state is State.UNKNOWN:
            return _NOT_HERE
        if state is State.REFUSED:
            return _FAILED
        if self.promise == RECORD:
            return 0
        if not self.keeps(site):
            return _FAILED
        return 0 if state is State.COUNTED else None


def _understood(event: Event, ae_title: str, address: str) -> Commitment | None:
    """The request; None where its data set cannot be read or names nothing."""
    try:
        with quiet():
            asked = event.action_information
            transaction = str(asked.TransactionUID)
            references = tuple(
                (str(one.ReferencedSOPClassUID), str(one.ReferencedSOPInstanceUID))
                for one in asked.ReferencedSOPSequence
            )
    except Exception:  # noqa: BLE001  pydicom raises whatever a damaged element leads to
        return None
    uids = [transaction, *(uid for pair in references for uid in pair)]
    if not references or not all(_UID.fullmatch(uid) for uid in uids):
        return None
    return Commitment(ae_title.strip(), address, transaction, references)


def _report(
    transaction_uid: str, kept: list[Reference], failed: list[tuple[Reference, int]]
) -> Dataset:
    """Event information: PS3.4 table J.3-2."""
    report = Dataset()
    report.TransactionUID = transaction_uid
    if kept:
        report.ReferencedSOPSequence = Sequence([_item(one) for one in kept])
    if failed:
        report.FailedSOPSequence = Sequence([_item(one, why) for one, why in failed])
    return report


def _item(reference: Reference, reason: int | None = None) -> Dataset:
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = reference
    if reason is not None:
        item.FailureReason = reason
    return item


def told(association: Association, kind: int, report: Dataset) -> bool:
    """Send N-EVENT-REPORT over an association; whether it was taken."""
    with quiet():
        status, _ = association.send_n_event_report(
            report, kind, StorageCommitmentPushModel, StorageCommitmentPushModelInstance
        )
    return bool(status) and status.Status == 0x0000
