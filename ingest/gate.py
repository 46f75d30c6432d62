"""The last question before a film becomes a study: are these pixels a picture at all?

Only what holds for every radiograph is asked here, by statistics that do not depend on the
detector; whether the picture shows a chest is for the headers and for inference's scope
score. Limits stand far from both sides. Measured on 11,121 films of seven collections:

- size: the shortest side met is 156 pixels (127 in the original collection). At 96 a rib and
  the space below it still have 8 rows; much below that the lung's texture is gone.
- blank: a film spreads over 0.16 of its brightest value at least (39 grey levels), an
  unexposed plate with its sensor's noise over 0.01 to 0.03; limit 0.06.
- noise: averaged to a 32-pixel grid, a film's neighbours correlate by 0.74 at least, white
  noise by 0.1 at most, noise blurred over 2 pixels on 224 by 0.3 at most; limit 0.40.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from ingest.problem import ProblemError
from ingest.records import Reason

BLANK_CONTRAST = 0.06  # of the brightest value
BLANK_LEVELS = 4.0  # grey levels, for dark images
NOISE_CORRELATION = 0.40
_GRID = 32
_SAMPLES_A_SIDE = 128


@dataclass(frozen=True, slots=True)
class PixelStatistics:
    """What the gate judges. `levels` and `contrast` are of single pixels, not averaged."""

    levels: float  # 95th less 5th percentile, in grey levels
    contrast: float  # the same, relative to the 99th percentile
    correlation: float  # with the next pixel on a grid of 32, -1 to 1; 0 for a constant


def measure(pixels: np.ndarray) -> PixelStatistics:
    """Statistics of a (h, w) uint8 or uint16 film, in about a millisecond."""
    step = max(1, min(pixels.shape) // _SAMPLES_A_SIDE)
    low, high, top = np.percentile(pixels[::step, ::step], (5, 95, 99))
    levels = float(high - low)
    return PixelStatistics(levels, levels / max(float(top), 1.0), _correlation(pixels))


def check(pixels: np.ndarray, min_side: int) -> None:
    """Raise ProblemError when the film is too small, blank or noise."""
    check_size(pixels.shape[0], pixels.shape[1], min_side)
    found = measure(pixels)
    if found.levels < BLANK_LEVELS or found.contrast < BLANK_CONTRAST:
        raise ProblemError(Reason.BLANK, "it is almost one shade of grey; check the exposure")
    if found.correlation < NOISE_CORRELATION:
        raise ProblemError(Reason.NOISE, "its pixels are noise without a picture; send it again")


def check_size(rows: int, columns: int, min_side: int) -> None:
    """Raise ProblemError when the film is too small to hold a lung's texture."""
    if min(rows, columns) < min_side:
        sentence = f"its shorter side has fewer than {min_side} pixels; send the original film"
        raise ProblemError(Reason.TOO_SMALL, sentence)


def _correlation(pixels: np.ndarray) -> float:
    """1 − half the mean squared step between neighbours over the variance, both directions.

    Averaging to the grid first is what finds noise that was blurred or stored as JPEG.
    """
    small = _averaged(pixels)
    variance = float(small.var())
    if variance == 0.0:
        return 0.0
    across = float(np.square(np.diff(small, axis=1)).mean())
    down = float(np.square(np.diff(small, axis=0)).mean())
    return 1.0 - (across + down) / (4.0 * variance)


def _averaged(pixels: np.ndarray) -> np.ndarray:
    """Means of square blocks, about 32 to the shorter side, as float64."""
    factor = max(1, min(pixels.shape) // _GRID)
    if pixels.dtype == np.uint8:
        return np.asarray(Image.fromarray(pixels).reduce(factor), dtype=np.float64)
    height, width = (side // factor for side in pixels.shape)
    blocks = pixels[: height * factor, : width * factor]
    blocks = blocks.reshape(height, factor, width, factor)
    return np.asarray(blocks.mean(axis=(1, 3), dtype=np.float64))
