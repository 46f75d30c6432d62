"""Adjusted prevalence: which sensitivity and specificity hold for which of a group's labels.

A label follows from a model version and, at a site with its own calibration, from that
site's threshold. The model card's counts hold for the card's threshold alone; a site's
calibration brings its own, of its own confirmed films.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from inference.records import ModelCard, SiteCalibration
from warehouse.epidemiology import Stratum, stratified_prevalence
from warehouse.models import registered_cards
from warehouse.records import Estimate
from warehouse.store import Row, Warehouse

CARD = "Lang-Reiczigel, sensitivity and specificity of the model card"
SITES = "Lang-Reiczigel, sensitivity and specificity of the site's confirmed labels"
MIXED = "Lang-Reiczigel by site calibration, combined by MOVER"


@dataclass(frozen=True, slots=True)
class Classifiers:
    """What is known of how good labels are: cards by version, calibrations by their id."""

    cards: Mapping[str, ModelCard]
    calibrations: Mapping[str, SiteCalibration]


def classifiers(warehouse: Warehouse, commit: int) -> Classifiers:
    """All that were registered or fitted as of a commit."""
    rows = warehouse.query("site_calibrations", commit=commit)
    fitted = {row["calibration_id"]: SiteCalibration(**row) for row in rows}
    return Classifiers(registered_cards(warehouse, commit), fitted)


def adjusted_prevalence(row: Row, known: Classifiers) -> Estimate:
    """The prevalence of one row of queries/counts.sql that holds X-rays in scope.

    Lang-Reiczigel with the counts of the card, or of the site's calibration; where both or
    several stand in a row, each by itself, combined by MOVER. A row that more than one model
    version labelled is not adjusted: their validation films are the same ones.
    """
    labelled, counts = row["classifiers"], (row["positive"], row["in_scope"])
    method = _method(labelled)
    if len({one["model_version"] for one in labelled}) > 1:
        return _missing(counts, method, "scored by more than one model version")
    strata = [_stratum(one, known) for one in labelled]
    if None in strata:
        missing = labelled[strata.index(None)]["model_version"]
        return _missing(counts, method, f"no model card of {missing}")
    found = stratified_prevalence([one for one in strata if one is not None])
    if not found.usable:
        return _missing(counts, method, found.reason)
    return Estimate(*counts, found.estimate, found.low, found.high, method)


def _stratum(labelled: Row, known: Classifiers) -> Stratum | None:
    """None where nothing is known of the classifier."""
    x, n = labelled["positive"], labelled["in_scope"]
    if labelled["calibration_id"] is not None:
        site = known.calibrations.get(labelled["calibration_id"])
        return None if site is None else _of(x, n, site, site.site_id)
    card = known.cards.get(labelled["model_version"])
    return None if card is None else _of(x, n, card, "")


def _of(x: int, n: int, judged: ModelCard | SiteCalibration, sample: str) -> Stratum:
    tp, tn = judged.true_positives, judged.true_negatives
    return Stratum(x, n, tp, tp + judged.false_negatives, tn, tn + judged.false_positives, sample)


def _method(labelled: list[Row]) -> str:
    if all(one["calibration_id"] is None for one in labelled):
        return CARD
    return SITES if len(labelled) == 1 else MIXED


def _missing(counts: tuple[int, int], method: str, reason: str | None) -> Estimate:
    return Estimate(*counts, None, None, None, method, reason)
