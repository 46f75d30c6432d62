"""From outcomes to rows: what is scored, what is refused, and that the counts add up."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from inference.records import Prediction
from ingest.identity import Pseudonymiser
from ingest.problem import Problem
from ingest.records import Reason, Rejection, Study
from tests.warehouse.rows import prediction, study
from warehouse.pipeline import Outcome, Tally, drain
from warehouse.settings import WarehouseSettings
from warehouse.store import Warehouse

KEY = bytes(range(32))
NO_CHEST = Problem(Reason.NOT_A_CHEST, "its pixels are not those of a chest; send the film")


class Parity:
    """A model of one rule: the film's number is its content hash, and odd ones are ill."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []

    def __call__(self) -> "Parity":
        return self

    def begin(self, films: Sequence[Study]) -> Callable[[], list[Prediction | Problem]]:
        self.batches.append([film.study_id for film in films])
        return lambda: [self._verdict(film) for film in films]

    @staticmethod
    def _verdict(film: Study) -> Prediction | Problem:
        if film.content_hash == "cat":
            return NO_CHEST
        ill = int(film.content_hash) % 2
        return prediction(film.study_id, "PNEUMONIA" if ill else "NORMAL")


def film(study_id: str, content: str) -> Study:
    return replace(study(study_id), content_hash=content)


def run(
    warehouse: Warehouse, outcomes: Sequence[Outcome] | Iterator[Outcome], batch: int = 4
) -> tuple[Tally, Parity, list[str]]:
    model, refused = Parity(), []
    tally = drain(
        warehouse,
        outcomes,
        model,  # type: ignore[arg-type]
        KEY,
        WarehouseSettings(),
        batch=batch,
        wait_seconds=60,
        refused=lambda study_id, problem: refused.append(f"{study_id} {problem.reason}"),
    )
    return tally, model, refused


def labels(warehouse: Warehouse) -> dict[str, str]:
    rows = warehouse.sql("SELECT study_id, label FROM predictions ORDER BY study_id")
    return {row["study_id"]: row["label"] for row in rows}


def test_batches_fill_across_what_is_no_film(warehouse: Warehouse) -> None:
    """A batch counts all that came in; only its films are scored, in order."""
    blank = Rejection("r", Reason.BLANK, "blank", "A1", "f", datetime(2026, 6, 1, tzinfo=UTC))
    films: list[Outcome] = [film(f"s{n}", str(n)) for n in range(6)]
    tally, model, _ = run(warehouse, [*films[:2], blank, *films[2:]])
    assert model.batches == [["s0", "s1", "s2"], ["s3", "s4", "s5"]]
    assert (tally.predicted, tally.rejected, tally.received) == (6, 1, 7)
    assert labels(warehouse)["s3"] == "PNEUMONIA"


def test_a_film_that_the_model_refuses_is_a_rejection(warehouse: Warehouse) -> None:
    tally, _, refused = run(warehouse, [film("a", "1"), film("b", "cat"), film("c", "2")])
    assert (tally.predicted, tally.by_reason, tally.received) == (2, {"not_a_chest": 1}, 3)
    assert refused == ["b not_a_chest"]
    assert labels(warehouse) == {"a": "PNEUMONIA", "c": "NORMAL"}
    assert not warehouse.sql("SELECT 1 AS one FROM studies WHERE study_id = 'b'")
    (row,) = warehouse.query("rejections", commit=10**6)
    assert (row["reason"], row["sentence"], row["site_id"]) == (*_told(NO_CHEST), "A1")
    assert row["file_key"] == Pseudonymiser(KEY).file_key("b")


def _told(problem: Problem) -> tuple[str, str]:
    return problem.reason.value, problem.sentence


def test_refused_again_it_is_recorded_once(warehouse: Warehouse) -> None:
    for _ in range(2):
        tally, _, _ = run(warehouse, [film("b", "cat")])
        assert tally.by_reason == {"not_a_chest": 1}
    assert len(warehouse.query("rejections", commit=10**6)) == 1


def test_films_that_are_known_are_not_scored(warehouse: Warehouse) -> None:
    run(warehouse, [film("a", "1"), film("b", "2")])
    tally, model, _ = run(warehouse, [film("a", "1"), film("z", "2")])
    assert (tally.duplicates, tally.received, model.batches) == (2, 2, [])


def test_a_collision_does_not_lend_its_prediction(warehouse: Warehouse) -> None:
    """In one batch and in two of one transaction: the film that was first keeps its own."""
    for batch in (8, 1):
        first, second = f"a{batch}", f"b{batch}"
        outcomes = [film(first, f"{batch}1"), film(first, f"{batch}2"), film(second, f"{batch}4")]
        tally, _, _ = run(warehouse, outcomes, batch=batch)
        assert (tally.predicted, tally.by_reason) == (2, {"id_collision": 1})
        assert labels(warehouse)[first] == "PNEUMONIA"


def test_outcomes_that_come_one_at_a_time_arrive(warehouse: Warehouse) -> None:
    tally, model, _ = run(warehouse, (film(f"s{n}", str(n)) for n in range(9)))
    assert [len(batch) for batch in model.batches] == [4, 4, 1]
    assert tally.predicted == 9
