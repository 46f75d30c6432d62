"""One set of weights, several engines: they agree, and load only what their card describes."""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from inference import checkpoint
from inference.engine import Engine, Scores, open_engine, score_all
from inference.engine_onnx import OnnxEngine
from inference.engine_torch import TorchEngine, lowered
from inference.network import ARCHITECTURES, build
from inference.predictor import scores_from_logits
from ingest.errors import InputError
from tests.inference.films import made_film
from tests.inference.models import save_tiny, shipped_with_graph, tiny_card, used, without_graph

OCT = ("CNV", "DME", "DRUSEN", "NORMAL")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four classes, none of them a cause of pneumonia."""
    return save_tiny(tmp_path_factory.mktemp("tiny"), labels=OCT, negative_label="NORMAL")


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shipped_with_graph(tmp_path_factory.mktemp("shipped"))


def films(n: int, size: int) -> np.ndarray:
    rng = np.random.default_rng(n)
    return np.stack([made_film(rng, i % 4, size) for i in range(n)])


def reference(file: Path, pixels: np.ndarray) -> Scores:
    """The float32 network itself, all films at once."""
    module, _ = checkpoint.load(file)
    with torch.inference_mode():
        logits, scope = module.judge(torch.from_numpy(pixels)[:, None])
    return logits.double().numpy(), scope.double().numpy()


@pytest.mark.parametrize("n", [1, 7, 32])
@pytest.mark.parametrize("model", ["tiny", "shipped"])
def test_the_graph_agrees_with_the_network(
    model: str, n: int, request: pytest.FixtureRequest
) -> None:
    engine = OnnxEngine(request.getfixturevalue(model))
    pixels = films(n, engine.card.input_size)
    expected = reference(request.getfixturevalue(model), pixels)
    found = engine.run(pixels)
    assert found[0].shape == (n, len(engine.card.labels))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-4)
    logits = [scores_from_logits(scores[0], engine.card) for scores in (found, expected)]
    np.testing.assert_allclose(*logits, rtol=0, atol=1e-4)
    assert np.ptp(expected[0]) > 0.1, "logits that are all alike would agree by chance"


def test_folding_changes_nothing_and_bfloat16_little(tiny: Path) -> None:
    pixels = films(8, 32)
    expected, _ = reference(tiny, pixels)
    exact = TorchEngine(tiny, "cpu", batch=4).run(pixels)[0]
    low = TorchEngine(tiny, "cpu", batch=4, precision=torch.bfloat16).run(pixels)[0]
    np.testing.assert_allclose(exact, expected, atol=1e-4)
    assert 1e-6 < np.abs(low - expected).max() < 0.05 * np.ptp(expected)


@pytest.mark.parametrize("architecture", sorted(ARCHITECTURES))
def test_every_architecture_can_be_folded(architecture: str) -> None:
    module = used(build(architecture, 2), steps=2)
    pixels = torch.from_numpy(films(2, 32))[:, None]
    with torch.inference_mode():
        expected = module(pixels)
        folded = lowered(module, torch.float32)
        assert not [m for m in folded.modules() if isinstance(m, torch.nn.BatchNorm2d)]
        assert torch.allclose(folded(pixels), expected, atol=1e-4)


def test_a_network_with_paddings_of_its_own_is_exported_right(tmp_path: Path) -> None:
    file = save_tiny(tmp_path, steps=2, architecture="efficientnet_lite0", labels=("no", "yes"))
    pixels = films(3, 32)
    np.testing.assert_allclose(
        OnnxEngine(file).run(pixels)[0], reference(file, pixels)[0], atol=1e-4
    )


@pytest.fixture(scope="module", params=["onnx", "torch"])
def engine(request: pytest.FixtureRequest, tiny: Path) -> Engine:
    return OnnxEngine(tiny) if request.param == "onnx" else TorchEngine(tiny, "cpu")


@settings(max_examples=25, deadline=None)
@given(order=st.permutations(range(24)), batch=st.integers(1, 30))
def test_results_do_not_depend_on_how_films_are_batched(
    engine: Engine, order: list[int], batch: int
) -> None:
    pixels = films(24, 32)
    engine.batch = 24
    whole, _ = engine.run(pixels)
    engine.batch = batch
    parts, _ = engine.run(pixels[order])
    np.testing.assert_allclose(parts, whole[order], rtol=0, atol=1e-5)


def test_no_films_are_no_scores(engine: Engine) -> None:
    logits, scope = engine.run(np.empty((0, 32, 32), dtype=np.uint8))
    assert (logits.shape, scope.shape) == ((0, 4), (0,))


def test_films_of_another_kind_are_refused(engine: Engine) -> None:
    for wrong in (films(2, 48), films(2, 32).astype(np.float32), films(2, 32)[:, None]):
        with pytest.raises(ValueError, match=r"expected \(n, 32, 32\) uint8"):
            engine.run(wrong)


def test_scores_for_a_path_are_those_of_its_engine(tiny: Path) -> None:
    pixels = films(5, 32)
    logits, scope = score_all(tiny, pixels, device="cpu")
    np.testing.assert_array_equal(logits, score_all(OnnxEngine(tiny), pixels)[0])
    assert np.isnan(scope).all(), "this network has no fitted scope"


def test_a_changed_or_lost_graph_is_refused(tmp_path: Path) -> None:
    file = save_tiny(tmp_path)
    graph = file.with_suffix(".onnx")
    content = bytearray(graph.read_bytes())
    content[-20] ^= 1
    graph.write_bytes(content)
    with pytest.raises(InputError, match=r"tiny-1\.onnx.*digest differs"):
        open_engine(file, "cpu")
    graph.unlink()
    with pytest.raises(InputError, match=r"tiny-1\.onnx.*missing"):
        open_engine(tmp_path, "cpu")


def test_a_model_without_a_graph_is_served_by_torch_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = save_tiny(tmp_path)
    exported = open_engine(file, "cpu").run(films(3, 32))[0]
    assert capsys.readouterr().err == ""
    without_graph(file)
    plain = open_engine(file, "cpu")
    assert isinstance(plain, TorchEngine)
    assert capsys.readouterr().err.count("\n") == 1
    np.testing.assert_allclose(plain.run(films(3, 32))[0], exported, atol=1e-4)


def test_exporting_prints_nothing_and_leaves_the_network_as_it_was(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    module = build("small", 3).train()
    checkpoint.save(tmp_path, module, tiny_card())
    assert module.training
    assert capfd.readouterr() == ("", "")
    assert [file.suffix for file in sorted(tmp_path.iterdir())] == [
        ".json",
        ".onnx",
        ".safetensors",
    ]


def test_the_shipped_model_loads_verified_in_under_a_second(shipped: Path) -> None:
    """Processor time of the fastest of three: others may be using the machine."""
    times = []
    for _ in range(3):
        began = time.process_time()
        OnnxEngine(shipped)
        times.append(time.process_time() - began)
    assert min(times) < 1.0


def test_scoring_on_a_cpu_imports_no_torch(shipped: Path) -> None:
    code = (
        "import sys, numpy as np\n"
        "from pathlib import Path\n"
        "from inference.predictor import Predictor\n"
        "predictor = Predictor(Path(sys.argv[1]), 'cpu')\n"
        "films = np.zeros((2, predictor.card.input_size, predictor.card.input_size), np.uint8)\n"
        "assert predictor.probabilities(films).shape == (2, 3)\n"
        "print([name for name in ('torch', 'onnx', 'onnxscript') if name in sys.modules])"
    )
    words = [sys.executable, "-c", code, str(shipped)]
    ran = subprocess.run(words, capture_output=True, text=True, check=True)
    assert ran.stdout == "[]\n"
    assert ran.stderr == ""
