"""Engines: films in, logits and scope scores out, on whatever processor there is.

On the CPU that is ONNX Runtime, without torch; on CUDA torch, which keeps several batches
in flight. Both take the same films and both verify the digest of what they load.
"""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

from inference.checkpoint import find_card, read_card, shipped_model
from inference.device import resolve
from inference.records import ModelCard

Array = np.ndarray
Scores = tuple[Array, Array]  # (n, classes) float64 logits, (n,) float64 scope scores
Pending = Callable[[], Scores]

IN_FLIGHT = 2  # batches begun before the first is waited for


class Engine(Protocol):
    """A loaded model on one processor."""

    card: ModelCard
    device: str  # cpu or cuda
    batch: int  # films that one call of `begin` takes at most

    def begin(self, films: Array) -> Pending:
        """Starts on (n, s, s) uint8 films, n at most `batch`; what it returns waits for them.

        With `IN_FLIGHT` batches not yet waited for, another one may be begun.
        """
        ...

    def run(self, films: Array) -> Scores:
        """The scores of any number of films."""
        ...


def open_engine(
    model: Path | None = None, device: str = "auto", batch: int = 32, threads: int | None = None
) -> Engine:
    """The engine for the model at `model` (default: the shipped one) on `device`.

    A model without an exported graph is served by torch. Raises UserError for what is no
    model and InputError for files that are not those that their card describes.
    """
    file = find_card(model or shipped_model())
    place = resolve(device)
    if place == "cpu" and read_card(file).onnx_digest:
        from inference.engine_onnx import OnnxEngine

        return OnnxEngine(file, batch, threads)
    if place == "cpu":
        said = (
            f"{file.stem} has no exported graph (.onnx); torch serves it, at a third of the speed"
        )
        print(said, file=sys.stderr)
    from inference.engine_torch import TorchEngine

    return TorchEngine(file, place, batch, threads)


def score_all(
    model: Engine | Path, films: Array, device: str = "auto", threads: int | None = None
) -> Scores:
    """The scores of (n, s, s) uint8 films under an engine, or under the model at a path."""
    engine = open_engine(model, device, threads=threads) if isinstance(model, Path) else model
    return engine.run(films)


def in_batches(engine: Engine, films: Array) -> Scores:
    """`Engine.run` out of `Engine.begin`: one batch is begun while another is under way."""
    waiting: deque[Pending] = deque()
    done = []
    for part in _parts(films, engine.batch):
        waiting.append(engine.begin(part))
        if len(waiting) == IN_FLIGHT:
            done.append(waiting.popleft()())
    done += [pending() for pending in waiting]
    if not done:
        return np.empty((0, len(engine.card.labels))), np.empty(0)
    logits, scope = zip(*done, strict=True)
    return np.concatenate(logits), np.concatenate(scope)


def core_count() -> int:
    """Processors that this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_films(films: Array, card: ModelCard) -> None:
    """ValueError unless these are (n, s, s) uint8 films of the model's size."""
    if films.ndim != 3 or films.shape[1:] != (card.input_size,) * 2 or films.dtype != np.uint8:
        wanted = f"(n, {card.input_size}, {card.input_size}) uint8"
        raise ValueError(f"expected {wanted} films, got {films.shape} {films.dtype}")


def _parts(films: Array, size: int) -> Iterator[Array]:
    for start in range(0, len(films), size):
        yield films[start : start + size]
