"""Stored studies scored again: rows are added, once, whatever happens on the way."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from inference.kept_film import film_png
from inference.records import ModelCard, Prediction
from ingest.problem import Problem
from ingest.records import Reason, Study
from tests.warehouse.rows import card, prediction, study
from warehouse.arrivals import append_studies
from warehouse.images import image_path, keep, load
from warehouse.measures import MeasureRequest, compute
from warehouse.models import promote, register
from warehouse.rescoring import rescore
from warehouse.settings import WarehouseSettings
from warehouse.store import Warehouse

SETTINGS = WarehouseSettings(commit_rows=2)
TODAY = datetime(2026, 6, 2, tzinfo=UTC)


@dataclass
class Brightness:
    """A one-parameter model: bright films are pneumonia, black ones no radiograph at all."""

    card: ModelCard
    stop_after: int = 10**6
    seen: list[str] = field(default_factory=list)

    def predict(self, studies: Sequence[Study]) -> list[Prediction | Problem]:
        return [self._one(study) for study in studies]

    def probabilities(self, films: np.ndarray) -> np.ndarray:
        bright = films.mean(axis=(1, 2)) / 255
        return np.column_stack([bright, np.full((len(films), 2), np.nan)])

    def _one(self, study: Study) -> Prediction | Problem:
        if len(self.seen) >= self.stop_after:
            raise KeyboardInterrupt
        self.seen.append(study.study_id)
        assert study.pixels is not None
        assert study.pixels.shape == (64, 64)
        bright = float(self.probabilities(study.pixels[None])[0, 0])
        if bright == 0:
            return Problem(Reason.NOT_A_CHEST, "black")
        label = "PNEUMONIA" if bright >= 0.5 else "NORMAL"
        return replace(prediction(study.study_id, label, "m2"), probability=bright)


def store(warehouse: Warehouse, films: dict[str, int | None]) -> None:
    """Studies whose kept image has this shade of grey; None: no image was kept."""
    studies = []
    for name, shade in films.items():
        one = study(name, day=date(2026, 5, 11))
        if shade is not None:
            image = film_png(np.full((80, 90), shade, dtype=np.uint8), 64)
            one = replace(one, image=image)
        studies.append(one)
    keep(warehouse.home, studies)
    with warehouse.write("test") as transaction:
        scored = {name: prediction(name, "NORMAL") for name in films}
        append_studies(transaction, studies, scored)


@pytest.fixture
def stored(warehouse: Warehouse) -> Warehouse:
    store(warehouse, {"a": 200, "b": 50, "c": 220, "d": None, "e": 0})
    register(warehouse, card("m2"))
    return warehouse


def run(warehouse: Warehouse, scorer: Brightness) -> tuple[int, int, int, int]:
    found = rescore(warehouse, "m2", lambda: scorer, SETTINGS, batch=2)
    assert found.studied == found.scored + found.without_image + found.already_scored
    return found.studied, found.scored, found.without_image, found.already_scored


def by_m2(warehouse: Warehouse) -> list[tuple]:
    rows = warehouse.sql(
        "SELECT study_id, label, in_scope FROM predictions WHERE model_version = 'm2' ORDER BY 1"
    )
    return [tuple(row.values()) for row in rows]


def test_what_has_an_image_is_scored_and_nothing_else_changes(stored: Warehouse) -> None:
    before = stored.sql("SELECT * FROM predictions ORDER BY study_id")
    scorer = Brightness(card("m2"))
    assert run(stored, scorer) == (5, 4, 1, 0)
    assert by_m2(stored) == [
        ("a", "PNEUMONIA", True),
        ("b", "NORMAL", True),
        ("c", "PNEUMONIA", True),
        ("e", None, False),
    ]
    old = stored.sql("SELECT * FROM predictions WHERE model_version = 'm1' ORDER BY study_id")
    assert old == before
    assert run(stored, Brightness(card("m2"))) == (5, 0, 1, 4)


def test_it_counts_once_promoted(stored: Warehouse) -> None:
    def positive() -> int:
        return sum(m.numerator for m in compute(stored, MeasureRequest("positivity", by=())))

    run(stored, Brightness(card("m2")))
    assert positive() == 0
    promote(stored, "m2")
    assert positive() == 2


def test_a_run_that_was_stopped_is_simply_run_again(stored: Warehouse) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(stored, Brightness(card("m2"), stop_after=3))
    assert [name for name, *_ in by_m2(stored)] == ["a", "b"], "whole transactions stay"
    rest = Brightness(card("m2"))
    assert run(stored, rest) == (5, 2, 1, 2)
    assert rest.seen == ["c", "e"]
    assert len(by_m2(stored)) == 4


def test_two_runs_at_once_add_each_row_once(stored: Warehouse) -> None:
    class Slow(Brightness):
        def predict(self, studies: Sequence[Study]) -> list[Prediction | Problem]:
            if not self.seen:  # while this one scores, another run begins and ends
                assert run(stored, Brightness(card("m2")))[1] == 4
            return super().predict(studies)

    assert run(stored, Slow(card("m2"))) == (5, 0, 1, 4)
    assert len(by_m2(stored)) == 4


def test_a_damaged_image_is_no_image(stored: Warehouse) -> None:
    image_path(stored.home, "a").write_bytes(b"\x89PNG\r\n\x1a\n damaged")
    assert run(stored, Brightness(card("m2"))) == (5, 3, 2, 0)


def test_nothing_to_score_loads_no_model(stored: Warehouse) -> None:
    run(stored, Brightness(card("m2")))

    def never() -> Brightness:
        raise AssertionError("a model was loaded for nothing")

    assert rescore(stored, "m2", never, SETTINGS).scored == 0


def test_a_kept_image_comes_back_is_private_and_is_not_written_over(warehouse: Warehouse) -> None:
    shade = np.full((80, 90), 7, dtype=np.uint8)
    keep(warehouse.home, [replace(study("abcd"), image=film_png(shade, 1024))])
    path = image_path(warehouse.home, "abcd")
    assert path == warehouse.home.root / "studies" / "ab" / "abcd.png"
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    np.testing.assert_array_equal(load(warehouse.home, "abcd"), shade)
    keep(warehouse.home, [replace(study("abcd"), image=b"another"), study("efgh")])
    np.testing.assert_array_equal(load(warehouse.home, "abcd"), shade)
    assert [p.name for p in path.parent.iterdir()] == ["abcd.png"]
    assert load(warehouse.home, "efgh") is None
