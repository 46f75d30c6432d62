"""Tiny models, really trained, and films whose label lies in one known place."""

from pathlib import Path

import numpy as np
import torch

from inference.datasets import Film
from inference.judged import Judged
from inference.metrics import softmax
from inference.network import Classifier, build
from inference.records import ModelCard
from inference.scoring import score, to_tensor

SIZE = 48
CPU = torch.device("cpu")


def made_card(**changes: object) -> ModelCard:
    values: dict[str, object] = {
        "model_version": "tiny-1",
        "architecture": "small",
        "labels": ("normal", "pneumonia"),
        "negative_label": "normal",
        "input_size": SIZE,
        "preprocessing": "as in the test",
        "thresholds": {"surveillance": 0.5, "screening": 0.2},
        "temperature": 1.0,
        "true_positives": 1,
        "false_negatives": 1,
        "true_negatives": 1,
        "false_positives": 1,
        "intended_use": "tests",
        "ages": (0.0, 120.0),
        "views": ("PA", "AP"),
        "scope_limit": None,
    }
    return ModelCard(**(values | changes))  # type: ignore[arg-type]


def films_marked_at(
    rows: slice, columns: slice, n: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(n, SIZE, SIZE) uint8 noise and (n,) bool: stripes at that place are upright in the
    sick and lie in the healthy, so that contrast as a whole tells nothing."""
    rng = np.random.default_rng(seed)
    pixels = rng.normal(120, 20, (n, SIZE, SIZE))
    positive = np.arange(n) % 2 == 1
    stripes = 60 * np.where(np.arange(SIZE) % 4 < 2, 1, -1)
    upright = np.broadcast_to(stripes, (SIZE, SIZE))
    pixels[positive, rows, columns] += upright[rows, columns]
    pixels[~positive, rows, columns] += upright.T[rows, columns]
    return np.clip(pixels, 0, 255).astype(np.uint8), positive


def trained_on(pixels: np.ndarray, positive: np.ndarray, steps: int = 60) -> Classifier:
    torch.manual_seed(3)
    module = build("small", 2).train()
    optimiser = torch.optim.Adam(module.parameters(), 0.01)
    target = torch.as_tensor(positive.astype(np.int64))
    for step in range(steps):
        chosen = torch.arange(step * 16, step * 16 + 16) % len(pixels)
        logits = module(to_tensor(pixels[chosen.numpy()], CPU).float())
        loss = torch.nn.functional.cross_entropy(logits, target[chosen])
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return module.eval()


def judged_by(
    module: Classifier, pixels: np.ndarray, positive: np.ndarray, card: ModelCard
) -> Judged:
    films = made_films(positive)
    probability = softmax(score(module, pixels, CPU))
    return Judged(films, probability, positive, np.full(len(films), np.nan), card)


def made_films(positive: np.ndarray, **columns: list[str]) -> list[Film]:
    films = []
    for at, sick in enumerate(positive):
        known = {name: values[at] for name, values in columns.items()}
        label = known.pop("label", "pneumonia" if sick else "normal")
        extra = {"site_id": known.pop("site")} if "site" in known else {}
        source = known.pop("source", "made")
        films.append(Film(Path(f"{at}"), label, f"p{at}", source, extra=extra, **known))
    return films
