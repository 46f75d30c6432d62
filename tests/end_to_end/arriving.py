"""Generated films as a PACS would send them, and a home that they may be sent to."""

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset

from dashboard.configuration import load
from dashboard.doors import Places, open_porters
from inference.generator import Generator
from ingest.spool.records import Delivery, Door, Receipt
from tests.ingest.films import dataset


def generated(count: int, seed: int = 8) -> list[np.ndarray]:
    """Synthetic chest films, half of them sick; (h, w) uint8."""
    rng = np.random.default_rng(seed)
    return list(Generator.load().sample(rng.random(count), np.full(count, ""), rng))


def instance(film: np.ndarray, number: int, **elements: object) -> Dataset:
    """One film as a CR object of its own."""
    uid = f"1.2.826.0.1.3680043.10.1.{number}"
    named = {"SOPInstanceUID": uid, "PatientID": f"P-{number}", "PatientName": f"Doe^{number}"}
    made = dataset(film, **{**named, **elements})
    made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
    return made


def as_bytes(made: Dataset) -> bytes:
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def take_in(home: Path, films: Iterator[bytes] | list[bytes], site: str = "A") -> list[Receipt]:
    """Into the home's spool, through its porters, as any door does."""
    with open_porters(home, load(home / "pneumowatch.toml")) as porters:
        places = Places(home)
        return [
            porters.take(Delivery(Door.STOW, places.input(site, Path("film.dcm")), data))
            for data in films
        ]
