"""A whole training run: data sets in, a folder with model, card, history and figures out."""

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from inference import checkpoint
from inference.ensemble import Ensemble
from inference.figures import training_figures
from inference.grid import sample_grid
from inference.model_card import write_card
from inference.recipe import Recipe
from inference.records import ModelCard
from inference.resume import Resume
from inference.training import Epoch, Trained, train
from inference.training_data import TrainingData, gather
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

    An ensemble's members are trained one after the other, each in a folder of its own; one
    that is finished there is not trained again. Raises UserError for data sets that are none
    and for an `out` that cannot be written.
    """
    if recipe.members:
        return _ensemble(paths, out, recipe, device)
    _make(out)
    data = gather(paths, recipe)
    resume = Resume(out, recipe, data, device)
    _say_resumed(resume)
    trained = train(data, recipe, device, partial(_append_history, out), resume)
    _write_history(out, trained.history)
    finished = _finish(out, trained, data, recipe)
    resume.clear()
    return finished


def _ensemble(paths: Sequence[Path], out: Path, recipe: Recipe, device: torch.device) -> Finished:
    """Members first, then scope, calibration and card of what they are together."""
    places = [out / f"member-{number}" for number in range(1, len(recipe.members) + 1)]
    for position, place in enumerate(places):
        if not _finished(place, recipe.member(position)):
            print(f"training {place.name} of {len(places)}", file=sys.stderr)
            run(paths, place, recipe.member(position), device)
    loaded = [checkpoint.load(place) for place in places]
    cards = [card for _, card in loaded]
    joined = Ensemble([module for module, _ in loaded], [card.input_size for card in cards])
    whole = replace(
        recipe,
        architecture="+".join(f"{card.architecture}@{card.input_size}" for card in cards),
        size=cards[-1].input_size,
    )
    data = gather(paths, whole)
    _make(out)
    return _finish(out, _joined(joined, cards, places[-1]), data, whole)


def _finished(place: Path, recipe: Recipe) -> bool:
    """Is this member trained already? UserError where another recipe trained what is there."""
    if not any(place.glob("*.safetensors")):
        return False
    trained_by = checkpoint.read_card(place).training.get("recipe")
    if trained_by != json.loads(json.dumps(recipe.as_dict())):
        raise UserError(
            f"{place} holds a member that another recipe trained; choose another --out, "
            "or delete that folder to train it anew"
        )
    return True


def _joined(joined: Ensemble, cards: Sequence[ModelCard], largest: Path) -> Trained:
    """How an ensemble came to be: its members' trainings, the largest one's history."""
    trainings = [card.training for card in cards]
    return Trained(
        joined.eval(),
        _read_history(largest),
        chosen=int(str(trainings[-1]["epoch"])),
        device=str(trainings[-1]["device"]),
        precision=str(trainings[-1]["precision"]),
        seconds=60 * sum(float(str(one["minutes"])) for one in trainings),
        members=tuple(trainings),
    )


def _finish(out: Path, trained: Trained, data: TrainingData, recipe: Recipe) -> Finished:
    """Scope, calibration, thresholds, card, figures: what a finished network needs to serve."""
    card, scores = write_card(trained, data, recipe)
    card = checkpoint.save(out, trained.module, card)
    (out / "validation_scores.json").write_text(json.dumps(scores) + "\n", encoding="utf-8")
    for name, figure in training_figures(trained.history, data).items():
        (out / name).write_text(figure, encoding="utf-8")
    sample_grid(data, recipe.seed).save(out / "samples.png")
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


def _read_history(out: Path) -> list[Epoch]:
    with (out / "history.csv").open(newline="", encoding="utf-8") as stream:
        return [Epoch.read(row) for row in csv.DictReader(stream)]


def _write_rows(file: Path, history: Sequence[Epoch], mode: str) -> None:
    with file.open(mode, newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, list(history[0].as_dict()), lineterminator="\n")
        if mode == "w":
            writer.writeheader()
        writer.writerows(epoch.as_dict() for epoch in history)
