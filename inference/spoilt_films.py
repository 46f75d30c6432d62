"""Pictures that are no frontal film, made of films: turned, cropped, shuffled, negative, pasted"""

from collections.abc import Callable

import numpy as np
from PIL import Image

Film = np.ndarray  # (s, s) uint8


def turned(film: Film, rng: np.random.Generator) -> Film:
    """On its side, upside down, or askew by 45 to 135 degrees with black corners."""
    if rng.random() < 0.7:
        return np.rot90(film, int(rng.integers(1, 4))).copy()
    angle = float(rng.choice([-1.0, 1.0]) * rng.uniform(45, 135))
    return np.asarray(Image.fromarray(film).rotate(angle, Image.Resampling.BILINEAR))


def detail(film: Film, rng: np.random.Generator) -> Film:
    """A sixth to a half of the film's width, enlarged."""
    size = len(film)
    side = int(size * rng.uniform(0.17, 0.5))
    top, left = rng.integers(0, size - side, 2)
    return resized(film[top : top + side, left : left + side], size)


def shuffled(film: Film, rng: np.random.Generator) -> Film:
    """Its tiles in another order: the texture stays, the anatomy goes."""
    count = int(rng.choice([2, 3, 4, 6]))
    side = len(film) // count
    tiles = [
        film[row * side : (row + 1) * side, column * side : (column + 1) * side]
        for row in range(count)
        for column in range(count)
    ]
    order = rng.permutation(len(tiles))
    if np.array_equal(order, np.arange(len(tiles))):
        order = order[::-1]
    rows = [
        np.hstack([tiles[index] for index in order[at : at + count]])
        for at in range(0, len(tiles), count)
    ]
    return resized(np.vstack(rows), len(film))


def collage(film: Film, rng: np.random.Generator) -> Film:
    """A page of the same film several times over, as in a report or a contact sheet."""
    count, size = int(rng.integers(2, 5)), len(film)
    gap = int(rng.integers(0, max(2, size // 20)))
    page = np.full((size, size), rng.choice([0, 255]), dtype=np.uint8)
    side = size // count
    small = resized(film, max(2, side - gap))
    for row in range(count):
        for column in range(count):
            page[row * side :, column * side :][: len(small), : len(small)] = small
    return page


def inset(film: Film, rng: np.random.Generator) -> Film:
    """A small film somewhere on a page: a screenshot of a viewer, a photograph of a box."""
    size = len(film)
    page = np.full((size, size), rng.integers(0, 256), dtype=np.uint8)
    height, width = (int(size * share) for share in rng.uniform(0.2, 0.5, 2))
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    small = Image.fromarray(film).resize((width, height), Image.Resampling.BILINEAR)
    page[top : top + height, left : left + width] = np.asarray(small)
    return page


def scrambled(film: Film, rng: np.random.Generator) -> Film:
    """The film's own power spectrum with random phases."""
    phase = np.angle(np.fft.fft2(rng.standard_normal(film.shape)))
    spectrum = np.abs(np.fft.fft2(film.astype(np.float64)))
    return stretched(np.fft.ifft2(spectrum * np.exp(1j * phase)).real)


def negative(film: Film, rng: np.random.Generator) -> Film:
    """Black for white: a polarity that the header did not tell."""
    gamma = float(rng.uniform(0.8, 1.25))
    return np.asarray(255 * ((255 - film) / 255.0) ** gamma, dtype=np.uint8)


def stretched_out(film: Film, rng: np.random.Generator) -> Film:
    """A strip of the film, a quarter to two fifths of one side, pulled to a square."""
    size = len(film)
    strip = int(size * rng.uniform(0.25, 0.4))
    at = int(rng.integers(0, size - strip))
    part = film[at : at + strip] if rng.random() < 0.5 else film[:, at : at + strip]
    return resized(part, size)


def swirled(film: Film, rng: np.random.Generator) -> Film:
    """Turned about its middle by an angle that grows inwards; 1.5 to 4 radians at most."""
    size = len(film)
    rows, columns = np.mgrid[:size, :size] - size / 2
    radius, angle = np.hypot(rows, columns), np.arctan2(rows, columns)
    angle = angle + rng.uniform(1.5, 4) * np.exp(-radius / (0.3 * size)) * rng.choice([-1, 1])
    down = np.clip(size / 2 + radius * np.sin(angle), 0, size - 1).astype(int)
    across = np.clip(size / 2 + radius * np.cos(angle), 0, size - 1).astype(int)
    return np.asarray(film[down, across])


def resized(film: Film, size: int) -> Film:
    """Any picture as (size, size)."""
    image = Image.fromarray(np.ascontiguousarray(film))
    return np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))


def stretched(values: np.ndarray) -> Film:
    """Any values as grey levels between their 1 and 99 percentiles."""
    low, high = np.percentile(values, (1, 99))
    return np.asarray(np.clip((values - low) / max(high - low, 1e-9), 0, 1) * 255, dtype=np.uint8)


SPOILT: tuple[Callable[[Film, np.random.Generator], Film], ...] = (
    turned,
    turned,
    detail,
    shuffled,
    collage,
    inset,
    scrambled,
    negative,
    stretched_out,
    swirled,
)
