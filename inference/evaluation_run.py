"""A whole evaluation: data sets and a model in, the report and its figures out."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.datasets import Film, read_dataset
from inference.engine import Engine, open_engine
from inference.evaluation import report
from inference.evaluation_figures import evaluation_figures
from inference.films import load_films
from inference.judged import Judged, truth_of
from inference.metrics import softmax
from inference.probes import probe
from inference.records import ModelCard
from ingest.errors import UserError


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The report, its figures as SVG text by file name, and the card of what was judged."""

    report: dict[str, object]
    figures: dict[str, str]
    card: ModelCard


def run(
    paths: Sequence[Path], model: Path, device: str, figures: Path | None = None
) -> dict[str, object]:
    """The report of the model at `model` on `paths`; figures are written where asked."""
    done = evaluate(paths, model, device)
    if figures is not None:
        write_figures(figures, done.figures)
    return done.report


def evaluate(
    paths: Sequence[Path], model: Path, device: str, *, probes: bool = False
) -> Evaluation:
    """Judges the model at `model` on `paths`, where asked also on films without the chest.

    Raises UserError for data sets that are none and for classes that the model does not know.
    """
    engine = open_engine(model, device)
    card = engine.card
    films = [film for path in paths for film in to_judge(read_dataset(path))]
    truth_of(films, card)  # a set that does not fit is refused before it is decoded
    films, pixels, unreadable = load_films(films, card.input_size, title="reading films")
    if unreadable:
        print(f"{unreadable} images could not be read and are not counted", file=sys.stderr)
    logits, scope = engine.run(pixels)
    judged = Judged(films, softmax(logits, card.temperature), truth_of(films, card), scope, card)
    result = report(judged) | {"unreadable": unreadable}
    if probes:
        result["probes"] = probe(judged, pixels, lambda changed: _p(engine, changed))
    return Evaluation(result, evaluation_figures(judged), card)


def to_judge(films: Sequence[Film]) -> list[Film]:
    """The test split alone where a set has splits with one, else every film."""
    tested = [film for film in films if film.split == "test"]
    return tested or list(films)


def write_figures(folder: Path, figures: dict[str, str]) -> None:
    """Each figure as a file; UserError where the folder cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in figures.items():
            (folder / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write figures to {folder}: {error.strerror}") from error


def _p(engine: Engine, pixels: np.ndarray) -> np.ndarray:
    """(n,) calibrated probabilities of anything but the negative class."""
    card = engine.card
    probability = softmax(engine.run(pixels)[0], card.temperature)
    return np.asarray(1 - probability[:, card.labels.index(card.negative_label)])
