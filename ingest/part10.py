"""A DICOM file's bytes as a pydicom data set that holds only what ingest may look at."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import PIL.Image  # noqa: F401  before pydicom loads GDCM, whose zlib would else be Pillow's too
import pydicom.config
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ingest.allow_list import HEADER, PIXELS
from ingest.problem import ProblemError
from ingest.quiet import quiet
from ingest.records import Reason

# Real headers break the standard's value rules in harmless ways, and what pydicom says about
# them quotes the value.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_TAGS: list[BaseTag | int] = [Tag(keyword) for keyword in (*HEADER, *PIXELS)]
_PIXEL_DATA = Tag("PixelData")
_MAGIC_AT, _META_AT = 128, 132
_MEDIA_CLASS, _SYNTAX = b"\x02\0\x02\0", b"\x02\0\x10\0"
_UID_BYTES = 64
_LONG_LENGTH = frozenset(b"OB OW OF OD OL OV SQ UC UN UR UT".split())


def parse(data: bytes, max_bytes: int) -> FileDataset:
    """The allow-listed elements of a DICOM file, with or without its preamble.

    Args:
        max_bytes: of the data set once inflated.

    Raises:
        ProblemError: it cannot be parsed, is cut off, or inflates to more than the cap.
    """
    data = _plain(data, max_bytes)
    with _translated(), quiet():
        dataset = read_partial(io.BytesIO(data), _is_past_pixels, force=True, specific_tags=_TAGS)
        _name_syntax(dataset)
        # pydicom gives up all elements when it meets the end within one; a DICOMDIR holds none
        if not dataset and dataset.file_meta.get("MediaStorageSOPClassUID") != DICOMDIR_CLASS:
            raise _cut_off()
    return dataset


def _is_past_pixels(tag: BaseTag, _vr: str | None, _length: int) -> bool:
    """What follows the picture is padding, or damage that costs nothing."""
    return int(tag) > int(_PIXEL_DATA)


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (MemoryError, RecursionError, ProblemError):
        raise
    except EOFError:
        raise _cut_off() from None
    except Exception:  # noqa: BLE001  pydicom raises whatever a damaged element leads to
        raise ProblemError(Reason.UNREADABLE, "its DICOM header is damaged") from None


def _cut_off() -> ProblemError:
    return ProblemError(Reason.TRUNCATED, "the file ends before its data do; send it again")


def _name_syntax(dataset: FileDataset) -> None:
    """A file without meta header: the transfer syntax is what pydicom read it by."""
    if not hasattr(dataset, "file_meta"):
        dataset.file_meta = FileMetaDataset()
    if "TransferSyntaxUID" in dataset.file_meta:
        return
    implicit, little = dataset.original_encoding
    explicit = ExplicitVRLittleEndian if little else ExplicitVRBigEndian
    dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else explicit


def _plain(data: bytes, max_bytes: int) -> bytes:
    """With a file meta header that pydicom cannot stumble over, and not deflated.

    pydicom believes the group length, which is often wrong, and inflates without a cap.
    """
    if data.startswith(b"\x02\0"):
        data = bytes(_MAGIC_AT) + b"DICM" + data  # a meta header without its preamble
    if data[_MAGIC_AT:_META_AT] != b"DICM":
        return data
    syntax, media_class, start = _file_meta(data)
    body = data[start:]
    if syntax and not _is_known(syntax):
        raise ProblemError(Reason.UNREADABLE, "its compression is not known here")
    if syntax == _DEFLATED:
        syntax, body = ExplicitVRLittleEndian, _inflated(body, max_bytes)
    media = _uid_element(_MEDIA_CLASS, media_class) if media_class else b""
    said = _uid_element(_SYNTAX, syntax) if syntax else b""
    return b"".join((bytes(_MAGIC_AT), b"DICM", media, said, body))


def _is_known(syntax: str) -> bool:
    uid = UID(syntax)
    return bool(uid.is_valid and not uid.is_private and uid.is_transfer_syntax)


def _inflated(body: bytes, max_bytes: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        plain = inflater.decompress(body, max_bytes)
    except zlib.error:
        raise ProblemError(Reason.UNREADABLE, "its deflated data are damaged") from None
    if inflater.unconsumed_tail:
        sentence = "it inflates to more data than any radiograph has"
        raise ProblemError(Reason.PIXEL_BOMB, sentence)
    if not inflater.eof:
        raise _cut_off()
    return plain


def _uid_element(tag: bytes, uid: str) -> bytes:
    value = uid.encode("ascii", "replace") + b"\0" * (len(uid) % 2)
    return tag + b"UI" + len(value).to_bytes(2, "little") + value


def _file_meta(data: bytes) -> tuple[str, str, int]:
    """Transfer syntax, media storage class ("" when not said) and where the data set begins.

    Group 2 is always explicit little endian (PS3.10 section 7.1).
    """
    found = {_SYNTAX: "", _MEDIA_CLASS: ""}
    at = _META_AT
    while data[at : at + 2] == b"\x02\0":
        long = data[at + 4 : at + 6] in _LONG_LENGTH
        value_at = at + (12 if long else 8)
        length = int.from_bytes(data[at + (8 if long else 6) : value_at], "little")
        if data[at : at + 4] in found and length <= _UID_BYTES:
            value = data[value_at : value_at + length]
            found[data[at : at + 4]] = value.decode("ascii", "replace").strip("\0 ")
        at = value_at + length
    return found[_SYNTAX], found[_MEDIA_CLASS], at
