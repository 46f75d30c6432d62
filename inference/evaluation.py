"""A model judged on labelled films: the numbers of `pneumowatch evaluate`.

All readable films count. "Positive" is anything but the model's negative class.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from inference.datasets import Film
from inference.labels import AETIOLOGIES, PNEUMONIA_NAMES, scheme_for_card
from inference.metrics import (
    Confusion,
    auroc,
    brier,
    confusion,
    expected_calibration_error,
    log_loss,
    share,
)
from inference.records import ModelCard
from ingest.errors import UserError


@dataclass(frozen=True, slots=True)
class Judged:
    """Films beside what the model said of them; `probability` is (n, classes), calibrated."""

    films: Sequence[Film]
    probability: np.ndarray
    positive: np.ndarray  # (n,) bool, the truth
    card: ModelCard

    @property
    def p(self) -> np.ndarray:
        """(n,) probability of anything but the negative class."""
        negative = self.card.labels.index(self.card.negative_label)
        return np.asarray(1 - self.probability[:, negative])

    @property
    def threshold(self) -> float:
        return self.card.thresholds["surveillance"]


def truth_of(films: Sequence[Film], card: ModelCard) -> np.ndarray:
    """(n,) bool. Raises UserError when the set and the model have no class in common."""
    scheme = scheme_for_card(card.labels, card.negative_label)
    truth = scheme.positive(films)
    known = {name.casefold() for name in card.labels}
    if not scheme.merged and not any(film.label.casefold() in known for film in films):
        found = ", ".join(sorted({film.label for film in films}))
        raise UserError(
            f"the model tells {', '.join(card.labels)} apart, the data set holds {found}"
        )
    if scheme.merged and truth.all() and not any(_disease(film) for film in films):
        found = ", ".join(sorted({film.label for film in films}))
        raise UserError(
            f"expected the classes {scheme.negative} and pneumonia, the data set holds {found}"
        )
    return truth


def report(judged: Judged, out_of_scope: int) -> dict[str, object]:
    """The keys that CONTRACT.md fixes; shares are None where nothing can be said."""
    counts = confusion(judged.positive, judged.p, judged.threshold)
    result: dict[str, object] = {
        "n": len(judged.films),
        "out_of_scope": out_of_scope,
        "accuracy": _number(counts.accuracy),
        "loss": _number(log_loss(judged.positive, judged.p)),
        "auroc": _number(auroc(judged.positive, judged.p)),
        "sensitivity": _number(counts.sensitivity),
        "specificity": _number(counts.specificity),
        "threshold": judged.threshold,
        "brier": _number(brier(judged.positive, judged.p)),
        "ece": _number(expected_calibration_error(judged.positive, judged.p)),
        "confusion": asdict(counts),
        "per_class": per_class(judged),
    }
    if causes := aetiology(judged):
        result["aetiology"] = causes
    return result | {
        "model_version": judged.card.model_version,
        "by_source": by_source(judged),
    }


def per_class(judged: Judged) -> dict[str, dict[str, object]]:
    """For each class of the data set: films, share called positive, mean probability.

    A class that the model itself has also gets recall, precision and one-against-rest AUROC
    of the most probable class.
    """
    labels = np.array([film.label for film in judged.films])
    return {
        str(name): {
            "n": int((labels == name).sum()),
            "called_positive": _number(
                float((judged.p[labels == name] >= judged.threshold).mean())
            ),
            "mean_probability": _number(float(judged.p[labels == name].mean())),
            **_own_class(judged, labels, str(name)),
        }
        for name in np.unique(labels)
    }


def aetiology(judged: Judged) -> dict[str, object] | None:
    """Bacterial against viral among films whose cause is known; None without any."""
    card = judged.card
    known = np.array([film.aetiology in AETIOLOGIES for film in judged.films], dtype=bool)
    known &= judged.positive
    if not known.any() or not set(AETIOLOGIES) <= set(card.labels):
        return None
    bacterial = np.array([film.aetiology == "bacteria" for film in judged.films])[known]
    pair = judged.probability[known][:, [card.labels.index(name) for name in AETIOLOGIES]]
    p = pair[:, 0] / np.maximum(pair.sum(axis=1), 1e-12)
    return {
        "n": int(known.sum()),
        "auroc": _number(auroc(bacterial, p)),
        "accuracy": _number(float(((p >= 0.5) == bacterial).mean())),
    }


def by_source(judged: Judged) -> dict[str, dict[str, object]]:
    """The main measures for each source of films: a pooled figure can hide a bad one."""
    sources = np.array([film.source for film in judged.films])
    return {
        str(name): _summary(judged.positive[sources == name], judged.p[sources == name], judged)
        for name in np.unique(sources)
    }


def _summary(positive: np.ndarray, p: np.ndarray, judged: Judged) -> dict[str, object]:
    counts: Confusion = confusion(positive, p, judged.threshold)
    return {
        "n": len(p),
        "accuracy": _number(counts.accuracy),
        "auroc": _number(auroc(positive, p)),
        "sensitivity": _number(counts.sensitivity),
        "specificity": _number(counts.specificity),
    }


def _own_class(judged: Judged, labels: np.ndarray, name: str) -> dict[str, object]:
    spelled = {label.casefold(): position for position, label in enumerate(judged.card.labels)}
    if name.casefold() not in spelled:
        return {}
    position = spelled[name.casefold()]
    said = judged.probability.argmax(axis=1) == position
    true = labels == name
    return {
        "recall": _number(share(int((said & true).sum()), int(true.sum()))),
        "precision": _number(share(int((said & true).sum()), int(said.sum()))),
        "auroc": _number(auroc(true, judged.probability[:, position])),
    }


def _disease(film: Film) -> bool:
    return film.aetiology is not None or film.label.casefold() in PNEUMONIA_NAMES


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if math.isnan(value) else round(value, 6)
