"""JPEG and PNG files without anything but what draws them: pixels stay the same, bit for bit."""

import struct
import zlib
from collections.abc import Iterator

from ingest.problem import ProblemError
from ingest.records import Reason

_EXIF, _JFIF = b"Exif\0\0", b"JFIF\0"
_SCAN, _END, _ADOBE, _COMMENT = 0xDA, 0xD9, 0xEE, 0xFE
_WITHIN_SCAN = frozenset({0x00, *range(0xD0, 0xD8)})  # stuffed bytes and restart markers
_PNG_HEAD = b"\x89PNG\r\n\x1a\n"
# acTL gives an animation away; a later chunk that draws nothing may hold text
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"acTL"})
_ORIENTATION, _SHORT = 0x0112, 3


def bare_jpeg(data: bytes) -> bytes:
    """Without comments, application segments and what lies behind the picture's end.

    EXIF goes but for the orientation, JFIF but for what tells a decoder the colours. Raises
    ProblemError where the file ends before its first scan.
    """
    out, turn, scanned = [b"\xff\xd8"], None, False
    for marker, segment in _segments(data):
        if marker == 0xE1 and segment[4:10] == _EXIF:
            turn = turn or _orientation(segment[10:])
        elif marker == 0xE0 and segment[4:9] == _JFIF and len(segment) >= 18:
            out.append(b"\xff\xe0\0\x10" + segment[4:16] + b"\0\0")  # no thumbnail
        elif marker == _ADOBE or not (0xE0 <= marker <= 0xEF or marker == _COMMENT):
            if marker == _SCAN and not scanned:
                out.append(_upright(turn))
                scanned = True
            out.append(segment)
    if not scanned:
        raise _cut_off()
    return b"".join(out)


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """(marker, bytes from the marker on); a scan's with its entropy-coded data."""
    at = 2
    while at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
        elif marker == _END:
            yield marker, data[at : at + 2]
            return
        else:
            end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
            end = _scan_end(data, end) if marker == _SCAN else end
            yield marker, data[at:end]
            at = max(end, at + 2)


def _scan_end(data: bytes, at: int) -> int:
    """Where the next marker begins that is not part of entropy-coded data."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] not in _WITHIN_SCAN and data[at + 1] != 0xFF:
            return at
        at += 1 if data[at + 1] == 0xFF else 2
    return len(data)


def bare_png(data: bytes) -> bytes:
    """Without text, times, profiles and what lies behind the end; EXIF but the orientation.

    Raises ProblemError where the file ends before its picture does.
    """
    out, at = [_PNG_HEAD], len(_PNG_HEAD)
    while at + 12 <= len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            break
        if kind in _PNG_KEPT:
            out.append(data[at:end])
        elif kind == b"eXIf" and (turn := _orientation(data[at + 8 : end - 4])):
            out.append(_chunk(b"eXIf", _tiff(turn)))
        if kind == b"IEND":
            return b"".join(out)
        at = end
    raise _cut_off()


def _orientation(tiff: bytes) -> int | None:
    """EXIF orientation; None where there is none, it makes no sense or it turns nothing."""
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for number in range(min(count, 512)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + 12 * number)
            if tag == _ORIENTATION:
                return int(value) if kind == _SHORT and 2 <= value <= 8 else None
    except struct.error:
        pass
    return None


def _tiff(orientation: int) -> bytes:
    entry = struct.pack("<HHIHH", _ORIENTATION, _SHORT, 1, orientation, 0)
    return b"II*\0" + struct.pack("<IH", 8, 1) + entry + bytes(4)


def _upright(orientation: int | None) -> bytes:
    """An APP1 segment with the orientation; none where there is nothing to say."""
    if orientation is None:
        return b""
    body = _EXIF + _tiff(orientation)
    return b"\xff\xe1" + (len(body) + 2).to_bytes(2, "big") + body


def _chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def _cut_off() -> ProblemError:
    return ProblemError(Reason.TRUNCATED, "the file ends before its picture does; send it again")
