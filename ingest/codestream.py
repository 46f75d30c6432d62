"""What a compressed frame declares about itself, read before a decoder is let near it.

A DICOM header may say 512×512 while the frame inside says 65,535×65,535; decoders believe
the frame and allocate. Where header and frame disagree about samples or their depth, and
about the kind of compression, the frame is right: it is what the encoder wrote.
"""

import struct
from dataclasses import dataclass

_FRAME_HEADERS = frozenset({*range(0xC0, 0xD0), 0xF7}) - {0xC4, 0xC8, 0xCC}  # SOFn and SOF55
_WITHOUT_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_LOSSLESS, _JPEG_LS = 0xC3, 0xF7
_JPEG = b"\xff\xd8"
_JPEG2000 = b"\xff\x4f\xff\x51"
_JP2_CONTAINER = b"\0\0\0\x0cjP"
_SIZ_BYTES = 43  # up to the first component's depth
JPEG, JPEG_LOSSLESS, JPEG_LS, JPEG2000 = "jpeg", "jpeg_lossless", "jpeg_ls", "jpeg2000"


@dataclass(frozen=True, slots=True)
class Declared:
    """A frame's own header: its size, samples a pixel, bits a sample and compression."""

    rows: int
    columns: int
    samples: int
    bits: int
    kind: str  # jpeg, jpeg_lossless, jpeg_ls or jpeg2000


def begins(data: bytes) -> bool:
    """Whether it starts as a JPEG, JPEG-LS or JPEG 2000 frame does."""
    return data.startswith((_JPEG + b"\xff", _JPEG2000, _JP2_CONTAINER))


def declared(frame: bytes) -> Declared | None:
    """What a JPEG, JPEG-LS or JPEG 2000 frame declares; None when it does not say."""
    if frame.startswith(_JP2_CONTAINER):
        frame = frame[max(0, frame.find(_JPEG2000)) :]
    if frame.startswith(_JPEG2000):
        return _jpeg2000(frame)
    if frame.startswith(_JPEG):
        return _jpeg(frame)
    return None


def without_remarks(frame: bytes) -> bytes:
    """A JPEG or JPEG-LS frame without the segments that do not bear on its grey samples.

    GDCM ends the process over some of them, such as a JFIF version that it does not know.
    """
    kept, at = [frame[:2]], 2
    while frame[at : at + 1] == b"\xff" and frame[at + 1 : at + 2] not in (b"", b"\xda"):
        end = at + 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
        if not _is_remark(frame[at + 1]):
            kept.append(frame[at:end])
        at = end
    return b"".join((*kept, frame[at:]))


def _is_remark(marker: int) -> bool:
    """APPn and COM, ISO/IEC 10918-1 table B.1."""
    return 0xE0 <= marker <= 0xEF or marker == 0xFE


def _jpeg2000(frame: bytes) -> Declared | None:
    """SIZ marker, ISO/IEC 15444-1 A.5.1: extent, offset, tiles, components and their depth."""
    if len(frame) < _SIZ_BYTES:
        return None
    width, height, left, top = struct.unpack_from(">4I", frame, 8)
    (samples,) = struct.unpack_from(">H", frame, 40)
    return Declared(height - top, width - left, samples, (frame[42] & 0x7F) + 1, JPEG2000)


def _jpeg(frame: bytes) -> Declared | None:
    """The first frame header, ISO/IEC 10918-1 B.2.2."""
    at = 2
    while at + 10 <= len(frame):
        if frame[at] != 0xFF:
            return None
        marker = frame[at + 1]
        if marker in _FRAME_HEADERS:
            bits, rows, columns, samples = struct.unpack_from(">BHHB", frame, at + 4)
            kinds = {_LOSSLESS: JPEG_LOSSLESS, _JPEG_LS: JPEG_LS}
            return Declared(rows, columns, samples, bits, kinds.get(marker, JPEG))
        if marker == 0xFF or marker in _WITHOUT_LENGTH:
            at += 1 if marker == 0xFF else 2
        else:
            at += 2 + int.from_bytes(frame[at + 2 : at + 4], "big")
    return None
