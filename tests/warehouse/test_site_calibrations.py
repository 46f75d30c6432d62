"""A site whose scores are shifted: confirmed labels calibrate it, and its prevalence is right."""

from dataclasses import asdict, replace
from datetime import date, timedelta

import numpy as np
import pytest

from inference.metrics import expected_calibration_error
from inference.records import Prediction, SiteCalibration
from inference.site_calibration import calibrated
from ingest.errors import ConfigurationError
from tests.warehouse.rows import card, prediction, study
from warehouse.arrivals import append_studies
from warehouse.epidemiology import Stratum, lang_reiczigel, stratified_prevalence
from warehouse.measures import MeasureRequest, compute
from warehouse.models import register
from warehouse.prevalence import CARD, MIXED, SITES
from warehouse.records import Label, Measure
from warehouse.settings import WarehouseSettings
from warehouse.site_calibrations import in_force, refit
from warehouse.store import Warehouse
from warehouse.versions import resolve

SETTINGS = WarehouseSettings()
FIRST, LATER = date(2026, 5, 11), date(2026, 6, 8)


def scored(warehouse: Warehouse, site: str, day: date, sick: np.ndarray, seed: int) -> np.ndarray:
    """Stores a film for each truth, scored too high by a shifted model; returns the scores."""
    rng = np.random.default_rng(seed)
    logit = np.where(sick, 2.4, -0.2) + rng.normal(0, 1.4, len(sick))
    site_calibration = in_force(warehouse, "m1").get(site)
    studies, predictions, given = [], {}, []
    for number, value in enumerate(logit):
        study_id = f"{rng.bytes(8).hex()}-{'sick' if sick[number] else 'well'}"
        studies.append(study(study_id, site, day + timedelta(days=number % 7)))
        probability, threshold = calibrated(1 / (1 + np.exp(-value)), site_calibration, 0.5)
        predictions[study_id] = _made(study_id, probability, threshold, site_calibration)
        given.append(probability)
    with warehouse.write("test") as transaction:
        append_studies(transaction, studies, predictions)
    return np.array(given)


def _made(
    study_id: str, probability: float, threshold: float, site: SiteCalibration | None
) -> Prediction:
    return replace(
        prediction(study_id, "PNEUMONIA" if probability >= threshold else "NORMAL"),
        probability=float(probability),
        threshold=threshold,
        calibration_id=site.calibration_id if site else None,
    )


def confirm(warehouse: Warehouse, site: str) -> None:
    """A reader confirms every stored film of a site."""
    rows = warehouse.sql("SELECT study_id FROM studies WHERE site_id = $site", site=site)
    labels = [
        Label(row["study_id"], "PNEUMONIA" if row["study_id"].endswith("sick") else "NORMAL")
        for row in rows
    ]
    with warehouse.write("labels") as transaction:
        transaction.append("labels", [asdict(label) for label in labels])


def prevalence(warehouse: Warehouse, *by: str, start: date = LATER) -> Measure:
    request = MeasureRequest("prevalence", "week", by=by, start=start, sites=("A1", "A2"))
    return compute(warehouse, request)[0]


def truths(sick: int, well: int) -> np.ndarray:
    return np.arange(sick + well) < sick


def test_a_shifted_site_is_calibrated_and_its_prevalence_covers_the_truth(
    warehouse: Warehouse,
) -> None:
    scored(warehouse, "A1", FIRST, truths(60, 140), 1)
    confirm(warehouse, "A1")
    fitted = refit(warehouse, "m1", SETTINGS)
    (site,) = fitted.fitted
    assert (site.positives, site.negatives) == (60, 140)
    before, truth = _fresh_scores(), truths(60, 340)
    after = np.array([calibrated(p, site, 0.5)[0] for p in before])
    assert expected_calibration_error(truth, before) > 0.2
    assert expected_calibration_error(truth, after) < 0.1

    scored(warehouse, "A1", LATER, truth, 9)  # the true prevalence is 60 of 400
    found = prevalence(warehouse, "site")
    assert (found.method, found.denominator) == (SITES, 400)
    expected = lang_reiczigel(
        found.numerator, 400, site.true_positives, 60, site.true_negatives, 140
    )
    assert (found.estimate, found.ci_low, found.ci_high) == (
        expected.estimate,
        expected.low,
        expected.high,
    )
    assert found.ci_low <= 0.15 <= found.ci_high
    earlier = prevalence(warehouse, "site", start=FIRST)
    assert earlier.method == CARD, "predictions made before keep the card's counts"


