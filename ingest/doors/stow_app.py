"""STOW-RS as a WSGI application: instances go into the spool, and each gets its answer."""

import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from http import HTTPStatus
from typing import Any

from ingest import sniff
from ingest.doors.multipart import MalformedError, Part, split
from ingest.doors.stow_answer import Answer, Failure, Result, refusal, report
from ingest.doors.stow_gate import Gate, Head, Ticket, too_large
from ingest.doors.tally import Tally
from ingest.errors import PneumoWatchError
from ingest.file_meta import sop_uids
from ingest.problem import Problem, ProblemError
from ingest.records import Reason
from ingest.spool.errors import SpoolUnavailableError, WrongStudyError
from ingest.spool.porters import Porters
from ingest.spool.records import Delivery, Door, Receipt

_HEAD_BYTES = 64 * 1024  # of an instance: where its file meta header lies
_PART_TYPES = frozenset({"", "application/dicom"})
_NOT_DICOM = Problem(Reason.NOT_AN_IMAGE, "it came by DICOMweb and is not a DICOM object")


class StowApp:
    """Safe to call from several threads. Nothing of a request reaches a log."""

    def __init__(self, gate: Gate, porters: Porters, max_bytes: int, tally: Tally) -> None:
        """`max_bytes`: of one instance; of a larger one no more is looked at."""
        self._gate, self._porters, self._max_bytes = gate, porters, max_bytes
        self._tally = tally

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        try:
            answer = self._answered(environ)
        except Exception as error:  # noqa: BLE001  what waitress would log holds the address
            kind = type(error).__name__
            print(f"DICOMweb: a request failed ({kind}); its sender was told", file=sys.stderr)
            sentence = "it failed here; send it again"
            answer = refusal(HTTPStatus.INTERNAL_SERVER_ERROR, sentence)
        start_response(answer.status_line, answer.all_headers)
        return [answer.body]

    def _answered(self, environ: dict[str, Any]) -> Answer:
        ticket = self._gate.judge(_head(environ))
        if isinstance(ticket, Answer):
            return ticket
        stream = environ["wsgi.input"]
        body = stream.getvalue() if hasattr(stream, "getvalue") else stream.read()  # no copy
        if len(body) > self._gate.max_bytes:
            return too_large(self._gate.max_bytes)
        try:
            parts = split(body, ticket.boundary)
        except MalformedError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error))
        return report([self._stored(body, part, ticket) for part in parts])

    def _stored(self, body: bytes, part: Part, ticket: Ticket) -> Result:
        uids = sop_uids(body[part.start : min(part.end, part.start + _HEAD_BYTES)])
        failure, repeated = self._outcome(body, part, ticket)
        self._tally.count(int(failure or 0), repeated)
        return Result(*uids, failure)

    def _outcome(self, body: bytes, part: Part, ticket: Ticket) -> tuple[Failure | None, bool]:
        """No failure where the instance is durable, or is recorded as one that does not count;
        and whether the very same one was received before."""
        if part.media_type not in _PART_TYPES:
            return Failure.NOT_UNDERSTOOD, False
        data = body[part.start : min(part.end, part.start + self._max_bytes + 1)]
        item = ticket.item if _is_dicom(data) else replace(ticket.item, problem=_NOT_DICOM)
        try:
            receipt = self._porters.take(Delivery(Door.STOW, item, data, ticket.study_uid))
        except WrongStudyError:
            return Failure.OTHER_STUDY, False
        except SpoolUnavailableError:
            return Failure.NO_ROOM, False
        except PneumoWatchError as error:
            print(f"DICOMweb: {error}", file=sys.stderr)
            return Failure.NO_ROOM, False
        return _judged(receipt), receipt.repeated


def _judged(receipt: Receipt) -> Failure | None:
    if not receipt.understood:
        return Failure.NOT_UNDERSTOOD
    if receipt.problem and receipt.problem.reason is Reason.NOT_AN_XRAY:
        return Failure.CLASS_NOT_SUPPORTED
    return None


def _is_dicom(data: bytes) -> bool:
    """What has no form at all is left to the porters, who say what it is."""
    try:
        return sniff.kind(data[: sniff.HEAD_BYTES]) == sniff.DICOM
    except ProblemError:
        return True


def _head(environ: dict[str, Any]) -> Head:
    length = environ.get("CONTENT_LENGTH") or ""
    return Head(
        environ.get("REQUEST_METHOD", ""),
        environ.get("PATH_INFO", ""),
        environ.get("HTTP_AUTHORIZATION", ""),
        environ.get("CONTENT_TYPE", ""),
        environ.get("HTTP_CONTENT_ENCODING", "").strip().lower(),
        environ.get("HTTP_ACCEPT", ""),
        int(length) if length.isdigit() else None,
    )
