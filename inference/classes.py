"""An evaluation class by class: the set's own classes, the model's, and bacterial against viral."""

import numpy as np

from inference.intervals import delong
from inference.judged import Judged
from inference.labels import AETIOLOGIES
from inference.metrics import auroc, share
from inference.operating import keyed, number


def per_class(judged: Judged) -> dict[str, dict[str, object]]:
    """For each class of the data set: films, share called positive, mean probability.

    A class that the model itself has also gets recall and precision of the most probable
    class, and AUROC of it against the rest.
    """
    labels = np.array([film.label for film in judged.films])
    return {
        str(name): {
            "n": int((labels == name).sum()),
            "called_positive": number((judged.p[labels == name] >= judged.threshold).mean()),
            "mean_probability": number(judged.p[labels == name].mean()),
            **_own_class(judged, labels, str(name)),
        }
        for name in np.unique(labels)
    }


def multiclass(judged: Judged) -> dict[str, object]:
    """The model's own classes, by the most probable one, over films whose class is certain.

    `macro_auroc` is the plain mean over the classes that have both films of their own and
    others; a row of `confusion` is a true class, a column what it was called.
    """
    labels = judged.card.labels
    counts, certain = class_counts(judged), _certain(judged)
    true, probability = judged.scheme.allowed(judged.films)[certain], judged.probability[certain]
    areas = [auroc(true[:, at], probability[:, at]) for at in range(len(labels))]
    known = [area for area in areas if not np.isnan(area)]
    return {
        "n": int(certain.sum()),
        "labels": list(labels),
        "accuracy": number(share(int(np.trace(counts)), int(certain.sum()))),
        "macro_auroc": number(float(np.mean(known))) if known else None,
        "auroc": {name: number(area) for name, area in zip(labels, areas, strict=True)},
        "confusion": counts.tolist(),
    }


def class_counts(judged: Judged) -> np.ndarray:
    """(classes, classes) films by true class (row) and most probable class (column)."""
    certain = _certain(judged)
    true = judged.scheme.allowed(judged.films)[certain].argmax(axis=1)
    counts = np.zeros((len(judged.card.labels),) * 2, dtype=int)
    np.add.at(counts, (true, judged.probability[certain].argmax(axis=1)), 1)
    return counts


def _certain(judged: Judged) -> np.ndarray:
    """(n,) bool: films that can be of one of the model's classes only."""
    return np.asarray(judged.scheme.allowed(judged.films).sum(axis=1) == 1)


def aetiology(judged: Judged) -> dict[str, object] | None:
    """Bacterial against viral among films whose cause is known; None without any."""
    pair = causes(judged)
    if pair is None:
        return None
    bacterial, p = pair
    return {
        "n": len(p),
        "bacterial": int(bacterial.sum()),
        "viral": int((~bacterial).sum()),
        **keyed("auroc", delong(bacterial, p)),
        "accuracy": number(((p >= 0.5) == bacterial).mean()),
    }


def causes(judged: Judged) -> tuple[np.ndarray, np.ndarray] | None:
    """(n,) bool truly bacterial and (n,) p(bacterial | pneumonia), of films of known cause."""
    labels = judged.card.labels
    known = np.array([film.aetiology in AETIOLOGIES for film in judged.films], dtype=bool)
    known &= judged.positive
    if not known.any() or not set(AETIOLOGIES) <= set(labels):
        return None
    bacterial = np.array([film.aetiology == "bacteria" for film in judged.films])[known]
    pair = judged.probability[known][:, [labels.index(name) for name in AETIOLOGIES]]
    return bacterial, pair[:, 0] / np.maximum(pair.sum(axis=1), 1e-12)


def _own_class(judged: Judged, labels: np.ndarray, name: str) -> dict[str, object]:
    spelled = {label.casefold(): position for position, label in enumerate(judged.card.labels)}
    if name.casefold() not in spelled:
        return {}
    position = spelled[name.casefold()]
    said = judged.probability.argmax(axis=1) == position
    true = labels == name
    return {
        "recall": number(share(int((said & true).sum()), int(true.sum()))),
        "precision": number(share(int((said & true).sum()), int(said.sum()))),
        **keyed("auroc", delong(true, judged.probability[:, position])),
    }
