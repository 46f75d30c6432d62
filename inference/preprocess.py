"""The one preprocessing function: training, evaluation and serving all call `prepare`.

Per-image standardisation is not here: it is the first layer of the network itself, so that
a CPU and a GPU do the same with it.
"""

import numpy as np
from PIL import Image

DESCRIPTION = "robust stretch to 8 bit, antialiased resize to a square, standardised per image"
STRETCH_PERCENTILES = (0.5, 99.5)
SAMPLED_PIXELS = 250_000  # percentiles of a large film are taken from about so many pixels


def prepare(pixels: np.ndarray, size: int) -> np.ndarray:
    """Grayscale pixels of any shape as a (size, size) uint8 array, squashed to a square.

    `pixels` is 2-D, white = dense. Training films are stored squashed, so the aspect is
    given up for all. Raises ValueError when `pixels` is not a 2-D array with an area.
    """
    if pixels.ndim != 2 or min(pixels.shape) < 1:
        raise ValueError(f"expected a 2-D array of pixels, got the shape {pixels.shape}")
    image = Image.fromarray(np.ascontiguousarray(to_uint8(pixels)))
    if image.size != (size, size):
        image = image.resize((size, size), Image.Resampling.BILINEAR, reducing_gap=2.0)
    return np.asarray(image, dtype=np.uint8)


def to_uint8(pixels: np.ndarray) -> np.ndarray:
    """8-bit pixels as they are; anything deeper stretched between its 0.5 and 99.5 percentiles.

    A deep film's own extremes are a collimator edge or a burnt-in marker: percentiles are not.
    """
    if pixels.dtype == np.uint8:
        return pixels
    step = max(1, int(np.sqrt(pixels.size / SAMPLED_PIXELS)))
    low, high = np.percentile(pixels[::step, ::step], STRETCH_PERCENTILES)
    scale = 255.0 / max(float(high - low), 1.0)
    stretched = (pixels.astype(np.float32) - np.float32(low)) * np.float32(scale)
    return np.asarray(np.clip(np.rint(stretched), 0, 255), dtype=np.uint8)
