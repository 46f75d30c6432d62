"""The one frame of an encapsulated picture, from its items alone (PS3.5 A.4).

Offset tables, basic and extended, are often wrong and never needed for a single frame: they
are not asked. pydicom believes them.
"""

import struct

from pydicom import uid

from ingest import codestream

_ITEM, _DELIMITER = b"\xfe\xff\x00\xe0", b"\xfe\xff\xdd\xe0"
_END_OF_PICTURE = b"\xff\xd9"  # JPEG's EOI and JPEG 2000's EOC
_NEAR_THE_END = 16  # bytes within which it must stand, whatever follows it
_JPEG2000_KINDS = frozenset(
    [uid.JPEG2000Lossless, uid.JPEG2000, uid.HTJ2KLossless, uid.HTJ2KLosslessRPCL, uid.HTJ2K]
)
_JPEG_LS_KINDS = frozenset([uid.JPEGLSLossless, uid.JPEGLSNearLossless])
_LOSSLESS_KINDS = frozenset([uid.JPEGLossless, uid.JPEGLosslessSV1])


def frame(pixel_data: bytes) -> bytes:
    """All fragments joined, without the offset table; raises ValueError when one is cut off."""
    items = _items(pixel_data)
    if items and not codestream.begins(items[0]):
        items = items[1:]  # the basic offset table, which some senders leave out
    return b"".join(items)


def wrapped(whole: bytes) -> bytes:
    """A frame as an empty offset table and a single item, of even length."""
    whole += b"\0" * (len(whole) % 2)
    return b"".join((_ITEM, bytes(4), _ITEM, struct.pack("<I", len(whole)), whole))


def is_complete(whole: bytes) -> bool:
    """Whether a JPEG or JPEG 2000 frame has its end; padding after it does not count."""
    return _END_OF_PICTURE in whole[-_NEAR_THE_END:] or whole.rstrip(b"\0\xff").endswith(
        _END_OF_PICTURE
    )


def true_syntax(stated: uid.UID, found: codestream.Declared) -> uid.UID:
    """The transfer syntax that the frame itself is in, where the header names another kind."""
    if found.kind == codestream.JPEG2000:
        return stated if stated in _JPEG2000_KINDS else uid.JPEG2000
    if found.kind == codestream.JPEG_LS:
        return stated if stated in _JPEG_LS_KINDS else uid.JPEGLSNearLossless
    if found.kind == codestream.JPEG_LOSSLESS:
        return stated if stated in _LOSSLESS_KINDS else uid.JPEGLossless
    return uid.JPEGBaseline8Bit if found.bits <= 8 else uid.JPEGExtended12Bit


def _items(data: bytes) -> list[bytes]:
    found: list[bytes] = []
    at = 0
    while at + 8 <= len(data) and data[at : at + 4] != _DELIMITER:
        (length,) = struct.unpack_from("<I", data, at + 4)
        at += 8
        if data[at - 8 : at - 4] != _ITEM or at + length > len(data):
            raise ValueError("an item of the picture is damaged or cut off")
        found.append(data[at : at + length])
        at += length
    return found
