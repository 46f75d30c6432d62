"""`pneumowatch rescore`: stored studies scored by another model version."""

import argparse
import sys
from typing import TYPE_CHECKING

from ingest.errors import UserError

if TYPE_CHECKING:
    from warehouse.rescoring import Rescored, Scorer
    from warehouse.store import Warehouse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", metavar="VERSION", help="default: the promoted one")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    import time
    from dataclasses import asdict

    from dashboard.context import open_warehouse
    from dashboard.output import print_json
    from inference.device import resolve

    device, began = resolve(args.device), time.monotonic()
    with open_warehouse(args.home) as warehouse:
        version = _version(warehouse, args.model)
        counts = _rescore(warehouse, version, args)
    if args.json:
        seconds = round(time.monotonic() - began, 3)
        known = {"model_version": version, "device": device, "seconds": seconds}
        print_json(asdict(counts) | known)
    else:
        print(
            f"{version}: of {counts.studied} stored X-rays {counts.scored} scored, "
            f"{counts.already_scored} scored before, {counts.without_image} without an image"
        )
    if counts.without_image and not counts.scored and not counts.already_scored:
        print(
            "no image is kept: `[ingest] keep_images = true` keeps those that come from then on",
            file=sys.stderr,
        )
    return 0


def _version(warehouse: "Warehouse", wanted: str | None) -> str:
    from dashboard.champion import ensure_model
    from warehouse.models import registry, unknown

    if wanted is None:
        return ensure_model(warehouse).card.model_version
    known = [row["model_version"] for row in registry(warehouse)]
    if wanted not in known:
        raise UserError(unknown(wanted, known))
    return wanted


def _rescore(warehouse: "Warehouse", version: str, args: argparse.Namespace) -> "Rescored":
    from dashboard.context import configuration
    from dashboard.intake import open_predictor
    from dashboard.progress import Progress
    from inference.device import resolve
    from warehouse.model_files import obtain
    from warehouse.rescoring import rescore, waiting
    from warehouse.site_calibrations import in_force

    path = obtain(warehouse, version)
    sites = in_force(warehouse, version)
    configured, device = configuration(args.home), resolve(args.device)

    def scorer() -> "Scorer":
        predictor: Scorer = open_predictor(path, configured.inference, device, sites)
        return predictor

    with Progress(waiting(warehouse, version), "film") as progress:
        return rescore(warehouse, version, scorer, configured.warehouse, progress=progress)
