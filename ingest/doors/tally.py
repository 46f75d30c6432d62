"""How many objects a door was sent, and what it answered."""

import threading
from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Counts of a door since it was opened. Safe for several threads."""

    received: int = 0  # acknowledged as success, repeated ones too
    repeated: int = 0  # of them, the very bytes that were received before
    refused: int = 0  # answered with a failure: the sender still has them
    by_status: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, status: int, repeated: bool = False) -> None:
        """One answer, by its status (0 is success)."""
        with self._lock:
            self.by_status[f"{status:04X}"] += 1
            self.received += status == 0
            self.repeated += status == 0 and repeated
            self.refused += status != 0

    def __str__(self) -> str:
        return f"received {self.received} ({self.repeated} repeated), refused {self.refused}"

    def as_dict(self) -> dict[str, object]:
        """For --json."""
        with self._lock:
            counts = {"received": self.received, "repeated": self.repeated}
            return counts | {"refused": self.refused, "by_status": dict(self.by_status)}
