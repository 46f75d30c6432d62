"""The whole chain beside its slowest stage alone, and its memory at ten times the films.

Every figure comes from one run on one machine; the ratios are what matters.
"""

import functools
import json
import os
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image

from inference.checkpoint import read_card, shipped_model
from inference.predictor import Predictor
from inference.preprocess import prepare
from ingest.discover import discover
from ingest.errors import UserError
from ingest.reader import ReaderSettings
from ingest.records import Study
from ingest.workers import read_all
from tests.benchmarks.measure import Ran, films_in, machine, run, say

COPIES = 10
TIMES = 3
REAL = Path("../shared/data/incoming/images")


def main(images: Path | None) -> int:
    """Prints the ratios; returns 0. UserError without X-rays to use."""
    folder = images or REAL
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder; name one with X-rays: --images DIR")
    print(f"ingest of {len(films_in(folder))} films on {machine()}, medians of {TIMES} in turn")
    with tempfile.TemporaryDirectory() as work:
        rounds = [_round(folder, Path(work) / str(number)) for number in range(TIMES)]
        copies = _copies(folder, Path(work) / "copies")
        tenfold = _ingest(Path(work) / "tenfold", copies)
    decode, forward, whole, peak = (median(column) for column in zip(*rounds, strict=True))
    many, slowest = _rate(tenfold), min(decode, forward)
    say("decode and prepare alone, all workers", decode, "films/s")
    say("forward passes alone", forward, "films/s")
    say("pneumowatch ingest, end to end, start included", whole, "films/s")
    say("  as a share of its slowest stage alone", whole / slowest, "", ">= 0.9")
    say("  as a share of what both stages leave of these cores", whole * (1 / decode + 1 / forward))
    say(f"with {COPIES} times the films, end to end", many, "films/s")
    say("  as a share of its slowest stage alone", many / slowest)
    say("peak memory", peak / 2**30, "GiB", "< 1.5")
    say(f"  with {COPIES} times the films, as a multiple", tenfold.peak_bytes / peak, "", "<= 1.1")
    return 0


def _round(folder: Path, work: Path) -> tuple[float, float, float, float]:
    """Films a second of decoding, of forward passes and of the whole; its peak in bytes."""
    work.mkdir()
    decode, films = _decode_alone(folder)
    whole = _ingest(work / "home", folder)
    return decode, _forward_alone(films), _rate(whole), float(whole.peak_bytes)


def _rate(ran: Ran) -> float:
    return float(json.loads(ran.stdout)["images_per_second"])


def _decode_alone(folder: Path) -> tuple[float, np.ndarray]:
    """Films a second, and the prepared films (n, s, s)."""
    size = read_card(shipped_model()).input_size
    settings = ReaderSettings(bytes(32), functools.partial(prepare, size=size))
    found = discover([folder], None, None, {}, None)
    films = []
    began = time.monotonic()
    for _, outcome in read_all(found, settings, workers=os.cpu_count()):
        if isinstance(outcome, Study):
            films.append(outcome.pixels)
    return len(films) / (time.monotonic() - began), np.stack(films)


def _forward_alone(films: np.ndarray) -> float:
    """Films a second, after one batch to warm up."""
    predictor = Predictor(device="cpu")
    predictor.probabilities(films[: predictor.batch])
    began = time.monotonic()
    predictor.probabilities(films)
    return len(films) / (time.monotonic() - began)


def _ingest(home: Path, folder: Path) -> Ran:
    home.parent.mkdir(exist_ok=True)
    sites = home.parent / "sites.csv"
    sites.write_text("site_id,name,region,latitude,longitude\nS,Site,R,0,0\n")
    run(["init", "--home", str(home)])
    run(["sites", "load", str(sites), "--home", str(home)])
    return run(
        ["ingest", str(folder), "--site", "S", "--device", "cpu", "--json", "--home", str(home)]
    )


def _copies(folder: Path, target: Path) -> Path:
    """Ten copies of each film, one pixel changed in each: as many new studies."""
    target.mkdir()
    for path in films_in(folder):
        with Image.open(path) as image:
            pixels = np.array(image.convert("L"))
        for copy in range(COPIES):
            pixels[copy, copy] = 255 - pixels[copy, copy] // 2
            name = f"{path.stem}-{copy}.jpeg"
            Image.fromarray(pixels).save(target / name, quality=95)
    return target
