"""From files to warehouse rows: decoding, forward passes and writing overlap.

Decode workers are processes (ingest.workers). One thread gathers films into batches, across
studies and files; one begins their forward passes, the next waits for them, so that a GPU
always has another batch; writing is the caller's thread. Every queue between them is
bounded, so memory does not grow with the number of files. An input counts as done only once
its commit is through; a run that is killed is simply run again.
"""

import functools
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inference.records import Prediction
from ingest.identity import Pseudonymiser
from ingest.problem import Problem
from ingest.records import Rejection, Study
from ingest.spool.records import Outcome as Ending
from ingest.spool.records import Settlement
from warehouse.arrivals import (
    Sorted,
    append_rejections,
    append_resends,
    append_studies,
    collision,
    look_up,
    refusal,
)
from warehouse.images import drop
from warehouse.settings import WarehouseSettings
from warehouse.stages import ahead, batched
from warehouse.store import Transaction, Warehouse

if TYPE_CHECKING:  # whoever calls for a Predictor pays for its runtime
    from inference.predictor import Predictor, Verdict

Outcome = Study | Rejection
AHEAD = 4  # batches that one stage may run before the next
BEGUN = 1  # batches begun beside the one that is waited for and the one in hand


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
    # by study_id and content_hash: a collision has the id of another film
    predictions: dict[tuple[str, str], Prediction] = field(default_factory=dict)
    rejections: list[Rejection] = field(default_factory=list)
    duplicates: list[Study] = field(default_factory=list)
    again: list[Study] = field(default_factory=list)
    resends: list[Study] = field(default_factory=list)
    erased: list[Study] = field(default_factory=list)

    def add(self, other: "_Scored") -> None:
        self.studies += other.studies
        self.predictions |= other.predictions
        self.rejections += other.rejections
        self.duplicates += other.duplicates
        self.again += other.again
        self.resends += other.resends
        self.erased += other.erased

    def __len__(self) -> int:
        """Rows to write."""
        return len(self.studies) + len(self.resends) + len(self.rejections)

    @property
    def inputs(self) -> int:
        return len(self) + len(self.duplicates) + len(self.again) + len(self.erased)


def drain(
    warehouse: Warehouse,
    outcomes: Iterable[Outcome],
    predictor: "Callable[[], Predictor]",
    key: bytes,
    settings: WarehouseSettings,
    *,
    batch: int = 32,
    wait_seconds: float = 0.5,
    progress: Callable[[int], None] = lambda _done: None,
    keep: Callable[[Iterable[Study]], None] = lambda _studies: None,
    refused: Callable[[str, Problem], None] = lambda _study_id, _problem: None,
    settled: Callable[[list[Settlement]], None] = lambda _settlements: None,
) -> Tally:
    """Scores and stores what ingest hands over; returns what became of it.

    `predictor` is called once, in the scoring thread and only when there is a film to
    score, so that a model is loaded while the first films are decoded. A batch that is not
    full goes after `wait_seconds`. `progress` is called with the number of inputs that each
    commit settles, `refused` with a study that the model turns out to refuse, `keep` with
    the films that it does not, before they are committed, and `settled` with what became of
    inputs from the spool, after they are.
    """
    tally = Tally()
    names = Pseudonymiser(key)
    batches = batched(outcomes, batch, wait_seconds, AHEAD * batch)
    begun = ahead(_begin(warehouse, batches, predictor, names), BEGUN)
    scored = ahead(_judged(begun, names, refused, keep), AHEAD)
    with closing(scored):
        for chunk in _chunks(scored, settings):
            before = tally.received
            settled(_write(warehouse, chunk, names, tally))
            progress(tally.received - before)
    return tally


