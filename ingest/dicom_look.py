"""From stored values to the film as it is shown: modality LUT, VOI LUT or window, polarity.

PS3.3 C.11.1 and C.11.2, in that order, and MONOCHROME1 turned over last, so that white is
dense in every film that leaves.
"""

import numpy as np
from pydicom.dataset import Dataset
from pydicom.pixels.processing import apply_modality_lut, apply_voi

from ingest.dicom_header import text
from ingest.dicom_pixels import Geometry, number
from ingest.quiet import quiet

WINDOW_IGNORED = "window_ignored"
_IN_WINDOW = 0.10  # of the pixels must lie within a window that is to be believed
_FULL = 65535.0


def stored_as_hashed(stored: np.ndarray, shape: Geometry) -> np.ndarray:
    """What the content hash covers: (h, w) uint8 or uint16, from zero, white = dense."""
    values = stored + (1 << (shape.bits_stored - 1)) if shape.signed else stored
    if shape.photometric == "MONOCHROME1":
        values = (1 << shape.bits_stored) - 1 - values
    return values.astype(np.uint8 if shape.bits_stored <= 8 else np.uint16)


def shown(
    dataset: Dataset, stored: np.ndarray, shape: Geometry
) -> tuple[np.ndarray, tuple[str, ...]]:
    """(h, w) uint8 for a plain film of 8 bits, otherwise uint16, with white = dense; and flags.

    Padding outside the exposed field becomes black. A window or look-up table that leaves
    next to nothing of the picture is ignored and flagged.
    """
    padding = _padding(dataset, stored)
    values = _modality(dataset, stored)
    windowed, flags = _windowed(dataset, values, padding)
    if windowed is None and values is stored and shape.bits_stored <= 8 and not shape.signed:
        pixels = stored_as_hashed(stored, shape)
    else:
        pixels = _spread(values if windowed is None else windowed, padding, shape)
    if padding is not None:
        pixels[padding] = 0
    return pixels, flags


def _padding(dataset: Dataset, stored: np.ndarray) -> np.ndarray | None:
    """Mask of pixels outside the field (PS3.3 C.7.5.1.1.2); None when there are none."""
    first = number(dataset, "PixelPaddingValue")
    if first is None:
        return None
    last = number(dataset, "PixelPaddingRangeLimit")
    low, high = sorted((first, first if last is None else last))
    mask = (stored >= low) & (stored <= high)
    return mask if mask.any() and not mask.all() else None


def _modality(dataset: Dataset, stored: np.ndarray) -> np.ndarray:
    """Through the modality LUT or rescale; as stored when there is none or it is absurd."""
    if "ModalityLUTSequence" not in dataset and _slope(dataset) in (0.0, 1.0):
        return stored
    try:
        with quiet():
            values = apply_modality_lut(stored, dataset)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a damaged table is no table
        return stored
    usable = np.isfinite(values).all() and float(values.max()) > float(values.min())
    return np.asarray(values) if usable else stored


def _slope(dataset: Dataset) -> float:
    """1 (or 0, which is absurd) when rescaling would change no picture."""
    return _real(dataset, "RescaleSlope") or 0.0


def _real(dataset: Dataset, keyword: str) -> float | None:
    try:
        value = float(text(dataset, keyword))
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _windowed(
    dataset: Dataset, values: np.ndarray, padding: np.ndarray | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """(h, w) values after the VOI step, None when there is none to believe, and flags."""
    by_table = _voi_table(dataset, values)
    if by_table is not None:
        return by_table, ()
    center, width = _real(dataset, "WindowCenter"), _real(dataset, "WindowWidth")
    if center is None or width is None:
        return None, ()
    if "RescaleIntercept" in dataset and _slope(dataset) in (0.0, 1.0):
        center -= _real(dataset, "RescaleIntercept") or 0.0  # the shift was left out above
    windowed = apply_window(values, center, width, text(dataset, "VOILUTFunction").upper())
    if windowed is None or not _believable(windowed, padding):
        return None, (WINDOW_IGNORED,)
    return windowed, ()


def _voi_table(dataset: Dataset, values: np.ndarray) -> np.ndarray | None:
    if "VOILUTSequence" not in dataset:
        return None
    try:
        with quiet():
            shown_values = apply_voi(np.rint(values).astype(np.int32), dataset)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a damaged table is no table
        return None
    return shown_values if shown_values.max() > shown_values.min() else None


def apply_window(
    values: np.ndarray, center: float, width: float, function: str = "LINEAR"
) -> np.ndarray | None:
    """(h, w) float32 in 0..1 by PS3.3 C.11.2.1.2 and C.11.2.1.3; None for an absurd width."""
    if width <= 0 or (width < 1 and function not in ("LINEAR_EXACT", "SIGMOID")):
        return None
    x = values.astype(np.float32)
    if function == "SIGMOID":
        grey = 1.0 / (1.0 + np.exp(np.clip(-4.0 * (x - center) / width, -80, 80)))
        return np.asarray(grey, dtype=np.float32)
    if function == "LINEAR_EXACT":
        scaled = (x - center) / width + 0.5
    else:
        scaled = (x - (center - 0.5)) / max(width - 1.0, 1e-6) + 0.5
    return np.asarray(np.clip(scaled, 0.0, 1.0), dtype=np.float32)


def _believable(windowed: np.ndarray, padding: np.ndarray | None) -> bool:
    """Whether enough of the picture lies between the window's black and its white."""
    field = windowed if padding is None else windowed[~padding]
    return float(((field > 0.02) & (field < 0.98)).mean()) >= _IN_WINDOW


def _spread(values: np.ndarray, padding: np.ndarray | None, shape: Geometry) -> np.ndarray:
    """Over 16 bits: 0..1 as they are, whole numbers by the field's extremes; right way up."""
    low, high = (0.0, 1.0) if values.dtype == np.float32 else _extremes(values, padding)
    spread = (values.astype(np.float32) - low) * (_FULL / max(high - low, 1e-6))
    if shape.photometric == "MONOCHROME1":
        spread = _FULL - spread
    return np.asarray(np.rint(np.clip(spread, 0.0, _FULL)), dtype=np.uint16)


def _extremes(values: np.ndarray, padding: np.ndarray | None) -> tuple[float, float]:
    field = values if padding is None else values[~padding]
    return float(field.min()), float(field.max())
