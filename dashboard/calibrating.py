"""What a fitting of sites from their confirmed labels came to, in sentences."""

import sys

from warehouse.settings import WarehouseSettings
from warehouse.site_calibrations import Refit


def say(found: Refit, settings: WarehouseSettings) -> None:
    """One line a site on standard error."""
    for one in found.fitted:
        print(
            f"site {one.site_id}: calibrated {one.model_version} from {one.positives} confirmed "
            f"pneumonias and {one.negatives} normals; threshold {one.surveillance:.3f}, "
            "for predictions from now on",
            file=sys.stderr,
        )
    for one in found.unchanged:
        print(f"site {one.site_id}: its calibration is up to date", file=sys.stderr)
    for site, (sick, well) in found.too_few.items():
        print(
            f"site {site}: {sick} confirmed pneumonias and {well} normals that "
            f"{found.model_version} has scored in scope; a calibration needs "
            f"{settings.calibrate_positives} and {settings.calibrate_negatives}",
            file=sys.stderr,
        )
    if not (found.fitted or found.unchanged or found.too_few):
        print(f"no confirmed study has been scored by {found.model_version}", file=sys.stderr)
