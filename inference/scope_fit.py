"""Fits a finished network's scope score and its two limits; no picture but films is needed

The outliers are made by code, half of them out of films (outlier exposure, Hendrycks et al.
2019, arXiv:1812.04606); the score is then a logistic regression on middle layers, which keep
what fine-tuning for one disease forgets in the last.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from inference import checkpoint
from inference.drawn_outliers import DRAWN
from inference.judging import shifted
from inference.network import Classifier
from inference.recipe import Recipe, read_recipe
from inference.records import ModelCard
from inference.sampling import Balanced
from inference.scope_head import Scope, taps_of
from inference.scoring import SCORING_BATCH, judge_films, to_tensor
from inference.spoilt_films import SPOILT
from inference.training_data import Part, TrainingData, gather

FILMS_A_SOURCE = 500  # each as it is and in an augmented view
OUTLIERS = 1600
OUTLIERS_HELD = 400  # for the limits, made of other patients' films
RIDGE = 0.1  # penalty on the weights; small ones carry over to hospitals not seen
SOFT_SHARE, HARD_SHARE = 0.01, 0.001  # of good films, at most
CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True)
class Limits:
    """Scores above `soft` are out of scope, above `hard` no chest film at all."""

    soft: float
    hard: float
    report: dict[str, object]  # shares beyond them, for the card


def fit_scope(module: Classifier, data: TrainingData, recipe: Recipe) -> Scope:
    """The score of a network (on the CPU, in evaluation mode), sources and classes balanced."""
    rng = np.random.default_rng(recipe.seed)
    films = data.train.pixels[_balanced(data.train, recipe, rng)]
    taps = taps_of(module.features)
    views = shifted(films, recipe.seed)
    inside = _features(module, np.concatenate([films, views]), taps)
    made = outliers(films, min(OUTLIERS, 4 * len(films)), rng)
    return _regression(inside, _features(module, made, taps), taps)


def scope_limits(
    module: Classifier, part: Part, plain: np.ndarray, moved: np.ndarray, seed: int
) -> Limits:
    """The limits, from films of held-back patients as they are and in a shifted view.

    Quantiles weigh every source alike. Films of hospitals not seen lie further out, so each
    limit goes half way to what lies beyond: the hard one from the films' 99.9 % quantile to
    the 2 % quantile of outliers, the soft one from their 99 % quantile to the hard one. A
    shifted view is stranger than a hospital: of those the hard one asks for 99 %.
    """
    made = outliers(part.pixels, min(OUTLIERS_HELD, 4 * len(plain)), np.random.default_rng(seed))
    far = judge_films(module, made, CPU)[1]
    scores, sources = np.concatenate([plain, moved]), np.tile(part.sources, 2)
    ordinary = quantile_by_source(scores, sources, 1 - SOFT_SHARE)
    strange = max(
        quantile_by_source(plain, part.sources, 1 - HARD_SHARE),
        quantile_by_source(moved, part.sources, 1 - SOFT_SHARE),
    )
    hard = strange + max(0.0, float(np.quantile(far, 0.02)) - strange) / 2
    soft = ordinary + (hard - ordinary) / 2
    return Limits(round(soft, 4), round(hard, 4), _report(part, plain, moved, far, soft, hard))


def outliers(films: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, s, s) uint8 pictures that are no frontal films, of all kinds in turn."""
    size = films.shape[-1]
    made = np.empty((count, size, size), dtype=np.uint8)
    for index in range(count):
        kind, spoil = divmod(index, 2)
        if spoil:
            film = films[rng.integers(len(films))]
            made[index] = SPOILT[kind % len(SPOILT)](film, rng)
        else:
            made[index] = DRAWN[kind % len(DRAWN)](size, rng)
    return made


