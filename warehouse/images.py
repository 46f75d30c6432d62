"""Kept images: where they lie, and how they come back as films."""

import os
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ingest.durable import sync_folder, write_durably
from ingest.errors import UserError
from ingest.problem import ProblemError
from ingest.raster import decode_gray
from ingest.records import Study
from warehouse.home import Home


def image_path(home: Home, study_id: str) -> Path:
    """Where a study's image is kept: 256 folders, so that none grows too long to list."""
    return home.studies / study_id[:2] / f"{study_id}.png"


def keep(home: Home, studies: Iterable[Study]) -> None:
    """Writes the images that studies carry; called before their rows are committed.

    An image whose commit never came is harmless: its film, when it comes again, has the same
    id and the same image. Readable by the owner alone. UserError where the disk refuses.
    """
    for study in studies:
        if study.image is None:
            continue
        path = image_path(home, study.study_id)
        if not path.exists():
            _make_folder(path.parent)
            write_durably(path, study.image, 0o600)


def keep_original(home: Home, study_id: str, payload: Path) -> None:
    """Puts a spooled film, which carries no patient any more, where originals are kept.

    Called before the spool drops it; doing it again changes nothing. DiskError where the
    disk refuses.
    """
    suffix = ".original.png" if payload.suffix == ".png" else payload.suffix
    path = image_path(home, study_id).with_suffix(suffix)
    if path.exists() or not payload.exists():
        return
    _make_folder(path.parent)
    try:
        os.link(payload, path)
        sync_folder(path.parent)
    except OSError:  # another file system, or one without links
        write_durably(path, payload.read_bytes(), 0o600)


def drop(home: Home, study_ids: Iterable[str]) -> int:
    """Removes what is kept of these studies, images and originals; returns how many files."""
    gone = 0
    for study_id in study_ids:
        for path in kept_files(home, study_id):
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def kept_files(home: Home, study_id: str) -> list[Path]:
    """Whatever is kept of a study."""
    path = image_path(home, study_id)
    suffixes = (".png", ".original.png", ".dcm", ".jpeg")
    return [one for suffix in suffixes if (one := path.with_suffix(suffix)).exists()]


def load(home: Home, study_id: str) -> np.ndarray | None:
    """A kept image as (h, w) uint8; None where there is none that can be read."""
    try:
        return decode_gray(image_path(home, study_id))
    except (OSError, ProblemError):
        return None


def _make_folder(folder: Path) -> None:
    try:
        folder.parent.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be created: {error.strerror}") from None
