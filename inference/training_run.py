"""A whole training run: data sets in, a folder with model, card, history and figures out."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from inference import checkpoint
from inference.figures import training_figures
from inference.model_card import write_card
from inference.recipe import Recipe
from inference.records import ModelCard
from inference.training import Epoch, train
from inference.training_data import gather
from ingest.errors import UserError


@dataclass(frozen=True, slots=True)
class Finished:
    """What a run left behind."""

    card: ModelCard
    weights: Path
    films: int
    validation_films: int
    unreadable: int
    last: Epoch


def run(paths: Sequence[Path], out: Path, recipe: Recipe, device: torch.device) -> Finished:
    """Train and write everything under `out`, which is made first: a full disk or a
    read-only folder is found out before an hour of work, not after.

    Raises UserError for data sets that are none and for an `out` that cannot be written.
    """
    _make(out)
    data = gather(paths, recipe)
    trained = train(data, recipe, device, partial(_append_history, out))
    card, scores = write_card(trained, data, recipe)
    card = checkpoint.save(out, trained.module, card)
    (out / "validation_scores.json").write_text(json.dumps(scores) + "\n", encoding="utf-8")
    for name, figure in training_figures(trained.history, data).items():
        (out / name).write_text(figure, encoding="utf-8")
    return Finished(
        card,
        out / f"{card.model_version}.safetensors",
        len(data.train.films),
        len(data.validation.films),
        data.unreadable,
        trained.history[-1],
    )


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "history.csv").write_text("", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}") from error


def _append_history(out: Path, epoch: Epoch) -> None:
    """Line by line, so that a run that is killed leaves its history."""
    row = epoch.as_dict()
    with (out / "history.csv").open("a", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(row), lineterminator="\n")
        if epoch.epoch == 1:
            writer.writeheader()
        writer.writerow(row)
