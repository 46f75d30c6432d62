"""Whom the shipped model's scope lets in and keeps out. Real films: those of ../shared."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from sklearn.datasets import load_sample_images

from inference import checkpoint
from inference.datasets import Film, read_dataset
from inference.films import load_films
from inference.generator import Generator
from inference.network import Classifier
from inference.preprocess import prepare
from inference.recipe import RECIPES, read_recipe
from inference.records import ModelCard
from inference.scope_fit import CPU, outliers
from inference.scoring import judge_films
from inference.training_data import admitted, partition
from inference.tune_generator import MOST_OUT, WANTED, make, tuned
from tests.inference.films import SHARED

pytestmark = pytest.mark.skipif(
    checkpoint.read_card(checkpoint.SHIPPED).scope_limit is None,
    reason="the shipped model has no scope score",
)
real = pytest.mark.skipif(not SHARED.is_dir(), reason="needs the films of ../shared")


@pytest.fixture(scope="module")
def model() -> tuple[Classifier, ModelCard]:
    return checkpoint.load(checkpoint.SHIPPED)


def _beyond(
    model: tuple[Classifier, ModelCard], films: list[np.ndarray] | np.ndarray
) -> tuple[float, float]:
    """Shares beyond the soft and the hard limit."""
    module, card = model
    small = np.stack([prepare(film, card.input_size) for film in films])
    scores = judge_films(module, small, CPU)[1]
    assert card.scope_limit is not None
    assert card.scope_hard_limit is not None
    assert card.scope_limit < card.scope_hard_limit
    return float((scores > card.scope_limit).mean()), float((scores > card.scope_hard_limit).mean())


def _read(files: list[Path], size: int) -> np.ndarray:
    return load_films([Film(file, "?", "?", "?") for file in files], size)[1]


def test_the_demos_films_are_in_scope_and_some_are_doubtful() -> None:
    made = make(Generator.load(), checkpoint.SHIPPED, seed=7, count=150)
    found = made.as_drawn(Generator.load().severity, np.random.default_rng(7))
    assert found["out_of_scope"] <= MOST_OUT
    assert 0.88 <= found["auroc"] <= 0.985
    assert found["doubtful"] >= 0.05


def test_photographs_and_drawn_pictures_are_refused(
    model: tuple[Classifier, ModelCard],
) -> None:
    photos = [image.mean(axis=2).astype(np.uint8) for image in load_sample_images().images]
    parts = [photo[:400, at : at + 400] for photo in photos for at in (0, 100, 200)]
    assert _beyond(model, photos + parts)[1] == 1
    films = Generator.load().sample(np.linspace(0, 1, 8), np.full(8, ""), np.random.default_rng(3))
    small = np.stack([prepare(film, 224) for film in films])
    assert _beyond(model, outliers(small, 80, np.random.default_rng(4)))[1] >= 0.95
    turned = [np.rot90(film, turns) for film in small for turns in (1, 2, 3)]
    assert _beyond(model, [*turned, *(255 - small)])[0] >= 0.95


@real
def test_children_of_other_patients_at_their_original_size(
    model: tuple[Classifier, ModelCard],
) -> None:
    files = sorted((SHARED / "incoming" / "images").iterdir())[::3]
    soft, hard = _beyond(model, _read(files, model[1].input_size))
    assert soft <= 0.02
    assert hard <= 0.01


@pytest.mark.proof
@real
def test_adults_of_other_patients_and_of_hospitals_not_trained_on(
    model: tuple[Classifier, ModelCard],
) -> None:
    recipe = read_recipe(RECIPES / "shipped.toml")
    films = read_dataset(SHARED / "adults")
    _, held = partition(admitted(films, recipe), recipe.validation_share, recipe.seed)
    own = [film.file for film in held if film.source == "nih"]
    assert _beyond(model, _read(own, model[1].input_size))[0] <= 0.05
    others = [film.file for film in films if film.extra["redistributable"] != "yes"][::25]
    soft, hard = _beyond(model, _read(others, model[1].input_size))
    assert soft <= 0.05
    assert hard <= 0.03


@real
def test_radiographs_of_other_parts_of_the_body_are_refused(
    model: tuple[Classifier, ModelCard],
) -> None:
    names = ("xray_wg04_rg3_extremity_j2k", "xray_dental_panoramic_modlut", "ct_small")
    files = [SHARED / "dicom" / f"{name}.dcm" for name in names]
    # Their headers refuse them already; here only their pixels are asked.
    films = [one - one.min() for one in map(_stored, files)]
    assert _beyond(model, [film.astype(np.uint16) for film in films])[1] == 1


def _stored(file: Path) -> np.ndarray:
    return np.asarray(pydicom.dcmread(file).pixel_array).astype(np.int32)


@pytest.mark.proof
def test_tuning_makes_harder_films_for_a_model_that_is_too_sure() -> None:
    made = make(Generator.load(), checkpoint.SHIPPED, seed=8, count=150)
    before = Generator.load().severity
    after = tuned(made, before, seed=8)
    assert after.healthy == before.healthy
    areas = [made.as_drawn(one, np.random.default_rng(8))["auroc"] for one in (before, after)]
    assert abs(areas[1] - WANTED) <= abs(areas[0] - WANTED) + 0.005
