"""The state of a training run between epochs, so that a run that was killed goes on."""

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from inference.recipe import Recipe
from inference.training_data import TrainingData
from ingest.errors import UserError

FILE = "unfinished.pt"


@dataclass(frozen=True, slots=True)
class Progressed:
    """Everything that the next epoch depends on besides recipe and films."""

    networks: list[dict[str, Any]]  # being trained, averaged, best so far
    optimiser: dict[str, Any]
    history: list[dict[str, float]]
    seconds: float


class Resume:
    """`unfinished.pt` in the output folder; it belongs to one recipe, films and device."""

    def __init__(self, out: Path, recipe: Recipe, data: TrainingData, device: torch.device) -> None:
        self.file = out / FILE
        self._belongs = _fingerprint(recipe, data, device)

    def read(self) -> Progressed | None:
        """The state to go on from; None where nothing was begun.

        Raises UserError when what was begun there is another run, or damaged.
        """
        if not self.file.exists():
            return None
        try:
            content = torch.load(self.file, map_location="cpu", weights_only=True)
        except Exception as error:
            raise UserError(f"{self.file} is damaged; delete it to begin again") from error
        if content.pop("belongs", None) != self._belongs:
            raise UserError(
                f"{self.file.parent} holds an unfinished run of another recipe, seed, device or "
                f"set of films; choose another --out, or delete {self.file} to begin again"
            )
        return Progressed(**content)

    def write(self, state: Progressed) -> None:
        """Replaces the state; a kill in between leaves the one before."""
        new = self.file.with_suffix(".new")
        with new.open("wb") as stream:
            torch.save({"belongs": self._belongs} | _fields(state), stream)
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(self.file)

    def clear(self) -> None:
        """The run is finished."""
        self.file.unlink(missing_ok=True)


def _fields(state: Progressed) -> dict[str, Any]:
    return {name: getattr(state, name) for name in Progressed.__dataclass_fields__}


def _fingerprint(recipe: Recipe, data: TrainingData, device: torch.device) -> str:
    digest = hashlib.sha256(json.dumps(asdict(recipe), sort_keys=True).encode())
    for part in (data.train, data.validation):
        digest.update("\n".join(f"{film.label} {film.patient}" for film in part.films).encode())
        digest.update(part.pixels.tobytes())
    digest.update(device.type.encode())
    return digest.hexdigest()
