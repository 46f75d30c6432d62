"""Films from disk into memory: decoded, prepared, and the unreadable ones counted."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from inference.datasets import Film
from inference.preprocess import prepare
from inference.progress import Progress
from ingest import raster
from ingest.errors import PneumoWatchError, UserError
from ingest.settings import MAX_PIXELS

DICOM_SUFFIXES = frozenset({".dcm", ".dicom"})


def load_films(
    films: Sequence[Film], size: int, *, title: str = "reading"
) -> tuple[list[Film], np.ndarray, int]:
    """The readable films, their (n, size, size) uint8 pixels, and how many were not readable.

    Raises UserError when none is readable.
    """
    with ThreadPoolExecutor(2) as workers, Progress(title, len(films)) as progress:
        prepared = []
        for pixels in workers.map(lambda film: _prepared(film.file, size), films):
            prepared.append(pixels)
            progress.advance()
    kept = [(film, one) for film, one in zip(films, prepared, strict=True) if one is not None]
    if not kept:
        raise UserError(f"none of the {len(films)} images could be read")
    stack = np.stack([pixels for _, pixels in kept])
    return [film for film, _ in kept], stack, len(films) - len(kept)


def _prepared(file: Path, size: int) -> np.ndarray | None:
    try:
        return prepare(decode(file), size)
    except (OSError, PneumoWatchError):
        return None


def decode(file: Path) -> np.ndarray:
    """As a radiologist sees it. Only what cannot be decoded is unreadable here: whether a
    small or odd film belongs to a labelled set is for whoever labelled it."""
    if file.suffix.lower() not in DICOM_SUFFIXES:
        return raster.decode_gray(file)
    from ingest import dicom  # pydicom is only paid for by sets that hold DICOM

    return dicom.decode(file.read_bytes(), MAX_PIXELS, min_side=1).pixels
