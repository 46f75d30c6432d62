"""Made images for the tests: stripes whose width and direction tell the class."""

from pathlib import Path

import numpy as np
from PIL import Image

SHARED = Path(__file__).parents[3] / "shared" / "data"


def made_film(rng: np.random.Generator, kind: int, size: int = 48) -> np.ndarray:
    """A (size, size) uint8 film of stripes: wide or narrow, upright or lying, by `kind`."""
    rows, columns = np.mgrid[0:size, 0:size] / size
    along = rows if kind // 2 else columns
    stripes = np.sin(2 * np.pi * (4 + 6 * (kind % 2)) * along + rng.uniform(0, 6))
    film = 110 + 50 * stripes + rng.normal(0, 6, (size, size))
    return np.asarray(np.clip(film, 0, 255), dtype=np.uint8)


def write_film(file: Path, film: np.ndarray) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(film).save(file)
    return file
