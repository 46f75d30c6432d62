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
from ingest.values import parse_age, parse_view, plausible_age

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


def in_scope(film: Film, card: ModelCard) -> bool:
    """Is a labelled film within the card's intended use, as far as its index says?

    Ages and views are read as ingest reads them: an implausible age is an unknown one.
    """
    study = Study(
        study_id="",
        content_hash="",
        patient_key=None,
        site_id=None,
        acquired_at=None,
        acquired_date=None,
        received_at=datetime.now(UTC),
        age_years=plausible_age(parse_age(film.age))[0],
        sex=None,
        view=parse_view(film.view) or film.view or None,
        source=Source.IMAGE,
        flags="",
    )
    return not out_of_scope_reasons(study, card)


def _parts(pixels: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(pixels), SCORING_BATCH):
        yield pixels[start : start + SCORING_BATCH]
