"""The networks: uint8 films in, logits out. Standardisation per image is their first layer.

`mobilenet_v2` is Sandler et al. 2018 (arXiv:1801.04381) with a one-channel stem; its
parameters are named as torchvision names them, so that published ImageNet weights load.
`efficientnet_lite0` to `efficientnet_lite2` are EfficientNet-Lite (Tan and Le 2019,
arXiv:1905.11946, without squeeze-and-excitation and with ReLU6), padded as TensorFlow pads.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import torch
from torch import nn
from torch.nn import functional

from inference.scope_head import Scope, pooled
from ingest.errors import UserError

# expansion, channels out, repeats, stride of the first repeat (table 2 of the paper)
BLOCKS = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)
# kernel, expansion, channels out, repeats, stride of the first repeat (EfficientNet-B0)
LITE_BLOCKS = (
    (3, 1, 16, 1, 1),
    (3, 6, 24, 2, 2),
    (5, 6, 40, 2, 2),
    (3, 6, 80, 3, 2),
    (5, 6, 112, 3, 1),
    (5, 6, 192, 4, 2),
    (3, 6, 320, 1, 1),
)
FLAT_FILM = 1.0  # grey levels: keeps a blank film's standard deviation from dividing by zero


class Standardise(nn.Module):
    """Each film to mean 0 and standard deviation 1; exposure and bit depth drop out."""

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        films = films.float()
        centred = films - films.mean(dim=(1, 2, 3), keepdim=True)
        spread = centred.square().mean(dim=(1, 2, 3), keepdim=True).sqrt()
        return centred / (spread + FLAT_FILM)


class ConvNormActivation(nn.Sequential):
    """Convolution, batch normalisation, ReLU6."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int = 3, stride: int = 1, groups: int = 1
    ) -> None:
        super().__init__(
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
            nn.BatchNorm2d(outputs),
            nn.ReLU6(inplace=True),
        )


class InvertedResidual(nn.Module):
    """Expand, filter depthwise, project; added to its input where the shapes agree."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        stride: int,
        expansion: int,
        filtering: Callable[[int, int], nn.Module] | None = None,
    ) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [ConvNormActivation(inputs, hidden, kernel=1)] if expansion > 1 else []
        if filtering is None:
            depthwise: nn.Module = ConvNormActivation(hidden, hidden, stride=stride, groups=hidden)
        else:
            depthwise = filtering(hidden, stride)
        self.conv = nn.Sequential(
            *expand,
            depthwise,
            nn.Conv2d(hidden, outputs, 1, bias=False),
            nn.BatchNorm2d(outputs),
        )
        self.residual = stride == 1 and inputs == outputs

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.conv(films)
        return films + result if self.residual else result


class Classifier(nn.Module):
    """Standardise, convolve, average over the film, classify."""

    def __init__(
        self, features: nn.Sequential, width: int, classes: int, dropout: float = 0.2
    ) -> None:
        super().__init__()
        self.standardise = Standardise()
        self.features = features
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(width, classes))
        self.precision = torch.float32  # of the convolutions, when judging
        self.scope: Scope | None
        self.register_module("scope", None)

    def networks(self) -> list["Classifier"]:
        """Those that judge: here itself alone."""
        return [self]

    def looks(self, films: torch.Tensor) -> list[tuple["Classifier", torch.Tensor]]:
        """Each of the networks, with the films as it wants them."""
        return [(self, films)]

    def embed(self, films: torch.Tensor) -> torch.Tensor:
        """(n, 1, s, s) films in 0..255 as (n, width) pooled features."""
        return self._tapped(films, ())[0].mean(dim=(2, 3))

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        """(n, 1, s, s) films as (n, classes) logits; judged, each is averaged with its mirror.

        In training the mirror is one of the augmentations instead. Averaging costs a second
        pass.
        """
        logits: torch.Tensor = self.classifier(self.embed(films))
        if self.training:
            return logits
        mirrored: torch.Tensor = self.classifier(self.embed(films.flip(-1)))
        return (logits + mirrored) / 2

    def judge(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """(n, classes) logits as `forward` gives them, and (n,) scope scores.

        This is what serving runs and what is exported. A network without a fitted scope
        says NaN.
        """
        logits, score = self._look(films)
        mirrored, again = self._look(films.flip(-1))
        return (logits + mirrored) / 2, (score + again) / 2

    def scope_features(self, films: torch.Tensor, taps: Sequence[int]) -> torch.Tensor:
        """(n, width) features that a scope score with these taps is fitted on."""
        return pooled(self._tapped(films, taps)[1])

    def _look(self, films: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        last, maps = self._tapped(films, self.scope.at if self.scope else ())
        logits: torch.Tensor = self.classifier(last.mean(dim=(2, 3)))
        return logits, self._strangeness(logits, maps)

    def _strangeness(self, logits: torch.Tensor, maps: list[torch.Tensor]) -> torch.Tensor:
        if self.scope is None:
            return torch.full_like(logits[:, 0], math.nan)
        score: torch.Tensor = self.scope(maps)
        return score

    def _tapped(
        self, films: torch.Tensor, taps: Sequence[int]
    ) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The last maps, and those behind the layers that `taps` counts."""
        maps, passed = self.standardise(films).to(self.precision), {}
        for position, layer in enumerate(self.features):
            maps = layer(maps)
            if position in taps:
                passed[position] = maps
        return maps.float(), [passed[tap] for tap in taps]


