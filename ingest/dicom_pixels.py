"""The stored values of a DICOM film, decoded under caps and by one named decoder each."""

from dataclasses import dataclass, replace

import numpy as np
from pydicom import uid
from pydicom.dataset import Dataset
from pydicom.pixels.decoders.base import get_decoder

from ingest import codestream, encapsulated, jpeg_extended
from ingest.dicom_header import has_pixels
from ingest.dicom_text import text
from ingest.problem import ProblemError
from ingest.quiet import quiet
from ingest.records import Reason

# Lossy syntaxes differ between decoders in the last bit, and the content hash covers it.
# GDCM is asked only where there is no other: damage may end its process.
_DECODERS: dict[str, str] = {
    uid.JPEGBaseline8Bit: "pillow",
    uid.JPEGExtended12Bit: "gdcm",
    uid.JPEGLossless: "gdcm",
    uid.JPEGLosslessSV1: "gdcm",
    uid.JPEGLSLossless: "pyjpegls",
    uid.JPEGLSNearLossless: "pyjpegls",
    uid.JPEG2000Lossless: "pylibjpeg",
    uid.JPEG2000: "pylibjpeg",
    uid.HTJ2KLossless: "pylibjpeg",
    uid.HTJ2KLosslessRPCL: "pylibjpeg",
    uid.HTJ2K: "pylibjpeg",
    uid.RLELossless: "pydicom",  # pylibjpeg-rle panics on damage, past `except Exception`
}
# Past BitsStored, a lossless frame carries overlays, to be masked; in a lossy one the decoder
# has overshot, to be cut off.
_LOSSY = frozenset(
    [
        uid.JPEGBaseline8Bit,
        uid.JPEGExtended12Bit,
        uid.JPEGLSNearLossless,
        uid.JPEG2000,
        uid.HTJ2K,
    ]
)
_YBR_422 = "YBR_FULL_422"
PALETTE = "PALETTE COLOR"
_SINGLE_SAMPLE = ("MONOCHROME1", "MONOCHROME2", PALETTE)


@dataclass(frozen=True, slots=True)
class Geometry:
    """The pixel module's numbers, checked."""

    rows: int
    columns: int
    samples: int
    bits_allocated: int
    bits_stored: int
    high_bit: int
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
        raise contradiction()
    if rows * columns > max_pixels:
        sentence = "it declares more pixels than any radiograph has"
        raise ProblemError(Reason.PIXEL_BOMB, sentence)
    allocated = number(dataset, "BitsAllocated") or 16
    stored = number(dataset, "BitsStored") or allocated
    samples = number(dataset, "SamplesPerPixel") or 1
    if allocated not in (8, 16) or not 1 <= stored <= allocated or samples not in (1, 3):
        raise contradiction()
    high = number(dataset, "HighBit")
    high = stored - 1 if high is None or not stored <= high < allocated else high
    signed = number(dataset, "PixelRepresentation") == 1
    photometric = text(dataset, "PhotometricInterpretation").upper()
    return Geometry(rows, columns, samples, allocated, stored, high, signed, photometric)


def decode_stored(dataset: Dataset, shape: Geometry) -> np.ndarray:
    """(rows, columns) int32 values as stored, sign extended, overlay bits removed."""
    raw = decode_raw(dataset, shape)
    if raw.ndim != 2:
        raise contradiction()
    values = raw.astype(np.int32)
    if dataset.file_meta.TransferSyntaxUID in _LOSSY:
        low = -(1 << (shape.bits_stored - 1)) if shape.signed else 0
        return np.asarray(np.clip(values, low, low + (1 << shape.bits_stored) - 1))
    values = _lowered(values, shape)
    spare = 32 - shape.bits_stored
    values <<= spare
    if shape.signed:
        return np.asarray(values >> spare)
    return np.asarray((values.view(np.uint32) >> np.uint32(spare)).view(np.int32))


def _lowered(values: np.ndarray, shape: Geometry) -> np.ndarray:
    """Samples that stand above bit 0, as HighBit says, moved down.

    Where none of them needs the high bits the header lies, and they stand at bit 0.
    """
    spare = shape.high_bit + 1 - shape.bits_stored
    above = values & (((1 << spare) - 1) << shape.bits_stored)
    return values >> spare if spare and above.any() else values


def is_gray(shape: Geometry) -> bool:
    """One sample and no palette, whatever else the header calls it."""
    return shape.samples == 1 and shape.photometric != PALETTE


def check_one_frame(dataset: Dataset) -> None:
    """Raise ProblemError when the picture was cut off whole, or there are several."""
    if "PixelData" not in dataset:
        if has_pixels(dataset):
            raise ProblemError(Reason.UNREADABLE, "its pixels are fractions; export it as integers")
        raise cut_off()
    _check_readable(dataset)
    if (number(dataset, "NumberOfFrames") or 1) > 1:
        raise ProblemError(Reason.MULTI_FRAME, "it holds several frames; send one film to a file")


def _check_readable(dataset: Dataset) -> None:
    """pydicom gives the pixels up when they have an unknown value representation."""
    try:
        with quiet():
            readable = isinstance(dataset.PixelData, bytes | None)
    except Exception:  # noqa: BLE001  whatever a damaged element leads to
        readable = False
    if not readable:
        raise damaged()