def _fresh_scores() -> np.ndarray:
    rng = np.random.default_rng(77)
    logit = np.where(truths(60, 340), 2.4, -0.2) + rng.normal(0, 1.4, 400)
    return 1 / (1 + np.exp(-logit))


def test_a_region_of_calibrated_and_other_sites_combines_them(warehouse: Warehouse) -> None:
    scored(warehouse, "A1", FIRST, truths(60, 140), 2)
    confirm(warehouse, "A1")
    (site,) = refit(warehouse, "m1", SETTINGS).fitted
    scored(warehouse, "A1", LATER, truths(40, 160), 3)
    scored(warehouse, "A2", LATER, truths(10, 90), 4)
    parts = {
        m.site: m
        for m in compute(
            warehouse, MeasureRequest("positivity", by=("site",), start=LATER, sites=("A1", "A2"))
        )
    }
    found = prevalence(warehouse)
    expected = stratified_prevalence(
        [
            Stratum(
                parts["A1"].numerator, 200, site.true_positives, 60, site.true_negatives, 140, "A1"
            ),
            Stratum(parts["A2"].numerator, 100, 90, 100, 190, 200),
        ]
    )
    assert found.method == MIXED
    assert (found.numerator, found.denominator) == (
        parts["A1"].numerator + parts["A2"].numerator,
        300,
    )
    assert (found.estimate, found.ci_low) == pytest.approx((expected.estimate, expected.low))


def test_a_refit_that_changes_nothing_appends_nothing(warehouse: Warehouse) -> None:
    scored(warehouse, "A1", FIRST, truths(40, 80), 5)
    confirm(warehouse, "A1")
    refit(warehouse, "m1", SETTINGS)
    before = resolve(warehouse)
    again = refit(warehouse, "m1", SETTINGS)
    assert ([one.site_id for one in again.unchanged], again.fitted) == (["A1"], [])
    assert resolve(warehouse) == before


def test_a_refit_sees_through_the_calibration_that_is_in_the_scores(warehouse: Warehouse) -> None:
    """Half of the scores carry the first calibration: the second is that of the card's scores."""
    first = scored(warehouse, "A1", FIRST, truths(40, 80), 6)
    confirm(warehouse, "A1")
    (one,) = refit(warehouse, "m1", SETTINGS).fitted
    scored(warehouse, "A1", LATER, truths(40, 80), 16)  # other films, calibrated
    confirm(warehouse, "A1")
    (two,) = refit(warehouse, "m1", SETTINGS).fitted
    assert len(first) * 2 == two.positives + two.negatives
    assert two.slope == pytest.approx(one.slope, rel=0.2)
    assert in_force(warehouse, "m1") == {"A1": two}
    assert in_force(warehouse, "m1", resolve(warehouse).commit_number - 1) == {"A1": one}


def test_too_few_labels_are_counted_and_fit_nothing(warehouse: Warehouse) -> None:
    scored(warehouse, "A1", FIRST, truths(29, 60), 7)
    scored(warehouse, "B1", FIRST, truths(30, 60), 8)
    confirm(warehouse, "A1")
    confirm(warehouse, "B1")
    found = refit(warehouse, "m1", SETTINGS)
    assert found.too_few == {"A1": (29, 60)}
    assert [one.site_id for one in found.fitted] == ["B1"]
    only = refit(warehouse, "m1", SETTINGS, ["A1"])
    assert (only.fitted, only.unchanged, only.too_few) == ([], [], {"A1": (29, 60)})


def test_another_model_version_is_not_calibrated_by_these_scores(warehouse: Warehouse) -> None:
    register(warehouse, card("m2"))
    scored(warehouse, "A1", FIRST, truths(40, 80), 9)
    confirm(warehouse, "A1")
    found = refit(warehouse, "m2", SETTINGS)
    assert (found.fitted, found.too_few, in_force(warehouse, "m2")) == ([], {}, {})


def test_a_later_label_wins(warehouse: Warehouse) -> None:
    scored(warehouse, "A1", FIRST, truths(40, 80), 10)
    confirm(warehouse, "A1")
    (one,) = refit(warehouse, "m1", SETTINGS).fitted
    (row,) = warehouse.sql("SELECT min(study_id) AS name FROM labels WHERE label = 'PNEUMONIA'")
    with warehouse.write("labels") as transaction:
        transaction.append("labels", [asdict(Label(row["name"], "NORMAL"))])
    (two,) = refit(warehouse, "m1", SETTINGS).fitted
    assert (one.positives, two.positives, two.negatives) == (40, 39, 81)


def test_minima_that_could_not_be_fitted_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="calibrate_positives must be at least 10"):
        WarehouseSettings(calibrate_positives=3)
