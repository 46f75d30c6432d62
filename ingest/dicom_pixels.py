"""The stored values of a DICOM film, decoded under caps and by one named decoder each."""

from dataclasses import dataclass

import numpy as np
from PIL import Image
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames
from pydicom.pixels.decoders.base import get_decoder
from pydicom.pixels.processing import apply_color_lut

from ingest import jpeg_extended
from ingest.codestream import declared_size
from ingest.dicom_header import text
from ingest.problem import ProblemError
from ingest.quiet import quiet
from ingest.raster import to_gray
from ingest.records import Reason

# Lossy syntaxes differ between decoders in the last bit, and the content hash covers it.
_DECODERS: dict[str, tuple[str, ...]] = {
    uid.JPEGBaseline8Bit: ("pillow", "gdcm"),
    uid.JPEGExtended12Bit: ("gdcm",),
    uid.JPEGLossless: ("gdcm",),
    uid.JPEGLosslessSV1: ("gdcm",),
    uid.JPEGLSLossless: ("pyjpegls", "gdcm"),
    uid.JPEGLSNearLossless: ("pyjpegls", "gdcm"),
    uid.JPEG2000Lossless: ("pylibjpeg", "gdcm"),
    uid.JPEG2000: ("pylibjpeg", "gdcm"),
    uid.HTJ2KLossless: ("pylibjpeg",),
    uid.HTJ2KLosslessRPCL: ("pylibjpeg",),
    uid.HTJ2K: ("pylibjpeg",),
    uid.RLELossless: ("pydicom",),  # pylibjpeg-rle panics on damage, past `except Exception`
}
_END_OF_PICTURE = b"\xff\xd9"  # JPEG's EOI and JPEG 2000's EOC
_PADDING = 16  # bytes within which it must stand: senders pad frames with zeros or ones
_GRAY = ("MONOCHROME1", "MONOCHROME2")


