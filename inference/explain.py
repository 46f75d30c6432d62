"""Where in a film a score comes from: a heat map of p(pneumonia).

HiResCAM (Draelos and Carin 2021, arXiv:2011.08891) on the last feature maps A of the network,
for the log-odds of the calibrated probability that serving reports:

    heat(x, y) = sum_c d log-odds / d A_c(x, y) * A_c(x, y)

Behind averaged features and one linear layer it equals Grad-CAM (Selvaraju et al. 2017,
arXiv:1610.02391) before its ReLU. The film and its mirror image go through together, as they
do for the score. Shifted copies and an earlier layer were tried and were no better by deletion.
"""

import numpy as np
import torch
from torch.nn import functional

from inference.network import Classifier
from inference.records import ModelCard


def heat(module: Classifier, card: ModelCard, pixels: np.ndarray) -> np.ndarray:
    """(s, s) float32: where one (s, s) uint8 film speaks for pneumonia, in units of log-odds.

    0 is the film's own median: the classifier's bias may be spread over the film at will, so
    that only differences between places mean something.
    """
    module.eval()
    device = next(module.parameters()).device
    film = torch.from_numpy(pixels.astype(np.float32))[None, None].to(device)
    both = sum(_whole(one, pixels.shape) for one in _evidence(module, card, film))
    assert isinstance(both, torch.Tensor)
    above = (both - both.median()).clamp_min(0)
    return np.asarray(above.cpu().numpy(), dtype=np.float32)


def _whole(evidence: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """(s, s) evidence per cell of one network, film and mirror image laid over each other."""
    both = (evidence[0] + evidence[1].flip(-1))[None, None]
    return functional.interpolate(both, shape, mode="bilinear", align_corners=False)[0, 0]


def log_odds(card: ModelCard, logits: torch.Tensor) -> torch.Tensor:
    """(n,) log p/(1-p) of anything but the negative class, of (n, classes) logits."""
    scaled = logits / card.temperature
    negative = card.labels.index(card.negative_label)
    others = [at for at in range(len(card.labels)) if at != negative]
    return torch.logsumexp(scaled[:, others], dim=1) - scaled[:, negative]


def _evidence(module: Classifier, card: ModelCard, film: torch.Tensor) -> list[torch.Tensor]:
    """For each network (2, h, w) signed evidence in its maps of a (1, 1, s, s) film and its
    mirror image, in units such that the mean over cells is the network's part."""
    looks = module.looks(torch.cat([film, film.flip(-1)]))
    with torch.no_grad():
        maps = [network.features(network.standardise(view)) for network, view in looks]
    with torch.enable_grad():
        maps = [one.detach().requires_grad_() for one in maps]
        parts = [
            network.classifier(one.mean(dim=(2, 3)))
            for (network, _), one in zip(looks, maps, strict=True)
        ]
        logits = torch.cat(parts).mean(dim=0, keepdim=True)
        slopes = torch.autograd.grad(log_odds(card, logits).sum(), maps)
    return [
        (slope * one).sum(dim=1).detach() * one[0, 0].numel()
        for slope, one in zip(slopes, maps, strict=True)
    ]
