"""Several networks as one: films of one size in, each looks at its own size, logits averaged.

Networks that saw the films at several resolutions err on different ones (deep ensembles:
Lakshminarayanan et al. 2017, arXiv:1612.01474).
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from inference.network import Classifier, build
from ingest.errors import UserError


class Ensemble(Classifier):
    """Averages its members' logits. The largest looks at films as they come, and its middle
    layers are what a scope score is fitted on."""

    def __init__(self, members: Sequence[Classifier], sizes: Sequence[int]) -> None:
        nn.Module.__init__(self)
        if list(sizes) != sorted(sizes):
            raise UserError(f"an ensemble's sizes must rise, these are {list(sizes)}")
        self.members = nn.ModuleList(members)
        self.sizes = tuple(sizes)
        for size in set(self.sizes[:-1]) - {self.sizes[-1]}:
            self.register_buffer(f"to_{size}", shrinking(self.sizes[-1], size), persistent=False)
        self.register_module("scope", None)

    @classmethod
    def of(cls, architecture: str, classes: int) -> "Ensemble":
        """Fresh members for a name such as `mobilenet_v2@160+mobilenet_v2@224`."""
        try:
            parts = [part.split("@") for part in architecture.split("+")]
            sizes = [int(size) for _, size in parts]
        except ValueError:
            raise UserError(f"{architecture!r} is no ensemble: expected NAME@SIZE+…") from None
        return cls([build(name, classes) for name, _ in parts], sizes)

    @property
    def features(self) -> nn.Sequential:  # type: ignore[override]
        """Those of the largest member."""
        return self._largest().features

    def networks(self) -> list[Classifier]:
        """The members."""
        return list(self.members)  # type: ignore[arg-type]

    def looks(self, films: torch.Tensor) -> list[tuple[Classifier, torch.Tensor]]:
        """Each member with the films at its own size."""
        views = [self._at(films, size) for size in self.sizes]
        return list(zip(self.networks(), views, strict=True))

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        """(n, classes) mean logits. Members are trained one by one, not here."""
        return torch.stack([member(view) for member, view in self.looks(films)]).mean(dim=0)

    def scope_features(self, films: torch.Tensor, taps: Sequence[int]) -> torch.Tensor:
        """Those of the largest member."""
        return self._largest().scope_features(films, taps)

    def _look(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        *smaller, (largest, whole) = self.looks(films)
        last, maps = largest._tapped(whole, self.scope.at if self.scope else ())
        parts = [member.classifier(member.embed(view)) for member, view in smaller]
        logits = torch.stack([*parts, largest.classifier(last.mean(dim=(2, 3)))]).mean(dim=0)
        return logits, self._strangeness(logits, maps)

    def _largest(self) -> Classifier:
        return self.networks()[-1]

    def _at(self, films: torch.Tensor, size: int) -> torch.Tensor:
        if size == self.sizes[-1]:
            return films
        matrix: torch.Tensor = getattr(self, f"to_{size}")
        return matrix @ films.float() @ matrix.T


def shrinking(size: int, target: int) -> torch.Tensor:
    """(target, size) matrix R: R F R' is the film F at the target size.

    Pillow's antialiased bilinear filter: a triangle as wide as the step on both sides.
    """
    step = size / target
    centres = (np.arange(target) + 0.5) * step - 0.5
    weights = np.maximum(0, 1 - np.abs(np.arange(size)[None] - centres[:, None]) / step)
    weights /= weights.sum(axis=1, keepdims=True)
    return torch.as_tensor(weights, dtype=torch.float32)
