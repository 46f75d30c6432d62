"""`pneumowatch evaluate`: judge a model on labelled films."""

import argparse
import json
from pathlib import Path
from typing import Any

from ingest.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "datasets",
        nargs="+",
        type=Path,
        metavar="DATASET",
        help="CLASS folders, train/val/test folders of them, or a CSV index (file,label,…)",
    )
    parser.add_argument("--model", metavar="VERSION|DIR", help="default: the shipped model")
    parser.add_argument("--figures", type=Path, metavar="DIR", help="write ROC and others as SVG")
    parser.add_argument("--device", default="auto", metavar="auto|cpu|cuda")
    parser.add_argument("--json", action="store_true", help="one JSON document on stdout")


def run(args: argparse.Namespace) -> int:
    from inference import evaluation_run
    from inference.device import choose

    model = _model(args.model)
    result = evaluation_run.run(args.datasets, model, choose(args.device), args.figures)
    print(json.dumps(result) if args.json else _text(result))
    return 0


def _model(wanted: str | None) -> Path:
    """A folder or file as it is; a version by its name among the shipped ones."""
    from inference import checkpoint

    if wanted is None:
        return checkpoint.shipped_model()
    if Path(wanted).exists():
        return Path(wanted)
    card = checkpoint.SHIPPED / f"{wanted}.json"
    if not card.is_file():
        known = ", ".join(file.stem for file in sorted(checkpoint.SHIPPED.glob("*.safetensors")))
        raise UserError(f"--model {wanted}: no such folder or version; shipped are {known}")
    return card


def _text(result: dict[str, Any]) -> str:
    names = ("accuracy", "auroc", "sensitivity", "specificity", "loss", "brier", "ece")
    counts = result["confusion"]
    rows = [f"{result['model_version']}: {result['n']} films"]
    rows.append(f"{'threshold':13}{result['threshold']:.3f}")
    rows += [f"{name:13}{_share(result[name])}" for name in names]
    rows.append(f"{'confusion':13}" + ", ".join(f"{key} {n}" for key, n in counts.items()))
    if "aetiology" in result:
        causes = result["aetiology"]
        rows.append(
            f"{'cause':13}bacterial against viral: n {causes['n']}, "
            f"AUROC {_share(causes['auroc'])}, accuracy {_share(causes['accuracy'])}"
        )
    if result["out_of_scope"]:
        rows.append(f"{'out of scope':13}{result['out_of_scope']} (counted above)")
    rows.append("Scores for surveillance, never a diagnosis.")
    return "\n".join(rows)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
