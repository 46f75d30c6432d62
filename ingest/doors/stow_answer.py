"""What a STOW-RS request is answered: PS3.18 section 10.5.3 and annex I."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from http import HTTPStatus
from typing import Any

RETRY_SECONDS = 60
_REFERENCED, _FAILED = "00081199", "00081198"
_CLASS, _INSTANCE, _REASON = "00081150", "00081155", "00081197"


class Failure(IntEnum):
    """Failure Reason (0008,1197): PS3.18 table I.2-2, PS3.4 table GG.4-1."""

    NO_ROOM = 0xA700
    OTHER_STUDY = 0xA901  # our own of the A9xx: not of the study that the address names
    NOT_UNDERSTOOD = 0xC000
    CLASS_NOT_SUPPORTED = 0x0122


@dataclass(frozen=True, slots=True, repr=False)
class Result:
    """What became of one instance. Its UIDs are as received, and go back to the sender alone."""

    sop_class: str
    sop_instance: str
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole HTTP answer."""

    status: HTTPStatus
    body: bytes
    content_type: str = "text/plain; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = field(default=())

    @property
    def status_line(self) -> str:
        """Code and phrase."""
        return f"{self.status.value} {self.status.phrase}"

    @property
    def all_headers(self) -> list[tuple[str, str]]:
        """With the content's type and length."""
        length = ("Content-Length", str(len(self.body)))
        return [("Content-Type", self.content_type), length, *self.headers]

    def to_response(self, _ident: str = "") -> tuple[str, list[tuple[str, str]], bytes]:
        """As waitress asks its own errors for it."""
        return self.status_line, self.all_headers, self.body


def refusal(status: HTTPStatus, sentence: str, **headers: str) -> Answer:
    """An answer to a request of which nothing was looked at; header names with underscores."""
    named = tuple((name.replace("_", "-").title(), value) for name, value in headers.items())
    return Answer(status, f"{sentence}\n".encode(), headers=named)


def busy(sentence: str, seconds: int = RETRY_SECONDS) -> Answer:
    """Not now: the sender keeps what it has and comes again."""
    return refusal(HTTPStatus.SERVICE_UNAVAILABLE, sentence, retry_after=str(seconds))


def report(results: Sequence[Result]) -> Answer:
    """200 where all were stored, 202 where some were, 409 where none was.

    503 with Retry-After where only the disk stood in the way of all of them.
    """
    failures = {one.failure for one in results}
    if failures == {None}:
        status = HTTPStatus.OK
    elif None in failures:
        status = HTTPStatus.ACCEPTED
    elif failures == {Failure.NO_ROOM}:
        status = HTTPStatus.SERVICE_UNAVAILABLE
    else:
        status = HTTPStatus.CONFLICT
    later = status is HTTPStatus.SERVICE_UNAVAILABLE
    headers = (("Retry-After", str(RETRY_SECONDS)),) if later else ()
    body = json.dumps(_module(results), separators=(",", ":")).encode()
    return Answer(status, body, "application/dicom+json", headers)


def _module(results: Sequence[Result]) -> dict[str, Any]:
    """The Store Instances Response Module in the DICOM JSON model. Nothing can be retrieved
    here, so there is no Retrieve URL."""
    stored = [_item(one) for one in results if one.failure is None]
    failed = [
        _item(one) | {_REASON: {"vr": "US", "Value": [int(one.failure)]}}
        for one in results
        if one.failure is not None
    ]
    sequences = {_FAILED: failed, _REFERENCED: stored}
    return {tag: {"vr": "SQ", "Value": items} for tag, items in sequences.items() if items}


def _item(result: Result) -> dict[str, Any]:
    return {_CLASS: _uid(result.sop_class), _INSTANCE: _uid(result.sop_instance)}


def _uid(value: str) -> dict[str, Any]:
    return {"vr": "UI", "Value": [value]} if value else {"vr": "UI"}
