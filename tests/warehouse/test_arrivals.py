"""What becomes of arrivals: the rules for duplicates, resends and collisions."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from ingest.identity import Pseudonymiser
from ingest.records import Reason, Rejection, Study
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import (
    append_rejections,
    append_resends,
    append_studies,
    collision,
    look_up,
    sort_out,
)
from warehouse.store import Warehouse


def film(study_id: str, content: str, site: str = "A1") -> Study:
    return replace(study(study_id, site), content_hash=content)


def ids(studies: list[Study]) -> list[str]:
    return [item.study_id for item in studies]


def test_rules_against_what_is_stored(warehouse: Warehouse) -> None:
    with warehouse.write("test") as transaction:
        append_studies(transaction, [film("a", "x")], {"a": prediction("a", "NORMAL")})
    same, resend = film("a", "x"), film("b", "x")
    elsewhere, other = film("c", "x", "B1"), film("a", "y")
    found = look_up(warehouse, [same, resend, elsewhere, other])
    assert ids(found.duplicates) == ["a"]
    assert found.resends == [(resend, "a")]
    assert ids(found.new) == ["c"]
    assert found.collisions == [(other, "x")]


def test_a_resend_is_a_fact_of_its_own_and_keeps_its_id(warehouse: Warehouse) -> None:
    with warehouse.write("test") as transaction:
        append_studies(transaction, [film("a", "x")], {"a": prediction("a", "NORMAL")})
        append_resends(transaction, [(film("b", "x"), "a")])
    assert len(warehouse.sql("SELECT * FROM studies")) == 1
    found = look_up(warehouse, [film("b", "x"), film("b", "z"), film("d", "x")])
    assert ids(found.duplicates) == ["b"]
    assert found.collisions == [(film("b", "z"), "x")]
    assert found.resends == [(film("d", "x"), "a")]


def test_a_row_that_was_committed_and_not_settled_is_no_duplicate(warehouse: Warehouse) -> None:
    first = replace(film("a", "x"), entry_id="e1")
    with warehouse.write("test") as transaction:
        append_studies(transaction, [first], {"a": prediction("a", "NORMAL")})
    later = replace(first, received_at=first.received_at + timedelta(seconds=1))
    found = look_up(warehouse, [first, later, replace(first, entry_id="")])
    assert found.again == [first]
    assert len(found.duplicates) == 2


def test_rules_within_one_batch() -> None:
    found = sort_out([film("a", "x"), film("a", "x"), film("b", "x"), film("a", "z")], [])
    assert (ids(found.new), ids(found.duplicates)) == (["a"], ["a"])
    assert found.resends == [(film("b", "x"), "a")]
    assert found.collisions == [(film("a", "z"), "x")]


FILMS = st.builds(
    film, st.sampled_from("abcd"), st.sampled_from("wxyz"), st.sampled_from(["A1", "B1"])
)


@given(st.lists(FILMS, max_size=30))
def test_everything_ends_in_exactly_one_place_and_new_ones_never_clash(films: list[Study]) -> None:
    found = sort_out(films, [])
    assert len(found.new) + len(found.seen) + len(found.collisions) == len(films)
    assert len(set(ids(found.new))) == len(found.new)
    assert len({(s.site_id, s.content_hash) for s in found.new}) == len(found.new)


@given(st.lists(FILMS, max_size=30), st.integers(0, 30))
def test_in_one_go_or_in_two_is_the_same(films: list[Study], cut: int) -> None:
    whole = sort_out(films, [])
    first = sort_out(films[:cut], [])
    known = [
        {
            "study_id": one.study_id,
            "content_hash": one.content_hash,
            "site_id": one.site_id,
            "received_at": one.received_at,
            "resend": resend,
        }
        for resend, found in ((False, first.new), (True, [one for one, _ in first.resends]))
        for one in found
    ]
    second = sort_out(films[cut:], known)
    assert first.new + second.new == whole.new
    assert len(first.seen + second.seen) == len(whole.seen)
    assert len(first.resends + second.resends) == len(whole.resends)


def test_a_refusal_is_recorded_once(warehouse: Warehouse) -> None:
    refusal = collision(film("a", "y"), "x", Pseudonymiser(bytes(32)))
    assert refusal.reason is Reason.ID_COLLISION
    assert "(content hash x)" in refusal.sentence
    assert "set aside (y)" in refusal.sentence
    for expected in (1, 0):
        with warehouse.write("test") as transaction:
            assert append_rejections(transaction, [refusal, refusal]) == expected
    (row,) = warehouse.query("rejections", commit=10**6)
    row.pop("commit_number")
    stored = Rejection(**{**row, "reason": Reason(row["reason"])})
    assert stored == refusal
