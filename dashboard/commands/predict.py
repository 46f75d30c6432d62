"""`pneumowatch predict`: scores without storing. Not a diagnosis."""

import argparse
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from dashboard.terminal import printable
from ingest.errors import UserError

NOTICE = "A surveillance score, not a diagnosis."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("images", type=Path, nargs="+", metavar="IMAGE")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    parser.add_argument("--explain", type=Path, metavar="DIR", help="write a heatmap PNG for each")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from dashboard.output import print_json

    entries = _explained(args) if args.explain is not None else _entries(args)
    if args.json:
        print_json(entries)
    else:
        for entry in entries:
            print(_line(entry))
    print(NOTICE, file=sys.stderr)
    return 0


def _explained(args: argparse.Namespace) -> list[dict[str, Any]]:
    from dashboard.context import configuration
    from dashboard.heatmaps import add_heatmaps, check_folder

    check_folder(args.explain)
    entries = _entries(args)
    add_heatmaps(entries, args.explain, args.home, configuration(args.home))
    written = sum(entry["heatmap"] is not None for entry in entries)
    print(f"wrote {written} heatmaps to {args.explain}", file=sys.stderr)
    return entries


def _entries(args: argparse.Namespace) -> list[dict[str, Any]]:
    from dashboard.context import configuration
    from dashboard.intake import open_predictor, reader_settings
    from dashboard.model_choice import choose_model
    from inference.device import resolve
    from ingest.inputs import Input
    from ingest.workers import read_with
    from warehouse.stages import batched

    for path in args.images:
        if not path.is_file():
            what = "is a folder; name its files" if path.is_dir() else "there is no such file"
            raise UserError(f"{path}: {what}")
    configured = configuration(args.home)
    predictor = open_predictor(choose_model(args.home), configured.inference, resolve(args.device))
    settings = reader_settings(configured, _key(args.home), predictor.card)
    # In decode processes: a file that crashes its decoder costs itself alone.
    inputs = [Input(path, name=str(number)) for number, path in enumerate(args.images)]
    caps = replace(configured.ingest, workers=min(len(inputs), os.cpu_count() or 1))
    results = read_with(inputs, settings, caps)
    entries: dict[int, dict[str, Any]] = {}
    size, wait = predictor.batch, configured.inference.wait_seconds
    for batch in batched(results, size, wait, capacity=2 * size):
        entries |= _judged(batch, predictor)
    return [entries[number] for number in range(len(inputs))]


def _judged(batch: list[Any], predictor: Any) -> dict[int, dict[str, Any]]:
    """The entries of one batch of (Input, Study or Rejection), by their place in the call."""
    from ingest.records import Rejection, Study

    films = [(item, outcome) for item, outcome in batch if isinstance(outcome, Study)]
    verdicts = predictor.predict([study for _, study in films])
    judged = [(*film, verdict) for film, verdict in zip(films, verdicts, strict=True)]
    entries = {int(i.name): _scored(i.path, s, v, predictor.card) for i, s, v in judged}
    for item, outcome in batch:
        if isinstance(outcome, Rejection):
            entries[int(item.name)] = _refused(item.path, outcome, predictor.card)
    return entries


def _key(home: Path) -> bytes:
    """The home's key; without a home, nothing is stored and any key serves."""
    from ingest.identity import KEY_BYTES, load_key
    from warehouse.home import Home

    path = Home(home).key
    return load_key(path) if path.exists() else bytes(KEY_BYTES)


def _scored(path: Path, study: Any, prediction: Any, card: Any) -> dict[str, Any]:
    from inference.scope import out_of_scope_reasons
    from ingest.problem import Problem

    if isinstance(prediction, Problem):
        return _refused(path, prediction, card)
    return {
        "file": str(path),
        "study_id": study.study_id,
        "probability": prediction.probability,
        "label": prediction.label,
        "threshold": prediction.threshold,
        "p_bacterial": prediction.p_bacterial,
        "p_viral": prediction.p_viral,
        "in_scope": prediction.in_scope,
        "reasons": out_of_scope_reasons(study, card, prediction.scope_score),
        "model_version": prediction.model_version,
    }


def _refused(path: Path, rejection: Any, card: Any) -> dict[str, Any]:
    """By the reader (a Rejection) or by the model (a Problem)."""
    return {
        "file": str(path),
        "study_id": None,
        "probability": None,
        "label": None,
        "threshold": card.thresholds["surveillance"],
        "p_bacterial": None,
        "p_viral": None,
        "in_scope": False,
        "reasons": [f"{rejection.reason.value}: {rejection.sentence}"],
        "model_version": card.model_version,
    }


def _line(entry: dict[str, Any]) -> str:
    name = printable(entry["file"])
    if entry["probability"] is None:
        return f"{name}: refused, {entry['reasons'][0]}"
    label = entry["label"] or "out of scope (" + "; ".join(entry["reasons"]) + ")"
    cause = entry["p_bacterial"]
    told = "" if cause is None else f", if pneumonia: bacterial {cause:.2f}, viral {1 - cause:.2f}"
    return f"{name}: {label}, probability {entry['probability']:.3f}{told}"
