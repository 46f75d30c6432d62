"""Surveillance statistics: pure functions on numbers, no I/O."""

from warehouse.epidemiology.proportions import (
    AdjustedPrevalence,
    lang_reiczigel,
    wilson_interval,
)
from warehouse.epidemiology.weeks import epiweek

__all__ = ["AdjustedPrevalence", "epiweek", "lang_reiczigel", "wilson_interval"]
