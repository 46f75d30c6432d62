"""The films of a training run: read, split by patient, decoded once and kept in memory."""

import hashlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.datasets import (
    NEGATIVE_NAMES,
    Film,
    matching,
    read_dataset,
    split_by_patient,
)
from inference.films import load_films
from inference.labels import LabelScheme, scheme_of
from inference.recipe import Recipe
from ingest.errors import UserError

ENOUGH = 30  # films a class: a smaller validation folder is pooled with training and split anew


@dataclass(frozen=True, slots=True)
class Part:
    """Films and their pixels (n, size, size) uint8, in the same order."""

    films: list[Film]
    pixels: np.ndarray

    @property
    def sources(self) -> np.ndarray:
        return np.array([film.source for film in self.films])


@dataclass(frozen=True, slots=True)
class TrainingData:
    """No patient of `validation` is in `train`."""

    train: Part
    validation: Part
    scheme: LabelScheme
    unreadable: int


def gather(paths: Sequence[Path], recipe: Recipe) -> TrainingData:
    """Everything that `paths` name and the recipe admits.

    Raises UserError for a data set that is none, has a single class, or too few patients.
    """
    films = admitted([film for path in paths for film in read_dataset(path)], recipe)
    names = ", ".join(str(path) for path in paths)
    if len({film.label.casefold() for film in films}) < 2:
        raise UserError(f"{names}: expected films of at least two classes")
    left_out = [film for film in films if film.source in recipe.leave_out]
    films = [film for film in films if film.source not in recipe.leave_out]
    kept, held = partition(films, recipe.validation_share, recipe.seed)
    held += left_out
    scheme = scheme_of(kept + held, recipe.negative or None)
    _say_negative(scheme, recipe)
    if not kept or not held:
        raise UserError(f"{names}: too few patients to keep some of them back for validation")
    train, train_pixels, lost = load_films(kept, recipe.size, title="reading films")
    validation, held_pixels, more = load_films(held, recipe.size, title="reading validation")
    return TrainingData(
        Part(train, train_pixels), Part(validation, held_pixels), scheme, lost + more
    )


def admitted(films: Sequence[Film], recipe: Recipe) -> list[Film]:
    """Films of the recipe's sources whose rows meet its terms; all sources if it names none."""
    if not recipe.sources:
        return list(films)
    kept: list[Film] = []
    for source in recipe.sources:
        own = [film for film in films if film.source == source.name]
        kept += matching(own, source.require)
    passed_over = len(films) - len(kept)
    if passed_over:
        print(f"{passed_over} films are outside the recipe's sources or terms", file=sys.stderr)
    if not kept:
        wanted = ", ".join(source.name for source in recipe.sources)
        raise UserError(f"no film is of a source that the recipe names ({wanted})")
    return kept


def partition(films: Sequence[Film], share: float, seed: int) -> tuple[list[Film], list[Film]]:
    """(train, validation), patient-disjoint from one another and from any test split.

    A data set's own validation folder is used as it is when it is large enough.
    """
    tested = {film.patient for film in films if film.split == "test"}
    usable = [film for film in films if film.split != "test" and film.patient not in tested]
    own = [film for film in usable if film.split == "val"]
    if not _enough(own, usable):
        return split_by_patient(usable, share, seed)
    held = {film.patient for film in own}
    rest = [film for film in usable if film.split != "val"]
    return [film for film in rest if film.patient not in held], own


def content_hash(films: Sequence[Film]) -> str:
    """SHA-256 over the films' bytes and labels in a canonical order: what was trained on."""
    lines = sorted(
        f"{hashlib.sha256(film.file.read_bytes()).hexdigest()} {film.label}" for film in films
    )
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _say_negative(scheme: LabelScheme, recipe: Recipe) -> None:
    """A guess at which class is healthy must not go unseen."""
    if not recipe.negative and scheme.negative.casefold() not in NEGATIVE_NAMES:
        print(
            f"no class is called normal: {scheme.negative} is taken for the negative one "
            '(another: negative = "NAME" in a --recipe)',
            file=sys.stderr,
        )


def _enough(own: Sequence[Film], usable: Sequence[Film]) -> bool:
    return all(
        sum(film.label == label for film in own) >= ENOUGH
        for label in {film.label for film in usable}
    )