def quantile_by_source(scores: np.ndarray, sources: np.ndarray, level: float) -> float:
    """The smallest score that a share of `level` of the films reaches at most, each source
    having the same weight."""
    _, which, counts = np.unique(sources, return_inverse=True, return_counts=True)
    order = np.argsort(scores)
    weight = (1 / counts)[which][order]
    reached = np.searchsorted(np.cumsum(weight), level * weight.sum() - 1e-9)
    return float(scores[order][min(int(reached), len(scores) - 1)])


def _balanced(part: Part, recipe: Recipe, rng: np.random.Generator) -> np.ndarray:
    """Indices of equally many films of each source, balanced within as the recipe says."""
    chosen: list[int] = []
    for name in np.unique(part.sources).tolist():
        own = np.flatnonzero(part.sources == name).tolist()
        drawer = Balanced(part.films, own, recipe.source(name).balance)
        chosen += [drawer.draw(rng) for _ in range(min(FILMS_A_SOURCE, len(own)))]
    return np.array(chosen)


@torch.inference_mode()
def _features(module: Classifier, films: np.ndarray, taps: Sequence[int]) -> torch.Tensor:
    parts = [
        module.scope_features(to_tensor(films[at : at + SCORING_BATCH], CPU), taps)
        for at in range(0, len(films), SCORING_BATCH)
    ]
    return torch.cat(parts)


def _regression(inside: torch.Tensor, outside: torch.Tensor, taps: Sequence[int]) -> Scope:
    """Ridge-penalised logistic regression, both sides of equal weight, by L-BFGS."""
    scope = Scope(taps, inside.shape[1])
    scope.mean.copy_(inside.mean(dim=0))
    scope.spread.copy_(inside.std(dim=0) + 1e-4)
    films, others = scope.standardised(inside), scope.standardised(outside)
    weight = torch.zeros(inside.shape[1], requires_grad=True)
    bias = torch.zeros(1, requires_grad=True)
    optimiser = torch.optim.LBFGS([weight, bias], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        below = functional.softplus(films @ weight + bias).mean()
        above = functional.softplus(-(others @ weight) - bias).mean()
        total = (below + above) / 2 + RIDGE / 2 * weight.square().sum()
        total.backward()  # type: ignore[no-untyped-call]
        return total

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    scope.weight.copy_(weight.detach())
    scope.bias.copy_(bias.detach())
    return scope


def _report(
    part: Part, plain: np.ndarray, moved: np.ndarray, far: np.ndarray, soft: float, hard: float
) -> dict[str, object]:
    groups = {name: plain[part.sources == name] for name in np.unique(part.sources).tolist()}
    groups |= {"shifted": moved, "outliers": far}
    return {
        name: {
            "n": len(scores),
            "beyond_soft": round(float((scores > soft).mean()), 4),
            "beyond_hard": round(float((scores > hard).mean()), 4),
        }
        for name, scores in groups.items()
    }


def refit(model: Path, data: TrainingData, recipe: Recipe, out: Path) -> ModelCard:
    """A saved model with its scope fitted anew, written to `out`; its logits stay the same."""
    module, card = checkpoint.load(model)
    module.scope = fit_scope(module, data, recipe)
    part = data.validation
    plain = judge_films(module, part.pixels, CPU)[1]
    moved = judge_films(module, shifted(part.pixels, recipe.seed), CPU)[1]
    limits = scope_limits(module, part, plain, moved, recipe.seed)
    card = replace(
        card,
        scope_limit=limits.soft,
        scope_hard_limit=limits.hard,
        validation=card.validation | {"scope": limits.report},
    )
    return checkpoint.save(out, module, card)


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", type=Path, help="what the model was trained on")
    parser.add_argument("--recipe", type=Path, required=True, help="how it was trained")
    parser.add_argument("--model", type=Path, default=checkpoint.SHIPPED)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    recipe = read_recipe(args.recipe)
    card = refit(args.model, gather(args.datasets, recipe), recipe, args.out)
    print(f"soft {card.scope_limit} hard {card.scope_hard_limit} {card.validation['scope']}")


if __name__ == "__main__":
    main()
