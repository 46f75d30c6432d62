"""Probes for shortcuts: does the model judge the chest, or what comes along with it?

A hospital's borders, markers, sizes and compression can predict pneumonia without a lung in
sight (Zech 2018, doi:10.1371/journal.pmed.1002683). Each probe shows the model the same films
changed, and says what an honest model does with them.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image

from inference.intervals import delong, delong_difference
from inference.judged import Judged
from inference.operating import keyed

BORDER = 0.08  # of the side
DEGRADED_SIDE = 0.6  # of the model's input
DEGRADED_QUALITY = 50  # JPEG


@dataclass(frozen=True, slots=True)
class Probe:
    """A change of one (s, s) uint8 film, and what an honest model's AUROC does under it."""

    change: Callable[[np.ndarray], np.ndarray]
    expected: str


def border_only(film: np.ndarray) -> np.ndarray:
    """The outer 8 % on each side; all else is the border's own mean, so nothing of it is left."""
    inside = _inside(film.shape)
    return np.where(inside, _mean(film[~inside]), film)


def border_removed(film: np.ndarray) -> np.ndarray:
    """The complement: the outer 8 % on each side is the mean of all else."""
    inside = _inside(film.shape)
    return np.where(inside, film, _mean(film[inside]))


def degraded(film: np.ndarray) -> np.ndarray:
    """One coarse resolution and one strong compression for all, whatever they came with."""
    side = max(8, round(len(film) * DEGRADED_SIDE))
    buffer = io.BytesIO()
    small = Image.fromarray(film).resize((side, side), Image.Resampling.BILINEAR, reducing_gap=2.0)
    small.save(buffer, "JPEG", quality=DEGRADED_QUALITY)
    with Image.open(buffer) as coarse:
        large = coarse.resize(film.shape[::-1], Image.Resampling.BICUBIC)
    return np.asarray(large, dtype=np.uint8)


def mirrored(film: np.ndarray) -> np.ndarray:
    """Left for right. (Serving averages both, so that this changes nothing but rounding.)"""
    return film[:, ::-1]


PROBES: Mapping[str, Probe] = {
    "border_only": Probe(border_only, "about 0.5"),
    "border_removed": Probe(border_removed, "as on whole films"),
    "degraded": Probe(degraded, "as on whole films"),
    "mirrored": Probe(mirrored, "as on whole films"),
}


def probe(
    judged: Judged, pixels: np.ndarray, p_of: Callable[[np.ndarray], np.ndarray]
) -> dict[str, dict[str, object]]:
    """For each of PROBES the AUROC of the changed films, and its difference from the whole ones.

    pixels (n, s, s) uint8, of the judged films; p_of gives (n,) probabilities of such films.
    """
    return {name: _tried(one, judged, pixels, p_of) for name, one in PROBES.items()}


def _tried(
    one: Probe, judged: Judged, pixels: np.ndarray, p_of: Callable[[np.ndarray], np.ndarray]
) -> dict[str, object]:
    p = p_of(np.stack([one.change(film) for film in pixels]))
    return {
        "n": len(p),
        **keyed("auroc", delong(judged.positive, p)),
        **keyed("difference", delong_difference(judged.positive, p, judged.p)),
        "expected": one.expected,
    }


def _inside(shape: tuple[int, ...]) -> np.ndarray:
    inside = np.zeros(shape, dtype=bool)
    rows, columns = (max(1, round(side * BORDER)) for side in shape)
    inside[rows:-rows, columns:-columns] = True
    return inside


def _mean(values: np.ndarray) -> np.uint8:
    return np.uint8(np.rint(values.mean()))
