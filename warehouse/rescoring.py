"""Stored studies scored again by another model version, from their kept images.

Rows are added, never changed: a study's current prediction is a rule (queries/counts.sql).
What a version has scored it is not asked again, and each transaction looks once more under
the lock, so a run that was killed, or two at once, add nothing twice.
"""

import os
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Protocol

import numpy as np

from inference.preprocess import prepare
from inference.records import ModelCard, Prediction
from ingest.problem import Problem
from ingest.records import Study
from warehouse.audit import Action, append
from warehouse.images import image_path, load
from warehouse.settings import WarehouseSettings
from warehouse.stages import ahead
from warehouse.store import Transaction, Warehouse

AHEAD = 4  # batches that are decoded before they are scored
THREADS = 8  # Pillow decodes without holding Python's lock


class Scorer(Protocol):
    """What is needed of inference.predictor.Predictor."""

    @property
    def card(self) -> ModelCard:
        """Of the model that scores."""

    def predict(self, studies: Sequence[Study]) -> Sequence[Prediction | Problem]:
        """One outcome for each study, in order."""

    def probabilities(self, films: np.ndarray) -> np.ndarray:
        """(n, s, s) films to (n, 3), the first column p(pneumonia)."""


@dataclass(slots=True)
class Rescored:
    """studied = scored + without_image + already_scored, always."""

    studied: int = 0
    scored: int = 0
    without_image: int = 0
    already_scored: int = 0


def rescore(
    warehouse: Warehouse,
    version: str,
    scorer: Callable[[], Scorer],
    settings: WarehouseSettings,
    *,
    batch: int = 64,
    progress: Callable[[int], None] = lambda _done: None,
) -> Rescored:
    """Scores what `version` has not scored and whose image is kept; returns what became of it.

    `scorer` is called once, and only when there is something to score.
    """
    (row,) = warehouse.query("unscored", model_version=version)
    todo = [one for one in row["unscored"] if image_path(warehouse.home, one).is_file()]
    found = Rescored(row["studies"], without_image=len(row["unscored"]) - len(todo))
    if todo:
        model = scorer()
        films = ahead(_films(warehouse, todo, model.card.input_size, batch), AHEAD)
        with closing(films):
            for chunk in _chunks(_outcomes(films, model, found), settings):
                found.scored += _write(warehouse, chunk, version)
                progress(len(chunk))
    found.already_scored = found.studied - found.scored - found.without_image
    return found


def waiting(warehouse: Warehouse, version: str) -> int:
    """How many studies a rescoring would score."""
    (row,) = warehouse.query("unscored", model_version=version)
    return sum(image_path(warehouse.home, one).is_file() for one in row["unscored"])


def _films(warehouse: Warehouse, todo: list[str], size: int, batch: int) -> Iterator[list[Study]]:
    """Batches of studies with prepared pixels; without, where an image cannot be read."""
    with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as pool:
        for at in range(0, len(todo), batch):
            rows = warehouse.query("studies_by_id", study_ids=todo[at : at + batch])
            studies = [Study(**row) for row in rows]
            yield list(pool.map(lambda study: _with_pixels(warehouse, study, size), studies))


def _with_pixels(warehouse: Warehouse, study: Study, size: int) -> Study:
    image = load(warehouse.home, study.study_id)
    return study if image is None else replace(study, pixels=prepare(image, size))


def _outcomes(
    films: Iterator[list[Study]], scorer: Scorer, found: Rescored
) -> Iterator[Prediction]:
    for batch in films:
        readable = [study for study in batch if study.pixels is not None]
        found.without_image += len(batch) - len(readable)
        for study, outcome in zip(readable, scorer.predict(readable), strict=True):
            yield _refused(study, scorer) if isinstance(outcome, Problem) else outcome


def _chunks(
    predictions: Iterable[Prediction], settings: WarehouseSettings
) -> Iterator[list[Prediction]]:
    """Gathered into write transactions that are neither small nor late."""
    chunk: list[Prediction] = []
    began = time.monotonic()
    for one in predictions:
        chunk.append(one)
        late = time.monotonic() - began >= settings.commit_seconds
        if late or len(chunk) >= settings.commit_rows:
            yield chunk
            chunk, began = [], time.monotonic()
    if chunk:
        yield chunk


def _refused(study: Study, scorer: Scorer) -> Prediction:
    """A study stays a study: what this version would not have let in, it calls out of scope."""
    assert study.pixels is not None
    return Prediction(
        study_id=study.study_id,
        model_version=scorer.card.model_version,
        probability=float(scorer.probabilities(study.pixels[None])[0, 0]),
        p_bacterial=None,
        p_viral=None,
        in_scope=False,
        label=None,
        threshold=scorer.card.thresholds["surveillance"],
        quality_score=None,
        scope_score=None,
        predicted_at=datetime.now(UTC),
    )


def _write(warehouse: Warehouse, chunk: Sequence[Prediction], version: str) -> int:
    ids = [one.study_id for one in chunk]

    def deliver(transaction: Transaction) -> int:
        rows = transaction.query("scored_by", study_ids=ids, model_version=version)
        known = {row["study_id"] for row in rows}
        there = {row["study_id"] for row in transaction.query("studies_by_id", study_ids=ids)}
        todo = there - known  # a study may have been erased since it was read
        written = transaction.append(
            "predictions", [asdict(one) for one in chunk if one.study_id in todo]
        )
        if written:
            append(transaction, Action.RESCORE, version, {"predictions": written})
        return written

    return warehouse.write_again("rescore", deliver)
