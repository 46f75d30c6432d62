"""The figures of training and evaluation, as SVG text by file name."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from inference import svg
from inference.evaluation import Judged
from inference.metrics import auroc, confusion, reliability, roc_curve
from inference.training import Epoch
from inference.training_data import TrainingData


def evaluation_figures(judged: Judged) -> dict[str, str]:
    """ROC, reliability and confusion matrix; the ROC only where both classes are there."""
    figures = {"reliability.svg": _reliability(judged), "confusion.svg": _confusion(judged)}
    if judged.positive.any() and not judged.positive.all():
        figures["roc.svg"] = _roc(judged)
    return figures


def training_figures(history: Sequence[Epoch], data: TrainingData) -> dict[str, str]:
    """Loss and accuracy by epoch, and how many films of each class there were."""
    return {
        "loss.svg": _by_epoch("Loss by epoch", history, "loss"),
        "accuracy.svg": _by_epoch("Accuracy by epoch", history, "accuracy"),
        "classes.svg": _classes(data),
    }


def _roc(judged: Judged) -> str:
    false_alarms, found = roc_curve(judged.positive, judged.p)
    area = auroc(judged.positive, judged.p)
    return svg.lines(
        f"ROC, area {area:.3f} (n = {len(judged.films)})",
        {"model": list(zip(false_alarms.tolist(), found.tolist(), strict=True))},
        x="1 - specificity",
        y="sensitivity",
        x_range=(0, 1),
        y_range=(0, 1),
        diagonal=True,
    )


def _reliability(judged: Judged) -> str:
    table = reliability(judged.positive, judged.p)
    used = table.count > 0
    points = zip(table.predicted[used].tolist(), table.observed[used].tolist(), strict=True)
    return svg.lines(
        f"Reliability (n = {len(judged.films)})",
        {"model": list(points)},
        x="predicted probability",
        y="observed share",
        x_range=(0, 1),
        y_range=(0, 1),
        diagonal=True,
    )


def _confusion(judged: Judged) -> str:
    counts = confusion(judged.positive, judged.p, judged.threshold)
    return svg.matrix(
        f"Confusion at threshold {judged.threshold:.2f}",
        ("negative", "positive"),
        ("negative", "positive"),
        ((counts.tn, counts.fp), (counts.fn, counts.tp)),
        y="truth",
        x="called",
    )


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
