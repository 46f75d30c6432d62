"""The size that a compressed frame declares, read before a decoder is let near it.

A DICOM header may say 512×512 while the frame inside says 65,535×65,535; decoders believe
the frame and allocate.
"""

import struct

_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # SOFn and SOF55
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_JPEG = b"\xff\xd8"
_JPEG2000 = b"\xff\x4f\xff\x51"
_JP2_CONTAINER = b"\0\0\0\x0cjP"


def declared_size(frame: bytes) -> tuple[int, int] | None:
    """(rows, columns) of a JPEG, JPEG-LS or JPEG 2000 frame; None when it does not say."""
    if frame.startswith(_JP2_CONTAINER):
        frame = frame[max(0, frame.find(_JPEG2000)) :]
    if frame.startswith(_JPEG2000):
        return _jpeg2000_size(frame)
    if frame.startswith(_JPEG):
        return _jpeg_size(frame)
    return None


def _jpeg2000_size(frame: bytes) -> tuple[int, int] | None:
    """SIZ marker, ISO/IEC 15444-1 A.5.1: length, capabilities, extent, offset."""
    if len(frame) < 24:
        return None
    width, height, left, top = struct.unpack_from(">4I", frame, 8)
    return height - top, width - left


def _jpeg_size(frame: bytes) -> tuple[int, int] | None:
    """The first frame header, ISO/IEC 10918-1 B.2.2."""
    at = 2
    while at + 9 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker in _FRAME_HEADERS:
            rows, columns = struct.unpack_from(">2H", frame, at + 5)
            return rows, columns
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
