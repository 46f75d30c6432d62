"""Films beside what a model said of them: what every figure of an evaluation is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from inference.datasets import Film
from inference.labels import PNEUMONIA_NAMES, LabelScheme, scheme_for_card
from inference.records import ModelCard
from inference.scope import in_scope
from ingest.errors import UserError


@dataclass(frozen=True, slots=True)
class Judged:
    """`probability` is (n, classes), calibrated; the rest is (n,), a row for each film."""

    films: Sequence[Film]
    probability: np.ndarray
    positive: np.ndarray  # bool, the truth: anything but the negative class
    scope: np.ndarray  # distance from the validation films; NaN where a model does not judge it
    card: ModelCard

    @property
    def p(self) -> np.ndarray:
        """(n,) probability of anything but the negative class."""
        negative = self.card.labels.index(self.card.negative_label)
        return np.asarray(1 - self.probability[:, negative])

    @property
    def threshold(self) -> float:
        return self.card.thresholds["surveillance"]

    @property
    def scheme(self) -> LabelScheme:
        return scheme_for_card(self.card.labels, self.card.negative_label)

    @property
    def refused(self) -> np.ndarray:
        """(n,) bool: beyond the hard limit of scope; serving would not predict these."""
        return self._beyond(self.card.scope_hard_limit)

    @property
    def in_scope(self) -> np.ndarray:
        """(n,) bool: inside the intended use by age and view, and within both limits."""
        meant = np.array([in_scope(film, self.card) for film in self.films], dtype=bool)
        return np.asarray(meant & ~self._beyond(self.card.scope_limit) & ~self.refused)

    def of(self, chosen: np.ndarray) -> "Judged":
        """The films that (n,) bool `chosen` picks."""
        return replace(
            self,
            films=[self.films[at] for at in np.flatnonzero(chosen).tolist()],
            probability=self.probability[chosen],
            positive=self.positive[chosen],
            scope=self.scope[chosen],
        )

    def _beyond(self, limit: float | None) -> np.ndarray:
        if limit is None:
            return np.zeros(len(self.films), dtype=bool)
        return np.asarray(self.scope > limit)


def truth_of(films: Sequence[Film], card: ModelCard) -> np.ndarray:
    """(n,) bool. Raises UserError when the set and the model have no class in common."""
    scheme = scheme_for_card(card.labels, card.negative_label)
    truth = scheme.positive(films)
    known = {name.casefold() for name in card.labels}
    if not scheme.merged and not any(film.label.casefold() in known for film in films):
        found = ", ".join(sorted({film.label for film in films}))
        raise UserError(
            f"the model tells {', '.join(card.labels)} apart, the data set holds {found}"
        )
    if scheme.merged and truth.all() and not any(_disease(film) for film in films):
        found = ", ".join(sorted({film.label for film in films}))
        raise UserError(
            f"expected the classes {scheme.negative} and pneumonia, the data set holds {found}"
        )
    return truth


def _disease(film: Film) -> bool:
    return film.aetiology is not None or film.label.casefold() in PNEUMONIA_NAMES
