"""Surveillance statistics: pure functions on numbers, no I/O."""

from warehouse.epidemiology.proportions import (
    AdjustedPrevalence,
    Stratum,
    lang_reiczigel,
    stratified_prevalence,
    wilson_interval,
)
from warehouse.epidemiology.weeks import epiweek

__all__ = [
    "AdjustedPrevalence",
    "Stratum",
    "epiweek",
    "lang_reiczigel",
    "stratified_prevalence",
    "wilson_interval",
]
