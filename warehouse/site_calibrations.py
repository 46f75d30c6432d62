"""Calibrations of sites: fitted from confirmed labels, appended, in force until the next one."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

import numpy as np

from inference.records import SiteCalibration
from inference.site_calibration import as_the_card_said, fit_site
from warehouse.audit import Action, append
from warehouse.settings import WarehouseSettings
from warehouse.store import Row, Warehouse
from warehouse.versions import resolve


@dataclass(slots=True)
class Refit:
    """What a fitting came to, by site; `too_few` holds (confirmed pneumonias, normals)."""

    model_version: str
    fitted: list[SiteCalibration] = field(default_factory=list)
    unchanged: list[SiteCalibration] = field(default_factory=list)
    too_few: dict[str, tuple[int, int]] = field(default_factory=dict)


def in_force(
    warehouse: Warehouse, model_version: str, commit: int | None = None
) -> dict[str, SiteCalibration]:
    """site_id → the calibration fitted last for a model version, as of a commit."""
    commit = resolve(warehouse).commit_number if commit is None else commit
    found = [SiteCalibration(**row) for row in warehouse.query("site_calibrations", commit=commit)]
    return {one.site_id: one for one in found if one.model_version == model_version}


def refit(
    warehouse: Warehouse,
    model_version: str,
    settings: WarehouseSettings,
    sites: Iterable[str] | None = None,
) -> Refit:
    """Fits the sites (None: all) that have enough confirmed labels in the model's scope.

    Appends what differs from the calibration in force. Predictions that are stored do not
    change; those made later use it.
    """
    commit = resolve(warehouse).commit_number
    wanted = None if sites is None else set(sites)
    known, found = in_force(warehouse, model_version, commit), Refit(model_version)
    rows = warehouse.query("labelled_scores", commit=commit, model_version=model_version)
    for site_id, own in _by_site(rows).items():
        if wanted is None or site_id in wanted:
            _fit(site_id, own, settings, known.get(site_id), found)
    if found.fitted:
        with warehouse.write("calibrate") as transaction:
            transaction.append("site_calibrations", [asdict(one) for one in found.fitted])
            append(transaction, Action.CALIBRATE, model_version, {"sites": len(found.fitted)})
    return found


def _fit(
    site_id: str,
    rows: list[Row],
    settings: WarehouseSettings,
    before: SiteCalibration | None,
    found: Refit,
) -> None:
    positive = np.array([row["positive"] for row in rows], dtype=bool)
    sick, well = int(positive.sum()), int((~positive).sum())
    if sick < settings.calibrate_positives or well < settings.calibrate_negatives:
        found.too_few[site_id] = (sick, well)
        return
    said = np.array([_said(row) for row in rows])
    fitted = fit_site(site_id, found.model_version, positive, said, datetime.now(UTC))
    same = before is not None and before.calibration_id == fitted.calibration_id
    (found.unchanged if same else found.fitted).append(fitted)


def _said(row: Row) -> float:
    """The card's probability: a stored one may carry an earlier calibration of the site."""
    probability = np.array([row["probability"]])
    if row["slope"] is not None:
        probability = as_the_card_said(probability, row["slope"], row["intercept"])
    return float(probability[0])


def _by_site(rows: Iterable[Row]) -> dict[str, list[Row]]:
    sites: dict[str, list[Row]] = {}
    for row in rows:
        sites.setdefault(row["site_id"], []).append(row)
    return sites
