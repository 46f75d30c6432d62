"""When a file is whole: nobody closed it before us, but it has not changed for a while."""

import os
import time
from collections.abc import Callable, Hashable, Iterator
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

_LONG_AGO = 60.0  # seconds; clocks of file servers differ by less
_MOST = 20_000  # files watched for a change at a time; the others wait for their turn

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Signature(NamedTuple):
    """What changes when a file does."""

    inode: int
    size: int
    mtime_ns: int


def signature(path: Path) -> Signature | None:
    """Of a file, or of a link to nothing; None where there is none (any more)."""
    for look in (os.stat, os.lstat):
        try:
            state = look(path)
        except OSError:
            continue
        return Signature(state.st_ino, state.st_size, state.st_mtime_ns)
    return None


class Lately(Generic[Key, Value]):
    """A mapping that forgets what was neither set nor asked for between two turns."""

    def __init__(self) -> None:
        self._before: dict[Key, Value] = {}
        self._now: dict[Key, Value] = {}

    def get(self, key: Key) -> Value | None:
        """The value, which is kept for another turn."""
        if key in self._before:
            self._now[key] = self._before.pop(key)
        return self._now.get(key)

    def set(self, key: Key, value: Value) -> None:
        """Keep a value."""
        self._before.pop(key, None)
        self._now[key] = value

    def drop(self, key: Key) -> None:
        """Forget a value now."""
        self._before.pop(key, None)
        self._now.pop(key, None)

    def turn(self) -> None:
        """Forget what was not heard of since the last turn."""
        self._before, self._now = self._now, {}

    def items(self) -> Iterator[tuple[Key, Value]]:
        """All of them, without keeping them for another turn."""
        yield from self._before.items()
        yield from self._now.items()

    def __len__(self) -> int:
        return len(self._before) + len(self._now)


class Stillness:
    """Watches files until they have not changed for `quiet` seconds."""

    def __init__(self, quiet: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._quiet, self._clock = quiet, clock
        self._seen: Lately[Path, tuple[Signature, float]] = Lately()

    def whole(self, path: Path, now: Signature, closed: bool = False) -> bool:
        """Whether it is. `closed`: its writer has closed it or renamed it in."""
        if closed or self._quiet == 0 or _is_old(now, self._quiet):
            self._seen.drop(path)
            return True
        known = self._seen.get(path)
        if known is None or known[0] != now:
            if known is not None or len(self._seen) < _MOST:
                self._seen.set(path, (now, self._clock()))
            return False
        if self._clock() - known[1] < self._quiet:
            return False
        self._seen.drop(path)
        return True

    @property
    def count(self) -> int:
        """How many files are not whole yet."""
        return len(self._seen)

    def due(self) -> list[Path]:
        """The files that were last looked at `quiet` seconds ago."""
        before = self._clock() - self._quiet
        return [path for path, (_, since) in self._seen.items() if since <= before]

    def drop(self, path: Path) -> None:
        """It is of no interest (any more)."""
        self._seen.drop(path)

    def turn(self) -> None:
        """All folders were looked through: forget the files that were not there."""
        self._seen.turn()


def _is_old(now: Signature, quiet: float) -> bool:
    """So old by its own date that it need not be watched at all."""
    return time.time() - now.mtime_ns / 1e9 > max(_LONG_AGO, quiet)
