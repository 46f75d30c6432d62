"""Pictures without a chest, drawn by code: scenes, textures, shapes, pages, limbs, skulls"""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

from inference.spoilt_films import stretched

WORDS = ("the", "patient", "was", "seen", "on", "ward", "3", "report", "12", "cm", "File", "Edit")


def cloud(size: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of spectrum 1/f^a, a between 0.6 and 2.6, stretched more one way than the other."""
    down, across = np.meshgrid(np.fft.fftfreq(size), np.fft.fftfreq(size), indexing="ij")
    aspect = np.exp(rng.uniform(-1, 1))
    frequency = np.hypot(down * aspect, across / aspect) + 0.5 / size
    spectrum = np.fft.fft2(rng.standard_normal((size, size)))
    return stretched(np.fft.ifft2(spectrum / frequency ** rng.uniform(0.6, 2.6)).real)


def gradient(size: int, rng: np.random.Generator) -> np.ndarray:
    """A slope, a disc or waves of light, with or without grain."""
    rows, columns = np.mgrid[:size, :size] / size - rng.uniform(0, 1, (2, 1, 1))
    angle = rng.uniform(0, 2 * np.pi)
    slope = rows * np.sin(angle) + columns * np.cos(angle)
    radius = np.hypot(rows * np.exp(rng.uniform(-1, 1)), columns)
    waves = np.sin(2 * np.pi * rng.uniform(1, 20) * (slope if rng.random() < 0.5 else radius))
    chosen = (slope, radius, -radius, waves)[int(rng.integers(4))]
    return stretched(chosen + rng.uniform(0, 0.1) * rng.standard_normal((size, size)))


def leaves(size: int, rng: np.random.Generator) -> np.ndarray:
    """Dead leaves: shapes of sizes ~ 1/r^3 that hide one another, as things in photographs do.

    Lee, Mumford and Huang 2001; Baradad et al. 2021 (arXiv:2106.05963) learn vision from them.
    """
    page = Image.new("L", (size, size), int(rng.integers(256)))
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.choice([6, 30, 150, 500]))):
        radius = size * min(0.5, 0.02 / np.sqrt(1 - rng.random() * 0.998))
        _shape(draw, rng.uniform(0, size, 2), radius, int(rng.integers(256)), rng)
    return _textured(page, rng)


def line_art(size: int, rng: np.random.Generator) -> np.ndarray:
    """Outlines on a plain ground: diagrams, signs, cartoons, plots."""
    ground = (0, 255, int(rng.integers(256)))[int(rng.integers(3))]
    page = Image.new("L", (size, size), ground)
    draw = ImageDraw.Draw(page)
    for _ in range(int(rng.integers(2, 30))):
        points = [tuple(point) for point in rng.uniform(0, size, (int(rng.integers(2, 6)), 2))]
        draw.line(points, fill=int(rng.integers(256)), width=int(rng.integers(1, 6)))
    for _ in range(int(rng.integers(1, 8))):
        fill = int(rng.integers(256))
        _shape(draw, rng.uniform(0, size, 2), size * rng.uniform(0.03, 0.35), fill, rng)
    return np.asarray(page)


def page_of_text(size: int, rng: np.random.Generator) -> np.ndarray:
    """Lines of words with headings, boxes and pictures: a letter, a table, a screenshot."""
    ground = int(rng.choice([0, 30, 235, 255]))
    page = Image.new("L", (size, size), ground)
    draw, ink = ImageDraw.Draw(page), 255 - ground
    for _ in range(int(rng.integers(0, 7))):
        left, top = rng.uniform(-0.1, 0.9, 2) * size
        right, bottom = left + rng.uniform(0.1, 1) * size, top + rng.uniform(0.03, 0.6) * size
        draw.rectangle((left, top, right, bottom), fill=int(rng.integers(256)))
    height = max(4.0, rng.uniform(0.03, 0.12) * size)
    font, left = ImageFont.load_default(height), rng.uniform(0, 0.3) * size
    for top in np.arange(rng.uniform(0, 0.1) * size, size, height * rng.uniform(1.1, 2.5)):
        words = rng.choice(WORDS, int(rng.integers(1, 12)))
        draw.text((left, top), " ".join(words), fill=ink, font=font)
    return np.asarray(page)


def scene(size: int, rng: np.random.Generator) -> np.ndarray:
    """An object before a ground: one smooth or textured thing in the middle, lit from a side."""
    ground, thing = cloud(size, rng).astype(np.float64), cloud(size, rng).astype(np.float64)
    if rng.random() < 0.5:
        ground = np.full_like(ground, rng.uniform(0, 255))
    rows, columns = np.mgrid[:size, :size] / size - rng.uniform(0.3, 0.7, (2, 1, 1))
    angle = np.arctan2(rows, columns)
    waves = sum(rng.normal(0, 0.3 / k) * np.cos(k * angle + rng.uniform(0, 6)) for k in range(1, 7))
    depth = rng.uniform(0.2, 0.42) * (1 + waves) - np.hypot(rows, columns)
    light = 1 + rng.uniform(0, 2) * (rows * rng.uniform(-1, 1) + columns * rng.uniform(-1, 1))
    thing = (thing * rng.uniform(0.1, 1) + rng.uniform(0, 255)) * light
    return stretched(np.where(depth > 0, thing, ground))


def limb(size: int, rng: np.random.Generator) -> np.ndarray:
    """An X-ray of bones in soft tissue: one to six rods with dense walls and wider ends."""
    thickness = np.zeros((size, size))
    lean, count = rng.uniform(-1.6, 1.6), int(rng.choice([1, 2, 5, 6]))
    fan = rng.uniform(0, 0.25) if count > 2 else rng.uniform(0, 0.08)
    for index in range(count):
        offset = (index - (count - 1) / 2) * rng.uniform(0.12, 0.2)
        along, across = _axes(size, lean + fan * (index - (count - 1) / 2), offset)
        width = rng.uniform(0.03, 0.1) * (1 + rng.uniform(0, 0.8) * np.abs(2 * along) ** 3)
        thickness += rng.uniform(0.3, 1) * _chord(across, width * rng.uniform(1.5, 2.5))
        bone = _chord(across, width) - 0.7 * _chord(across, width * rng.uniform(0.4, 0.8))
        joints = np.abs(np.sin(np.pi * along * rng.uniform(0.5, 5))) > 0.05
        thickness += rng.uniform(2, 5) * bone * joints
    return _exposed(thickness, rng)


def skull(size: int, rng: np.random.Generator) -> np.ndarray:
    """An X-ray of a shell with hollows and a row of teeth, seen from somewhere."""
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    rows, columns = rows + rng.uniform(-0.1, 0.2), columns + rng.uniform(-0.1, 0.1)
    outer = _ellipsoid(rows, columns, rng.uniform(0.3, 0.48, 2))
    thickness = rng.uniform(2, 5) * outer - rng.uniform(1, 3) * _ellipsoid(
        rows, columns, rng.uniform(0.27, 0.45, 2)
    )
    for _ in range(int(rng.integers(1, 7))):
        down, across = rng.uniform(0, 0.25), rng.uniform(0, 0.2)
        hollow = _ellipsoid(rows - down, np.abs(columns) - across, rng.uniform(0.03, 0.12, 2))
        thickness += rng.uniform(-2, 2) * hollow
    teeth = np.sin(columns * rng.uniform(60, 150)) * np.exp(-(((rows - 0.3) / 0.04) ** 2))
    return _exposed(thickness + rng.uniform(0, 0.3) * teeth, rng)


def _axes(size: int, lean: float, offset: float) -> tuple[np.ndarray, np.ndarray]:
    rows, columns = np.mgrid[:size, :size] / size - 0.5
    along = rows * np.cos(lean) + columns * np.sin(lean)
    return along, columns * np.cos(lean) - rows * np.sin(lean) - offset


def _chord(across: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """How much of a rod of that radius a ray goes through."""
    return np.asarray(np.sqrt(np.maximum(radius**2 - across**2, 0)))


def _ellipsoid(rows: np.ndarray, columns: np.ndarray, radii: np.ndarray) -> np.ndarray:
    inside = 1 - (rows / radii[0]) ** 2 - (columns / radii[1]) ** 2
    return np.asarray(np.sqrt(np.maximum(inside, 0)) * radii.mean())


def _exposed(thickness: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """White where much is absorbed (Lambert-Beer, then a film's gamma), with grain."""
    thickness = np.maximum(thickness, 0) * (1 + 0.15 * (cloud(len(thickness), rng) / 127 - 1))
    absorbed = 1 - np.exp(-rng.uniform(1, 6) * thickness)
    absorbed += rng.uniform(0, 0.03) * rng.standard_normal(absorbed.shape)
    return stretched(np.clip(absorbed, 0, 1) ** rng.uniform(0.5, 1.5))


def _shape(
    draw: ImageDraw.ImageDraw,
    at: np.ndarray,
    radius: float,
    fill: int,
    rng: np.random.Generator,
) -> None:
    tall = radius * np.exp(rng.uniform(-0.7, 0.7))
    box = (at[0] - radius, at[1] - tall, at[0] + radius, at[1] + tall)
    kind = int(rng.integers(3))
    if kind == 0:
        draw.ellipse(box, fill=fill)
    elif kind == 1:
        draw.rectangle(box, fill=fill)
    else:
        corners = at + rng.uniform(-1, 1, (int(rng.integers(3, 7)), 2)) * (radius, tall)
        draw.polygon([tuple(corner) for corner in corners], fill=fill)


def _textured(page: Image.Image, rng: np.random.Generator) -> np.ndarray:
    blurred = page.filter(ImageFilter.GaussianBlur(float(rng.uniform(0, 2))))
    texture = rng.uniform(0, 0.6) * (cloud(page.width, rng).astype(np.float64) - 127)
    return np.asarray(np.clip(np.asarray(blurred) + texture, 0, 255), dtype=np.uint8)


DRAWN: tuple[Callable[[int, np.random.Generator], np.ndarray], ...] = (
    cloud,
    gradient,
    leaves,
    leaves,
    line_art,
    page_of_text,
    scene,
    scene,
    limb,
    skull,
)
