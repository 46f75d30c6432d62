"""JPEG and PNG radiographs as grey pixels, always by Pillow.

Decoders of baseline JPEG differ in the last bit, and the content hash covers every pixel:
Pillow (with the libjpeg-turbo in its wheel) is the one that counts.
"""

import io
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageFile, UnidentifiedImageError

from ingest.problem import ProblemError
from ingest.records import Reason
from ingest.settings import MAX_PIXELS

_FORMATS = ("JPEG", "PNG")
_ORIENTATION_TAG = 0x0112
_TURNS: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    2: np.fliplr,
    3: lambda a: np.rot90(a, 2),
    4: np.flipud,
    5: lambda a: a.T,
    6: lambda a: np.rot90(a, -1),
    7: lambda a: np.rot90(a, 2).T,
    8: lambda a: np.rot90(a, 1),
}
_DEEP_MODES = ("I;16", "I;16B", "I;16L", "I;16N", "I")
_BLOCK, _MID_GREY = 8, 128

COLOUR_SPREAD = 40  # of 255 between a pixel's strongest and weakest channel
COLOUR_SHARE = 0.15  # of the pixels; labels and drawn boxes stay far below
_COLOUR_GRID = 256  # the longer side on which colour is judged
_COLOUR = "a colour picture; send the radiograph itself, in grey"


def decode_gray(path: Path, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """A JPEG or PNG file as (h, w) uint8 or uint16, upright, white = dense.

    Raises:
        ProblemError: it cannot be decoded whole, is too large or is a colour picture.
        OSError: it cannot be opened.
    """
    return decode(path.read_bytes(), max_pixels)


def decode(data: bytes, max_pixels: int) -> np.ndarray:
    """As `decode_gray`, from the bytes of a file."""
    with _translated():
        image = Image.open(io.BytesIO(data), formats=_FORMATS)
        _check_header(image, max_pixels)
        image.load()
        turn = _orientation(image)
        gray = to_gray(image)
    if image.format != "PNG" and _filled_up(gray):
        raise _damaged("truncated")
    return np.ascontiguousarray(_TURNS[turn](gray)) if turn in _TURNS else gray


@contextmanager
def _translated() -> Iterator[None]:
    """Pillow's exceptions as coded reasons; its messages are not passed on."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            yield
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise ProblemError(Reason.PIXEL_BOMB, _too_large()) from None
    except UnidentifiedImageError:
        raise ProblemError(Reason.UNREADABLE, "its header is damaged; send it again") from None
    except (MemoryError, ProblemError):
        raise
    except Exception as error:  # noqa: BLE001  Pillow raises whatever a damaged chunk leads to
        raise _damaged(str(error)) from None


def _damaged(message: str) -> ProblemError:
    if any(word in message.lower() for word in ("truncated", "unexpected end", "not enough")):
        sentence = "the file ends before its picture does; send it again"
        return ProblemError(Reason.TRUNCATED, sentence)
    return ProblemError(Reason.UNREADABLE, "its picture data are damaged; send it again")


def _filled_up(gray: np.ndarray) -> bool:
    """Whether a JPEG's data ended early although its end marker is there.

    libjpeg then fills the missing blocks, up to the last one, with exact mid-grey, and warns
    where Pillow does not listen. A film on a mid-grey ground has it in its first block too.
    """
    first, last = gray[:_BLOCK, :_BLOCK], gray[-_BLOCK:, -_BLOCK:]
    return bool((last == _MID_GREY).all() and not (first == _MID_GREY).all())


def _too_large() -> str:
    return "it declares more pixels than any radiograph has; send it at its original size"


def _check_header(image: ImageFile.ImageFile, max_pixels: int) -> None:
    width, height = image.size
    if width * height > max_pixels:
        raise ProblemError(Reason.PIXEL_BOMB, _too_large())
    if getattr(image, "n_frames", 1) > 1 and image.format == "PNG":
        raise ProblemError(Reason.MULTI_FRAME, "an animation; send one film to a file")


def _orientation(image: Image.Image) -> int:
    """EXIF orientation 1 to 8; 1 when there is none or it makes no sense."""
    try:
        value = image.getexif().get(_ORIENTATION_TAG, 1)
    except Exception:  # noqa: BLE001  a damaged EXIF block says nothing about the pixels
        return 1
    return value if isinstance(value, int) else 1


def to_gray(image: Image.Image) -> np.ndarray:
    """A loaded image of any mode as (h, w) uint8 or uint16.

    Transparent parts become black, the background of a radiograph. Raises ProblemError for
    a colour picture; a film saved as RGB, with chroma noise or a coloured label, is a film.
    """
    if image.mode in _DEEP_MODES:
        return _deep(image)
    if image.mode in ("L", "1") and "transparency" not in image.info:
        return np.asarray(image.convert("L"), dtype=np.uint8)
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (0, 0, 0, 255)), image)
    colour = image.convert("RGB")
    refuse_colour(colour)
    return np.asarray(colour.convert("L"), dtype=np.uint8)


def _deep(image: Image.Image) -> np.ndarray:
    values = np.asarray(image)
    if values.dtype.byteorder == ">" or values.dtype != np.uint16:
        values = np.clip(values, 0, 65535)
    return np.ascontiguousarray(values, dtype=np.uint16)


def refuse_colour(image: Image.Image) -> None:
    """Raise ProblemError when many pixels of an RGB image have a strong hue."""
    factor = max(1, max(image.size) // _COLOUR_GRID)
    small = np.asarray(image.reduce(factor), dtype=np.int16)
    spread = small.max(axis=2) - small.min(axis=2)
    if float((spread > COLOUR_SPREAD).mean()) > COLOUR_SHARE:
        raise ProblemError(Reason.COLOUR, _COLOUR)
