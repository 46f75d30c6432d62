"""The registry: what stands on what, and which prediction counts after a rollback."""

from dataclasses import asdict, replace
from datetime import date

import pytest

from ingest.errors import UserError
from tests.warehouse.rows import LABELS, card, load, prediction, study
from warehouse.arrivals import append_studies
from warehouse.measures import MeasureRequest, compute
from warehouse.models import (
    ROLLBACK,
    champion,
    promote,
    register,
    registry,
    rollback,
    rollback_target,
    standing,
)
from warehouse.store import Warehouse
from warehouse.versions import resolve


def statuses(warehouse: Warehouse) -> dict[str, str]:
    return {row["model_version"]: row["status"] for row in registry(warehouse)}


def back(warehouse: Warehouse) -> tuple[str, str]:
    target = rollback_target(warehouse)
    rollback(warehouse, target)
    return target


def rescored(warehouse: Warehouse, version: str, letters: str) -> int:
    """Gives the stored studies, in order of their ids, these labels by another version."""
    ids = [row["study_id"] for row in warehouse.sql("SELECT study_id FROM studies ORDER BY 1")]
    made = [
        asdict(prediction(study_id, LABELS[letter], version))
        for study_id, letter in zip(ids, letters, strict=True)
    ]
    with warehouse.write("rescore") as transaction:
        transaction.append("predictions", made)
    return transaction.commit_number


def test_each_version_has_a_status(warehouse: Warehouse) -> None:
    register(warehouse, card("m2"))
    assert statuses(warehouse) == {"m1": "champion", "m2": "challenger"}
    assert promote(warehouse, "m2") == "m1"
    register(warehouse, card("m3"))
    assert statuses(warehouse) == {"m2": "champion", "m1": "retired", "m3": "challenger"}


def test_promoting_the_champion_again_appends_nothing(warehouse: Warehouse) -> None:
    before = resolve(warehouse)
    assert promote(warehouse, "m1") == "m1"
    assert resolve(warehouse) == before


def test_rollbacks_go_back_step_by_step_and_delete_nothing(warehouse: Warehouse) -> None:
    for version in ("m2", "m3"):
        register(warehouse, card(version), promote=True)
    assert back(warehouse) == ("m3", "m2")
    assert back(warehouse) == ("m2", "m1")
    assert statuses(warehouse) == {"m1": "champion", "m2": "retired", "m3": "retired"}
    with pytest.raises(UserError, match="nothing to go back to"):
        back(warehouse)
    rows = warehouse.query("promotions", commit=resolve(warehouse).commit_number)
    assert [row["model_version"] for row in rows] == ["m1", "m2", "m3", "m2", "m1"]
    promote(warehouse, "m3")
    assert back(warehouse) == ("m3", "m1"), "what was rolled back is not below it"


@pytest.mark.parametrize(
    ("history", "stack"),
    [
        ("", []),
        ("a", ["a"]),
        ("a b c", ["a", "b", "c"]),
        ("a b <a", ["a"]),
        ("a b <a b", ["a", "b"]),
        ("a b a <b", ["a", "b"]),
        ("a b c <b <a d", ["a", "d"]),
    ],
)
def test_what_stands_on_what(history: str, stack: list[str]) -> None:
    rows = [
        {"model_version": word.strip("<"), "kind": ROLLBACK if word[0] == "<" else None}
        for word in history.split()
    ]
    assert standing(rows) == stack


def test_a_rollback_is_refused_when_somebody_promoted_meanwhile(warehouse: Warehouse) -> None:
    register(warehouse, card("m2"), promote=True)
    expected = rollback_target(warehouse)
    register(warehouse, card("m3"), promote=True)
    with pytest.raises(UserError, match="promoted meanwhile"):
        rollback(warehouse, expected)
    best = champion(warehouse)
    assert best is not None
    assert best["model_version"] == "m3"


def test_an_unknown_version_is_named_with_those_that_are_known(warehouse: Warehouse) -> None:
    with pytest.raises(UserError, match=r"no model version 'm9'; registered: m1"):
        promote(warehouse, "m9")


def test_a_version_means_the_same_bytes_for_ever(warehouse: Warehouse) -> None:
    assert register(warehouse, replace(card("m2"), weights_digest="a" * 64))
    assert not register(warehouse, replace(card("m2"), weights_digest="a" * 64))
    with pytest.raises(UserError, match="aaaaaaaaaaaa, these are bbbbbbbbbbbb"):
        register(warehouse, replace(card("m2"), weights_digest="b" * 64))
    with pytest.raises(UserError, match="another card"):
        register(warehouse, replace(card("m2"), weights_digest="a" * 64, temperature=2.0))


def test_promote_rescore_rollback_and_as_of(warehouse: Warehouse) -> None:
    """Golden: the current prediction is that of the model promoted last that scored it."""

    def week(as_of: int | None = None) -> tuple:
        (row,) = compute(warehouse, MeasureRequest("positivity", by=(), as_of=as_of))
        return row.numerator, row.denominator, row.model_version

    first = load(warehouse, "A1 2026-05-11 PPNN")
    register(warehouse, card("m2"))
    challenged = rescored(warehouse, "m2", "PNNN")
    assert week() == (2, 4, "m1"), "a challenger's opinion does not count"
    promote(warehouse, "m2")
    promoted = resolve(warehouse).commit_number
    assert week() == (1, 4, "m2")
    back(warehouse)
    rolled_back = resolve(warehouse).commit_number
    assert week() == (2, 4, "m1")
    promote(warehouse, "m2")
    seen = {commit: week(commit) for commit in (first, challenged, promoted, rolled_back)}
    assert seen == {
        first: (2, 4, "m1"),
        challenged: (2, 4, "m1"),
        promoted: (1, 4, "m2"),
        rolled_back: (2, 4, "m1"),
    }
    assert week() == (1, 4, "m2")


def test_after_a_rollback_a_film_that_only_the_other_scored_keeps_its_label(
    warehouse: Warehouse,
) -> None:
    load(warehouse, "A1 2026-05-11 NN")
    register(warehouse, card("m2"), promote=True)
    with warehouse.write("test") as transaction:
        one = study("only-m2", day=date(2026, 5, 12))
        append_studies(transaction, [one], {"only-m2": prediction("only-m2", "PNEUMONIA", "m2")})
    back(warehouse)
    (row,) = compute(warehouse, MeasureRequest("positivity", by=()))
    assert (row.numerator, row.denominator, row.model_version) == (1, 3, "m1+m2")
