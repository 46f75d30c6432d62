"""Studies in, Predictions out: the shipped or promoted model behind one call."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from inference.engine import Array, Engine, open_engine
from inference.records import ModelCard, Prediction, SiteCalibration
from inference.scope import known, out_of_scope_reasons, refusal
from inference.site_calibration import calibrated
from ingest.problem import Problem
from ingest.records import Study

Verdict = Prediction | Problem


class Predictor:
    """A loaded model on one device. Studies are begun by one thread at a time."""

    def __init__(
        self,
        model: Path | None = None,
        device: str = "auto",
        batch: int = 32,
        threads: int | None = None,
        site_calibrations: Mapping[str, SiteCalibration] | None = None,
    ) -> None:
        """`site_calibrations` by site; those of other model versions are passed over."""
        self.engine: Engine = open_engine(model, device, batch, threads)
        self.card, self.device, self.batch = self.engine.card, self.engine.device, batch
        self._sites = {
            name: one
            for name, one in (site_calibrations or {}).items()
            if one.model_version == self.card.model_version
        }

    def predict(self, studies: Sequence[Study]) -> list[Verdict]:
        """For each study, in order, a Prediction, or a Problem where its pixels are no chest.

        Each must carry prepared pixels; ValueError where one has none, or of another size
        than the model's.
        """
        return self.begin(studies)()

    def begin(self, studies: Sequence[Study]) -> Callable[[], list[Verdict]]:
        """`predict` in two halves: what this returns waits for the result, in any thread.

        With `IN_FLIGHT` batches not yet waited for, another one may be begun.
        """
        if not studies:
            return list
        films = np.stack([_pixels(study, self.card.input_size) for study in studies])
        if len(films) > self.batch:
            scores = self.engine.run(films)
            return lambda: self._verdicts(studies, *scores)
        pending = self.engine.begin(films)
        return lambda: self._verdicts(studies, *pending())

    def _verdicts(self, studies: Sequence[Study], logits: Array, scope: Array) -> list[Verdict]:
        now, card = datetime.now(UTC), self.card
        rows = zip(studies, scores_from_logits(logits, card), scope, strict=True)
        return [
            refusal(card, float(distance))
            or _prediction(
                study, card, row, known(distance), now, self._sites.get(study.site_id or "")
            )
            for study, row, distance in rows
        ]

    def probabilities(self, films: Array) -> Array:
        """(n, s, s) uint8 films to (n, 3): p(pneumonia), p(bacterial), p(viral).

        The first is calibrated by the card's temperature; the other two are given pneumonia
        and NaN for a model that does not tell them apart.
        """
        return scores_from_logits(self.engine.run(films)[0], self.card)


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


def _prediction(
    study: Study,
    card: ModelCard,
    scores: Array,
    distance: float | None,
    now: datetime,
    site: SiteCalibration | None,
) -> Prediction:
    probability, bacterial, viral = (float(score) for score in scores)
    told_apart = not math.isnan(bacterial)
    probability, threshold = calibrated(probability, site, card.thresholds["surveillance"])
    outside = bool(out_of_scope_reasons(study, card, distance))
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
        scope_score=distance,
        predicted_at=now,
        calibration_id=site.calibration_id if site else None,
    )
