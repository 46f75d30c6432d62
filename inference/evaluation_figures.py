"""The figures of an evaluation, as SVG text by file name."""

import numpy as np

from inference import svg
from inference.classes import causes, class_counts
from inference.judged import Judged
from inference.metrics import (
    auroc,
    average_precision,
    both_classes,
    confusion,
    precision_recall_curve,
    roc_curve,
)
from inference.operating import calibration_bins

UNIT = (0.0, 1.0)
Truths = dict[str, tuple[np.ndarray, np.ndarray]]  # name of a curve → truth and score


def evaluation_figures(judged: Judged) -> dict[str, str]:
    """Reliability and confusion always, the curves only where both classes are there."""
    figures = {"reliability.svg": _reliability(judged), "confusion.svg": _confusion(judged)}
    if len(judged.card.labels) > 2 and np.count_nonzero(class_counts(judged).sum(axis=1)) > 1:
        figures["confusion_classes.svg"] = _confusion_of_classes(judged)
    if both_classes(judged.positive):
        figures["roc.svg"] = _roc(judged)
        figures["precision_recall.svg"] = _precision_recall(judged)
    pair = causes(judged)
    if pair is not None and both_classes(pair[0]):
        figures["roc_aetiology.svg"] = _roc_of_causes(*pair)
    return figures


def _roc(judged: Judged) -> str:
    curves = {name: _points(*roc_curve(*pair)) for name, pair in _curves(judged).items()}
    area = auroc(judged.positive, judged.p)
    return svg.lines(
        f"ROC, area {area:.3f} (n = {len(judged.films)})",
        curves | _thresholds(judged),
        x="1 - specificity",
        y="sensitivity",
        x_range=UNIT,
        y_range=UNIT,
        diagonal=True,
        legend="bottom right",
    )


def _roc_of_causes(bacterial: np.ndarray, p: np.ndarray) -> str:
    area = auroc(bacterial, p)
    return svg.lines(
        f"ROC of bacterial against viral, area {area:.3f} (n = {len(p)})",
        {"p(bacterial | pneumonia)": _points(*roc_curve(bacterial, p))},
        x="viral called bacterial",
        y="bacterial called bacterial",
        x_range=UNIT,
        y_range=UNIT,
        diagonal=True,
        legend="bottom right",
    )


def _precision_recall(judged: Judged) -> str:
    curves = {
        name: _points(*precision_recall_curve(*pair)) for name, pair in _curves(judged).items()
    }
    area = average_precision(judged.positive, judged.p)
    return svg.lines(
        f"Precision and recall, average precision {area:.3f} ({judged.positive.mean():.0%} sick)",
        curves,
        x="recall (sensitivity)",
        y="precision (PPV in this set)",
        x_range=UNIT,
        y_range=UNIT,
        legend="bottom left",
    )


def _reliability(judged: Judged) -> str:
    bins = calibration_bins(judged.positive, judged.p)
    return svg.lines(
        f"Reliability (n = {len(judged.films)})",
        {
            "tenths of probability, 95 % interval": [
                (one.predicted, one.observed.estimate) for one in bins
            ]
        },
        x="predicted probability",
        y="observed share",
        x_range=UNIT,
        y_range=UNIT,
        diagonal=True,
        whiskers=[(one.predicted, one.observed.low, one.observed.high) for one in bins],
        legend="bottom right",
    )


def _confusion(judged: Judged) -> str:
    counts = confusion(judged.positive, judged.p, judged.threshold)
    return svg.matrix(
        f"Confusion at the surveillance threshold {judged.threshold:.2f}",
        ("negative", "positive"),
        ("negative", "positive"),
        ((counts.tn, counts.fp), (counts.fn, counts.tp)),
        y="truth",
        x="called",
    )


def _confusion_of_classes(judged: Judged) -> str:
    counts = class_counts(judged)
    return svg.matrix(
        f"Most probable class (n = {counts.sum()})",
        judged.card.labels,
        judged.card.labels,
        counts.tolist(),
        y="truth",
        x="called",
    )


def _curves(judged: Judged) -> Truths:
    """Sick against healthy; of a model of several unrelated classes also each against the rest."""
    if judged.scheme.merged or len(judged.card.labels) == 2:
        return {"model": (judged.positive, judged.p)}
    curves: Truths = {f"not {judged.card.negative_label}": (judged.positive, judged.p)}
    labels = np.array([film.label.casefold() for film in judged.films])
    for at, name in enumerate(judged.card.labels):
        true = labels == name.casefold()
        if name != judged.card.negative_label and both_classes(true):
            curves[f"{name} against the rest"] = (true, judged.probability[:, at])
    return curves


def _thresholds(judged: Judged) -> dict[str, list[tuple[float, float]]]:
    """Where the card's thresholds lie on the curve."""
    points = {}
    for name, threshold in judged.card.thresholds.items():
        counts = confusion(judged.positive, judged.p, threshold)
        label = f"{name} threshold {threshold:.2f}"
        points[label] = [(1 - counts.specificity, counts.sensitivity)]
    return points


def _points(across: np.ndarray, up: np.ndarray) -> list[tuple[float, float]]:
    return list(zip(across.tolist(), up.tolist(), strict=True))
