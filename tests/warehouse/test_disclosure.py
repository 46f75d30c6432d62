"""Suppression at its boundaries."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UserError
from warehouse.disclosure import AUDIENCES, disclose
from warehouse.records import Measure


def cell(numerator: int, denominator: int | None) -> Measure:
    share = numerator / denominator if denominator else None
    return Measure(
        "positivity", "2026-W20", date(2026, 5, 11), date(2026, 5, 17), "R", None, None,
        numerator, denominator, share, share, share, "Wilson", "m", 3, True, False, None, 7, 8,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("numerator", "denominator", "hidden"),
    [
        (0, 0, False),
        (0, 4, True),
        (0, 5, False),
        (4, 100, True),
        (5, 100, False),
        (96, 100, True),
        (95, 100, False),
        (100, 100, False),
        (4, None, True),
        (5, None, False),
        (0, None, False),
    ],
)
def test_boundaries(numerator: int, denominator: int | None, hidden: bool) -> None:
    (found,) = disclose([cell(numerator, denominator)], "public", 5)
    assert found.suppressed is hidden


@given(st.integers(0, 60), st.integers(0, 60), st.sampled_from(["partner", "public"]))
def test_nothing_of_a_suppressed_cell_is_left(x: int, extra: int, audience: str) -> None:
    (found,) = disclose([cell(x, x + extra)], audience, 5)
    if found.suppressed:
        numbers = (found.numerator, found.denominator, found.estimate, found.ci_low, found.ci_high)
        assert set(numbers) == {None}
        assert (found.simulated, found.generated) == (0, 0)
        assert "below 5" in (found.missing_reason or "")
    else:
        assert found == cell(x, x + extra)


def test_internal_sees_everything_and_an_unknown_audience_nothing() -> None:
    assert disclose([cell(1, 2)], "internal", 5) == [cell(1, 2)]
    assert AUDIENCES == ("internal", "partner", "public")
    with pytest.raises(UserError, match="'press'"):
        disclose([cell(1, 2)], "press", 5)
