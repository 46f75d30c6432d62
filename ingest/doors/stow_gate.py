"""What a STOW-RS request's head says, judged before its body is let in."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ingest.doors.multipart import MalformedError, boundary_of, media_type
from ingest.doors.stow_answer import Answer, busy, refusal
from ingest.doors.tokens import Tokens
from ingest.errors import PneumoWatchError
from ingest.inputs import Input
from ingest.spool.spool import Spool

_PATH = re.compile(r"(?:/dicomweb)?/studies(?:/([^/]*))?/?")
_UID = re.compile(r"[0-9.]{1,64}")
_BEARER = re.compile(r"bearer +([!-~]+)", re.IGNORECASE)
_READABLE = frozenset({"*/*", "application/*", "application/dicom+json", "application/json"})


@dataclass(frozen=True, slots=True, repr=False)
class Head:
    """A request without its body. `length` is None where neither a length nor chunks are said."""

    method: str
    path: str
    authorization: str
    content_type: str
    encoding: str
    accept: str
    length: int | None


@dataclass(frozen=True, slots=True, repr=False)
class Ticket:
    """A request that may come in: from which site, of which study ("": any), how it is split."""

    item: Input
    study_uid: str
    boundary: bytes


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may send what. `place` makes an Input of a site, as `Places.input` does."""

    tokens: Tokens
    place: Callable[[str, Path], Input]
    spool: Spool
    max_bytes: int  # of one request

    def judge(self, head: Head) -> Ticket | Answer:
        """A ticket, or why not."""
        address = _PATH.fullmatch(head.path)
        if address is None:
            return refusal(HTTPStatus.NOT_FOUND, "there is /studies and /studies/{study}, no more")
        if head.method != "POST":
            return refusal(HTTPStatus.METHOD_NOT_ALLOWED, "only POST is served", allow="POST")
        try:
            site = self._site(head.authorization)
            if isinstance(site, Answer):
                return site
            return self._unfit(head) or self._ticket(head, site, address[1] or "")
        except MalformedError as error:
            return refusal(HTTPStatus.BAD_REQUEST, str(error))
        except PneumoWatchError as error:  # the disk, or the warehouse that knows the sites
            return busy(str(error))

    def _site(self, authorization: str) -> str | Answer:
        """The site of the token that is shown."""
        shown = _BEARER.fullmatch(authorization.strip())
        try:
            site = self.tokens.site_of(shown[1]) if shown else None
        except PneumoWatchError:
            return busy("the tokens cannot be read now; see `pneumowatch tokens list`")
        if site is not None:
            return site
        challenge = 'Bearer realm="PneumoWatch"' + (', error="invalid_token"' if shown else "")
        sentence = "send Authorization: Bearer TOKEN; `pneumowatch tokens add` makes one"
        return refusal(HTTPStatus.UNAUTHORIZED, sentence, www_authenticate=challenge)

    def _unfit(self, head: Head) -> Answer | None:
        """What is wrong with the request's form; MalformedError where it cannot be read."""
        offered = {one.partition(";")[0].strip().lower() for one in head.accept.split(",")}
        if head.accept.strip() and not offered & _READABLE:
            sentence = "answers are application/dicom+json and nothing else"
            return refusal(HTTPStatus.NOT_ACCEPTABLE, sentence)
        kind = media_type(head.content_type)
        wanted = kind.parameters.get("type", "").partition(";")[0].strip().lower()
        if head.encoding not in ("", "identity"):
            sentence = "send it without a Content-Encoding"
            return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, sentence)
        if kind.name != "multipart/related" or wanted != "application/dicom":
            sentence = 'send multipart/related; type="application/dicom"; boundary=…'
            return refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, sentence)
        if head.length is None:
            return refusal(HTTPStatus.LENGTH_REQUIRED, "send Content-Length, or chunks")
        if head.length > self.max_bytes:
            return too_large(self.max_bytes)
        return None

    def _ticket(self, head: Head, site: str, study_uid: str) -> Ticket | Answer:
        if study_uid and not _UID.fullmatch(study_uid):
            return refusal(HTTPStatus.BAD_REQUEST, "the address names no proper study")
        item = self.place(site, Path())
        if item.problem:
            return refusal(HTTPStatus.FORBIDDEN, item.problem.sentence)
        self.spool.check_room(head.length or 0)
        return Ticket(item, study_uid, boundary_of(media_type(head.content_type)))


def too_large(max_bytes: int) -> Answer:
    """More than one request may have."""
    sentence = f"one request may have {max_bytes} bytes ([receive] stow_max_bytes)"
    return refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence)
