"""Progress with the time left, on a terminal; nothing at all when piped."""

import sys
import time
from types import TracebackType

WIDTH = 24
REFRESH = 0.2  # seconds


class Progress:
    """`with Progress("training", steps) as progress: … progress.advance(note="loss 0.3")`."""

    def __init__(self, title: str, total: int) -> None:
        self.title, self.total, self.done = title, total, 0
        self._started = time.monotonic()
        self._shown = 0.0
        self._visible = sys.stderr.isatty() and total > 0

    def __enter__(self) -> "Progress":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._visible:
            print(file=sys.stderr)

    def advance(self, note: str = "") -> None:
        self.done += 1
        now = time.monotonic()
        if self._visible and (now - self._shown > REFRESH or self.done == self.total):
            self._shown = now
            print("\r" + self.line(now - self._started, note), end="", file=sys.stderr, flush=True)

    def line(self, elapsed: float, note: str = "") -> str:
        """What is shown after so many seconds."""
        filled = WIDTH * self.done // max(self.total, 1)
        left = elapsed / max(self.done, 1) * (self.total - self.done)
        bar = "#" * filled + "." * (WIDTH - filled)
        minutes, seconds = divmod(round(left), 60)
        return f"{self.title} [{bar}] {self.done}/{self.total} {minutes}:{seconds:02d} left {note}"
