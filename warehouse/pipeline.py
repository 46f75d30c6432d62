"""From files to warehouse rows: decoding, forward passes and writing overlap.

Decode workers are processes (ingest.workers), forward passes a thread, writing the caller's
thread. Every queue between them is bounded, so memory does not grow with the number of
files. An input counts as done only once its commit is through; a run that is killed is
simply run again.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inference.records import Prediction
from ingest.identity import Pseudonymiser
from ingest.records import Rejection, Study
from warehouse.arrivals import append_rejections, append_studies, collision, look_up
from warehouse.settings import WarehouseSettings
from warehouse.stages import ahead, batched
from warehouse.store import Warehouse

if TYPE_CHECKING:  # torch is loaded by whoever calls for a Predictor
    from inference.predictor import Predictor

Outcome = Study | Rejection
AHEAD = 4  # batches that one stage may run before the next


@dataclass(slots=True)
class Tally:
    """What became of what came in: received = predicted + duplicates + rejected, always."""

    predicted: int = 0
    duplicates: int = 0
    by_reason: Counter[str] = field(default_factory=Counter)

    @property
    def rejected(self) -> int:
        return sum(self.by_reason.values())

    @property
    def received(self) -> int:
        return self.predicted + self.duplicates + self.rejected


@dataclass(slots=True)
class _Scored:
    """A batch on its way to the writer."""

    studies: list[Study] = field(default_factory=list)
    predictions: dict[str, Prediction] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    duplicates: int = 0

    def add(self, other: "_Scored") -> None:
        self.studies += other.studies
        self.predictions |= other.predictions
        self.rejections += other.rejections
        self.duplicates += other.duplicates

    def __len__(self) -> int:
        return len(self.studies) + len(self.rejections)


def drain(
    warehouse: Warehouse,
    outcomes: Iterable[Outcome],
    predictor: "Callable[[], Predictor]",
    key: bytes,
    settings: WarehouseSettings,
    *,
    batch: int = 32,
    progress: Callable[[int], None] = lambda _done: None,
) -> Tally:
    """Scores and stores what ingest hands over; returns what became of it.

    `predictor` is called once, in the scoring thread and only when there is a film to
    score, so that a model is loaded while the first films are decoded. `progress` is
    called with the number of inputs that each commit settles.
    """
    tally = Tally()
    names = Pseudonymiser(key)
    batches = ahead(batched(outcomes, batch), AHEAD)
    scored = ahead(_score(warehouse, batches, predictor), AHEAD)
    with closing(scored):
        for chunk in _chunks(scored, settings):
            before = tally.received
            _write(warehouse, chunk, names, tally)
            progress(tally.received - before)
    return tally


def _score(
    warehouse: Warehouse, batches: Iterable[list[Outcome]], predictor: "Callable[[], Predictor]"
) -> Iterator[_Scored]:
    """Films that are known already are not scored again (the writer looks once more)."""
    model: Predictor | None = None
    for batch in batches:
        studies = [item for item in batch if isinstance(item, Study)]
        found = look_up(warehouse, studies)
        films = found.new + found.collisions  # the writer decides which a collision is
        scored = _Scored(
            studies=[replace(study, pixels=None) for study in films],
            rejections=[item for item in batch if isinstance(item, Rejection)],
            duplicates=len(found.duplicates),
        )
        if films:
            model = model or predictor()
            predictions = model.predict(films)
            scored.predictions = {item.study_id: item for item in predictions}
        yield scored


def _chunks(scored: Iterable[_Scored], settings: WarehouseSettings) -> Iterator[_Scored]:
    """Batches gathered into write transactions that are neither small nor late."""
    chunk, began = _Scored(), time.monotonic()
    for batch in scored:
        chunk.add(batch)
        late = time.monotonic() - began >= settings.commit_seconds
        if late or len(chunk) >= settings.commit_rows:
            yield chunk
            chunk, began = _Scored(), time.monotonic()
    if len(chunk) or chunk.duplicates:
        yield chunk


def _write(warehouse: Warehouse, chunk: _Scored, names: Pseudonymiser, tally: Tally) -> None:
    if not len(chunk):
        tally.duplicates += chunk.duplicates
        return
    with warehouse.write("ingest") as transaction:
        found = look_up(transaction, chunk.studies)
        refused = chunk.rejections + [collision(study, names) for study in found.collisions]
        append_studies(transaction, found.new, chunk.predictions)
        append_rejections(transaction, refused)
    tally.predicted += len(found.new)
    tally.duplicates += chunk.duplicates + len(found.duplicates)
    tally.by_reason.update(rejection.reason.value for rejection in refused)
