"""Heat maps: they add up to the score, find a planted artefact, and what they mark matters."""

import io
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from inference import checkpoint
from inference.datasets import read_dataset
from inference.explain import _evidence, heat, log_odds
from inference.films import load_films
from inference.generator import Generator
from inference.network import Classifier
from inference.overlay import overlay
from inference.preprocess import prepare
from inference.records import ModelCard
from inference.scoring import score, to_tensor
from tests.inference.films import SHARED
from tests.inference.tiny import CPU, SIZE, films_marked_at, made_card, trained_on

CORNER = slice(2, 14)


def test_evidence_adds_up_to_the_score() -> None:
    """Of a network with two classes the log-odds are the evidence's mean and the biases."""
    pixels, positive = films_marked_at(CORNER, CORNER, 96, seed=1)
    module, card = trained_on(pixels, positive, steps=10), made_card(temperature=1.7)
    film = to_tensor(pixels[:1], CPU).float()
    bias = module.classifier[1].bias.detach()
    (evidence,) = _evidence(module, card, film)
    total = evidence.mean(dim=(1, 2)).sum() + (bias[1] - bias[0]) / 1.7
    assert float(total) == pytest.approx(float(log_odds(card, module(film))[0].detach()), abs=1e-4)


def test_a_planted_artefact_is_shown() -> None:
    module = trained_on(*films_marked_at(CORNER, CORNER, 192, seed=1))
    pixels, positive = films_marked_at(CORNER, CORNER, 16, seed=2)
    card = made_card()
    maps = [heat(module, card, film) for film in pixels[positive]]
    shares = [found[:18, :18].sum() / found.sum() for found in maps]
    shown = [(found[:24, :24] ** 2).sum() / (found**2).sum() for found in maps]
    assert np.mean(shares) > 0.5  # in a seventh of the film
    assert np.mean(shown) > 0.85  # in the corner's quarter: colours fade with the square of heat
    assert all(np.unravel_index(found.argmax(), found.shape)[0] < 18 for found in maps)
    healthy = np.mean([heat(module, card, film).max() for film in pixels[~positive]])
    assert healthy < 0.5 * np.mean([found.max() for found in maps])


def test_the_heat_of_a_mirrored_film_is_mirrored() -> None:
    module = trained_on(*films_marked_at(CORNER, CORNER, 96, seed=1), steps=10)
    film = films_marked_at(CORNER, CORNER, 2, seed=3)[0][1]
    mirrored = heat(module, made_card(), np.ascontiguousarray(film[:, ::-1]))
    np.testing.assert_allclose(mirrored[:, ::-1], heat(module, made_card(), film), atol=1e-4)


def test_the_hottest_fifth_matters_most_on_generated_films() -> None:
    rng = np.random.default_rng(5)
    generator = Generator.load()
    module, card = checkpoint.load(checkpoint.shipped_model())
    films = generator.sample(np.full(8, 0.9), np.array(["bacteria", "virus"] * 4), rng)
    _check_deletion(module, card, np.stack([prepare(film, card.input_size) for film in films]))


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the films of ../shared")
def test_the_hottest_fifth_matters_most_on_real_films() -> None:
    module, card = checkpoint.load(checkpoint.shipped_model())
    films = read_dataset(SHARED / "incoming" / "reference_labels.csv")
    sick = [film for film in films if film.label == "PNEUMONIA"][:8]
    _check_deletion(module, card, load_films(sick, card.input_size)[1])


def _check_deletion(module: Classifier, card: ModelCard, pixels: np.ndarray) -> None:
    """Deletion (Petsiuk 2018, arXiv:1806.07421): the hottest pixels take most of the score."""
    rng = np.random.default_rng(1)
    drops = []
    for film in pixels:
        found = heat(module, card, film)
        random = np.array(
            Image.fromarray(rng.random((5, 5), dtype=np.float32)).resize(film.shape)
        )  # patches, as coarse as the heat: single random pixels would be another kind of damage
        changed = np.stack([film, *(_without(film, one) for one in (found, random, -found))])
        odds = log_odds(card, torch.from_numpy(score(module, changed, CPU))).numpy()
        drops.append(odds[0] - odds[1:])
    hottest, random_fifth, coldest = np.mean(drops, axis=0)
    assert hottest > random_fifth + 0.2
    assert hottest > coldest + 0.2


def _without(film: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The film with the fifth of highest `order` replaced by its mean."""
    masked = order > np.quantile(order, 0.8)
    if masked.mean() < 0.15:  # ties at the limit, as where nothing speaks for the disease
        masked = np.zeros(film.size, dtype=bool)
        masked[np.argsort(order, axis=None, kind="stable")[-film.size // 5 :]] = True
        masked = masked.reshape(film.shape)
    return np.where(masked, np.uint8(film.mean()), film)


def test_an_overlay_is_a_png_of_the_films_size_without_metadata() -> None:
    film = np.full((120, 300), 90, dtype=np.uint8)
    warm = np.zeros((SIZE, SIZE), dtype=np.float32)
    warm[10:20, 5:15] = 1
    content = overlay(film, warm, 0.97)
    assert _chunks(content) == {b"IHDR", b"IDAT", b"IEND"}
    with Image.open(io.BytesIO(content)) as image:
        picture = np.asarray(image).astype(int)
    assert picture.shape == (120, 300, 3)
    hot, cold = picture[36, 62], picture[20, 200]
    assert cold.tolist() == [90, 90, 90]
    assert hot[0] > hot[2] + 40  # yellow, not grey
    assert (picture[-12:] > 200).any()  # the caption
    faint = np.asarray(Image.open(io.BytesIO(overlay(film, warm, 0.02)))).astype(int)
    assert np.abs(faint[36, 62] - 90).max() < 10


@pytest.mark.parametrize("shape", [(20, 20), (1000, 60), (60, 1000)])
@pytest.mark.parametrize("depth", [np.uint8, np.uint16])
def test_films_of_any_shape_get_an_overlay(shape: tuple[int, int], depth: type) -> None:
    film = np.random.default_rng(0).integers(0, 200, shape).astype(depth)
    content = overlay(film, np.zeros((5, 5), dtype=np.float32), 0.5)
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == shape[::-1]


def _chunks(content: bytes) -> set[bytes]:
    names, at = set(), 8
    while at < len(content):
        names.add(content[at + 4 : at + 8])
        at += 12 + int.from_bytes(content[at : at + 4], "big")
    return names


def test_lightness_rises_with_heat() -> None:
    from inference.overlay import COLOURS

    light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in COLOURS]
    assert all(lower < higher for lower, higher in pairwise(light))
