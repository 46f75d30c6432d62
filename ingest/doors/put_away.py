"""Files that were taken leave their drop folder: to done/ or refused/, never over another."""

import ctypes
import errno
import hashlib
import json
import os
from datetime import UTC, datetime
from pathlib import Path

from ingest.discover import Found
from ingest.doors.drop_folder import DONE, REFUSED
from ingest.durable import sync_folder, write_durably
from ingest.errors import DiskError
from ingest.spool.records import Settlement

NOTE = ".reason.json"
_LONGEST = 190  # bytes of a name: with .reason.json and a temporary name, 255 are not exceeded
_HERE, _NO_REPLACE = -100, 1  # AT_FDCWD, RENAME_NOREPLACE
_NOT_OFFERED = (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP)  # by NFS and old kernels


def put_away(found: Found, settlement: Settlement) -> Path:
    """Move a file to where its outcome says, its sub-folder kept; returns its new path.

    A refused one has its reason beside it before it is moved. Raises DiskError where the
    folder cannot be written.
    """
    inner = found.path.relative_to(found.root).parent
    refused = settlement.problem is not None
    try:
        folder = _folder(found.root, Path(REFUSED if refused else DONE) / inner)
        number = 0
        while True:
            target = folder / _named(found.path.name, number)
            number += 1
            if _is_taken(target):
                continue
            if refused:
                write_durably(_note(target), _reason(found, settlement))
            if _renamed(found.path, target):
                break
        if not refused:
            _forget(found.root / REFUSED / inner / _named(found.path.name, 0))
    except OSError as error:
        raise DiskError(f"{found.root}: {error.strerror or error}") from None
    return target


def _folder(root: Path, inner: Path) -> Path:
    """Made as open to others as the drop folder itself."""
    mode, made = root.stat().st_mode & 0o777, root
    for name in inner.parts:
        made = made / name
        if made.is_symlink():  # it would lead us to write elsewhere
            raise DiskError(f"{made} is a link; files are not moved through one")
        if not made.is_dir():
            made.mkdir(exist_ok=True)
            made.chmod(mode)
            sync_folder(made.parent)
    return made


def _named(name: str, number: int) -> str:
    """name.dcm, name-1.dcm, name-2.dcm …; a very long name is cut, and told by its hash."""
    stem, dot, suffix = name.rpartition(".")
    if not stem or len(suffix) > 12:
        stem, dot, suffix = name, "", ""
    extra = f"-{number}" if number else ""
    if len(os.fsencode(name + extra)) > _LONGEST:
        digest = hashlib.sha256(os.fsencode(name)).hexdigest()[:12]
        room = _LONGEST - len(os.fsencode(dot + suffix + extra)) - len(digest) - 1
        cut = os.fsencode(stem)[:room].decode("utf-8", "ignore")
        stem = f"{cut}~{digest}"
    return f"{stem}{extra}{dot}{suffix}"


def _note(target: Path) -> Path:
    return target.with_name(target.name + NOTE)


def _is_taken(target: Path) -> bool:
    """Whether something lies there. A reason whose file was never moved does not count; a
    refused file that is called like a reason does."""
    if os.path.lexists(target):
        return True
    note = _note(target)
    return os.path.lexists(note) and os.path.lexists(_note(note))


def _forget(target: Path) -> None:
    """The reason of an earlier refusal that was cut off before its file was moved."""
    if not _is_taken(target):
        _note(target).unlink(missing_ok=True)


def _renamed(old: Path, new: Path) -> bool:
    """False where something lies there by now."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        old.rename(new)
        return True
    names = os.fsencode(old), os.fsencode(new)
    if libc.renameat2(_HERE, names[0], _HERE, names[1], _NO_REPLACE) == 0:
        return True
    number = ctypes.get_errno()
    if number == errno.EEXIST:
        return False
    if number in _NOT_OFFERED:
        old.rename(new)
        return True
    raise OSError(number, os.strerror(number))


def _reason(found: Found, settlement: Settlement) -> bytes:
    """Names that are not UTF-8 are escaped as JSON can: \\udcff is the byte ff."""
    problem = settlement.problem
    assert problem is not None
    content = {
        "file": found.name,
        "reason": problem.reason.value,
        "sentence": problem.sentence,
        "entry_id": settlement.entry_id,
        "study_id": settlement.study_id,
        "settled_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return (json.dumps(content, indent=1) + "\n").encode("ascii")
