"""What the tests of the bulletin share: one warehouse and two of its bulletins."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest

from dashboard.bulletin.contents import Bulletin
from tests.dashboard.bulletin_home import COUNTS, add_weeks, made, make_home
from warehouse.store import Warehouse

SMALL_WEEK = date(2022, 3, 13)  # the end of 2022-W10: 3 generated X-rays
MIXED_WEEK = date(2019, 5, 19)  # the end of 2019-W20: X-rays of patients, simulated ones before


@pytest.fixture(scope="session")
def bulletin_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """Eight weeks of X-rays of four sites, one region of them with 3 X-rays a week; and others
    that are years away from these."""
    with make_home(tmp_path_factory.mktemp("bulletin") / "home") as opened:
        add_weeks(opened, COUNTS, 8)
        add_weeks(opened, {"NBO-01": 3}, source="generated", last_day=SMALL_WEEK)
        add_weeks(opened, {"NBO-01": 30}, last_day=MIXED_WEEK)
        weeks_before = MIXED_WEEK - timedelta(weeks=3)
        add_weeks(opened, {"NBO-01": 30}, 2, source="simulated", last_day=weeks_before)
        yield opened


@pytest.fixture(scope="session")
def internal(bulletin_warehouse: Warehouse) -> Bulletin:
    return made(bulletin_warehouse, audience="internal")


@pytest.fixture(scope="session")
def public(bulletin_warehouse: Warehouse) -> Bulletin:
    return made(bulletin_warehouse)
