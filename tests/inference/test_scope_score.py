"""The scope score: films are in, what is no chest film is out, and it exports with the logits"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from PIL import Image
from sklearn.datasets import load_sample_images

from inference import checkpoint, scope_report
from inference.datasets import Film
from inference.drawn_outliers import DRAWN, page_of_text
from inference.export import onnx_bytes
from inference.generator import Generator
from inference.labels import scheme_of
from inference.network import ARCHITECTURES, Classifier, build
from inference.preprocess import prepare
from inference.recipe import Recipe
from inference.records import ModelCard
from inference.scope_fit import (
    Limits,
    fit_scope,
    outliers,
    quantile_by_source,
    scope_limits,
)
from inference.scope_head import Scope, pooled, taps_of
from inference.scoring import judge_films, score
from inference.spoilt_films import SPOILT
from inference.training_data import Part, TrainingData
from ingest.errors import UserError

CPU = torch.device("cpu")
SIZE = 64


def _part(n: int, seed: int) -> Part:
    """Generated films, half of them healthy, as if from two sources."""
    rng = np.random.default_rng(seed)
    severity = np.where(np.arange(n) % 2, 0.9, 0.05)
    films = Generator.load().sample(severity, np.full(n, ""), rng)
    names = ("NORMAL", "PNEUMONIA")
    rows = [
        Film(Path(f"{index}.png"), names[index % 2], f"p{index}", f"source-{index // 2 % 2}")
        for index in range(n)
    ]
    return Part(rows, np.stack([prepare(film, SIZE) for film in films]))


@pytest.fixture(scope="module")
def fitted() -> tuple[Classifier, Limits, np.ndarray]:
    """A network of random weights with its scope, its limits, and films that it never saw."""
    torch.manual_seed(0)
    module = build("small", 2).eval()
    train, held, unseen = _part(160, 1), _part(60, 2), _part(60, 3)
    data = TrainingData(train, held, scheme_of(train.films, None), 0)
    module.scope = fit_scope(module, data, Recipe(architecture="small", size=SIZE))
    own = judge_films(module, held.pixels, CPU)[1]
    return module, scope_limits(module, held, own, own, seed=4), unseen.pixels


def test_films_of_others_are_in_scope(fitted: tuple[Classifier, Limits, np.ndarray]) -> None:
    module, limits, unseen = fitted
    scores = judge_films(module, unseen, CPU)[1]
    assert limits.soft < limits.hard
    assert (scores > limits.soft).mean() <= 0.02
    assert (scores > limits.hard).mean() == 0


def test_photographs_text_and_turned_films_are_out(
    fitted: tuple[Classifier, Limits, np.ndarray],
) -> None:
    module, limits, unseen = fitted
    rng = np.random.default_rng(5)
    planted = [prepare(_gray(image), SIZE) for image in load_sample_images().images]
    planted += [page_of_text(SIZE, rng) for _ in range(4)]
    planted += [np.rot90(film).copy() for film in unseen[:10]]
    assert (judge_films(module, np.stack(planted), CPU)[1] > limits.soft).mean() >= 0.8
    made = outliers(unseen, 200, rng)
    assert (judge_films(module, made, CPU)[1] > limits.hard).mean() >= 0.8


def test_the_logits_stay_and_the_batch_does_not_matter(
    fitted: tuple[Classifier, Limits, np.ndarray],
) -> None:
    module, _, unseen = fitted
    logits, together = judge_films(module, unseen[:9], CPU)
    np.testing.assert_array_equal(logits, score(module, unseen[:9], CPU))
    alone = np.concatenate([judge_films(module, film[None], CPU)[1] for film in unseen[:9]])
    np.testing.assert_allclose(together, alone, rtol=1e-4, atol=1e-5)
    mirrored = judge_films(module, unseen[:9, :, ::-1].copy(), CPU)[1]
    np.testing.assert_allclose(together, mirrored, rtol=1e-4, atol=1e-5)


def test_the_exported_graph_says_the_same(
    fitted: tuple[Classifier, Limits, np.ndarray],
) -> None:
    module, _, unseen = fitted
    graph = onnx_bytes(module, unseen.shape[-1])
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found = session.run(["logits", "scope"], {"films": unseen[:6, None]})
    for one, expected in zip(found, judge_films(module, unseen[:6], CPU), strict=True):
        np.testing.assert_allclose(one, expected, rtol=1e-4, atol=1e-4)


def test_a_model_is_saved_with_its_scope_or_without(
    fitted: tuple[Classifier, Limits, np.ndarray], tmp_path: Path
) -> None:
    module, _, unseen = fitted
    described = _card()
    checkpoint.save(tmp_path, module, described)
    again, _ = checkpoint.load(tmp_path)
    expected = judge_films(module, unseen[:4], CPU)[1]
    np.testing.assert_array_equal(judge_films(again, unseen[:4], CPU)[1], expected)
    checkpoint.save(tmp_path / "bare", build("small", 2), described)
    bare, _ = checkpoint.load(tmp_path / "bare")
    assert bare.scope is None
    assert np.isnan(judge_films(bare, unseen[:4], CPU)[1]).all()


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_every_architecture_has_layers_to_look_at(name: str) -> None:
    module = build(name, 2).eval()
    taps = taps_of(module.features)
    films = torch.randint(0, 256, (2, 1, 96, 96), dtype=torch.uint8)
    with torch.inference_mode():
        features = module.scope_features(films, taps)
    assert features.shape[0] == 2
    assert torch.isfinite(features).all()
    module.scope = Scope(taps, features.shape[1])
    assert module.judge(films)[1].tolist() == [0, 0]


def test_features_are_means_over_a_grid_and_deviations() -> None:
    rng = np.random.default_rng(0)
    first = rng.normal(size=(2, 3, 8, 8)).astype(np.float32)
    last = rng.normal(size=(2, 5, 2, 2)).astype(np.float32)
    found = pooled([torch.from_numpy(first), torch.from_numpy(last)]).numpy()
    cells = first.reshape(2, 3, 4, 2, 4, 2).mean(axis=(3, 5)).reshape(2, -1)
    spread = first.std(axis=(2, 3)), last.std(axis=(2, 3))
    expected = np.hstack([cells, spread[0], last.mean(axis=(2, 3)), spread[1]])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_quantiles_weigh_sources_alike() -> None:
    scores = np.concatenate([np.zeros(900), np.ones(100)])
    sources = np.array(["large"] * 900 + ["small"] * 100)
    assert quantile_by_source(scores, sources, 0.49) == 0
    assert quantile_by_source(scores, sources, 0.51) == 1
    assert quantile_by_source(np.arange(10.0), np.full(10, "one"), 0.9) == 8
    assert quantile_by_source(np.arange(10.0), np.full(10, "one"), 1.0) == 9


@pytest.mark.parametrize("size", [24, 160])
def test_every_kind_of_outlier_can_be_drawn_at_any_size(size: int) -> None:
    film = np.random.default_rng(9).integers(0, 256, (size, size), dtype=np.uint8)
    for seed in range(4):
        rng = np.random.default_rng(seed)
        made = [draw(size, rng) for draw in DRAWN] + [spoil(film, rng) for spoil in SPOILT]
        assert all(one.shape == (size, size) and one.dtype == np.uint8 for one in made)
        assert not any(np.array_equal(one, film) for one in made)


def test_the_report_counts_folders(
    fitted: tuple[Classifier, Limits, np.ndarray], tmp_path: Path
) -> None:
    module, limits, unseen = fitted
    model, films, photos = (tmp_path / name for name in ("model", "films", "photos"))
    described = replace(_card(), scope_limit=limits.soft, scope_hard_limit=limits.hard)
    checkpoint.save(model, module, described)
    films.mkdir()
    photos.mkdir()
    for index, film in enumerate(unseen[:10]):
        Image.fromarray(film).resize((128, 128)).save(films / f"{index}.png")
    for index, image in enumerate(load_sample_images().images):
        Image.fromarray(image).save(photos / f"{index}.png")
    (photos / "broken.png").write_bytes(b"no picture")
    good, colour = scope_report.report([films, photos], model)
    assert (good.files, good.gate, good.hard) == (10, 0, 0)
    assert (colour.files, colour.unreadable, colour.gate) == (3, 1, 2)
    (grey,) = scope_report.report([photos], model, grey=True)
    assert grey.gate == 0
    assert "0.png" not in grey.as_line()
    checkpoint.save(model, module, replace(described, scope_limit=None))
    with pytest.raises(UserError, match="no scope limits"):
        scope_report.report([films], model)


def _card() -> ModelCard:
    return replace(
        checkpoint.read_card(checkpoint.SHIPPED),
        model_version="scoped",
        architecture="small",
        labels=("NORMAL", "PNEUMONIA"),
        negative_label="NORMAL",
        input_size=SIZE,
    )


def _gray(image: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(image).convert("L"))
