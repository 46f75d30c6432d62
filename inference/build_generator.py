"""Makes `weights/generator.npz` from labelled films: python -m inference.build_generator.

Films are standardised, their principal components taken together for all classes, and each
class's coefficients described by a Gaussian. A film that alone makes up more than
LARGEST_SHARE of any component's energy is dropped and the components are taken again, so
that no component is one patient's film; what is kept of a class is a mean and a covariance.
Films are taken in a seeded order: the same films give the same file.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from inference.datasets import Film, read_dataset
from inference.films import load_films
from inference.generator import CAUSES, SHIPPED
from ingest.errors import UserError

SIZE = 112
COMPONENTS = 300
PER_CLASS = 1250
LARGEST_SHARE = 0.01
ROUNDS = 12
EXAGGERATION = 2.0  # of the classes' means: soft films look sicker than they are meant to
SHRINKAGE = 0.05  # of the off-diagonal covariance: 300 coefficients from 1,250 films


def build(films: Sequence[Film], seed: int = 1) -> dict[str, np.ndarray]:
    """The arrays of the file. Raises UserError when a class or a cause is missing."""
    rng = np.random.default_rng(seed)
    chosen, names = _choose(films, rng)
    chosen, pixels, _ = load_films(chosen, SIZE)
    names = np.array([_name(film) for film in chosen])
    flat = pixels.reshape(len(pixels), -1).astype(np.float32)
    tone = np.stack([flat.mean(axis=1), flat.std(axis=1)], axis=1)
    flat -= tone[:, :1]
    flat /= tone[:, 1:] + 1
    return _describe(flat, names, tone, rng)


def _describe(
    flat: np.ndarray, names: np.ndarray, tone: np.ndarray, rng: np.random.Generator
) -> dict[str, np.ndarray]:
    flat, names, mean, components, scores = _trimmed(flat, names, rng)
    residual = (flat - mean - scores @ components).std(axis=0)
    steps = np.abs(components).max(axis=1) / 127
    arrays: dict[str, np.ndarray] = {
        "mean": _square(mean).astype(np.float16),
        "components": np.rint(components / steps[:, None]).astype(np.int8).reshape(-1, SIZE, SIZE),
        "scales": steps.astype(np.float32),
        "texture": _square(residual).astype(np.float16),
        "tone": np.stack([tone.mean(axis=0), tone.std(axis=0)]).astype(np.float32),
        "largest_share": energy_shares(scores).max().astype(np.float32),
        "films": np.array(len(flat)),
    }
    classes = {name: scores[names == name] for name in ("normal", *CAUSES)}
    middle = np.mean([own.mean(axis=0) for own in classes.values()], axis=0)
    for name, own in classes.items():
        shifted = middle + EXAGGERATION * (own.mean(axis=0) - middle)
        arrays[f"{name}_mean"] = shifted.astype(np.float32)
        arrays[f"{name}_root"] = _root(own).astype(np.float16)
    return arrays


def energy_shares(scores: np.ndarray) -> np.ndarray:
    """(n,) each film's largest share of any component's energy, of (n, k) scores."""
    energy = scores**2
    return np.asarray((energy / energy.sum(axis=0)).max(axis=1))


def principal_components(centred: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """(count, d) orthonormal directions of largest variance of (n, d) centred rows.

    Randomised range finder with two power iterations (Halko et al. 2011, algorithm 4.4).
    """
    width = min(count + 30, *centred.shape)
    basis = centred @ rng.standard_normal((centred.shape[1], width), dtype=np.float32)
    for _ in range(2):
        basis = np.linalg.qr(centred @ (centred.T @ np.linalg.qr(basis)[0]))[0]
    _, _, directions = np.linalg.svd(basis.T @ centred, full_matrices=False)
    return np.asarray(directions[:count])


def _trimmed(
    flat: np.ndarray, names: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Films without those that dominate a component; mean, components and scores of the rest."""
    for _ in range(ROUNDS):
        mean = flat.mean(axis=0)
        components = principal_components(flat - mean, COMPONENTS, rng)
        scores = (flat - mean) @ components.T
        kept = energy_shares(scores) <= LARGEST_SHARE
        print(f"{len(kept)} films, {(~kept).sum()} of them dominate a component")
        if kept.all():
            return flat, names, mean, components, scores
        flat, names = flat[kept], names[kept]
    raise UserError("some films still dominate a component: more films are needed")


def _root(scores: np.ndarray) -> np.ndarray:
    """The symmetric square root of the shrunken covariance: it interpolates between classes."""
    covariance = np.cov(scores, rowvar=False)
    covariance += SHRINKAGE * (np.diag(np.diag(covariance)) - covariance)
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T)


def _choose(films: Sequence[Film], rng: np.random.Generator) -> tuple[list[Film], np.ndarray]:
    names = np.array([_name(film) for film in films])
    chosen: list[int] = []
    for name in ("normal", *CAUSES):
        own = np.flatnonzero(names == name)
        if len(own) < 10:
            raise UserError(f"only {len(own)} films are {name}: the generator needs all classes")
        chosen += rng.permutation(own)[:PER_CLASS].tolist()
    return [films[index] for index in chosen], names[chosen]


def _name(film: Film) -> str:
    return film.aetiology or ("normal" if film.label.casefold() == "normal" else "")


def _square(flat: np.ndarray) -> np.ndarray:
    return flat.reshape(SIZE, SIZE)


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path, help="children's films, normal and by cause")
    parser.add_argument("--out", type=Path, default=SHIPPED)
    args = parser.parse_args()
    arrays = build(read_dataset(args.dataset))
    np.savez_compressed(args.out, allow_pickle=False, **arrays)


if __name__ == "__main__":
    main()
