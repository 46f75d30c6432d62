"""Surveillance statistics: pure functions on numbers, no I/O."""

from warehouse.epidemiology.adjustment import rogan_gladen
from warehouse.epidemiology.cusum import Cusum, cusum
from warehouse.epidemiology.ears import Ears, ears
from warehouse.epidemiology.farrington import Farrington, farrington_flexible
from warehouse.epidemiology.moran import LocalMoran, local_moran
from warehouse.epidemiology.moving_epidemic import MovingEpidemic, moving_epidemic_thresholds
from warehouse.epidemiology.nowcast import Nowcast, chain_ladder_nowcast
from warehouse.epidemiology.proportions import (
    AdjustedPrevalence,
    Stratum,
    lang_reiczigel,
    stratified_prevalence,
    wilson_interval,
)
from warehouse.epidemiology.quantification import quantify
from warehouse.epidemiology.standardisation import StandardisedRate, direct_standardisation
from warehouse.epidemiology.weeks import epiweek

__all__ = [
    "AdjustedPrevalence",
    "Cusum",
    "Ears",
    "Farrington",
    "LocalMoran",
    "MovingEpidemic",
    "Nowcast",
    "StandardisedRate",
    "Stratum",
    "chain_ladder_nowcast",
    "cusum",
    "direct_standardisation",
    "ears",
    "epiweek",
    "farrington_flexible",
    "lang_reiczigel",
    "local_moran",
    "moving_epidemic_thresholds",
    "quantify",
    "rogan_gladen",
    "stratified_prevalence",
    "wilson_interval",
]
