"""Validation counts: golden rows on a real warehouse."""

from dataclasses import asdict
from datetime import date

import pytest

from ingest.errors import UserError
from tests.warehouse.rows import card, load, prediction
from warehouse.models import register
from warehouse.store import Warehouse
from warehouse.validation import validations


@pytest.fixture
def confirmed(warehouse: Warehouse) -> Warehouse:
    """Films are named <site>-<day>-<line>-<letter>; the truth is in `labels`."""
    load(
        warehouse,
        """
        A1 2026-05-11 PPNN-
        A1 2026-06-01 PN
        B1 2026-05-12 N
        B1 none P
        """,
    )
    truth = {
        "A1-2026-05-11-0-0": "PNEUMONIA",
        "A1-2026-05-11-0-1": "NORMAL",
        "A1-2026-05-11-0-2": "NORMAL",
        "A1-2026-05-11-0-3": "PNEUMONIA",
        "A1-2026-05-11-0-4": "NORMAL",
        "A1-2026-06-01-1-0": "PNEUMONIA",
        "B1-2026-05-12-2-0": "PNEUMONIA",
        "B1-none-3-0": "NORMAL",
    }
    register(warehouse, card("m2"))
    with warehouse.write("labels") as transaction:
        rows = [{"study_id": one, "label": label} for one, label in truth.items()]
        transaction.append("labels", rows)
        other = asdict(prediction("A1-2026-05-11-0-0", "NORMAL", "m2"))
        transaction.append("predictions", [other])
    return warehouse


def drawn(rows: list) -> list[tuple]:
    return [
        (
            *(one.model_version, one.site_id, one.period),
            *(one.true_positives, one.false_negatives, one.true_negatives, one.false_positives),
            one.out_of_scope,
        )
        for one in rows
    ]


def test_by_site(confirmed: Warehouse) -> None:
    assert drawn(validations(confirmed)) == [
        ("m1", "A1", None, 2, 1, 1, 1, 1),
        ("m1", "B1", None, 0, 1, 0, 1, 0),
        ("m2", "A1", None, 0, 1, 0, 0, 0),
    ]


def test_by_period(confirmed: Warehouse) -> None:
    found = validations(confirmed, "month", by_site=False)
    assert drawn(found) == [
        ("m1", None, "2026-05", 1, 2, 1, 1, 1),
        ("m1", None, "2026-06", 1, 0, 0, 0, 0),
        ("m1", None, None, 0, 0, 0, 1, 0),
        ("m2", None, "2026-05", 0, 1, 0, 0, 0),
    ]
    assert (found[0].period_start, found[0].period_end) == (date(2026, 5, 1), date(2026, 5, 31))
    (first, *_) = validations(confirmed, "week")
    assert (first.period, first.period_end) == ("2026-W20", date(2026, 5, 17))


def test_the_latest_label_as_of_a_version(confirmed: Warehouse) -> None:
    with confirmed.write("labels") as transaction:
        before = transaction.commit_number - 1
        row = {"study_id": "B1-none-3-0", "label": "PNEUMONIA"}
        transaction.append("labels", [row])
    assert drawn(validations(confirmed))[1] == ("m1", "B1", None, 1, 1, 0, 0, 0)
    assert drawn(validations(confirmed, as_of=before))[1] == ("m1", "B1", None, 0, 1, 0, 1, 0)


def test_an_unknown_period_is_the_users_mistake(confirmed: Warehouse) -> None:
    with pytest.raises(UserError, match="'year' is not one of all, week, month"):
        validations(confirmed, "year")
