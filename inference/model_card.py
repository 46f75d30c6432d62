"""What is written on a finished model's card: calibration, thresholds, counts, provenance."""

import hashlib
from dataclasses import asdict
from datetime import UTC, datetime

import numpy as np
import torch

from inference.calibration import (
    fit_temperature,
    screening_threshold,
    source_weights,
    surveillance_threshold,
)
from inference.checkpoint import weights_bytes
from inference.judging import shifted
from inference.labels import AETIOLOGIES
from inference.metrics import (
    auroc,
    brier,
    confusion,
    expected_calibration_error,
    softmax,
)
from inference.preprocess import DESCRIPTION
from inference.recipe import Recipe
from inference.records import ModelCard
from inference.scope_fit import CPU, fit_scope, scope_limits
from inference.scoring import judge_films
from inference.training import Trained
from inference.training_data import TrainingData, content_hash


def write_card(
    trained: Trained, data: TrainingData, recipe: Recipe
) -> tuple[ModelCard, dict[str, list[object]]]:
    """The card, and the validation films' calibrated scores (true label and source only).

    Temperature and thresholds are fitted on the validation films as they are and in an
    augmented view: other hospitals' films differ from these, and a threshold that is sharp
    on this hospital alone costs specificity elsewhere.
    """
    scheme, part = data.scheme, data.validation
    trained.module.scope = fit_scope(trained.module, data, recipe)
    plain, near = judge_films(trained.module, part.pixels, CPU)
    moved, off = judge_films(trained.module, shifted(part.pixels, recipe.seed), CPU)
    limits = scope_limits(trained.module, part, near, off, recipe.seed)
    logits = np.concatenate([plain, moved])
    positive = scheme.positive(part.films)
    twice = np.concatenate([positive, positive])
    weights = source_weights(np.tile(part.sources, 2), twice)
    temperature = fit_temperature(logits, np.tile(scheme.allowed(part.films), (2, 1)), weights)
    negative = scheme.labels.index(scheme.negative)
    fitted = 1 - softmax(logits, temperature)[:, negative]
    thresholds = {
        "surveillance": round(surveillance_threshold(twice, fitted, weights), 4),
        "screening": round(screening_threshold(twice, fitted, weights), 4),
    }
    probability = softmax(plain, temperature)
    p = 1 - probability[:, negative]
    counts = confusion(positive, p, thresholds["surveillance"])
    card = ModelCard(
        model_version=f"{recipe.name}-{_digest(trained)[:8]}",
        architecture=recipe.architecture,
        labels=scheme.labels,
        negative_label=scheme.negative,
        input_size=recipe.size,
        preprocessing=DESCRIPTION,
        thresholds=thresholds,
        temperature=temperature,
        true_positives=counts.tp,
        false_negatives=counts.fn,
        true_negatives=counts.tn,
        false_positives=counts.fp,
        intended_use=recipe.intended_use,
        ages=recipe.ages,
        views=recipe.views,
        scope_limit=limits.soft,
        scope_hard_limit=limits.hard,
        training=_provenance(trained, data, recipe),
        validation={
            **_by_source(part.sources, positive, p, thresholds["surveillance"]),
            "aetiology": _causes(data, probability),
            "scope": limits.report,
        },
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    return card, _scores(data, probability)


def _digest(trained: Trained) -> str:
    return hashlib.sha256(weights_bytes(trained.module)).hexdigest()


def _provenance(trained: Trained, data: TrainingData, recipe: Recipe) -> dict[str, object]:
    return {
        "films": len(data.train.films),
        "films_by_source": dict(zip(*_count(data.train.sources), strict=True)),
        "films_hash": content_hash(data.train.films),
        "recipe": recipe.as_dict(),
        "device": trained.device,
        "precision": trained.precision,
        "epoch": trained.chosen,
        "threads": torch.get_num_threads(),
        "minutes": round(trained.seconds / 60, 1),
        "torch": torch.__version__,
        **({"members": list(trained.members)} if trained.members else {}),
    }


def _count(values: np.ndarray) -> tuple[list[str], list[int]]:
    names, counts = np.unique(values, return_counts=True)
    return names.tolist(), counts.tolist()


def _by_source(
    sources: np.ndarray, positive: np.ndarray, p: np.ndarray, threshold: float
) -> dict[str, object]:
    """Counts at the surveillance threshold and measures, for each source and for all."""
    report: dict[str, object] = {
        "counts_on": "patient-disjoint validation films of all sources, each as it is, once"
    }
    for name in ["all", *np.unique(sources).tolist()]:
        own = np.ones(len(p), dtype=bool) if name == "all" else sources == name
        truth, score_ = positive[own], p[own]
        report[name] = {
            "n": int(own.sum()),
            **asdict(confusion(truth, score_, threshold)),
            "auroc": _number(auroc(truth, score_)),
            "brier": _number(brier(truth, score_)),
            "ece": _number(expected_calibration_error(truth, score_)),
        }
    return report


def _causes(data: TrainingData, probability: np.ndarray) -> dict[str, object] | None:
    """Bacterial against viral among films of known cause; None where the model has no causes."""
    scheme = data.scheme
    if not scheme.merged:
        return None
    causes = np.array([film.aetiology or "" for film in data.validation.films])
    known = causes != ""
    pair = probability[known][:, [scheme.labels.index(name) for name in AETIOLOGIES]]
    bacterial = pair[:, 0] / np.maximum(pair.sum(axis=1), 1e-12)
    area = auroc(causes[known] == "bacteria", bacterial)
    return {"n": int(known.sum()), "auroc": _number(area)}


def _number(value: float) -> float | None:
    """JSON has no NaN."""
    return None if np.isnan(value) else round(value, 4)


def _scores(data: TrainingData, probability: np.ndarray) -> dict[str, list[object]]:
    """Columns p, p_bacterial (null where the scheme has no cause), label, source."""
    scheme, films = data.scheme, data.validation.films
    p = 1 - probability[:, scheme.labels.index(scheme.negative)]
    causes: list[object] = [None] * len(p)
    if scheme.merged:
        bacteria = probability[:, scheme.labels.index("bacteria")]
        causes = np.round(bacteria / np.maximum(p, 1e-12), 4).tolist()
    return {
        "p_pneumonia": np.round(p, 4).tolist(),
        "p_bacterial": causes,
        "label": [
            scheme.negative if scheme.is_negative(film) else film.aetiology or film.label
            for film in films
        ],
        "source": [film.source for film in films],
    }
