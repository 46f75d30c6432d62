"""How unlike a frontal chest film a picture is, read off the network's own middle layers"""

from collections.abc import Mapping, Sequence

import torch
from torch import nn
from torch.nn import functional

CELLS = (4, 1)  # a grid over the film of the first tap's means; of the last tap's, the whole
REACH = 8.0  # standard deviations: beyond it one feature counts no more
TINY = 1e-6
PREFIX = "scope."


class Scope(nn.Module):
    """A logistic regression, films against outliers, on pooled maps of the middle layers.

    Features: of the layer before the last halving of resolution the means over a 4x4 grid,
    of that layer and the last but one the standard deviations over the film, of the latter
    the means. Each in the films' own standard deviations, held within 8 of them:
    score = bias + sum_j weight_j clip((x_j - mean_j) / spread_j, -8, 8); above 0 it is more
    like the outliers. Only pooling and arithmetic, in 32 bits whatever the maps come in.
    """

    taps: torch.Tensor
    mean: torch.Tensor
    spread: torch.Tensor
    weight: torch.Tensor
    bias: torch.Tensor

    def __init__(self, taps: Sequence[int], width: int) -> None:
        super().__init__()
        self.at = tuple(taps)
        self.register_buffer("taps", torch.tensor(self.at))
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("spread", torch.ones(width))
        self.register_buffer("weight", torch.zeros(width))
        self.register_buffer("bias", torch.zeros(1))

    @classmethod
    def within(cls, tensors: Mapping[str, torch.Tensor]) -> "Scope | None":
        """An empty one of the shape that saved weights hold; None where they hold none."""
        if PREFIX + "taps" not in tensors:
            return None
        return cls(tensors[PREFIX + "taps"].tolist(), len(tensors[PREFIX + "mean"]))

    def forward(self, maps: Sequence[torch.Tensor]) -> torch.Tensor:
        """(n,) scores of one list of (n, c, h, w) maps for each tap."""
        weighed = self.standardised(pooled(maps)) * self.weight
        return weighed.sum(dim=1) + self.bias

    def standardised(self, features: torch.Tensor) -> torch.Tensor:
        """(n, width) features in the films' standard deviations, held within REACH."""
        return ((features - self.mean) / self.spread).clamp(-REACH, REACH)


def pooled(maps: Sequence[torch.Tensor]) -> torch.Tensor:
    """(n, width) features of one list of (n, c, h, w) maps for each tap."""
    parts = []
    for cells, one in zip(CELLS, maps, strict=True):
        one = one.float()
        parts += [_grid(one, cells).flatten(1), _deviation(one)]
    return torch.cat(parts, dim=1)


def taps_of(features: nn.Sequential) -> tuple[int, int]:
    """The layers to look at: the last before the final halving, and the last but one."""
    sides = []
    with torch.no_grad():
        maps = torch.zeros(1, 1, 64, 64)
        for layer in features:
            maps = layer(maps)
            sides.append(maps.shape[-1])
    return max(0, sides.index(sides[-1]) - 1), max(0, len(sides) - 2)


def _grid(maps: torch.Tensor, cells: int) -> torch.Tensor:
    """Means over cells that overlap where the side is no multiple of their number."""
    side = maps.shape[-1]
    cells = min(cells, side)
    stride = side // cells
    return functional.avg_pool2d(maps, side - (cells - 1) * stride, stride)


def _deviation(maps: torch.Tensor) -> torch.Tensor:
    centred = maps - maps.mean(dim=(2, 3), keepdim=True)
    return (centred.square().mean(dim=(2, 3)) + TINY).sqrt()
