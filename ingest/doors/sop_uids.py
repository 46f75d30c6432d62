"""The SOP class and instance that an encoded data set names, found without decoding it."""

import re
import zlib

from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian, ImplicitVRLittleEndian

_CLASS, _INSTANCE = (0x0008, 0x0016), (0x0008, 0x0018)
_LONG = frozenset(b"OB OD OF OL OV OW SQ SV UC UN UR UT UV".split())
_HEAD = 4096  # bytes; the two stand among the first elements of every object
_ELEMENTS = 64
_UID = re.compile(r"[0-9.]{1,64}")


def sop_uids(body: bytes, syntax: str) -> tuple[str, str]:
    """SOP class and instance UID of a data set in a transfer syntax; "" what is not found.

    Elements are in the order of their tags, so that a few headers are looked at and no more.
    """
    head = _inflated(body) if syntax == DeflatedExplicitVRLittleEndian else body[:_HEAD]
    big, implicit = syntax == ExplicitVRBigEndian, syntax == ImplicitVRLittleEndian
    found = {_CLASS: "", _INSTANCE: ""}
    at = 0
    for _ in range(_ELEMENTS):
        tag = (_number(head, at, 2, big), _number(head, at + 2, 2, big))
        if tag > _INSTANCE or at + 8 > len(head):
            break
        start, length = _extent(head, at, big, implicit)
        if tag in found:
            found[tag] = _uid(head[start : start + length])
        at = start + length
    return found[_CLASS], found[_INSTANCE]


def _extent(head: bytes, at: int, big: bool, implicit: bool) -> tuple[int, int]:
    """Where an element's value begins, and its length."""
    if implicit:
        return at + 8, _number(head, at + 4, 4, big)
    if head[at + 4 : at + 6] in _LONG:
        return at + 12, _number(head, at + 8, 4, big)
    return at + 8, _number(head, at + 6, 2, big)


def _number(head: bytes, at: int, size: int, big: bool) -> int:
    return int.from_bytes(head[at : at + size], "big" if big else "little")


def _uid(value: bytes) -> str:
    text = value.decode("ascii", "replace").strip("\0 ")
    return text if _UID.fullmatch(text) else ""


def _inflated(body: bytes) -> bytes:
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(body[:_HEAD], _HEAD)
    except zlib.error:
        return b""
