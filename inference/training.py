"""Training: a recipe and films in, a calibrated model with its card out."""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch.nn import functional

from inference.augment import augment
from inference.labels import LabelScheme
from inference.metrics import auroc, log_loss, softmax
from inference.network import Classifier, build
from inference.progress import Progress
from inference.recipe import Recipe
from inference.sampling import batches
from inference.scoring import score, to_tensor
from inference.training_data import Part, TrainingData
from inference.weights_source import load_initial


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of history.csv; losses are mean negative log-likelihoods."""

    epoch: int
    steps: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_auroc: float
    seconds: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Trained:
    """The averaged network and how it got there."""

    module: Classifier
    history: list[Epoch]
    device: str
    seconds: float


def train(
    data: TrainingData,
    recipe: Recipe,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] | None = None,
) -> Trained:
    """Fine-tune the recipe's network on `data.train`; the same seed gives the same weights.

    The last epoch's averaged weights are kept: validation films of the same hospitals are a
    bad judge of which epoch transfers, so none is chosen by them.
    """
    started = time.monotonic()
    run = _Run(data, recipe, device)
    history = []
    with Progress("training", recipe.epochs * run.steps) as progress:
        for number in range(1, recipe.epochs + 1):
            history.append(run.epoch(number, progress, started))
            if on_epoch:
                on_epoch(history[-1])
    module = run.average.cpu().eval()
    return Trained(module, history, str(device), time.monotonic() - started)


class _Run:
    """The moving parts of one training run."""

    def __init__(self, data: TrainingData, recipe: Recipe, device: torch.device) -> None:
        torch.manual_seed(recipe.seed)
        self.rng = np.random.default_rng(recipe.seed)
        self.data, self.recipe, self.device = data, recipe, device
        self.steps = recipe.steps_per_epoch or math.ceil(len(data.train.films) / recipe.batch)
        self.module = _to_device(build(recipe.architecture, len(data.scheme.labels)), device)
        load_initial(self.module, recipe.initial_weights)
        self.average = _to_device(build(recipe.architecture, len(data.scheme.labels)), device)
        self.average.load_state_dict(self.module.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.module.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        total = recipe.epochs * self.steps
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimiser, lambda step: rate_at(step, total, recipe.warmup)
        )
        self.allowed = torch.as_tensor(data.scheme.allowed(data.train.films), device=device)
        self.batches = batches(data.train.films, recipe, self.rng)
        self.taken = 0
        self.bf16 = device.type == "cuda" or fast_bf16()

    def epoch(self, number: int, progress: Progress, started: float) -> Epoch:
        losses, hits = [], []
        for _ in range(self.steps):
            loss, accuracy = self.step(next(self.batches))
            losses.append(loss)
            hits.append(accuracy)
            progress.advance(f"epoch {number} loss {np.mean(losses[-20:]):.3f}")
        judged = judge(self.average, self.data.validation, self.data.scheme, self.device)
        return Epoch(
            number,
            self.taken,
            float(self.schedule.get_last_lr()[0]),
            float(np.mean(losses)),
            float(np.mean(hits)),
            *judged,
            round(time.monotonic() - started, 1),
        )

    def step(self, chosen: np.ndarray) -> tuple[float, float]:
        """One step of the optimiser; returns the batch's loss and accuracy."""
        self.module.train()
        films = augment(to_tensor(self.data.train.pixels[chosen], self.device).float(), self.rng)
        allowed = self.allowed[torch.as_tensor(chosen, device=self.device)]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.module(films)
        loss = group_loss(logits.float(), allowed, self.recipe.label_smoothing)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self.schedule.step()
        self.taken += 1
        self._average()
        right = allowed.gather(1, logits.argmax(dim=1, keepdim=True)).float().mean()
        return float(loss.detach()), float(right)

    @torch.no_grad()
    def _average(self) -> None:
        """Exponential average of weights and batch statistics, quick to forget at first."""
        decay = min(self.recipe.average, self.taken / (self.taken + 9))
        own = self.module.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(own[name], 1 - decay)
            else:
                value.copy_(own[name])


def fast_bf16() -> bool:
    """Has this processor bfloat16 arithmetic of its own? Without, it is several times slower."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def rate_at(step: int, total: int, warmup: float) -> float:
    """The learning rate's factor: linear warm-up, then half a cosine down to 1 %."""
    rising = max(1, round(total * warmup))
    if step < rising:
        return (step + 1) / rising
    done = (step - rising) / max(1, total - rising)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(done, 1.0)))


def group_loss(logits: torch.Tensor, allowed: torch.Tensor, smoothing: float) -> torch.Tensor:
    """Mean -(1-e) log p(any allowed class) - e/C sum log p: smoothed cross-entropy, except
    that a film of unknown cause may be in any of several classes.

    logits (n, C); allowed (n, C) bool with at least one true in a row.
    """
    log_p = functional.log_softmax(logits, dim=1)
    known = torch.logsumexp(log_p.masked_fill(~allowed, -math.inf), dim=1)
    return -((1 - smoothing) * known + smoothing * log_p.mean(dim=1)).mean()


def judge(
    module: Classifier, part: Part, scheme: LabelScheme, device: torch.device
) -> tuple[float, float, float]:
    """Loss, accuracy and AUROC of negative against the rest, on films as they are."""
    probability = softmax(score(module, part.pixels, device))
    allowed, positive = scheme.allowed(part.films), scheme.positive(part.films)
    p = 1 - probability[:, scheme.labels.index(scheme.negative)]
    right = allowed[np.arange(len(p)), probability.argmax(axis=1)]
    loss = log_loss(np.ones(len(p), dtype=bool), (probability * allowed).sum(axis=1))
    return loss, float(right.mean()), auroc(positive, p)


def _to_device(module: Classifier, device: torch.device) -> Classifier:
    return module.to(device).to(memory_format=torch.channels_last)
