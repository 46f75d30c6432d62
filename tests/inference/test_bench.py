"""The parts of `bench inference` that a GPU would use, on the CPU with a tiny model."""

from pathlib import Path

import numpy as np
import pytest

from inference.engine import Engine
from inference.engine_onnx import OnnxEngine
from inference.engine_torch import TorchEngine
from tests.benchmarks.inference import chain, decode, prepared, rates, squares
from tests.inference.films import made_film, write_film
from tests.inference.models import save_tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def jpegs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Thirteen files made of five films, of the stripes that pass the gate."""
    folder = tmp_path_factory.mktemp("films")
    rng = np.random.default_rng(0)
    films = [write_film(folder / f"{n}.png", made_film(rng, 2 * (n % 2), 120)) for n in range(5)]
    return squares(films, 128, 13, folder / "128")


def test_files_of_a_size_are_made_of_the_films(jpegs: list[Path]) -> None:
    assert len(jpegs) == 13
    pixels = prepared(jpegs, 128)
    assert np.array_equal(pixels[12], pixels[2])
    assert not np.array_equal(pixels[0], pixels[1])


@pytest.mark.parametrize("kind", [OnnxEngine, TorchEngine])
def test_the_chain_from_jpeg_gives_each_film_its_scores(
    model: Path, jpegs: list[Path], kind: type[OnnxEngine] | type[TorchEngine]
) -> None:
    engine: Engine = kind(model, "cpu", 4) if kind is TorchEngine else OnnxEngine(model, 4)
    found = chain(jpegs, engine)
    expected, _ = engine.run(prepared(jpegs, engine.card.input_size))
    assert found.shape == expected.shape == (13, 3)
    for column in range(3):  # decode workers hand films over in no fixed order
        np.testing.assert_allclose(
            np.sort(found[:, column]), np.sort(expected[:, column]), atol=1e-5
        )
    assert decode(jpegs, engine.card) == 13


def test_rates_are_taken_in_turn() -> None:
    order: list[str] = []
    works = [lambda: order.append("a"), lambda: order.append("b")]
    assert all(rate > 0 for rate in rates(works, films=10, times=3))
    assert order == ["a", "b"] * 4
