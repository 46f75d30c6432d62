"""Why one input cannot become a study, on its way to becoming a `Rejection`."""

from dataclasses import dataclass

from ingest.errors import PneumoWatchError
from ingest.records import Reason


@dataclass(frozen=True, slots=True)
class Problem:
    """A coded reason and a sentence to act on. Holds no file name and no header text."""

    reason: Reason
    sentence: str


class ProblemError(PneumoWatchError):
    """Raised inside ingest while one file is read; `reader.read` turns it into a Rejection."""

    def __init__(self, reason: Reason, sentence: str) -> None:
        self.problem = Problem(reason, sentence)
        super().__init__(f"{reason.value}: {sentence}")
