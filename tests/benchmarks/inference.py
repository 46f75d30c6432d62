"""Forward passes by engine beside eager PyTorch and beside decoding, on the same weights.

What is compared is measured in turn, several times, in one run; medians and their ratios
count. Without a GPU its part is passed over, and says so.
"""

import functools
import os
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from statistics import median

import numpy as np
import torch
from PIL import Image

from inference import checkpoint
from inference.device import resolve
from inference.engine import IN_FLIGHT, Engine, Pending, core_count
from inference.engine_onnx import OnnxEngine
from inference.engine_torch import TorchEngine
from inference.generator import Generator
from inference.network import Classifier
from inference.preprocess import prepare
from inference.settings import CPU_BATCH, CUDA_BATCH
from ingest.errors import UserError
from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.records import Study
from ingest.workers import read_all
from tests.benchmarks.measure import films_in, machine, say
from warehouse.stages import batched

TIMES = 5
REAL = Path("../shared/data/incoming/images")
FILMS = 96  # of one measurement on the CPU
GPU_FILMS = 4096  # prepared films of one measurement on a GPU
GPU_FILES = 1024  # JPEG files of one measurement on a GPU
GPU_SIDES = (224, 1500)  # pixels of those files' sides

Work = Callable[[], object]


def main(images: Path | None) -> int:
    """Prints the ratios; returns 0. UserError for a folder that is none."""
    if images is not None and not images.is_dir():
        raise UserError(f"{images}: no such folder; name one with X-rays, or none")
    with tempfile.TemporaryDirectory() as work:
        folder = images or (REAL if REAL.is_dir() else _generated(Path(work) / "films"))
        file = with_graph(checkpoint.shipped_model(), Path(work))
        print(f"inference of {file.stem} on {machine()}, medians of {TIMES} in turn")
        on_cpu(file, films_in(folder)[:FILMS])
        if resolve("auto") == "cuda":
            on_gpu(file, films_in(folder), Path(work))
        else:
            print("no CUDA device: the GPU's part was passed over")
    return 0


def with_graph(file: Path, work: Path) -> Path:
    """The model itself, or a copy with a graph where it was saved without one."""
    if checkpoint.read_card(file).onnx_digest:
        return file
    module, card = checkpoint.load(file)
    began = time.monotonic()
    checkpoint.save(work, module, card)
    say("this model has no graph; exporting one took", time.monotonic() - began, "s")
    return work / file.name


def on_cpu(file: Path, files: list[Path]) -> None:
    """Eager PyTorch, the CPU's engine and decoding, each with all cores."""
    cores = core_count()
    torch.set_num_threads(cores)
    began = time.monotonic()
    engine = OnnxEngine(file, CPU_BATCH)
    loaded = time.monotonic() - began
    module, card = checkpoint.load(file)
    films = prepared(files, card.input_size)
    eager, served, decoded = rates(
        [lambda: _eager(module, films), lambda: engine.run(films), lambda: decode(files, card)],
        len(films),
    )
    print(
        f"{len(films)} films of {card.input_size} pixels, batches of {CPU_BATCH}, {cores} threads"
    )
    say("loading the graph, digest verified", loaded, "s", "< 1")
    say("eager PyTorch, float32", eager, "films/s")
    say("ONNX Runtime, the same weights", served, "films/s")
    say("  as a multiple of eager PyTorch", served / eager, "", ">= 3.5")
    say("decode and prepare alone, all workers", decoded, "films/s")


