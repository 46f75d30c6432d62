"""Films with text drawn on them, as modalities and viewers burn it in."""

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.ingest.films import film

LINES = ("DOE^JANE", "ID 4711-0815", "1953-11-17", "ST MARY HOSPITAL")
CORNERS = ("top left", "top right", "bottom left", "bottom right")
MARGIN = 0.02  # of the shorter side, between text and edge


def large_film(height: int = 2000, width: int = 1800, seed: int = 0) -> np.ndarray:
    """A film of a detector's size: the small one enlarged, and a grain; uint8."""
    smooth = Image.fromarray(film(200, 180, seed)).resize((width, height), Image.Resampling.BICUBIC)
    grain = np.random.default_rng(seed).normal(0, 3, (height, width))
    return np.clip(np.asarray(smooth) + grain, 0, 255).astype(np.uint8)


def lettered(
    pixels: np.ndarray,
    size: int,
    lines: tuple[str, ...] = LINES,
    corner: str = "top left",
    shade: float = 1.0,
) -> np.ndarray:
    """A copy with lines of text of `size` pixels; shade 0 to 1 of the depth's brightest."""
    top = 65535 if pixels.dtype == np.uint16 else 255
    stencil = Image.new("L", (pixels.shape[1], pixels.shape[0]), 0)
    draw, font = ImageDraw.Draw(stencil), ImageFont.load_default(size)
    text = "\n".join(lines)
    _, _, width, height = draw.multiline_textbbox((0, 0), text, font=font)
    edge = int(MARGIN * min(pixels.shape))
    x = edge if "left" in corner else pixels.shape[1] - width - edge
    y = edge if "top" in corner else pixels.shape[0] - height - edge
    draw.multiline_text((x, y), text, font=font, fill=255)
    share = np.asarray(stencil, dtype=np.float32) / 255
    return np.rint(pixels * (1 - share) + shade * top * share).astype(pixels.dtype)
