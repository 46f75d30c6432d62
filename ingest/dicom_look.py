"""From stored values to the film as it is shown: modality LUT, VOI LUT or window, polarity.

PS3.3 C.11.1 and C.11.2, in that order, and MONOCHROME1 turned over last, so that white is
dense in every film that leaves.
"""

from collections.abc import Iterator

import numpy as np
from pydicom.dataset import Dataset

from ingest import lookup
from ingest.dicom_pixels import Geometry, number
from ingest.dicom_text import text, texts

WINDOW_IGNORED = "window_ignored"
_IN_WINDOW = 0.10  # of the pixels must lie within a window that is to be believed
_MOST_WINDOWS = 8  # that are tried
_MOST_VALUE = 1e12  # after a rescale that is to be believed
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
    padding = _padding(dataset, stored, shape)
    with np.errstate(all="ignore"):  # absurd numbers in the header are judged by their result
        values = _modality(dataset, stored, signed=shape.signed)
        windowed, flags = _windowed(dataset, values, padding)
    if windowed is None and values is stored and shape.bits_stored <= 8 and not shape.signed:
        pixels = stored_as_hashed(stored, shape)
    else:
        pixels = _spread(values if windowed is None else windowed, padding, shape)
    if padding is not None:
        pixels[padding] = 0
    return pixels, flags


def _padding(dataset: Dataset, stored: np.ndarray, shape: Geometry) -> np.ndarray | None:
    """Mask of pixels outside the field (PS3.3 C.7.5.1.1.2); None when there are none."""
    first = _sample(dataset, "PixelPaddingValue", shape)
    if first is None:
        return None
    last = _sample(dataset, "PixelPaddingRangeLimit", shape)
    low, high = sorted((first, first if last is None else last))
    mask = (stored >= low) & (stored <= high)
    return mask if mask.any() and not mask.all() else None


def _sample(dataset: Dataset, keyword: str, shape: Geometry) -> int | None:
    """A value of a pixel; senders write negative ones as unsigned words."""
    value = number(dataset, keyword)
    wraps = shape.signed and value is not None and value >= 1 << (shape.bits_allocated - 1)
    return value - (1 << shape.bits_allocated) if wraps and value is not None else value


def _modality(dataset: Dataset, stored: np.ndarray, *, signed: bool) -> np.ndarray:
    """Through the modality LUT or rescale; as stored when there is none or it is absurd."""
    table = lookup.from_sequence(dataset, "ModalityLUTSequence", signed=signed)
    values: np.ndarray
    if table is not None:
        values = table.apply(stored).astype(np.int32)
    elif _slope(dataset) in (0.0, 1.0) or _real(dataset, "RescaleIntercept") is None:
        return stored
    else:
        values = stored * _slope(dataset) + (_real(dataset, "RescaleIntercept") or 0.0)
    low, high = float(values.min()), float(values.max())
    usable = -_MOST_VALUE < low < high < _MOST_VALUE
    return np.asarray(values) if usable else stored


def _slope(dataset: Dataset) -> float:
    """1 (or 0, which is absurd) when rescaling would change no picture."""
    return _real(dataset, "RescaleSlope") or 0.0


def _real(dataset: Dataset, keyword: str) -> float | None:
    return _as_real(text(dataset, keyword))


def _as_real(written: str) -> float | None:
    try:
        value = float(written)
    except ValueError:
        return None
    return value if np.isfinite(value) else None


def _windowed(
    dataset: Dataset, values: np.ndarray, padding: np.ndarray | None
) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """(h, w) values after the VOI step, None when there is none to believe, and flags.

    A table goes before windows (PS3.3 C.11.2.1), and the first that is to be believed counts.
    """
    told = False
    for shown_values in _candidates(dataset, values):
        if shown_values is not None and _believable(shown_values, padding):
            return shown_values, ()
        told = True
    return None, (WINDOW_IGNORED,) if told else ()


def _candidates(dataset: Dataset, values: np.ndarray) -> Iterator[np.ndarray | None]:
    """(h, w) float32 in 0..1 by the table and by each window; None for an absurd one."""
    table = lookup.from_sequence(dataset, "VOILUTSequence", signed=bool((values < 0).any()))
    if table is not None:
        looked_up = table.apply(np.rint(values).astype(np.int64))
        yield looked_up.astype(np.float32) / np.float32(table.top)
    shift = 0.0
    if "RescaleIntercept" in dataset and _slope(dataset) in (0.0, 1.0):
        shift = _real(dataset, "RescaleIntercept") or 0.0  # it was left out of `values`
    function = text(dataset, "VOILUTFunction").upper()
    for center, width in _windows(dataset):
        yield apply_window(values, center - shift, width, function)


def _windows(dataset: Dataset) -> list[tuple[float, float]]:
    """Centre and width of each, the first few; what is no number is left out."""
    told = zip(texts(dataset, "WindowCenter"), texts(dataset, "WindowWidth"), strict=False)
    pairs = [(_as_real(center), _as_real(width)) for center, width in told]
    return [(c, w) for c, w in pairs if c is not None and w is not None][:_MOST_WINDOWS]


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
