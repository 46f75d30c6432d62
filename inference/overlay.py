"""A heat map laid over its film, as the bytes of a PNG that says what it is not.

The PNG has no metadata, and nothing on it but the film as it was sent, the heat and a caption.
"""

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inference.preprocess import to_uint8

CAPTION = "surveillance score {probability:.2f}, not a diagnosis"
# Control points of matplotlib's "inferno" (CC0): lightness rises with heat, so that it reads
# the same to the colour-blind and in grey.
COLOURS = ((87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164))
STRONGEST = 0.6  # opacity of the hottest spot: the film stays visible under it
STRIP = 0.05  # of the height, at least what the words need


def overlay(film: np.ndarray, heat: np.ndarray, probability: float) -> bytes:
    """PNG bytes at the film's own size.

    film (h, w) grey of any depth; heat of any size, 0 or more. Colour is scaled by the film's
    hottest spot and fades with the square of heat and with the probability: a film that the
    model finds healthy shows little, however its faint evidence is spread.
    """
    grey = Image.fromarray(to_uint8(film)).convert("RGB")
    colours, opacity = _coloured(_scaled(heat, grey.size), probability)
    picture = Image.composite(colours, grey, opacity)
    _caption(picture, CAPTION.format(probability=probability))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def _scaled(heat: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(h, w) in 0..1 at the film's size; all 0 where nothing speaks for the disease."""
    share = np.maximum(heat, 0) / max(float(heat.max()), 1e-9)
    large = Image.fromarray(share.astype(np.float32)).resize(size, Image.Resampling.BILINEAR)
    return np.asarray(np.clip(np.asarray(large), 0.0, 1.0))


def _coloured(share: np.ndarray, probability: float) -> tuple[Image.Image, Image.Image]:
    places = np.linspace(0, 1, len(COLOURS))
    channels = [np.interp(share, places, [colour[at] for colour in COLOURS]) for at in range(3)]
    colours = Image.fromarray(np.rint(np.dstack(channels)).astype(np.uint8))
    opacity = np.rint(255 * STRONGEST * share**2 * probability).astype(np.uint8)
    return colours, Image.fromarray(opacity)


def _caption(picture: Image.Image, words: str) -> None:
    """A dark strip at the foot of the picture, as many lines as the width asks for."""
    size = max(10, round(STRIP * 0.6 * picture.height))
    font = ImageFont.load_default(size)
    lines = _wrapped(words, font, picture.width - size)
    tall = round(1.3 * size)
    top = picture.height - tall * len(lines) - size // 3
    strip = Image.new("RGB", (picture.width, picture.height - max(top, 0)), (0, 0, 0))
    below = picture.crop((0, max(top, 0), picture.width, picture.height))
    picture.paste(Image.blend(below, strip, 0.75), (0, max(top, 0)))
    pen = ImageDraw.Draw(picture)
    for number, line in enumerate(lines):
        pen.text((size // 2, top + number * tall), line, fill=(255, 255, 255), font=font)


def _wrapped(
    words: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int
) -> list[str]:
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