def settle(dataset: Dataset, shape: Geometry) -> Geometry:
    """The geometry once the compressed frame was asked; `dataset` then holds that one frame.

    A frame knows its samples, their depth and its compression better than the header does.
    Raises ProblemError when it is cut off, or has another size than the header gives.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    if not syntax.is_encapsulated:
        _check_length(dataset, shape)
        return shape
    whole = _frame(dataset)
    found = codestream.declared(whole)
    dataset.add_new("PixelData", "OB", encapsulated.wrapped(whole))
    if syntax == uid.RLELossless and found is None:
        return shape
    _check_frame(whole, found, shape)
    assert found is not None
    syntax = encapsulated.true_syntax(syntax, found)
    dataset.file_meta.TransferSyntaxUID = syntax
    if _DECODERS[syntax] == "gdcm":
        plain = encapsulated.wrapped(codestream.without_remarks(whole))
        dataset.add_new("PixelData", "OB", plain)
    return _agreed(shape, found)


def _frame(dataset: Dataset) -> bytes:
    try:
        return encapsulated.frame(dataset.PixelData or b"")
    except ValueError:
        raise cut_off() from None


def _check_frame(whole: bytes, found: codestream.Declared | None, shape: Geometry) -> None:
    if found is None:
        raise damaged() if whole else cut_off()
    if (found.rows, found.columns) != (shape.rows, shape.columns) or found.samples not in (1, 3):
        raise contradiction()
    if not encapsulated.is_complete(whole):
        raise cut_off()


def _agreed(shape: Geometry, found: codestream.Declared) -> Geometry:
    if not 1 <= found.bits <= 16:
        raise contradiction()
    allocated = 8 if found.bits <= 8 else 16
    says_so = allocated == shape.bits_allocated and found.samples == 1
    stored = shape.bits_stored if says_so else found.bits
    high = shape.high_bit if stored == shape.bits_stored else stored - 1
    return replace(
        shape, samples=found.samples, bits_allocated=allocated, bits_stored=stored, high_bit=high
    )


def decode_raw(dataset: Dataset, shape: Geometry) -> np.ndarray:
    """As the frame holds them: (rows, columns) or (rows, columns, 3), no colour converted."""
    syntax = dataset.file_meta.TransferSyntaxUID
    _complete(dataset, shape)
    if syntax == uid.JPEGExtended12Bit and shape.samples == 1:
        return _extended(encapsulated.frame(dataset.PixelData), shape)
    with quiet():
        return _run(dataset, syntax)


def _complete(dataset: Dataset, shape: Geometry) -> None:
    """What `geometry` took for granted or found out, for decoders that do not.

    pydicom masks what lies above BitsStored; here HighBit has a say in where samples stand.
    """
    syntax = dataset.file_meta.TransferSyntaxUID
    whole_words = not syntax.is_encapsulated or syntax == uid.RLELossless
    numbers = {
        "Rows": shape.rows,
        "Columns": shape.columns,
        "SamplesPerPixel": shape.samples,
        "BitsAllocated": shape.bits_allocated,
        "BitsStored": shape.bits_allocated if whole_words else shape.bits_stored,
        "PixelRepresentation": int(shape.signed),
        "PlanarConfiguration": int(number(dataset, "PlanarConfiguration") == 1),
    }
    for keyword, value in numbers.items():
        dataset.add_new(keyword, "US", value)
    dataset.add_new("NumberOfFrames", "IS", 1)
    dataset.add_new("PhotometricInterpretation", "CS", _plain_photometric(shape))


def _plain_photometric(shape: Geometry) -> str:
    """One that every decoder knows and that asks for no conversion of colours."""
    if shape.samples == 1:
        return shape.photometric if shape.photometric in _SINGLE_SAMPLE else "MONOCHROME2"
    return shape.photometric if shape.photometric.startswith("YBR_FULL") else "RGB"


def _extended(frame: bytes, shape: Geometry) -> np.ndarray:
    try:
        return jpeg_extended.decode(frame, shape.rows, shape.columns)
    except ValueError:
        raise damaged() from None


def _run(dataset: Dataset, syntax: uid.UID) -> np.ndarray:
    try:
        decoder = get_decoder(syntax)
    except NotImplementedError:
        sentence = "its compression is not known here; send it as JPEG 2000 or uncompressed"
        raise ProblemError(Reason.UNREADABLE, sentence) from None
    plugin = _DECODERS.get(syntax, "")
    try:
        return decoder.as_array(dataset, index=0, raw=True, decoding_plugin=plugin)[0]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  whatever a plugin raises, its message may quote the file
        raise damaged() from None


def _check_length(dataset: Dataset, shape: Geometry) -> None:
    halves = 4 if shape.photometric == _YBR_422 else 2 * shape.samples
    needed = shape.rows * shape.columns * halves * shape.bits_allocated // 16
    if len(dataset.PixelData or b"") < needed:
        raise cut_off()


def damaged() -> ProblemError:
    """Data that no decoder makes a picture of."""
    return ProblemError(Reason.UNREADABLE, "its picture data are damaged; send it again")


def cut_off() -> ProblemError:
    """A picture that is not there whole."""
    return ProblemError(Reason.TRUNCATED, "the file ends before its picture does; send it again")


def contradiction() -> ProblemError:
    """Numbers that cannot be, or that the picture does not bear out."""
    sentence = "its header contradicts itself or its picture; export it again"
    return ProblemError(Reason.UNREADABLE, sentence)
