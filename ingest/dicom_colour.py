"""DICOM films stored in colour: Secondary Captures as RGB or YBR, and palettes."""

import numpy as np
from PIL import Image
from pydicom.dataset import Dataset

from ingest import lookup
from ingest.dicom_pixels import PALETTE, Geometry, contradiction, decode_raw
from ingest.problem import ProblemError
from ingest.raster import COLOUR_SHARE, COLOUR_SPREAD, to_gray

_NEUTRAL = 128  # of the two chroma channels


def decode(dataset: Dataset, shape: Geometry) -> np.ndarray:
    """(rows, columns) uint8 of a film stored as RGB, YBR or palette; refuses real colour."""
    array = decode_raw(dataset, shape)
    if array.ndim == 2 and shape.photometric == PALETTE:
        return to_gray(Image.fromarray(_through_palette(dataset, array)))
    if array.ndim != 3:
        raise contradiction()
    if array.dtype != np.uint8:
        array = (array >> max(0, shape.bits_stored - 8)).astype(np.uint8)
    return _gray(np.ascontiguousarray(array), shape.photometric.startswith("YBR"))


def _gray(array: np.ndarray, says_ybr: bool) -> np.ndarray:
    """Headers are often wrong about RGB and YBR: a film is grey in one of the two readings."""
    if says_ybr and _is_neutral(array):
        return np.ascontiguousarray(array[..., 0])
    try:
        return to_gray(Image.fromarray(array))
    except ProblemError:
        if not _is_neutral(array):
            raise
        return np.ascontiguousarray(array[..., 0])


def _is_neutral(array: np.ndarray) -> bool:
    """Whether the last two of three channels are those of a grey YBR picture."""
    chroma = np.abs(array[..., 1:].astype(np.int16) - _NEUTRAL)
    return float((chroma > COLOUR_SPREAD // 2).mean()) < COLOUR_SHARE


def _through_palette(dataset: Dataset, array: np.ndarray) -> np.ndarray:
    """(rows, columns, 3) uint8."""
    try:
        channels = [_palette_channel(dataset, name, array) for name in ("Red", "Green", "Blue")]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  whatever a damaged table leads to
        raise contradiction() from None
    return np.dstack(channels)


def _palette_channel(dataset: Dataset, colour: str, array: np.ndarray) -> np.ndarray:
    prefix = f"{colour}PaletteColorLookupTable"
    descriptor, data = dataset.get(f"{prefix}Descriptor"), dataset.get(f"{prefix}Data")
    found = lookup.table(descriptor, data, lookup.little(dataset), signed=False)
    values = found.apply(array.astype(np.int32))
    return np.asarray(values >> 8 if int(found.entries.max()) > 255 else values, dtype=np.uint8)
