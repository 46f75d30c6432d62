"""Training: a recipe and films in, a network that transfers out."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice

import numpy as np
import torch
from torch.nn import functional

from inference.augment import augment
from inference.judging import Judge
from inference.network import Classifier, build
from inference.progress import Progress
from inference.recipe import Recipe
from inference.resume import Progressed, Resume
from inference.sampling import batches
from inference.scoring import to_tensor
from inference.training_data import TrainingData
from inference.weights_source import load_initial

TOLERANCE = 0.01  # of AUROC; what validation films of this number cannot tell apart


@dataclass(frozen=True, slots=True)
class Epoch:
    """One line of history.csv; losses are mean negative log-likelihoods.

    `shifted_auroc` is what epochs are chosen by: on validation films in an augmented view,
    averaged over the sources that hold both classes.
    """

    epoch: int
    steps: int
    learning_rate: float
    train_loss: float
    train_accuracy: float
    validation_loss: float
    validation_accuracy: float
    validation_auroc: float
    shifted_auroc: float
    seconds: float

    def as_dict(self) -> dict[str, float]:
        return asdict(self)

    @classmethod
    def read(cls, row: Mapping[str, str]) -> "Epoch":
        """A line of history.csv."""
        numbers = {name: float(value) for name, value in row.items()}
        counts = {name: int(row[name]) for name in ("epoch", "steps")}
        return cls(**(numbers | counts))  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Trained:
    """The averaged network of the epoch that transfers, and how it got there."""

    module: Classifier
    history: list[Epoch]
    chosen: int  # the epoch whose weights these are
    device: str
    precision: str
    seconds: float  # of training, over all runs where it was taken up again
    members: tuple[Mapping[str, object], ...] = ()  # of an ensemble: their cards' `training`


def train(
    data: TrainingData,
    recipe: Recipe,
    device: torch.device,
    on_epoch: Callable[[Epoch], None] | None = None,
    resume: Resume | None = None,
) -> Trained:
    """Fine-tune the recipe's network on `data.train`; the same seed gives the same weights.

    Validation films of the same hospitals are a bad judge of which epoch transfers: the
    averaged weights are kept of the last epoch that comes within TOLERANCE of the best on a
    shifted view of them (and on sources that were left out of training, where the recipe
    names any). With `resume`, the state is written after each epoch and a run that was cut
    off goes on where it was.
    """
    run = _Run(data, recipe, device, resume)
    with Progress("training", recipe.epochs * run.steps) as progress:
        progress.done = run.taken
        while len(run.history) < recipe.epochs:
            run.epoch(progress)
            if on_epoch:
                on_epoch(run.history[-1])
    module = run.best.cpu().eval()
    precision = "bfloat16" if run.bf16 else "float32"
    chosen = chosen_epoch(run.history).epoch
    return Trained(module, run.history, chosen, str(device), precision, run.seconds())


def chosen_epoch(history: Sequence[Epoch]) -> Epoch:
    """The last one that was within TOLERANCE of the best so far when it ended.

    A hundred films a class tell two AUROCs apart by some hundredths: among epochs that they
    cannot tell apart the later one has the smaller learning rate and the longer average.
    """
    best, chosen = -math.inf, history[0]
    for epoch in history:
        best = max(best, epoch.shifted_auroc)
        chosen = epoch if epoch.shifted_auroc >= best - TOLERANCE else chosen
    return chosen


class _Run:
    """The moving parts of one training run."""

    def __init__(
        self, data: TrainingData, recipe: Recipe, device: torch.device, resume: Resume | None
    ) -> None:
        torch.manual_seed(recipe.stream)
        self.data, self.recipe, self.device, self.resume = data, recipe, device, resume
        self.steps = recipe.steps_per_epoch or math.ceil(len(data.train.films) / recipe.batch)
        self.module, self.average, self.best = (self._network() for _ in range(3))
        load_initial(self.module, recipe.initial_weights)
        self.average.load_state_dict(self.module.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.module.parameters(), recipe.learning_rate, weight_decay=recipe.weight_decay
        )
        self.allowed = torch.as_tensor(data.scheme.allowed(data.train.films), device=device)
        self.judge = Judge(data, recipe.seed, device)
        self.bf16 = device.type == "cuda" or fast_bf16()
        self.history: list[Epoch] = []
        self.before, self.began = 0.0, time.monotonic()
        self._take_up()

    @property
    def taken(self) -> int:
        """Steps done so far."""
        return len(self.history) * self.steps

    def seconds(self) -> float:
        return self.before + time.monotonic() - self.began

    def epoch(self, progress: Progress) -> None:
        """One epoch, judged, kept where it is the best so far, and written down."""
        first, losses, hits = self.taken, [], []
        for step, chosen in enumerate(islice(self._batches(first), self.steps), start=first):
            loss, accuracy = self.step(step, chosen)
            losses.append(loss)
            hits.append(accuracy)
            progress.advance(f"epoch {len(self.history) + 1} loss {np.mean(losses[-20:]):.3f}")
        judged = self.judge(self.average, self.bf16)
        self.history.append(
            Epoch(
                len(self.history) + 1,
                first + self.steps,
                self._rate(first + self.steps - 1),
                float(np.mean(losses)),
                float(np.mean(hits)),
                judged.loss,
                judged.accuracy,
                judged.auroc,
                judged.shifted_auroc,
                round(self.seconds(), 1),
            )
        )
        if chosen_epoch(self.history) is self.history[-1]:
            self.best.load_state_dict(self.average.state_dict())
        if self.resume:
            self.resume.write(self._state())

    def step(self, number: int, chosen: np.ndarray) -> tuple[float, float]:
        """One step of the optimiser; returns the batch's loss and accuracy.

        Every draw of a step comes from the seed and the step's number, so that a run that
        is taken up again makes the draws that it would have made.
        """
        self.module.train()
        rng = np.random.default_rng((self.recipe.stream, number))
        torch.manual_seed(int(rng.integers(2**31)))
        films = augment(to_tensor(self.data.train.pixels[chosen], self.device).float(), rng)
        allowed = self.allowed[torch.as_tensor(chosen, device=self.device)]
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.bf16):
            logits = self.module(films).float()
        loss = group_loss(logits, allowed, self.recipe.label_smoothing)
        for group in self.optimiser.param_groups:
            group["lr"] = self._rate(number)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimiser.step()
        self._average(number + 1)
        right = allowed.gather(1, logits.argmax(dim=1, keepdim=True)).float().mean()
        return float(loss.detach()), float(right)

    def _rate(self, step: int) -> float:
        total = self.recipe.epochs * self.steps
        return self.recipe.learning_rate * rate_at(step, total, self.recipe.warmup)

    @torch.no_grad()
    def _average(self, taken: int) -> None:
        """Exponential average of weights and batch statistics, quick to forget at first."""
        decay = min(self.recipe.average, taken / (taken + 9))
        own = self.module.state_dict()
        for name, value in self.average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(own[name], 1 - decay)
            else:
                value.copy_(own[name])

    def _network(self) -> Classifier:
        module = build(self.recipe.architecture, len(self.data.scheme.labels))
        return module.to(self.device).to(memory_format=torch.channels_last)

    def _batches(self, taken: int) -> Iterator[np.ndarray]:
        """The run's batches from a step on; drawing those before costs milliseconds."""
        rng = np.random.default_rng((self.recipe.stream, 0, 0))
        return islice(batches(self.data.train.films, self.recipe, rng), taken, None)

    def _state(self) -> Progressed:
        return Progressed(
            networks=[one.state_dict() for one in (self.module, self.average, self.best)],
            optimiser=self.optimiser.state_dict(),
            history=[one.as_dict() for one in self.history],
            seconds=self.seconds(),
        )

    def _take_up(self) -> None:
        state = self.resume.read() if self.resume else None
        if state is None:
            return
        for module, own in zip((self.module, self.average, self.best), state.networks, strict=True):
            module.load_state_dict(own)
        self.optimiser.load_state_dict(state.optimiser)
        self.history = [Epoch(**row) for row in state.history]  # type: ignore[arg-type]
        self.before = state.seconds


def fast_bf16() -> bool:
    """Has this processor bfloat16 arithmetic of its own? Without, it is several times slower."""
    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))


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
