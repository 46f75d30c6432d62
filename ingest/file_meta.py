"""The file meta header of a DICOM file, walked without a parser: it is safe in any process."""

import re
from dataclasses import dataclass

MAGIC_AT, META_AT = 128, 132
MEDIA_CLASS, MEDIA_INSTANCE, SYNTAX = b"\x02\0\x02\0", b"\x02\0\x03\0", b"\x02\0\x10\0"
_UID_BYTES = 64
_UID = re.compile(r"[0-9.]{1,64}")
_LONG_LENGTH = frozenset(b"OB OW OF OD OL OV SQ UC UN UR UT".split())


@dataclass(frozen=True, slots=True)
class FileMeta:
    """What a meta header says; "" where it does not. `start`: where the data set begins."""

    syntax: str = ""
    media_class: str = ""
    media_instance: str = ""
    start: int = META_AT


def walk(data: bytes) -> FileMeta:
    """Group 2, which is always explicit little endian (PS3.10 section 7.1)."""
    found = {SYNTAX: "", MEDIA_CLASS: "", MEDIA_INSTANCE: ""}
    at = META_AT
    while data[MAGIC_AT:META_AT] == b"DICM" and data[at : at + 2] == b"\x02\0":
        long = data[at + 4 : at + 6] in _LONG_LENGTH
        value_at = at + (12 if long else 8)
        length = int.from_bytes(data[at + (8 if long else 6) : value_at], "little")
        if data[at : at + 4] in found and length <= _UID_BYTES:
            value = data[value_at : value_at + length]
            found[data[at : at + 4]] = value.decode("ascii", "replace").strip("\0 ")
        at = value_at + length
    return FileMeta(found[SYNTAX], found[MEDIA_CLASS], found[MEDIA_INSTANCE], at)


def sop_uids(head: bytes) -> tuple[str, str]:
    """SOP class and instance of a file by its first bytes; "" for what is not a UID."""
    meta = walk(head)
    uids = (meta.media_class, meta.media_instance)
    return tuple(uid if _UID.fullmatch(uid) else "" for uid in uids)  # type: ignore[return-value]
