"""The demo's newest weeks: synthetic radiographs as files, with a manifest beside them."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image

from dashboard.demo.history import patient_keys, times
from inference.generator import Generator
from warehouse.records import Site
from warehouse.simulation import Xrays

QUALITY = 92  # of the JPEG files
CHUNK = 64


@dataclass(frozen=True, slots=True)
class Drop:
    """What a network's hospitals would have sent: a folder of films and its manifest."""

    folder: Path
    manifest: Path
    truth: Path  # the true class of each film; never read by the chain


def write_films(
    folder: Path,
    xrays: Xrays,
    first_day: date,
    sites: list[Site],
    rng: np.random.Generator,
    progress: Callable[[int], None],
) -> Drop:
    """Generates one film for each X-ray and writes the manifest and the truth beside them."""
    images = folder / "images"
    images.mkdir(parents=True, exist_ok=True)
    names = [f"film-{number:05d}.jpeg" for number in range(len(xrays))]
    _write_images(images, names, xrays, rng, progress)
    drop = Drop(images, folder / "manifest.csv", folder / "truth.csv")
    _write_manifest(drop.manifest, names, xrays, first_day, sites)
    _write_truth(drop.truth, names, xrays)
    return drop


def _write_images(
    folder: Path,
    names: list[str],
    xrays: Xrays,
    rng: np.random.Generator,
    progress: Callable[[int], None],
) -> None:
    generator = Generator.load()
    healthy = generator.sample_severity(len(xrays), "NORMAL", rng)
    sick = generator.sample_severity(len(xrays), "PNEUMONIA", rng)
    severity = np.where(xrays.sick, sick, healthy)
    cause = np.where(xrays.viral, "virus", np.where(xrays.sick, "bacteria", ""))
    for start in range(0, len(names), CHUNK):
        part = slice(start, start + CHUNK)
        films = generator.sample(severity[part], cause[part], rng)
        for name, film in zip(names[part], films, strict=True):
            Image.fromarray(film).save(folder / name, quality=QUALITY)
        progress(len(films))


def _write_manifest(
    path: Path, names: list[str], xrays: Xrays, first_day: date, sites: list[Site]
) -> None:
    taken, received = times(xrays, first_day)
    rows = zip(
        names,
        [sites[index].site_id for index in xrays.site],
        [f"{moment}+00:00" for moment in taken.astype("datetime64[s]")],
        [f"{moment}+00:00" for moment in received.astype("datetime64[s]")],
        patient_keys(xrays, 0),
        xrays.age_years,
        np.where(xrays.female, "F", "M"),
        np.where(xrays.bedside, "AP", "PA"),
        strict=True,
    )
    header = [
        "file",
        "site_id",
        "acquired_at",
        "received_at",
        "patient_id",
        "age_years",
        "sex",
        "view",
    ]
    _write_csv(path, header, rows)


def _write_truth(path: Path, names: list[str], xrays: Xrays) -> None:
    label = np.where(xrays.sick, "PNEUMONIA", "NORMAL")
    cause = np.where(xrays.viral, "virus", np.where(xrays.sick, "bacteria", ""))
    _write_csv(path, ["file", "label", "aetiology"], zip(names, label, cause, strict=True))


def _write_csv(path: Path, header: list[str], rows: "object") -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)  # type: ignore[arg-type]
