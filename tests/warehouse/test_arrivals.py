"""What becomes of arrivals: the rules for duplicates, resends and collisions."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from ingest.identity import Pseudonymiser
from ingest.records import Reason, Rejection, Study
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_rejections, append_studies, collision, look_up, sort_out
from warehouse.store import Warehouse


def film(study_id: str, content: str, site: str = "A1") -> Study:
    return replace(study(study_id, site), content_hash=content)


def ids(studies: list[Study]) -> list[str]:
    return [item.study_id for item in studies]


def test_rules_against_what_is_stored(warehouse: Warehouse) -> None:
    with warehouse.write("test") as transaction:
        append_studies(transaction, [film("a", "x")], {"a": prediction("a", "NORMAL")})
    again, resend = film("a", "x"), film("b", "x")
    elsewhere, other = film("c", "x", "B1"), film("a", "y")
    found = look_up(warehouse, [again, resend, elsewhere, other])
    assert ids(found.duplicates) == ["a", "b"]
    assert ids(found.new) == ["c"]
    assert found.collisions == [other]


def test_rules_within_one_batch() -> None:
    found = sort_out([film("a", "x"), film("a", "x"), film("b", "x"), film("a", "z")], [])
    assert (ids(found.new), ids(found.duplicates), ids(found.collisions)) == (
        ["a"],
        ["a", "b"],
        ["a"],
    )


FILMS = st.builds(
    film, st.sampled_from("abcd"), st.sampled_from("wxyz"), st.sampled_from(["A1", "B1"])
)


@given(st.lists(FILMS, max_size=30))
def test_everything_ends_in_exactly_one_place_and_new_ones_never_clash(films: list[Study]) -> None:
    found = sort_out(films, [])
    assert len(found.new) + len(found.duplicates) + len(found.collisions) == len(films)
    assert len(set(ids(found.new))) == len(found.new)
    assert len({(s.site_id, s.content_hash) for s in found.new}) == len(found.new)


@given(st.lists(FILMS, max_size=30), st.integers(0, 30))
def test_in_one_go_or_in_two_is_the_same(films: list[Study], cut: int) -> None:
    whole = sort_out(films, [])
    first = sort_out(films[:cut], [])
    known = [
        {"study_id": s.study_id, "content_hash": s.content_hash, "site_id": s.site_id}
        for s in first.new
    ]
    second = sort_out(films[cut:], known)
    assert first.new + second.new == whole.new
    assert len(first.duplicates + second.duplicates) == len(whole.duplicates)


def test_a_refusal_is_recorded_once(warehouse: Warehouse) -> None:
    refusal = collision(film("a", "y"), Pseudonymiser(bytes(32)))
    assert refusal.reason is Reason.ID_COLLISION
    for expected in (1, 0):
        with warehouse.write("test") as transaction:
            assert append_rejections(transaction, [refusal, refusal]) == expected
    (row,) = warehouse.query("rejections", commit=10**6)
    row.pop("commit_number")
    stored = Rejection(**{**row, "reason": Reason(row["reason"])})
    assert stored == refusal
