"""The engine of CUDA: batches overlap, so that the device always has the next one.

A batch travels through pinned memory on a stream of its own while the one before it is in
its forward pass, which is one CUDA graph: bfloat16 convolutions, channels last, batch
normalisation folded in; standardisation, head and scope score in float32. The same class
serves a CPU, at once and in float32, where a model has no exported graph and in tests.
"""

import queue
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from inference.checkpoint import load
from inference.engine import IN_FLIGHT, Array, Pending, Scores, check_films, core_count, in_batches
from inference.network import Classifier

WARM_UP = 3  # forward passes before the capture, in which cuDNN chooses its kernels


class TorchEngine:
    """A network on one device. Batches may be begun in one thread and waited for in another."""

    def __init__(
        self,
        file: Path,
        device: str = "cuda",
        batch: int = 256,
        threads: int | None = None,
        precision: torch.dtype | None = None,
    ) -> None:
        module, self.card = load(file)
        self.device, self.batch = device, batch
        chosen = precision or (torch.bfloat16 if device == "cuda" else torch.float32)
        self._module = lowered(module, chosen).to(device).to(memory_format=torch.channels_last)
        self._lane = _Lane(self._module, batch, self.card.input_size) if device == "cuda" else None
        if device == "cpu":
            torch.set_num_threads(threads or core_count())

    def begin(self, films: Array) -> Pending:
        """On CUDA returns while the films travel; on a CPU runs at once."""
        check_films(films, self.card)
        if self._lane is not None:
            return self._lane.begin(films)
        with torch.inference_mode():
            scores = _scores(*self._module.judge(_tensor(films)))
        return lambda: scores

    def run(self, films: Array) -> Scores:
        """The scores of any number of films."""
        return in_batches(self, films)


def lowered(module: Classifier, precision: torch.dtype) -> Classifier:
    """The network with batch normalisation folded, its convolutions in `precision`.

    Folded in float32 first: bfloat16 would keep three digits of a running variance.
    """
    for network in module.networks():
        fold(network.features)
        network.features.to(precision)
        network.precision = precision
    return module.eval()


def fold(layers: nn.Module) -> None:
    """Batch normalisation that follows a convolution becomes part of it, in place."""
    for child in layers.children():
        fold(child)
    if not isinstance(layers, nn.Sequential):
        return
    for at in range(len(layers) - 1):
        first, second = layers[at], layers[at + 1]
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
            layers[at] = fuse_conv_bn_eval(first.eval(), second.eval())
            layers[at + 1] = nn.Identity()


@dataclass(frozen=True, slots=True)
class _Slot:
    """What one batch in flight needs for itself: memory on both sides, and two events."""

    host: torch.Tensor  # (batch, s, s) uint8, pinned
    films: torch.Tensor  # the same on the device
    logits: torch.Tensor  # pinned
    scope: torch.Tensor
    arrived: torch.cuda.Event
    judged: torch.cuda.Event


class _Lane:
    """Copy stream, compute stream, the captured forward pass and the slots. CUDA only."""

    def __init__(self, module: Classifier, batch: int, size: int) -> None:
        self._copying = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._computing = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._films = torch.zeros(batch, 1, size, size, dtype=torch.uint8, device="cuda")
        self._graph, self._logits, self._scope = self._captured(module)
        self._free: queue.SimpleQueue[_Slot] = queue.SimpleQueue()
        for _ in range(IN_FLIGHT + 1):
            self._free.put(self._slot())

    def begin(self, films: Array) -> Pending:
        """Waits for a free slot only; a small batch is judged with what is left in the slot."""
        slot, n = self._free.get(), len(films)
        slot.host[:n].copy_(torch.from_numpy(np.ascontiguousarray(films)))
        with torch.cuda.stream(self._copying):
            slot.films[:n].copy_(slot.host[:n], non_blocking=True)
            slot.arrived.record()
        with torch.cuda.stream(self._computing):
            self._computing.wait_event(slot.arrived)
            self._films[:n, 0].copy_(slot.films[:n])
            self._graph.replay()
            slot.logits.copy_(self._logits, non_blocking=True)
            slot.scope.copy_(self._scope, non_blocking=True)
            slot.judged.record()
        return lambda: self._wait(slot, n)

    def _wait(self, slot: _Slot, n: int) -> Scores:
        slot.judged.synchronize()
        scores = _scores(slot.logits[:n], slot.scope[:n])
        self._free.put(slot)
        return scores

    def _captured(
        self, module: Classifier
    ) -> tuple[torch.cuda.CUDAGraph, torch.Tensor, torch.Tensor]:
        with torch.inference_mode():
            self._computing.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self._computing):
                for _ in range(WARM_UP):
                    module.judge(self._films)
            torch.cuda.synchronize()
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=self._computing):
                logits, scope = module.judge(self._films)
        return graph, logits, scope

    def _slot(self) -> _Slot:
        shape = (len(self._films), *self._films.shape[2:])
        return _Slot(
            torch.empty(shape, dtype=torch.uint8, pin_memory=True),
            torch.empty(shape, dtype=torch.uint8, device="cuda"),
            torch.empty_like(self._logits, device="cpu", pin_memory=True),
            torch.empty_like(self._scope, device="cpu", pin_memory=True),
            torch.cuda.Event(),  # type: ignore[no-untyped-call]
            torch.cuda.Event(),  # type: ignore[no-untyped-call]
        )


def _tensor(films: Array) -> torch.Tensor:
    """(n, s, s) uint8 as an (n, 1, s, s) tensor on the CPU."""
    return torch.from_numpy(np.ascontiguousarray(films)).unsqueeze(1)


def _scores(logits: torch.Tensor, scope: torch.Tensor) -> Scores:
    """As float64 arrays of their own: the tensors may be used again."""
    return logits.double().cpu().numpy(), scope.double().cpu().numpy()
