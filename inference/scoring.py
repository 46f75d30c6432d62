"""Films through a network: logits on any device, and whether each film is in scope."""

from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import torch

from inference.datasets import Film
from inference.network import Classifier
from inference.records import ModelCard
from inference.scope import out_of_scope_reasons
from ingest.records import Source, Study

SCORING_BATCH = 64


@torch.inference_mode()
def score(module: Classifier, pixels: np.ndarray, device: torch.device) -> np.ndarray:
    """(n, classes) float32 logits of (n, s, s) uint8 films."""
    module.eval()
    parts = [module(to_tensor(part, device)).float().cpu().numpy() for part in _parts(pixels)]
    return np.concatenate(parts)


def to_tensor(pixels: np.ndarray, device: torch.device) -> torch.Tensor:
    """(n, s, s) uint8 as an (n, 1, s, s) tensor on the device."""
    films = torch.from_numpy(np.ascontiguousarray(pixels))[:, None].to(device)
    return films.contiguous(memory_format=torch.channels_last)


def in_scope(film: Film, card: ModelCard) -> bool:
    """Is a labelled film within the card's intended use, as far as its index says?"""
    study = Study(
        study_id="",
        content_hash="",
        patient_key=None,
        site_id=None,
        acquired_at=None,
        acquired_date=None,
        received_at=datetime.now(UTC),
        age_years=_years(film.age),
        sex=None,
        view=film.view or None,
        source=Source.IMAGE,
        flags="",
    )
    return not out_of_scope_reasons(study, card)


def _years(value: str) -> float | None:
    try:
        return float(value)
    except ValueError:
        return None


def _parts(pixels: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(pixels), SCORING_BATCH):
        yield pixels[start : start + SCORING_BATCH]
