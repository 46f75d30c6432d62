"""Heat maps of the films that `predict` scored, as PNG files.

The films are read a second time, in decode processes: scoring needs them small, a picture of
them at the size in which they are shown.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from dashboard.configuration import Configuration
from dashboard.model_choice import choose_model
from inference.preprocess import prepare, to_uint8
from ingest.errors import UserError
from ingest.identity import KEY_BYTES
from ingest.inputs import Input
from ingest.reader import ReaderSettings
from ingest.records import Study
from ingest.workers import read_with

Entry = dict[str, Any]


def check_folder(folder: Path) -> None:
    """Makes the folder before any film is scored; UserError where it cannot be written."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"--explain {folder} cannot be written: {error.strerror}") from None
    if not os.access(folder, os.W_OK):
        raise UserError(f"--explain {folder} cannot be written: permission denied")


def add_heatmaps(
    entries: Sequence[Entry], folder: Path, home: Path, configuration: Configuration
) -> None:
    """Writes `<stem>.heatmap.png` for every entry with a score; adds `heatmap` to them all.

    An entry that was refused gets None, and a reason that says so.
    """
    for entry in entries:
        entry["heatmap"] = None
        if entry["probability"] is None:
            entry["reasons"] = [*entry["reasons"], "no heatmap: the film was not scored"]
    scored = [entry for entry in entries if entry["probability"] is not None]
    names = unique_names([Path(entry["file"]) for entry in scored])
    for number, picture in _pictures(scored, home, configuration):
        target = folder / names[number]
        try:
            target.write_bytes(picture)
        except OSError as error:
            raise UserError(f"{target} cannot be written: {error.strerror}") from None
        scored[number]["heatmap"] = str(target)


def unique_names(files: Sequence[Path]) -> list[str]:
    """One file name for each; stems that collide, in capitals or not, get a number."""
    taken: set[str] = set()
    names = []
    for file in files:
        stem, number = file.stem, 1
        while stem.casefold() in taken:
            number += 1
            stem = f"{file.stem}-{number}"
        taken.add(stem.casefold())
        names.append(f"{stem}.heatmap.png")
    return names


def _pictures(
    entries: Sequence[Entry], home: Path, configuration: Configuration
) -> Iterator[tuple[int, bytes]]:
    """(place in `entries`, PNG bytes) of each, in the order in which they are decoded."""
    if not entries:
        return
    from inference import checkpoint  # torch: only paid for where something is explained
    from inference.explain import heat
    from inference.overlay import overlay

    module, card = checkpoint.load(choose_model(home, entries[0]["model_version"]))
    for number, film in _films([Path(entry["file"]) for entry in entries], configuration):
        found = heat(module, card, prepare(film, card.input_size))
        yield number, overlay(film, found, entries[number]["probability"])


def _films(files: Sequence[Path], configuration: Configuration) -> Iterator[tuple[int, np.ndarray]]:
    inputs = [Input(path, name=str(number)) for number, path in enumerate(files)]
    caps = replace(configuration.ingest, workers=min(len(inputs), os.cpu_count() or 1))
    # Pixels are all that is wanted of these studies: any key does.
    settings = ReaderSettings.of(configuration.ingest, bytes(KEY_BYTES), to_uint8)
    for item, outcome in read_with(inputs, settings, caps):
        if isinstance(outcome, Study) and outcome.pixels is not None:
            yield int(item.name), outcome.pixels