def build(architecture: str, classes: int) -> Classifier:
    """A fresh network; logits are (n, classes). Raises UserError for an unknown name.

    `A@160+B@224` is an ensemble of two, each with films of its own size.
    """
    if "@" in architecture:
        from inference.ensemble import Ensemble

        return Ensemble.of(architecture, classes)
    if architecture not in ARCHITECTURES:
        known = ", ".join(sorted(ARCHITECTURES))
        raise UserError(f"there is no architecture {architecture!r}; known are {known}")
    features, width = ARCHITECTURES[architecture]()
    return Classifier(features, width, classes)


def load_pretrained(module: Classifier, weights: Mapping[str, torch.Tensor]) -> int:
    """Take over every tensor that fits; returns how many did.

    A three-channel stem is summed over its channels (a grey film has three equal ones); a
    head with another number of classes stays as it was.
    """
    own = module.state_dict()
    taken = {}
    for name, tensor in weights.items():
        if name.startswith("features.0.") and tensor.ndim == 4 and tensor.shape[1] == 3:
            tensor = tensor.sum(dim=1, keepdim=True)
        if name in own and own[name].shape == tensor.shape:
            taken[name] = tensor
    module.load_state_dict(taken, strict=False)
    return len(taken)


def _mobilenet_v2() -> tuple[nn.Sequential, int]:
    layers: list[nn.Module] = [ConvNormActivation(1, 32, stride=2)]
    inputs = 32
    for expansion, outputs, repeats, first_stride in BLOCKS:
        for repeat in range(repeats):
            stride = first_stride if repeat == 0 else 1
            layers.append(InvertedResidual(inputs, outputs, stride, expansion))
            inputs = outputs
    layers.append(ConvNormActivation(inputs, 1280, kernel=1))
    return nn.Sequential(*layers), 1280


class SamePadding(nn.Module):
    """TensorFlow's SAME padding of a strided convolution on sides that the stride divides:
    one pixel less before than after."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        before = (kernel - 2) // 2
        self.sides = (before, kernel - 2 - before, before, kernel - 2 - before)

    def forward(self, films: torch.Tensor) -> torch.Tensor:
        return functional.pad(films, self.sides)


def _same(inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1) -> nn.Module:
    """Convolution padded as TensorFlow pads, batch normalisation, ReLU6."""
    layers = ConvNormActivation(inputs, outputs, kernel, stride, groups)
    if stride == 1:
        return layers
    convolution = layers[0]
    assert isinstance(convolution, nn.Conv2d)
    convolution.padding = (0, 0)
    return nn.Sequential(SamePadding(kernel), *layers)


def _efficientnet_lite(width: float, depth: float) -> tuple[nn.Sequential, int]:
    """Channels are scaled by `width` to multiples of 8, repeats by `depth`; the stem, the
    head and the number of first and last blocks stay, as in the published Lite models."""
    layers: list[nn.Module] = [_same(1, 32, 3, 2)]
    inputs = 32
    for position, (kernel, expansion, channels, repeats, first_stride) in enumerate(LITE_BLOCKS):
        outputs = _multiple_of_8(channels * width)
        ends = position in (0, len(LITE_BLOCKS) - 1)
        for repeat in range(repeats if ends else math.ceil(repeats * depth)):
            stride = first_stride if repeat == 0 else 1
            filtering = partial(_depthwise, kernel)
            layers.append(InvertedResidual(inputs, outputs, stride, expansion, filtering))
            inputs = outputs
    layers.append(ConvNormActivation(inputs, 1280, kernel=1))
    features = nn.Sequential(*layers)
    for module in features.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-3  # as the published weights were trained
    return features, 1280


def _depthwise(kernel: int, channels: int, stride: int) -> nn.Module:
    return _same(channels, channels, kernel, stride, groups=channels)


def _multiple_of_8(channels: float) -> int:
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def _small() -> tuple[nn.Sequential, int]:
    """Three plain layers: for tests and for trying a data set out, not for patients."""
    layers = [ConvNormActivation(1, 16, stride=2), ConvNormActivation(16, 32, stride=2)]
    return nn.Sequential(*layers, ConvNormActivation(32, 64, stride=2)), 64


ARCHITECTURES: dict[str, Callable[[], tuple[nn.Sequential, int]]] = {
    "mobilenet_v2": _mobilenet_v2,
    "efficientnet_lite0": partial(_efficientnet_lite, 1.0, 1.0),
    "efficientnet_lite1": partial(_efficientnet_lite, 1.0, 1.1),
    "efficientnet_lite2": partial(_efficientnet_lite, 1.1, 1.2),
    "small": _small,
}
