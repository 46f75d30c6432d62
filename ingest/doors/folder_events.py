"""Events of drop folders: files that were closed after writing, or renamed in.

They only make things quick. Network shares send none and the kernel drops them when there
are too many, so folders are looked through from time to time all the same.
"""

import os
import sys
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from watchdog.events import FileClosedEvent, FileMovedEvent, FileSystemEvent, FileSystemEventHandler

_MOST = 20_000  # paths that may wait; what is dropped is found by looking


class FolderEvents:
    """Collects paths in the background between `start` and `stop`."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._paths: dict[Path, None] = {}
        self._observer: Any = None
        self._watches: dict[Path, tuple[tuple[int, int], Any]] = {}
        self._without: set[Path] = set()

    def __enter__(self) -> "FolderEvents":
        if sys.platform == "linux":
            from watchdog.observers.inotify import InotifyObserver

            self._observer = InotifyObserver(generate_full_events=True)
            self._observer.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()

    def follow(self, root: Path) -> None:
        """Listen to a folder, or to the one that has taken its place. Call it again and again."""
        try:
            state = root.stat()
        except OSError:
            self._unfollow(root)
            return
        identity = (state.st_dev, state.st_ino)
        if self._observer is None or self._watches.get(root, (None,))[0] == identity:
            return
        self._unfollow(root)
        try:
            kinds: list[type[FileSystemEvent]] = [FileClosedEvent, FileMovedEvent]
            handler = _Handler(self._note)
            watch = self._observer.schedule(handler, str(root), recursive=True, event_filter=kinds)
        except OSError as error:
            if root not in self._without:
                self._say(f"{root}: no events ({error.strerror}); it is only looked through")
            self._without.add(root)
            return
        self._watches[root] = (identity, watch)

    def take(self) -> Iterable[Path]:
        """The paths since the last time."""
        with self._lock:
            paths, self._paths = self._paths, {}
        return paths

    def _unfollow(self, root: Path) -> None:
        _, watch = self._watches.pop(root, (None, None))
        if watch is not None:
            try:
                self._observer.unschedule(watch)
            except (KeyError, OSError):  # its emitter went with the folder
                return

    def _note(self, path: Path) -> None:
        with self._lock:
            if len(self._paths) < _MOST:
                self._paths[path] = None


class _Handler(FileSystemEventHandler):
    """On the observer's thread."""

    def __init__(self, note: Callable[[Path], None]) -> None:
        self._note = note

    def on_any_event(self, event: FileSystemEvent) -> None:
        name = event.dest_path if isinstance(event, FileMovedEvent) else event.src_path
        if name and not event.is_directory:
            self._note(Path(os.fsdecode(name)))
