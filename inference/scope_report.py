"""How many images of any folders a model refuses

python -m inference.scope_report DIR… [--model DIR] [--grey] [--json]

For each folder: how many files fail ingest's questions to the pixels (colour, blank, noise,
too small), and how many of the others lie beyond the hard and the soft limit.
"""

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from inference import checkpoint
from inference.datasets import SUFFIXES
from inference.films import decode
from inference.network import Classifier
from inference.preprocess import prepare
from inference.records import ModelCard
from inference.scope_fit import CPU
from inference.scoring import SCORING_BATCH, judge_films
from ingest import gate
from ingest.errors import PneumoWatchError, UserError
from ingest.problem import ProblemError
from ingest.records import Reason
from ingest.settings import IngestSettings


@dataclass(frozen=True, slots=True)
class Refusals:
    """Counts of one folder; `soft` includes `hard`, neither includes `gate`."""

    folder: str
    files: int
    unreadable: int
    gate: int  # colour, blank, noise, too small
    hard: int
    soft: int
    median: float  # score

    def as_line(self) -> str:
        judged = max(1, self.files - self.unreadable)
        refused, outside = (self.gate + self.hard) / judged, (self.gate + self.soft) / judged
        return (
            f"{self.folder}: {judged} images, gate {self.gate}, hard {self.hard}, "
            f"soft {self.soft}; refused {refused:.1%}, out of scope or refused {outside:.1%}; "
            f"median score {self.median:.2f}"
        )


def report(folders: Sequence[Path], model: Path, grey: bool = False) -> list[Refusals]:
    """One record for each folder, in order; colours turned to grey first if `grey`.

    UserError for a model without a scope score, or a folder without images.
    """
    module, card = checkpoint.load(model)
    if card.scope_limit is None or card.scope_hard_limit is None:
        raise UserError(f"{card.model_version} has no scope limits; fit them with scope_fit")
    return [_refusals(folder, module, card, grey) for folder in folders]


def _refusals(folder: Path, module: Classifier, card: ModelCard, grey: bool) -> Refusals:
    files = [file for file in sorted(folder.rglob("*")) if file.suffix.lower() in SUFFIXES]
    if not files:
        raise UserError(f"{folder} holds no images")
    films, unreadable, stopped = [], 0, 0
    for file in files:
        try:
            film = _grey(file) if grey else decode(file)
            gate.check(film, IngestSettings().min_side)
            films.append(prepare(film, card.input_size))
        except ProblemError as refusal:
            damaged = refusal.problem.reason in (Reason.UNREADABLE, Reason.TRUNCATED)
            unreadable, stopped = unreadable + damaged, stopped + (not damaged)
        except (OSError, PneumoWatchError):
            unreadable += 1
    scores = _scores(module, films)
    hard = int((scores > (card.scope_hard_limit or 0)).sum())
    soft = int((scores > (card.scope_limit or 0)).sum())
    median = float(np.median(scores)) if len(scores) else float("nan")
    return Refusals(str(folder), len(files), unreadable, stopped, hard, soft, median)


def _grey(file: Path) -> np.ndarray:
    with Image.open(file) as image:
        return np.asarray(image.convert("L"))


def _scores(module: Classifier, films: Sequence[np.ndarray]) -> np.ndarray:
    parts = [
        judge_films(module, np.stack(films[at : at + SCORING_BATCH]), CPU)[1]
        for at in range(0, len(films), SCORING_BATCH)
    ]
    return np.concatenate(parts) if parts else np.empty(0)


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--model", type=Path, default=checkpoint.SHIPPED)
    parser.add_argument("--grey", action="store_true", help="turn colour pictures to grey first")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    found = report(args.folders, args.model, args.grey)
    if args.json:
        print(json.dumps([asdict(one) for one in found]))
    else:
        print("\n".join(one.as_line() for one in found))


if __name__ == "__main__":
    main()
