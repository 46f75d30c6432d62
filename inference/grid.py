"""A grid of training films as the network sees them, one row a class: is the data what it says?

It stays in the output folder: real films are nobody else's business.
"""

import numpy as np
from PIL import Image

from inference.judging import shifted
from inference.training_data import TrainingData

COLUMNS = 8
SIDE = 128
GAP = 2


def sample_grid(data: TrainingData, seed: int) -> Image.Image:
    """For each class, in the order of the model's labels, a row of films as they are and
    below it the same films augmented."""
    rng = np.random.default_rng(seed)
    allowed = data.scheme.allowed(data.train.films)
    rows = []
    for position in range(len(data.scheme.labels)):
        members = np.flatnonzero(allowed[:, position])
        chosen = data.train.pixels[rng.permutation(members)[:COLUMNS]]
        rows += [_row(chosen), _row(shifted(chosen, seed) if len(chosen) else chosen)]
    return Image.fromarray(np.concatenate(rows))


def _row(films: np.ndarray) -> np.ndarray:
    """(SIDE + GAP, COLUMNS x (SIDE + GAP)) uint8; white where a class has fewer films."""
    row = np.full((SIDE + GAP, COLUMNS * (SIDE + GAP)), 255, dtype=np.uint8)
    for place, film in enumerate(films):
        left = place * (SIDE + GAP)
        small = Image.fromarray(film).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        row[:SIDE, left : left + SIDE] = np.asarray(small)
    return row
