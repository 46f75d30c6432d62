"""Files that are there whole or not at all, also after a power cut."""

import os
import threading
from pathlib import Path

from ingest.errors import DiskError


def write_durably(path: Path, content: bytes, mode: int = 0o666) -> None:
    """Written under a temporary name, synced, renamed; the folder is synced last.

    `mode` is under the process's umask. DiskError where the disk refuses.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        _write_synced(temporary, content, mode)
        temporary.replace(path)
        sync_folder(path.parent)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise DiskError(f"{path} cannot be written: {error.strerror}") from None


def _write_synced(path: Path, content: bytes, mode: int) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def make_folder(path: Path) -> None:
    """A folder of the owner's alone, there for good. DiskError where the disk refuses."""
    try:
        path.mkdir(mode=0o700, exist_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise DiskError(f"{path} cannot be created: {error.strerror}") from None


def sync_folder(folder: Path) -> None:
    """What was created, renamed or removed in it survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
