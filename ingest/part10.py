"""A DICOM file's bytes as a pydicom data set that holds only what ingest may look at."""

import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import PIL.Image  # noqa: F401  before pydicom loads GDCM, whose zlib would else be Pillow's too
import pydicom.config
from pydicom.dataelem import RawDataElement
from pydicom.dataset import FileDataset, FileMetaDataset
from pydicom.filereader import read_partial
from pydicom.tag import BaseTag, Tag
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from ingest import file_meta
from ingest.allow_list import HEADER, PIXELS
from ingest.problem import ProblemError
from ingest.quiet import quiet
from ingest.records import Reason

# Real headers break the standard's value rules in harmless ways, and what pydicom says about
# them quotes the value.
pydicom.config.settings.reading_validation_mode = pydicom.config.IGNORE

DICOMDIR_CLASS = "1.2.840.10008.1.3.10"
_DEFLATED = "1.2.840.10008.1.2.1.99"
_UNDEFINED = 0xFFFFFFFF
_TAGS: list[BaseTag | int] = [Tag(keyword) for keyword in (*HEADER, *PIXELS)]
_PIXEL_DATA = Tag("PixelData")


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


def check_whole(dataset: FileDataset) -> None:
    """Raises ProblemError where pixels are fewer than their length says: pydicom is content."""
    for name in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"):
        element: Any = dataset.get_item(name) if name in dataset else None
        raw = isinstance(element, RawDataElement) and element.length != _UNDEFINED
        if raw and len(element.value or b"") < element.length:
            raise _cut_off()


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
        data = bytes(file_meta.MAGIC_AT) + b"DICM" + data  # a meta header without its preamble
    if data[file_meta.MAGIC_AT : file_meta.META_AT] != b"DICM":
        return data
    meta = file_meta.walk(data)
    syntax, body = meta.syntax, data[meta.start :]
    if syntax and not _is_known(syntax):
        raise ProblemError(Reason.UNREADABLE, "its compression is not known here")
    if syntax == _DEFLATED:
        syntax, body = ExplicitVRLittleEndian, _inflated(body, max_bytes)
    return as_file(body, syntax, meta.media_class)


def as_file(body: bytes, syntax: str, media_class: str = "") -> bytes:
    """A part-10 file of an encoded data set: the smallest header that says how to read it."""
    media = _uid_element(file_meta.MEDIA_CLASS, media_class) if media_class else b""
    said = _uid_element(file_meta.SYNTAX, syntax) if syntax else b""
    return b"".join((bytes(file_meta.MAGIC_AT), b"DICM", media, said, body))


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
