"""multipart/related, as DICOMweb sends it (RFC 2046 section 5.1, RFC 2387)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.errors import PneumoWatchError

MOST_PARTS = 10_000
_HEADERS_BYTES = 16 * 1024
_PARAMETER = re.compile(r';\s*([!#-\'*+.^_`|~0-9A-Za-z-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;\s"]*)\s*')
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,199}[0-9A-Za-z'()+_,./:=?-]")
_FOLDED = re.compile(rb"\r?\n[ \t]+")


class MalformedError(PneumoWatchError):
    """A message that cannot be taken apart. The sentence says why, and quotes nothing."""


@dataclass(frozen=True, slots=True)
class MediaType:
    """A Content-Type, in lower case but for what its parameters say."""

    name: str
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class Part:
    """Where a part's content lies in its message, and its own Content-Type ("": not said)."""

    start: int
    end: int
    media_type: str


def media_type(header: str) -> MediaType:
    """A Content-Type header, its parameters quoted or not; MalformedError where it is none."""
    name, _, _ = header.partition(";")
    rest = header[len(name) :]
    parameters: dict[str, str] = {}
    while rest.strip(" \t;"):
        found = _PARAMETER.match(rest)
        if not found:
            raise MalformedError("the Content-Type cannot be read")
        value = found[2]
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        parameters.setdefault(found[1].lower(), value)
        rest = rest[found.end() :]
    return MediaType(name.strip().lower(), parameters)


def boundary_of(kind: MediaType) -> bytes:
    """The boundary that a Content-Type names, in ASCII. MalformedError without a proper one."""
    boundary = kind.parameters.get("boundary", "")
    if not _BOUNDARY.fullmatch(boundary):
        raise MalformedError("the Content-Type names no proper boundary")
    return boundary.encode("ascii")


def split(body: bytes, boundary: bytes) -> list[Part]:
    """The parts of a whole message. Lines may end in LF alone.

    MalformedError where it does not begin or end with its boundary, a part has no header
    block, or there are too many parts; then nothing of it can be relied on.
    """
    parts: list[Part] = []
    begun: int | None = None
    for end, following, last in _delimiters(body, boundary):
        if begun is not None:
            parts.append(_part(body, begun, end))
        if last:
            break
        if len(parts) >= MOST_PARTS:
            raise MalformedError(f"it has more than {MOST_PARTS} parts")
        begun = following
    else:
        raise MalformedError("it does not end with its boundary; it was cut off")
    if not parts:
        raise MalformedError("it has no parts")
    return parts


def _delimiters(body: bytes, boundary: bytes) -> Iterator[tuple[int, int, bool]]:
    """(end of what lies before, start of what comes after, whether it is the last one).

    A longer boundary that begins in the same way is not a delimiter, nor is one within a line.
    """
    mark, at = b"--" + boundary, -1
    while (at := body.find(mark, at + 1)) >= 0:
        if at and body[at - 1 : at] != b"\n":
            continue
        after = at + len(mark)
        last = body[after : after + 2] == b"--"
        line_end = body.find(b"\n", after, after + 1024)
        padding = body[after : line_end if line_end >= 0 else after + 1024]
        if last or (line_end >= 0 and not padding.strip(b" \t\r")):
            yield _before(body, at), line_end + 1, last


def _before(body: bytes, at: int) -> int:
    """The line break before a delimiter belongs to it."""
    if body[max(at - 2, 0) : at] == b"\r\n":
        return at - 2
    return max(at - 1, 0)


def _part(body: bytes, start: int, end: int) -> Part:
    """A part begins with its headers, and an empty line ends them."""
    for empty in (b"\r\n", b"\n"):
        if body.startswith(empty, start):  # no headers at all
            return Part(start + len(empty), max(end, start + len(empty)), "")
    found = [
        (at, at + len(gap))
        for gap in (b"\r\n\r\n", b"\n\n")
        if (at := body.find(gap, start, min(end + len(gap), start + _HEADERS_BYTES))) >= 0
    ]
    if not found:
        raise MalformedError("a part has no headers, or too long ones")
    headers_end, content = min(found)
    return Part(content, max(end, content), _content_type(body[start:headers_end]))


def _content_type(headers: bytes) -> str:
    for line in _FOLDED.sub(b" ", headers).splitlines():
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-type":
            return media_type(value.decode("latin-1").strip()).name
    return ""
