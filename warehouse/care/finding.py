"""What a check of the home found, and what to do about it."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """Whole; a note (harmless, or a matter of time); broken."""

    WHOLE = "whole"
    NOTE = "note"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Finding:
    """One check: `found` in words, `todo` empty where there is nothing to do."""

    check: str
    state: State
    found: str
    todo: str = ""
    count: int = 0
