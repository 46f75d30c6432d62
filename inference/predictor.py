"""Studies in, Predictions out: the shipped or promoted model behind one call."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch

from inference.checkpoint import load, shipped_model
from inference.device import choose
from inference.records import ModelCard, Prediction
from inference.scope import out_of_scope_reasons
from ingest.records import Study

Array = np.ndarray


class Predictor:
    """A loaded model on one device. Not for use by two threads at once."""

    def __init__(self, model: Path | None = None, device: str = "auto", batch: int = 32) -> None:
        self.device = choose(device)
        self.batch = batch
        module, self.card = load(model or shipped_model())
        self._module = module.to(self.device).to(memory_format=torch.channels_last)

    def predict(self, studies: Sequence[Study]) -> list[Prediction]:
        """One Prediction for each study, in order. Each must carry prepared pixels.

        ValueError where a study has none, or of another size than the model's.
        """
        if not studies:
            return []
        films = np.stack([_pixels(study, self.card.input_size) for study in studies])
        now = datetime.now(UTC)
        scores = self.probabilities(films)
        return [
            _prediction(study, self.card, row, now)
            for study, row in zip(studies, scores, strict=True)
        ]

    def probabilities(self, films: Array) -> Array:
        """(n, s, s) uint8 films to (n, 3): p(pneumonia), p(bacterial), p(viral).

        The first is calibrated by the card's temperature; the other two are given pneumonia
        and NaN for a model that does not tell them apart.
        """
        logits = [
            self._logits(films[at : at + self.batch]) for at in range(0, len(films), self.batch)
        ]
        return scores_from_logits(np.concatenate(logits), self.card)

    def _logits(self, films: Array) -> Array:
        with torch.inference_mode():
            batch = torch.from_numpy(np.ascontiguousarray(films)).unsqueeze(1)
            if self.device.type == "cuda":
                batch = batch.pin_memory().to(self.device, non_blocking=True)
            batch = batch.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cuda", dtype=torch.bfloat16, enabled=self.device.type == "cuda"):
                logits = self._module(batch)
            return np.asarray(logits.float().cpu().numpy(), dtype=np.float64)


def scores_from_logits(logits: Array, card: ModelCard) -> Array:
    """(n, classes) logits to the three columns of `Predictor.probabilities`."""
    scaled = logits / card.temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    softmax = np.exp(scaled)
    softmax /= softmax.sum(axis=1, keepdims=True)
    positive = 1 - softmax[:, card.labels.index(card.negative_label)]
    bacterial = np.full_like(positive, np.nan)
    if {"bacteria", "virus"} <= set(card.labels):
        pair = [softmax[:, card.labels.index(name)] for name in ("bacteria", "virus")]
        bacterial = pair[0] / np.maximum(pair[0] + pair[1], np.finfo(np.float64).tiny)
    return np.column_stack([positive, bacterial, 1 - bacterial])


def _pixels(study: Study, size: int) -> Array:
    if study.pixels is None or study.pixels.shape != (size, size):
        raise ValueError(f"a study must carry pixels prepared to {size}×{size}")
    return study.pixels


def _prediction(study: Study, card: ModelCard, scores: Array, now: datetime) -> Prediction:
    probability, bacterial, viral = (float(score) for score in scores)
    told_apart = not math.isnan(bacterial)
    threshold = card.thresholds["surveillance"]
    outside = bool(out_of_scope_reasons(study, card))
    label = "PNEUMONIA" if probability >= threshold else "NORMAL"
    return Prediction(
        study_id=study.study_id,
        model_version=card.model_version,
        probability=probability,
        p_bacterial=bacterial if told_apart else None,
        p_viral=viral if told_apart else None,
        in_scope=not outside,
        label=None if outside else label,
        threshold=threshold,
        quality_score=None,
        scope_score=None,
        predicted_at=now,
    )
