"""The generator: films that pass for films, that the model finds neither too easy nor too
hard, and from which no patient's film can be had back."""

from dataclasses import fields

import numpy as np
import pytest

from inference.build_generator import LARGEST_SHARE, energy_shares, principal_components
from inference.datasets import read_dataset
from inference.films import load_films
from inference.generator import CLEAREST, FILM_SIZE, SHIPPED, Generator
from inference.metrics import auroc
from inference.predictor import Predictor
from inference.preprocess import prepare
from ingest import gate
from tests.inference.films import SHARED

TRAINING = SHARED / "kermany224" / "train"


@pytest.fixture(scope="module")
def generator() -> Generator:
    return Generator.load()


def _films(generator: Generator, n: int, severity: float, seed: int) -> np.ndarray:
    causes = np.array(["bacteria", "virus"])[np.arange(n) % 2]
    return generator.sample(np.full(n, severity), causes, np.random.default_rng(seed))


def test_films_are_bytes_and_the_same_seed_gives_the_same(generator: Generator) -> None:
    first = _films(generator, 3, 0.5, seed=4)
    assert first.shape == (3, FILM_SIZE, FILM_SIZE)
    assert first.dtype == np.uint8
    assert np.array_equal(first, _films(generator, 3, 0.5, seed=4))
    assert not np.array_equal(first, _films(generator, 3, 0.5, seed=5))
    assert len({film.tobytes() for film in first}) == 3


def test_films_pass_the_gate_that_every_film_passes(generator: Generator) -> None:
    for severity in (0.0, 0.5, 1.0):
        for film in _films(generator, 20, severity, seed=6):
            gate.check(film, min_side=96)
            assert gate.measure(film).correlation > 0.7
            assert film.min() < 80
            assert 60 < film.mean() < 190


def test_what_is_no_severity_or_cause_is_refused(generator: Generator) -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="severity"):
        generator.sample(np.array([1.2]), np.array([""]), rng)
    with pytest.raises(ValueError, match="one aetiology for each"):
        generator.sample(np.array([0.2, 0.3]), np.array([""]), rng)
    with pytest.raises(ValueError, match="aetiology is"):
        generator.sample(np.array([0.2]), np.array(["fungus"]), rng)


def test_sick_films_are_drawn_more_severe(generator: Generator) -> None:
    rng = np.random.default_rng(1)
    healthy = generator.sample_severity(500, "NORMAL", rng)
    sick = generator.sample_severity(500, "PNEUMONIA", rng)
    assert healthy.min() >= CLEAREST
    assert sick.max() <= 1
    assert healthy.mean() + 0.2 < sick.mean()
    assert np.quantile(sick, 0.1) < np.quantile(sick, 0.9) - 0.3  # mild ones and grave ones


def test_the_shipped_model_finds_them_neither_trivial_nor_hopeless(generator: Generator) -> None:
    rng = np.random.default_rng(2)
    predictor = Predictor(device="cpu")
    positive = np.arange(400) >= 200
    severity = np.concatenate(
        [generator.sample_severity(200, name, rng) for name in ("NORMAL", "PNEUMONIA")]
    )
    films = generator.sample(severity, np.full(400, ""), rng)
    small = np.stack([prepare(film, predictor.card.input_size) for film in films])
    p = predictor.probabilities(small)[:, 0]
    assert 0.88 <= auroc(positive, p) <= 0.98
    called = p >= predictor.card.thresholds["surveillance"]
    assert called[positive].mean() > 0.6
    assert called[~positive].mean() < 0.4


def test_the_file_is_small_and_holds_no_film_by_itself(generator: Generator) -> None:
    assert SHIPPED.stat().st_size <= 8e6
    assert generator.largest_share <= LARGEST_SHARE
    stored = {field.name: getattr(generator, field.name) for field in fields(Generator)}
    assert stored["components"].dtype == np.int8
    scale = np.linalg.norm(stored["components"].reshape(len(stored["scales"]), -1), axis=1)
    np.testing.assert_allclose(scale * stored["scales"], 1, atol=0.02)  # unit directions


def test_components_are_those_of_the_exact_decomposition() -> None:
    rng = np.random.default_rng(0)
    rows = (rng.normal(size=(200, 60)) * np.linspace(8, 0.1, 60)).astype(np.float32)
    rows -= rows.mean(axis=0)
    found = principal_components(rows, 5, rng)
    exact = np.linalg.svd(rows, full_matrices=False)[2][:5]
    np.testing.assert_allclose(np.abs(np.sum(found * exact, axis=1)), 1, atol=1e-2)


def test_a_film_that_dominates_a_component_is_seen() -> None:
    scores = np.random.default_rng(0).normal(size=(1000, 4))
    assert energy_shares(scores).max() < 0.03
    scores[17, 2] = 30
    assert np.argmax(energy_shares(scores)) == 17
    assert energy_shares(scores)[17] > 0.4


@pytest.mark.skipif(not TRAINING.is_dir(), reason="needs the children's films of ../shared")
def test_no_film_is_nearer_to_a_real_one_than_real_ones_are_to_each_other(
    generator: Generator,
) -> None:
    side = generator.mean.shape[0]
    real = read_dataset(TRAINING)[::3]  # all of them give the same answer in a minute
    kept, pixels, _ = load_films(real, side)
    patients = np.array([film.patient for film in kept])
    truth = _unit(pixels)
    rng = np.random.default_rng(3)
    severity = rng.random(150).astype(np.float32)
    made = _unit(generator.coarse(severity, rng.choice(["bacteria", "virus"], 150), rng))
    chosen = rng.permutation(len(truth))[:300]
    between = truth[chosen] @ truth.T
    between[patients[chosen][:, None] == patients[None, :]] = -1  # other patients' films only
    nearest_made = (made @ truth.T).max(axis=1)
    nearest_real = between.max(axis=1)
    assert np.median(nearest_made) <= np.median(nearest_real)
    assert nearest_made.max() <= np.quantile(nearest_real, 0.99)


def _unit(films: np.ndarray) -> np.ndarray:
    flat = films.reshape(len(films), -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    return np.asarray(flat / np.linalg.norm(flat, axis=1, keepdims=True))
