"""Measures to draw and to talk about, one week or month after another."""

from datetime import date, timedelta
from typing import Any

from warehouse.epidemiology import wilson_interval
from warehouse.periods import label, last_day
from warehouse.records import Measure

MONDAY = date(2026, 5, 4)  # 2026-W19


def share(positive: int | None, of: int | None, start: date = MONDAY, **more: Any) -> Measure:
    """Positivity of one week; no X-rays where `of` is 0, suppressed where it is None."""
    known = bool(of)
    low, high = wilson_interval(positive or 0, of) if of else (0.0, 0.0)
    fields: dict[str, Any] = {
        "measure": "positivity",
        "period": label(start, "week"),
        "period_start": start,
        "period_end": last_day(start, "week"),
        "region": None,
        "site": None,
        "stratum": None,
        "numerator": positive,
        "denominator": of,
        "estimate": (positive or 0) / of if of else None,
        "ci_low": float(low) if known else None,
        "ci_high": float(high) if known else None,
        "method": "Wilson",
        "model_version": "test-1",
        "as_of": 7,
        "complete": True,
        "suppressed": of is None,
        "missing_reason": None if known else "no X-rays in this period",
    }
    return Measure(**(fields | more))


def xrays(number: int, start: date = MONDAY, **more: Any) -> Measure:
    """A count of X-rays of one week."""
    fields: dict[str, Any] = {
        "measure": "xrays",
        "denominator": None,
        "estimate": float(number),
        "ci_low": None,
        "ci_high": None,
        "method": "count",
        "missing_reason": None,
        "suppressed": False,
    }
    return share(number, None, start, **(fields | more))


def week(number: int) -> date:
    """The Monday that many weeks after the first sample."""
    return MONDAY + timedelta(weeks=number)
