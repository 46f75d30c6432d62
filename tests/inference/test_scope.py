"""The two limits of scope: a chest film unlike the others, and no chest film at all."""

from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from inference.engine import Array, Pending, Scores
from inference.predictor import Predictor
from inference.records import ModelCard, Prediction
from inference.scope import known, out_of_scope_reasons, refusal
from ingest.problem import Problem
from ingest.records import Reason, Source, Study
from tests.inference.films import made_film
from tests.inference.models import save_tiny, tiny_card

LIMITS = tiny_card(scope_limit=2.0, scope_hard_limit=5.0)
NAN = float("nan")


def study(number: int = 0, age: float | None = 3.0, view: str | None = "PA") -> Study:
    rng = np.random.default_rng(number)
    return Study(
        study_id=f"s{number}",
        content_hash=f"h{number}",
        patient_key=None,
        site_id="A",
        acquired_at=None,
        acquired_date=None,
        received_at=datetime(2026, 5, 1, tzinfo=UTC),
        age_years=age,
        sex=None,
        view=view,
        source=Source.IMAGE,
        flags="",
        pixels=made_film(rng, number % 4, 32),
    )


def test_what_is_no_chest_is_refused_above_the_hard_limit_only() -> None:
    assert refusal(LIMITS, 5.0) is None
    assert refusal(LIMITS, NAN) is None
    assert refusal(tiny_card(), 1e9) is None, "a card without the limit refuses nothing"
    problem = refusal(LIMITS, 5.1)
    assert problem is not None
    assert problem.reason is Reason.NOT_A_CHEST
    assert "not those of a frontal chest radiograph; send" in problem.sentence


@pytest.mark.parametrize(
    ("age", "view", "score", "words"),
    [
        (3.0, "PA", 2.0, []),
        (3.0, "PA", None, []),
        (None, None, NAN, []),
        (3.0, "PA", 2.1, ["unlike the films"]),
        (9.0, "AP", 2.1, ["age outside 1 to 5", "view is not one of PA", "unlike the films"]),
    ],
)
def test_reasons_in_words(
    age: float | None, view: str | None, score: float | None, words: list[str]
) -> None:
    reasons = out_of_scope_reasons(study(age=age, view=view), LIMITS, score)
    assert len(reasons) == len(words)
    assert all(word in reason for word, reason in zip(words, reasons, strict=True))


def test_a_score_that_was_not_judged_is_stored_as_nothing() -> None:
    assert known(NAN) is None
    assert known(np.float64(1.5)) == 1.5


class Ruler:
    """An engine whose scope score is what the test says, film by film."""

    device, batch = "cpu", 3

    def __init__(self, card: ModelCard, scope: list[float]) -> None:
        self.card, self._scope = card, scope

    def begin(self, films: Array) -> Pending:
        return lambda: self.run(films)

    def run(self, films: Array) -> Scores:
        return np.tile([0.0, 2.0, 1.0], (len(films), 1)), np.array(self._scope[: len(films)])


def predictor(tmp_path: Path, scope: list[float]) -> Predictor:
    made = Predictor(save_tiny(tmp_path, scope_limit=2.0, scope_hard_limit=5.0), "cpu", batch=3)
    made.engine = Ruler(made.card, scope)
    return made


def test_predictions_problems_and_films_out_of_scope(tmp_path: Path) -> None:
    judged = predictor(tmp_path, [1.0, 3.0, 9.0, NAN])
    inside, outside, refused, unjudged = judged.predict([study(n) for n in range(4)])
    assert isinstance(inside, Prediction)
    assert isinstance(outside, Prediction)
    assert isinstance(unjudged, Prediction)
    assert (inside.in_scope, inside.label, inside.scope_score) == (True, "PNEUMONIA", 1.0)
    assert (outside.in_scope, outside.label, outside.scope_score) == (False, None, 3.0)
    assert outside.probability == inside.probability
    assert (unjudged.in_scope, unjudged.scope_score) == (True, None)
    assert isinstance(refused, Problem)
    assert refused.reason is Reason.NOT_A_CHEST


def test_one_by_one_and_all_at_once_are_the_same(tmp_path: Path) -> None:
    """Through the real engine; more studies than one batch holds."""
    judged = Predictor(save_tiny(tmp_path), "cpu", batch=4)
    studies = [study(number) for number in range(11)]
    together = judged.predict(studies)
    alone = [verdict for one in studies for verdict in judged.predict([one])]
    assert judged.predict([]) == []
    for one, other in zip(together, alone, strict=True):
        assert isinstance(one, Prediction)
        assert isinstance(other, Prediction)
        left, right = asdict(one), asdict(other)
        assert left.pop("probability") == pytest.approx(right.pop("probability"), abs=1e-6)
        assert left["label"] == right["label"]
    with pytest.raises(ValueError, match="prepared to 32×32"):
        judged.predict([study(0), Study(**{**asdict(study(1)), "pixels": None})])