@dataclass(frozen=True, slots=True)
class Geometry:
    """The pixel module's numbers, checked."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    signed: bool
    photometric: str


def number(dataset: Dataset, keyword: str) -> int | None:
    """A whole number, or None when it is absent or is none."""
    value = text(dataset, keyword)
    try:
        return int(float(value))
    except (ValueError, OverflowError):
        return None


def geometry(dataset: Dataset, max_pixels: int) -> Geometry:
    """Raises ProblemError for numbers that cannot be, and for more pixels than the cap."""
    if "Rows" not in dataset and "PixelData" not in dataset:
        raise ProblemError(Reason.NO_PIXELS, "a DICOM object without a picture; send the image")
    rows, columns = number(dataset, "Rows") or 0, number(dataset, "Columns") or 0
    if rows <= 0 or columns <= 0:
        raise _contradiction()
    if rows * columns > max_pixels:
        sentence = "it declares more pixels than any radiograph has"
        raise ProblemError(Reason.PIXEL_BOMB, sentence)
    allocated = number(dataset, "BitsAllocated") or 16
    stored = number(dataset, "BitsStored") or allocated
    samples = number(dataset, "SamplesPerPixel") or 1
    if allocated not in (8, 16) or not 1 <= stored <= allocated or samples not in (1, 3):
        raise _contradiction()
    signed = number(dataset, "PixelRepresentation") == 1
    photometric = text(dataset, "PhotometricInterpretation").upper()
    return Geometry(rows, columns, samples, allocated, stored, signed, photometric)


def decode_stored(dataset: Dataset, shape: Geometry) -> np.ndarray:
    """(rows, columns) int32 values as stored, sign extended, overlay bits removed.

    A lossy decoder overshoots: there, values past BitsStored are cut off, not wrapped round.
    """
    raw = _decode(dataset, shape)
    if raw.ndim != 2:
        raise _contradiction()
    values = raw.astype(np.int32)
    if dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        low = -(1 << (shape.bits_stored - 1)) if shape.signed else 0
        return np.asarray(np.clip(values, low, low + (1 << shape.bits_stored) - 1))
    spare = 32 - shape.bits_stored
    values <<= spare
    if shape.signed:
        return np.asarray(values >> spare)
    return np.asarray((values.view(np.uint32) >> np.uint32(spare)).view(np.int32))


def decode_colour(dataset: Dataset, shape: Geometry) -> np.ndarray:
    """(rows, columns) uint8 of a film stored as RGB, YBR or palette; refuses real colour."""
    array = _decode(dataset, shape)
    if shape.photometric == "PALETTE COLOR":
        with quiet():
            array = apply_color_lut(array, dataset)
    if array.dtype != np.uint8:
        array = (array >> 8).astype(np.uint8)
    if array.ndim != 3:
        raise _contradiction()
    return to_gray(Image.fromarray(np.ascontiguousarray(array)))


def is_gray(shape: Geometry) -> bool:
    """One sample, MONOCHROME1 or 2, or one sample and nothing said."""
    return shape.samples == 1 and shape.photometric in (*_GRAY, "")


def check_one_frame(dataset: Dataset) -> None:
    """Raise ProblemError when the picture was cut off whole, or there are several."""
    if "PixelData" not in dataset:
        raise _cut_off()
    if (number(dataset, "NumberOfFrames") or 1) > 1:
        raise ProblemError(Reason.MULTI_FRAME, "it holds several frames; send one film to a file")


def _decode(dataset: Dataset, shape: Geometry) -> np.ndarray:
    syntax = dataset.file_meta.TransferSyntaxUID
    _complete(dataset, shape)
    if not syntax.is_encapsulated:
        _check_length(dataset, shape)
    else:
        frame = _checked_frame(dataset, shape)
        if syntax == uid.JPEGExtended12Bit and is_gray(shape) and shape.bits_stored > 8:
            return _extended(frame, shape)
    with quiet():
        return _run(dataset, syntax, raw=is_gray(shape))


def _complete(dataset: Dataset, shape: Geometry) -> None:
    """What `geometry` took for granted, for decoders that do not."""
    numbers = {
        "Rows": shape.rows,
        "Columns": shape.columns,
        "SamplesPerPixel": shape.samples,
        "BitsAllocated": shape.bits_allocated,
        "BitsStored": shape.bits_stored,
        "PixelRepresentation": int(shape.signed),
        "PlanarConfiguration": number(dataset, "PlanarConfiguration") or 0,
    }
    for keyword, value in numbers.items():
        dataset.add_new(keyword, "US", value)
    dataset.add_new("PhotometricInterpretation", "CS", shape.photometric or "MONOCHROME2")


def _extended(frame: bytes, shape: Geometry) -> np.ndarray:
    try:
        return jpeg_extended.decode(frame, shape.rows, shape.columns)
    except (ValueError, TypeError):
        raise _damaged() from None


def _run(dataset: Dataset, syntax: uid.UID, *, raw: bool) -> np.ndarray:
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        sentence = "its compression is not known here; send it as JPEG 2000 or uncompressed"
        raise ProblemError(Reason.UNREADABLE, sentence) from None
    for plugin in _DECODERS.get(syntax, ("",)):
        try:
            return decoder.as_array(dataset, index=0, raw=raw, decoding_plugin=plugin)[0]
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001  whatever a plugin raises, its message may quote the file
            continue
    raise _damaged()


def _check_length(dataset: Dataset, shape: Geometry) -> None:
    pixels = shape.rows * shape.columns * shape.samples
    if len(dataset.PixelData or b"") < pixels * shape.bits_allocated // 8:
        raise _cut_off()


def _checked_frame(dataset: Dataset, shape: Geometry) -> bytes:
    """A whole frame, of the size that the header gives, before a decoder allocates for it."""
    try:
        with quiet():
            frame = next(generate_frames(dataset.PixelData, number_of_frames=1), b"")
    except Exception:  # noqa: BLE001  the item structure is damaged or cut off
        raise _cut_off() from None
    size = declared_size(frame)
    if size is None:
        if dataset.file_meta.TransferSyntaxUID != uid.RLELossless:
            raise _damaged()
        return frame
    if size != (shape.rows, shape.columns):
        raise _contradiction()
    if _END_OF_PICTURE not in frame[-_PADDING:]:
        raise _cut_off()
    return frame


def _damaged() -> ProblemError:
    return ProblemError(Reason.UNREADABLE, "its picture data are damaged; send it again")


def _cut_off() -> ProblemError:
    return ProblemError(Reason.TRUNCATED, "the file ends before its picture does; send it again")


def _contradiction() -> ProblemError:
    sentence = "its header contradicts itself or its picture; export it again"
    return ProblemError(Reason.UNREADABLE, sentence)
