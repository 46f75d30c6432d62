"""A Predictor that knows sites' calibrations: there, and only there, they hold."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from inference.predictor import Predictor
from inference.records import SiteCalibration
from inference.site_calibration import recalibrated
from ingest.records import Study
from tests.inference.tiny_model import SIZE, write_model
from tests.warehouse.rows import study

CALIBRATION = SiteCalibration(
    calibration_id="c1",
    site_id="A1",
    model_version="tiny-1",
    slope=0.7,
    intercept=-0.4,
    surveillance=0.31,
    screening=0.1,
    positives=40,
    negatives=80,
    true_positives=36,
    false_negatives=4,
    true_negatives=72,
    false_positives=8,
    fitted_at=datetime(2026, 6, 1, tzinfo=UTC),
)


def films(site: str) -> list[Study]:
    rng = np.random.default_rng(1)
    made = rng.integers(0, 255, (6, SIZE, SIZE), dtype=np.uint8)
    return [replace(study(f"s{n}", site), pixels=film) for n, film in enumerate(made)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"))


def test_a_calibrated_site_has_its_own_probability_label_and_threshold(model: Path) -> None:
    plain = Predictor(model, "cpu").predict(films("A1"))
    own = Predictor(model, "cpu", site_calibrations={"A1": CALIBRATION}).predict(films("A1"))
    for before, after in zip(plain, own, strict=True):
        expected = recalibrated(np.array([before.probability]), 0.7, -0.4)[0]
        assert after.probability == pytest.approx(expected, abs=1e-12)
        assert (after.threshold, after.calibration_id) == (0.31, "c1")
        assert after.label == ("PNEUMONIA" if after.probability >= 0.31 else "NORMAL")
        assert after.p_bacterial == before.p_bacterial
        assert before.calibration_id is None


@pytest.mark.parametrize(
    ("site", "calibration"),
    [("B1", CALIBRATION), ("A1", replace(CALIBRATION, model_version="tiny-2"))],
)
def test_other_sites_and_other_versions_keep_the_cards(
    model: Path, site: str, calibration: SiteCalibration
) -> None:
    given = {calibration.site_id: calibration}
    plain = Predictor(model, "cpu").predict(films(site))
    other = Predictor(model, "cpu", site_calibrations=given).predict(films(site))
    assert [replace(p, predicted_at=other[0].predicted_at) for p in plain] == other
