"""Films through a network in torch: logits and scope scores, on any device."""

from collections.abc import Iterator

import numpy as np
import torch

from inference.network import Classifier

SCORING_BATCH = 64


@torch.inference_mode()
def score(module: Classifier, pixels: np.ndarray, device: torch.device) -> np.ndarray:
    """(n, classes) float32 logits of (n, s, s) uint8 films."""
    module.eval()
    parts = [module(to_tensor(part, device)).float().cpu().numpy() for part in _parts(pixels)]
    return np.concatenate(parts)


@torch.inference_mode()
def judge_films(
    module: Classifier, pixels: np.ndarray, device: torch.device
) -> tuple[np.ndarray, np.ndarray]:
    """The logits of `score`, and (n,) scope scores, of (n, s, s) uint8 films."""
    module.eval()
    parts = [module.judge(to_tensor(part, device)) for part in _parts(pixels)]
    logits, scope = zip(*parts, strict=True)
    return torch.cat(logits).float().cpu().numpy(), torch.cat(scope).float().cpu().numpy()


def to_tensor(pixels: np.ndarray, device: torch.device) -> torch.Tensor:
    """(n, s, s) uint8 as an (n, 1, s, s) tensor on the device."""
    films = torch.from_numpy(np.ascontiguousarray(pixels))[:, None].to(device)
    return films.contiguous(memory_format=torch.channels_last)


def _parts(pixels: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(pixels), SCORING_BATCH):
        yield pixels[start : start + SCORING_BATCH]
