"""The figures of training, as SVG text by file name."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from inference import svg
from inference.training import Epoch
from inference.training_data import TrainingData


def training_figures(history: Sequence[Epoch], data: TrainingData) -> dict[str, str]:
    """Loss and accuracy by epoch, and how many films of each class there were."""
    return {
        "loss.svg": _by_epoch("Loss by epoch", history, "loss"),
        "accuracy.svg": _by_epoch("Accuracy by epoch", history, "accuracy"),
        "classes.svg": _classes(data),
    }


def _by_epoch(title: str, history: Sequence[Epoch], what: str) -> str:
    curves = {
        part: [(one.epoch, float(getattr(one, f"{part}_{what}"))) for one in history]
        for part in ("train", "validation")
    }
    highest = max((value for points in curves.values() for _, value in points), default=1.0)
    top = 1.0 if what == "accuracy" else float(np.ceil(highest * 11) / 10)
    span = (1.0, float(max(len(history), 2)))
    return svg.lines(title, curves, x="epoch", y=what, x_range=span, y_range=(0, top))


def _classes(data: TrainingData) -> str:
    films = [*data.train.films, *data.validation.films]
    counts = Counter(
        f"{film.label.lower()} ({film.aetiology})" if film.aetiology else film.label.lower()
        for film in films
    )
    return svg.bars("Films by class", dict(sorted(counts.items())), y="films")
