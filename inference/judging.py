"""A network judged between epochs: on validation films as they are, and in a shifted view."""

from dataclasses import dataclass

import numpy as np
import torch

from inference.augment import augment
from inference.labels import LabelScheme
from inference.metrics import auroc, log_loss, softmax
from inference.network import Classifier
from inference.scoring import SCORING_BATCH, to_tensor
from inference.training_data import Part, TrainingData


@dataclass(frozen=True, slots=True)
class Marks:
    """Loss and accuracy over all classes; AUROC of the negative class against the rest."""

    loss: float
    accuracy: float
    auroc: float
    shifted_auroc: float


class Judge:
    """Holds the two views of the validation films, so that each epoch sees the same ones."""

    def __init__(self, data: TrainingData, seed: int, device: torch.device) -> None:
        self._part, self._scheme, self._device = data.validation, data.scheme, device
        self._shifted = shifted(data.validation.pixels, seed)
        self._positive = data.scheme.positive(data.validation.films)

    def __call__(self, module: Classifier, bf16: bool) -> Marks:
        """One pass without the mirror image: it ranks epochs, the card is made more exactly."""
        plain = softmax(_logits(module, self._part.pixels, self._device, bf16))
        moved = softmax(_logits(module, self._shifted, self._device, bf16))
        allowed = self._scheme.allowed(self._part.films)
        right = allowed[np.arange(len(plain)), plain.argmax(axis=1)]
        known = (plain * allowed).sum(axis=1)
        return Marks(
            log_loss(np.ones(len(plain), dtype=bool), known),
            float(right.mean()),
            auroc(self._positive, _p(plain, self._scheme)),
            by_source(self._part, self._positive, _p(moved, self._scheme)),
        )


def by_source(part: Part, positive: np.ndarray, p: np.ndarray) -> float:
    """AUROC averaged over the sources that hold both classes, each counting the same.

    Between sources nothing is compared: a hospital's films alone tell its share of sick.
    """
    areas = [
        auroc(positive[own], p[own])
        for own in (part.sources == name for name in np.unique(part.sources))
        if positive[own].any() and not positive[own].all()
    ]
    return float(np.mean(areas)) if areas else auroc(positive, p)


def shifted(pixels: np.ndarray, seed: int) -> np.ndarray:
    """(n, s, s) uint8 films in an augmented view: what other hospitals may send."""
    rng = np.random.default_rng(seed)
    parts = [
        augment(to_tensor(pixels[at : at + 64], torch.device("cpu")).float(), rng)[:, 0]
        for at in range(0, len(pixels), 64)
    ]
    return np.asarray(torch.cat(parts).round().byte().numpy())


@torch.inference_mode()
def _logits(module: Classifier, pixels: np.ndarray, device: torch.device, bf16: bool) -> np.ndarray:
    module.eval()
    parts = []
    for at in range(0, len(pixels), SCORING_BATCH):
        films = to_tensor(pixels[at : at + SCORING_BATCH], device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            parts.append(module.classifier(module.embed(films)).float().cpu().numpy())
    return np.concatenate(parts)


def _p(probability: np.ndarray, scheme: LabelScheme) -> np.ndarray:
    return np.asarray(1 - probability[:, scheme.labels.index(scheme.negative)])