def _begin(
    warehouse: Warehouse,
    batches: Iterable[list[Outcome]],
    predictor: "Callable[[], Predictor]",
    names: Pseudonymiser,
) -> "Iterator[tuple[_Scored, Callable[[], list[Verdict]]]]":
    """Each batch with what waits for its forward pass.

    Films that are known already are not scored again (the writer looks once more).
    """
    model: Predictor | None = None
    for batch in batches:
        studies = [item for item in batch if isinstance(item, Study)]
        found = look_up(warehouse, studies, names)
        # The writer decides which a collision is; its image must not lie under the first's id.
        films = found.new + [replace(study, image=None) for study, _ in found.collisions]
        scored = _Scored(
            studies=[replace(study, pixels=None) for study in films],
            rejections=[item for item in batch if isinstance(item, Rejection)],
            duplicates=[_light(study) for study in found.duplicates],
            again=[_light(study) for study in found.again],
            resends=[_light(study) for study, _ in found.resends],
            erased=[_light(study) for study in found.erased],
        )
        if films:
            model = model or predictor()
        yield scored, model.begin(films) if model else list


def _judged(
    begun: "Iterable[tuple[_Scored, Callable[[], list[Verdict]]]]",
    names: Pseudonymiser,
    refused: Callable[[str, Problem], None],
    keep: Callable[[Iterable[Study]], None],
) -> Iterator[_Scored]:
    """The batches with their predictions; films that the model refuses become Rejections."""
    for scored, verdicts in begun:
        studies, scored.studies = scored.studies, []
        for study, verdict in zip(studies, verdicts(), strict=True):
            if isinstance(verdict, Problem):
                scored.rejections.append(refusal(study, verdict, names))
                refused(study.study_id, verdict)
            else:
                keep([study])
                scored.studies.append(replace(study, image=None))
                scored.predictions[study.study_id, study.content_hash] = verdict
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
    if chunk.inputs:
        yield chunk


def _write(
    warehouse: Warehouse, chunk: _Scored, names: Pseudonymiser, tally: Tally
) -> list[Settlement]:
    """Commits a chunk, counts it, and says what became of what came from the spool."""
    found, refused = Sorted(), list[Rejection]()
    if len(chunk):
        deliver = functools.partial(_deliver, chunk=chunk, names=names)
        found, refused = warehouse.write_again("ingest", deliver)
    predicted = found.new + found.again + chunk.again
    duplicates = found.seen + chunk.duplicates
    erased = found.erased + chunk.erased
    drop(warehouse.home, [study.study_id for study in found.erased])  # kept before the commit
    tally.predicted += len(predicted)
    tally.duplicates += len(duplicates) + len(erased)
    tally.by_reason.update(rejection.reason.value for rejection in refused)
    forgotten = [
        Settlement(study.entry_id, Ending.DUPLICATE, forget=True)
        for study in erased
        if study.entry_id
    ]
    return _settlements(predicted, duplicates, refused) + forgotten


def _deliver(
    transaction: Transaction, chunk: _Scored, names: Pseudonymiser
) -> tuple[Sorted, list[Rejection]]:
    """Looks once more, under the lock, and adds what is not there; says what it found."""
    found = look_up(transaction, chunk.studies + chunk.resends, names)
    refused = list(chunk.rejections)
    refused += [collision(study, first, names) for study, first in found.collisions]
    append_studies(
        transaction,
        found.new,
        {s.study_id: chunk.predictions[s.study_id, s.content_hash] for s in found.new},
    )
    append_resends(transaction, found.resends)
    append_rejections(transaction, refused)
    return found, refused


def _settlements(
    predicted: Iterable[Study], duplicates: Iterable[Study], refused: Iterable[Rejection]
) -> list[Settlement]:
    ended = [(Ending.PREDICTED, study) for study in predicted]
    ended += [(Ending.DUPLICATE, study) for study in duplicates]
    settled = [
        Settlement(study.entry_id, ending, study.study_id, flags=study.flags)
        for ending, study in ended
        if study.entry_id
    ]
    return settled + [
        Settlement(one.entry_id, Ending.REJECTED, problem=Problem(one.reason, one.sentence))
        for one in refused
        if one.entry_id
    ]


def _light(study: Study) -> Study:
    """Without what is large."""
    return replace(study, pixels=None, image=None)
