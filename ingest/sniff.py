"""What a file is, from its first bytes. Its extension is not asked."""

from ingest.problem import ProblemError
from ingest.records import Reason

HEAD_BYTES = 512
JPEG, PNG, DICOM = "jpeg", "png", "dicom"

_ACCEPTED = ((b"\xff\xd8\xff", JPEG), (b"\x89PNG\r\n\x1a\n", PNG))
_KNOWN = (
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a BMP image"),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\0\0\0 ftyp", "a HEIF image or a video"),
    (b"\0\0\0\x18ftyp", "a HEIF image or a video"),
    (b"\0\0\0\x1cftyp", "a HEIF image or a video"),
    (b"\x5c\x01", "a NIfTI volume"),
)
_DOCUMENTS = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive; unpack it first"),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"<!DOCTYPE", "a web page"),
    (b"<html", "a web page"),
    (b"<?xml", "an XML document"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
)


def kind(head: bytes) -> str:
    """JPEG, PNG or DICOM; raises ProblemError for anything else.

    Args:
        head: the first HEAD_BYTES bytes of the file, or all of a shorter one.
    """
    if not head:
        raise ProblemError(Reason.EMPTY, "the file is empty; send it again")
    for magic, name in _ACCEPTED:
        if head.startswith(magic):
            return name
    if _is_dicom(head):
        return DICOM
    raise ProblemError(Reason.NOT_AN_IMAGE, _describe(head))


def _is_dicom(head: bytes) -> bool:
    """With its preamble, or bare: the data set begins with an element of group 2 or 8."""
    if head[128:132] == b"DICM":
        return True
    if head[:2] not in (b"\x02\0", b"\x08\0"):
        return False
    explicit = head[4:6].isalpha() and head[4:6].isupper()
    implicit = head[6:8] == b"\0\0" and head[8:9] != b""  # a first value under 64 kB
    return explicit or implicit


def _describe(head: bytes) -> str:
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "this is a WebP image; convert it to PNG"
    for magic, name in _KNOWN:
        if head.startswith(magic):
            return f"this is {name}; convert it to PNG, JPEG or DICOM"
    for magic, name in _DOCUMENTS:
        if head.lstrip()[: len(magic)].lower() == magic.lower():
            return f"this is {name}, not a JPEG, PNG or DICOM image"
    if _is_text(head):
        return "this is text, not a JPEG, PNG or DICOM image"
    return "this is not a JPEG, PNG or DICOM image"


def _is_text(head: bytes) -> bool:
    printable = sum(byte in b"\t\n\r" or 32 <= byte < 127 or byte >= 128 for byte in head)
    return printable == len(head)
