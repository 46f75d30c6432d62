"""Tunes how sick the synthetic films look to a model, and says what it makes of them

python -m inference.tune_generator [--model DIR] [--check]

Says what the model makes of them (share out of scope, AUROC, share of doubtful films) and
sets how sick the sick ones are drawn, so that the model finds them about as hard as it finds
real films of other hospitals. Run it again whenever the shipped weights change.
"""

import argparse
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from inference import checkpoint
from inference.generator import SEVERITY, Generator, Severity
from inference.metrics import auroc, softmax
from inference.preprocess import prepare
from inference.scope_fit import CPU
from inference.scoring import judge_films
from ingest.errors import UserError

FILMS = 600  # a third of them healthy, the others of every severity
WANTED = 0.965  # AUROC
SHARPNESS = 4.9  # a + b of the sick films' Beta distribution
DRAWN = 4000  # films drawn again from the made ones to weigh them by their severity
MOST_OUT = 0.02


@dataclass(frozen=True, slots=True)
class Made:
    """Synthetic films, and what the model says of them."""

    severity: np.ndarray
    healthy: np.ndarray  # bool: drawn as a healthy film
    p: np.ndarray
    out: np.ndarray  # bool: beyond the soft limit

    def as_drawn(self, severity: Severity, rng: np.random.Generator) -> dict[str, float]:
        """What a demo of equally many healthy and sick films would look like to the model."""
        well = rng.choice(np.flatnonzero(self.healthy), DRAWN)
        a, b = severity.sick
        own = np.where(self.healthy, 0.0, _beta(self.severity, a, b))
        ill = rng.choice(len(own), DRAWN, p=own / own.sum())
        p = self.p[np.concatenate([well, ill])]
        out = self.out[np.concatenate([well, ill])]
        return {
            "auroc": round(auroc(np.arange(2 * DRAWN) >= DRAWN, p), 4),
            "doubtful": round(float(((p > 0.2) & (p < 0.8)).mean()), 4),
            "out_of_scope": round(float(out.mean()), 4),
        }


def make(generator: Generator, model: Path, seed: int, count: int = FILMS) -> Made:
    """`count` films through a model; without a scope score none is out."""
    rng = np.random.default_rng(seed)
    healthy = np.arange(count) < count // 3
    uniform = rng.uniform(0, 1, count)
    severity = np.where(healthy, generator.sample_severity(count, "NORMAL", rng), uniform)
    module, card = checkpoint.load(model)
    films = generator.sample(severity, np.full(count, ""), rng)
    small = np.stack([prepare(film, card.input_size) for film in films])
    logits, scope = judge_films(module, small, CPU)
    p = 1 - softmax(logits, card.temperature)[:, card.labels.index(card.negative_label)]
    limit = np.inf if card.scope_limit is None else card.scope_limit
    return Made(severity, healthy, p, scope > limit)


def tuned(made: Made, before: Severity, seed: int) -> Severity:
    """The mean severity of sick films, in steps of .02, whose AUROC is nearest to WANTED."""
    found = []
    for mean in np.arange(0.14, 0.90, 0.02).tolist():
        sick = round(SHARPNESS * mean, 2), round(SHARPNESS * (1 - mean), 2)
        candidate = Severity(before.healthy, sick, before.clear)
        area = made.as_drawn(candidate, np.random.default_rng(seed))["auroc"]
        found.append((abs(area - WANTED), candidate))
    return min(found, key=lambda one: one[0])[1]


def _beta(x: np.ndarray, a: float, b: float) -> np.ndarray:
    """Density of the Beta distribution up to a constant."""
    x = np.clip(x, 1e-3, 1 - 1e-3)
    return np.asarray(x ** (a - 1) * (1 - x) ** (b - 1))


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=checkpoint.SHIPPED)
    parser.add_argument("--out", type=Path, default=SEVERITY)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--check", action="store_true", help="only say it, change nothing")
    args = parser.parse_args()
    generator = Generator.load()
    made = make(generator, args.model, args.seed)
    before = generator.severity
    severity = before if args.check else tuned(made, before, args.seed)
    found = made.as_drawn(severity, np.random.default_rng(args.seed))
    version = checkpoint.read_card(args.model).model_version
    print(json.dumps(asdict(severity) | {"model_version": version} | found, indent=2))
    if found["out_of_scope"] > MOST_OUT:
        raise UserError(
            f"{found['out_of_scope']:.1%} of the films are out of scope, of 2 % at most"
        )
    if not args.check:
        content = asdict(severity) | {"tuned_to": version, "measured": found}
        args.out.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
