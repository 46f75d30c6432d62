"""From the class names of data sets to what the network learns to tell apart.

Pneumonia sets whose file names say bacteria or virus give three classes, and a pneumonia of
unknown cause counts for either (p = 1 - p(normal)). Any other set gives one class a folder.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from inference.datasets import Film, negative_class

AETIOLOGIES = ("bacteria", "virus")
PNEUMONIA_NAMES = frozenset(
    {"pneumonia", "bacteria", "virus", "covid", "covid-19", "viral pneumonia"}
)


@dataclass(frozen=True, slots=True)
class LabelScheme:
    """Softmax order, the class that means "no disease", and how a film maps to them."""

    labels: tuple[str, ...]
    negative: str
    merged: bool  # bacteria and virus stand for one disease whose cause may be unknown

    def allowed(self, films: Iterable[Film]) -> np.ndarray:
        """(n, classes) bool: which classes agree with what is known of each film."""
        return np.array([[self._agrees(film, name) for name in self.labels] for film in films])

    def positive(self, films: Iterable[Film]) -> np.ndarray:
        """(n,) bool: is it anything but the negative class?"""
        return np.array([not self.is_negative(film) for film in films], dtype=bool)

    def is_negative(self, film: Film) -> bool:
        return film.label.casefold() == self.negative.casefold()

    def _agrees(self, film: Film, name: str) -> bool:
        if not self.merged:
            return film.label.casefold() == name.casefold()
        if self.is_negative(film) or name == self.negative:
            return self.is_negative(film) and name == self.negative
        cause = film.aetiology or film.label.casefold()
        return name == cause if cause in AETIOLOGIES else True


def scheme_of(films: Iterable[Film], negative: str | None = None) -> LabelScheme:
    """The scheme that a training list calls for. UserError where the negative class is missing."""
    films = list(films)
    classes = {film.label.casefold(): film.label for film in reversed(films)}
    chosen = negative_class(classes.values(), negative)
    positives = set(classes) - {chosen.casefold()}
    causes = {film.aetiology for film in films if film.aetiology} | positives & set(AETIOLOGIES)
    if positives <= PNEUMONIA_NAMES and causes == set(AETIOLOGIES):
        return LabelScheme((chosen.casefold(), *AETIOLOGIES), chosen.casefold(), merged=True)
    labels = tuple(sorted(classes.values(), key=str.casefold))
    return LabelScheme(labels, chosen, merged=False)


def scheme_for_card(labels: tuple[str, ...], negative: str) -> LabelScheme:
    """The scheme under which a finished model was trained."""
    return LabelScheme(labels, negative, merged=set(labels) == {negative, *AETIOLOGIES})


def not_pneumonia(labels: Iterable[str], negative: str) -> tuple[str, ...]:
    """Classes other than the negative one that do not mean pneumonia.

    p(pneumonia) is 1 - p(negative), so any such class would be counted as pneumonia. All
    classes where none is left to mean it.
    """
    positives = [name for name in labels if name.casefold() != negative.casefold()]
    strangers = [name for name in positives if not _means_pneumonia(name.casefold())]
    return tuple(strangers if positives else labels)


def _means_pneumonia(name: str) -> bool:
    return name in PNEUMONIA_NAMES or "pneumonia" in name
