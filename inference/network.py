"""The networks: uint8 films in, logits out. Standardisation per image is their first layer.

`mobilenet_v2` is Sandler et al. 2018 (arXiv:1801.04381) with a one-channel stem; its
parameters are named as torchvision names them, so that published ImageNet weights load.
"""

from collections.abc import Mapping

import torch
from torch import nn

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

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [ConvNormActivation(inputs, hidden, kernel=1)] if expansion > 1 else []
        self.conv = nn.Sequential(
            *expand,
            ConvNormActivation(hidden, hidden, stride=stride, groups=hidden),
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

    def embed(self, films: torch.Tensor) -> torch.Tensor:
        """(n, 1, s, s) films in 0..255 as (n, width) pooled features."""
        maps: torch.Tensor = self.features(self.standardise(films))
        return maps.mean(dim=(2, 3))

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


def build(architecture: str, classes: int) -> Classifier:
    """A fresh network; logits are (n, classes). Raises UserError for an unknown name."""
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
        if name == "features.0.0.weight" and tensor.shape[1] == 3:
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


def _small() -> tuple[nn.Sequential, int]:
    """Three plain layers: for tests and for trying a data set out, not for patients."""
    layers = [ConvNormActivation(1, 16, stride=2), ConvNormActivation(16, 32, stride=2)]
    return nn.Sequential(*layers, ConvNormActivation(32, 64, stride=2)), 64


ARCHITECTURES = {"mobilenet_v2": _mobilenet_v2, "small": _small}
