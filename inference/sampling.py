"""Batches in which neither source nor label nor view can stand in for another.

Every batch holds a fixed number of films of each source; within a source each class comes
up equally often, and within a class each cause, view or whatever else the recipe balances.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from inference.datasets import Film
from inference.recipe import Recipe


class Deck:
    """Endless draws from a list, each item once before any comes again."""

    def __init__(self, items: Sequence[int]) -> None:
        self._items = np.asarray(items)
        self._left: list[int] = []

    def draw(self, rng: np.random.Generator) -> int:
        if not self._left:
            self._left = rng.permutation(self._items).tolist()
        return self._left.pop()


class Balanced:
    """Draws from nested groups: a class at random, then a cause within it, then a film."""

    def __init__(self, films: Sequence[Film], members: Sequence[int], keys: Sequence[str]) -> None:
        groups: dict[str, list[int]] = defaultdict(list)
        for index in members:
            groups[str(getattr(films[index], keys[0])) if keys else ""].append(index)
        self._parts: list[Balanced | Deck] = [
            Balanced(films, group, keys[1:]) if len(keys) > 1 else Deck(group)
            for _, group in sorted(groups.items())
        ]
        self._turns = Deck(range(len(self._parts)))

    def draw(self, rng: np.random.Generator) -> int:
        return self._parts[self._turns.draw(rng)].draw(rng)


def shares(recipe: Recipe, sources: Sequence[str]) -> dict[str, int]:
    """How many films of each source make up a batch; what the recipe leaves is spread evenly."""
    fixed = {name: recipe.source(name).per_batch for name in sources}
    open_ones = [name for name, count in fixed.items() if count == 0]
    left = recipe.batch - sum(fixed.values())
    for position, name in enumerate(open_ones):
        fixed[name] = max(1, (left + position) // len(open_ones))
    return fixed


def batches(
    films: Sequence[Film], recipe: Recipe, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Endless batches of indices into `films`."""
    members: dict[str, list[int]] = defaultdict(list)
    for index, film in enumerate(films):
        members[film.source].append(index)
    counts = shares(recipe, sorted(members))
    drawers = {
        name: Balanced(films, own, recipe.source(name).balance) for name, own in members.items()
    }
    while True:
        yield np.array(
            [drawers[name].draw(rng) for name in sorted(counts) for _ in range(counts[name])]
        )