def on_gpu(file: Path, files: list[Path], work: Path) -> None:
    """The forward pass beside a bare loop, and the way from JPEG bytes beside its stages."""
    engine = TorchEngine(file, "cuda", CUDA_BATCH)
    size = engine.card.input_size
    films = np.resize(prepared(files[:FILMS], size), (GPU_FILMS, size, size))
    forward, bare = rates([lambda: engine.run(films), lambda: _bare(engine, GPU_FILMS)], GPU_FILMS)
    print(f"on {torch.cuda.get_device_name()}, batches of {engine.batch}, bfloat16")
    say("forward alone, from and to the host", forward, "films/s")
    say("  as a share of a bare loop over the same net", forward / bare, "", ">= 0.95")
    for side in GPU_SIDES:
        jpegs = squares(files, side, GPU_FILES, work / str(side))
        stages = [lambda: decode(jpegs, engine.card), lambda: chain(jpegs, engine)]  # noqa: B023
        decoded, whole = rates(stages, len(jpegs))
        say(f"JPEG of {side} pixels: decode alone, {core_count()} workers", decoded, "films/s")
        say("  from JPEG bytes to scores", whole, "films/s")
        say("  as a share of the slower stage", whole / min(decoded, forward), "", ">= 0.9")


def rates(works: list[Work], films: int, times: int = TIMES) -> list[float]:
    """Films a second of each work: medians of measurements taken in turn, after one each."""
    for work in works:
        work()
    rounds = [[_seconds(work) for work in works] for _ in range(times)]
    return [films / median(column) for column in zip(*rounds, strict=True)]


def decode(files: Iterable[Path], card: checkpoint.ModelCard) -> int:
    """Every file read and prepared by decode workers; how many were films."""
    return sum(1 for _ in _studies(files, card))


def chain(files: Iterable[Path], engine: Engine) -> np.ndarray:
    """JPEG bytes to logits (n, classes), as the pipeline does it: decoded in workers, gathered
    into batches, another one begun while the first is waited for."""
    waiting: deque[Pending] = deque()
    logits = []
    for batch in batched(_studies(files, engine.card), engine.batch, 60, 4 * engine.batch):
        waiting.append(engine.begin(np.stack([study.pixels for study in batch])))
        if len(waiting) == IN_FLIGHT:
            logits.append(waiting.popleft()()[0])
    return np.concatenate([*logits, *(pending()[0] for pending in waiting)])


def prepared(files: list[Path], size: int) -> np.ndarray:
    """(n, size, size) uint8."""
    return np.stack([prepare(np.asarray(Image.open(file).convert("L")), size) for file in files])


def squares(files: list[Path], side: int, n: int, folder: Path) -> list[Path]:
    """n JPEG files of side×side pixels, made of these films again and again."""
    folder.mkdir()
    for number in range(n):
        target = folder / f"{number:05d}.jpeg"
        source = folder / f"{number % min(len(files), FILMS):05d}.jpeg"
        if source == target:
            Image.open(files[number]).convert("L").resize((side, side)).save(target, quality=92)
        else:
            os.link(source, target)
    return films_in(folder)


def _studies(files: Iterable[Path], card: checkpoint.ModelCard) -> Iterable[Study]:
    settings = ReaderSettings(bytes(32), functools.partial(prepare, size=card.input_size))
    inputs = [Input(file, name=file.name, site_id="S") for file in files]
    results = read_all(inputs, settings, capacity=4 * CUDA_BATCH)
    return (outcome for _, outcome in results if isinstance(outcome, Study))


def _eager(module: Classifier, films: np.ndarray) -> None:
    with torch.inference_mode():
        for at in range(0, len(films), CPU_BATCH):
            module.judge(torch.from_numpy(films[at : at + CPU_BATCH])[:, None])


def _bare(engine: TorchEngine, films: int) -> None:
    """The captured forward pass again and again over films that are there already."""
    assert engine._lane is not None
    for _ in range(films // engine.batch):
        engine._lane._graph.replay()
    torch.cuda.synchronize()


def _seconds(work: Work) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _generated(folder: Path) -> Path:
    """Synthetic films as JPEG files, where there are no real ones."""
    folder.mkdir()
    rng = np.random.default_rng(5)
    made = Generator.load().sample(rng.random(FILMS), np.full(FILMS, ""), rng)
    for number, film in enumerate(made):
        Image.fromarray(film).resize((1200, 1200)).save(folder / f"{number:03d}.jpeg", quality=92)
    return folder
