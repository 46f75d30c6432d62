"""A whole training run: data sets in, a folder with model, card, history and figures out."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from inference import checkpoint
from inference.figures import training_figures
from inference.grid import sample_grid
from inference.model_card import write_card
from inference.recipe import Recipe
from inference.records import ModelCard
from inference.resume import Resume
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
    chosen: Epoch  # the one whose weights were kept


def run(paths: Sequence[Path], out: Path, recipe: Recipe, device: torch.device) -> Finished:
    """Train and write everything under `out`, which is made first: a full disk or a
    read-only folder is found out before an hour of work, not after.

    Raises UserError for data sets that are none and for an `out` that cannot be written.
    """
    _make(out)
    data = gather(paths, recipe)
    resume = Resume(out, recipe, data, device)
    _say_resumed(resume)
    trained = train(data, recipe, device, partial(_append_history, out), resume)
    _write_history(out, trained.history)
    card, scores = write_card(trained, data, recipe)
    card = checkpoint.save(out, trained.module, card)
    (out / "validation_scores.json").write_text(json.dumps(scores) + "\n", encoding="utf-8")
    for name, figure in training_figures(trained.history, data).items():
        (out / name).write_text(figure, encoding="utf-8")
    sample_grid(data, recipe.seed).save(out / "samples.png")
    resume.clear()
    return Finished(
        card,
        out / f"{card.model_version}.safetensors",
        len(data.train.films),
        len(data.validation.films),
        data.unreadable,
        trained.history[trained.chosen - 1],
    )


def _make(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / "history.csv").touch()
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror}") from error


def _say_resumed(resume: Resume) -> None:
    """A run that goes on says so: its first epochs are not in what this process prints."""
    if state := resume.read():
        print(f"going on after epoch {len(state.history)} of {resume.file}", file=sys.stderr)


def _append_history(out: Path, epoch: Epoch) -> None:
    """Line by line, so that it can be watched, and a run that is killed leaves its history."""
    _write_rows(out / "history.csv", [epoch], "w" if epoch.epoch == 1 else "a")


def _write_history(out: Path, history: Sequence[Epoch]) -> None:
    """Once more as a whole: a kill between state and line may have left one line too few."""
    _write_rows(out / "history.csv", history, "w")


def _write_rows(file: Path, history: Sequence[Epoch], mode: str) -> None:
    with file.open(mode, newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(history[0].as_dict()), lineterminator="\n")
        if mode == "w":
            writer.writeheader()
        writer.writerows(epoch.as_dict() for epoch in history)
