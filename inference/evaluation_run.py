"""A whole evaluation: data sets and a model in, the report and its figures out."""

import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from inference import checkpoint
from inference.datasets import Film, read_dataset
from inference.evaluation import Judged, report, truth_of
from inference.figures import evaluation_figures
from inference.films import load_films
from inference.metrics import softmax
from inference.scoring import in_scope, score
from ingest.errors import UserError


def run(
    paths: Sequence[Path], model: Path, device: torch.device, figures: Path | None = None
) -> dict[str, object]:
    """The report of the model at `model` on `paths`; figures are written where asked.

    Raises UserError for data sets that are none and for classes that the model does not know.
    """
    module, card = checkpoint.load(model)
    films = [film for path in paths for film in to_judge(read_dataset(path))]
    truth_of(films, card)  # a set that does not fit is refused before it is decoded
    films, pixels, unreadable = load_films(films, card.input_size, title="reading films")
    if unreadable:
        print(f"{unreadable} images could not be read and are not counted", file=sys.stderr)
    module = module.to(device)
    probability = softmax(score(module, pixels, device), card.temperature)
    judged = Judged(films, probability, truth_of(films, card), card)
    if figures is not None:
        _write(figures, evaluation_figures(judged))
    return report(judged, sum(not in_scope(film, card) for film in films))


def to_judge(films: Sequence[Film]) -> list[Film]:
    """The test split alone where a set has splits with one, else every film."""
    tested = [film for film in films if film.split == "test"]
    return tested or list(films)


def _write(folder: Path, figures: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in figures.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write figures to {folder}: {error.strerror}") from error
