"""Backups of a home while it works, and homes made from them.

A backup is a dated folder: the catalog as SQLite's own backup copies it (under the write lock,
so between two commits), the Parquet files that this copy names, models, configuration, kept
images, the audit heads and what waits in the spool. What never changes once written is linked to
the backup before, or to the home, where the file system allows. `manifest.json` has the SHA-256
of every file and is written last; a folder without one is no backup.
"""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingest.durable import sync_folder, write_durably
from ingest.errors import DiskError, InputError, UserError
from warehouse import audit
from warehouse.care.lake import care
from warehouse.home import Home
from warehouse.store import Warehouse, software_version

MANIFEST = "manifest.json"
Manifest = dict[str, Any]
_LEFT_OUT = {"warehouse", "spool", "erasure.json"}  # copied their own way, or of this moment
_SQLITE = b"SQLite format 3\0"
_NAMED_FILES = """SELECT s.path, t.path, f.path, f.path_is_relative FROM {table} f
JOIN ducklake_table t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
JOIN ducklake_schema s ON s.schema_id = t.schema_id"""


@dataclass(frozen=True, slots=True)
class Backup:
    """A finished backup."""

    folder: Path
    version: int  # the newest commit in it
    files: int
    bytes: int
    linked: int  # files that take no room of their own
    with_key: bool


def back_up(warehouse: Warehouse, folder: Path, *, with_key: bool = False) -> Backup:
    """Makes a new dated backup under `folder`; writers are held up for the catalog's copy alone.

    UserError where the catalog is not SQLite, where another care of the home runs, and where
    an erasure is unfinished; DiskError where the disk refuses.
    """
    home = warehouse.home
    if not home.catalog.exists():
        raise UserError(
            "this home's catalog is not in SQLite: back it up with the database's own tool "
            "(docs/care.md), and the data with its store's"
        )
    if home.erasure_journal.exists():
        raise UserError("an erasure is unfinished: run `pneumowatch erase` first")
    name = datetime.now(UTC).strftime("%Y-%m-%dT%H%M%S.%fZ")
    folder = folder.resolve()
    if folder == home.root.resolve() or home.root.resolve() in folder.parents:
        raise UserError(f"{folder} lies in the home itself; name a folder elsewhere")
    part = folder / f".{name}.part"
    with care(home):
        what = f"backup:{name}"
        audit.record(warehouse, audit.Action.BACKUP, what, {"with_key": with_key})
        try:
            part.mkdir(parents=True, mode=0o700)
            made = _Copying(home, part, _latest(folder)).run(warehouse, with_key)
            _write_manifest(part, made)
            part.rename(folder / name)
            sync_folder(folder)
        except OSError as error:
            shutil.rmtree(part, ignore_errors=True)
            raise DiskError(
                f"{error.filename or part} cannot be written: {error.strerror}"
            ) from None
    return Backup(
        folder / name, made["version"], len(made["files"]), made["bytes"], made["linked"], with_key
    )


class _Copying:
    """One backup under way."""

    def __init__(self, home: Home, target: Path, before: Path | None) -> None:
        self.home, self.target, self.before = home, target, before
        self.linked = 0

    def run(self, warehouse: Warehouse, with_key: bool) -> Manifest:
        self._spool()  # before the catalog: what is settled meanwhile is in the catalog's copy
        self._rest(with_key)
        version = self._catalog(warehouse)
        for path in named_files(self.target / "warehouse" / "catalog.sqlite"):
            self._link(self.home.data / path, Path("warehouse", "data", path))
        return {"version": version, "with_key": with_key, "linked": self.linked}

    def _catalog(self, warehouse: Warehouse) -> int:
        target = self.target / "warehouse" / "catalog.sqlite"
        target.parent.mkdir()
        with warehouse.alone():
            copy_database(self.home.catalog, target)
            return int(warehouse.query("version_latest")[0]["commit_number"])

    def _spool(self) -> None:
        """Entries with their payloads; one whose payload went meanwhile was settled."""
        source = self.home.spool / "spool.sqlite"
        if not source.exists():
            return
        target = self.target / "spool" / "spool.sqlite"
        target.parent.mkdir()
        copy_database(source, target)
        with closing(sqlite3.connect(target)) as db:
            rows = db.execute("SELECT payload FROM entries WHERE payload IS NOT NULL").fetchall()
            gone = [one for one in rows if not self._take(Path("spool", "films", one[0]))]
            db.executemany("DELETE FROM entries WHERE payload = ?", gone)
            db.commit()
        for path in self.home.spool.glob("aside/*"):
            self._take(path.relative_to(self.home.root))

    def _rest(self, with_key: bool) -> None:
        for path in _files(self.home.root):
            name = path.relative_to(self.home.root)
            if name.parts[0] in _LEFT_OUT or path.name.endswith((".part", ".lock", "-wal", "-shm")):
                continue
            if path == self.home.key and not with_key:
                continue
            unchanging = name.parts[0] in ("studies", "models")
            self._take(name) if unchanging else self._copy(path, name)

    def _take(self, name: Path) -> bool:
        """False where the file has gone meanwhile."""
        try:
            self._link(self.home.root / name, name)
        except FileNotFoundError:
            return False
        return True

    def _link(self, source: Path, name: Path) -> None:
        """The backup before has it, perhaps; else the home's own; else a copy."""
        target = self.target / name
        target.parent.mkdir(parents=True, exist_ok=True)
        size = source.stat().st_size
        earlier = self.before / name if self.before else None
        for one in (earlier, source):
            if one is None or not one.is_file() or one.stat().st_size != size:
                continue
            try:
                os.link(one, target)
            except OSError:  # another file system, or one without links
                continue
            self.linked += 1
            return
        shutil.copy2(source, target)

    def _copy(self, source: Path, name: Path) -> None:
        target = self.target / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with source.open("rb") as file:
                database = file.read(len(_SQLITE)) == _SQLITE
            if database:
                copy_database(source, target)
            else:
                shutil.copy2(source, target)
        except FileNotFoundError:  # a temporary file of somebody at work
            return


def copy_database(source: Path, target: Path) -> None:
    """A SQLite database in one consistent state, others working in it or not."""
    with (
        closing(sqlite3.connect(source, timeout=30)) as db,
        closing(sqlite3.connect(target)) as copy,
    ):
        db.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file; the home makes it WAL again


def named_files(catalog: Path) -> list[Path]:
    """The Parquet files, relative to the data folder, that a catalog's copy reads."""
    found = []
    with closing(sqlite3.connect(catalog)) as db:
        for table in ("ducklake_data_file", "ducklake_delete_file"):
            for schema, own, path, relative in db.execute(_NAMED_FILES.format(table=table)):
                if relative:
                    found.append(Path(schema, own, path))
        db.execute("DELETE FROM ducklake_files_scheduled_for_deletion")  # not taken along
        db.commit()
    return sorted(set(found))


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())


def _write_manifest(folder: Path, made: Manifest) -> None:
    files: dict[str, dict[str, Any]] = {
        path.relative_to(folder).as_posix(): {"sha256": digest(path), "bytes": path.stat().st_size}
        for path in _files(folder)
    }
    made |= {
        "made_at": datetime.now(UTC).isoformat(),
        "software_version": software_version(),
        "files": files,
        "bytes": sum(one["bytes"] for one in files.values()),
    }
    write_durably(folder / MANIFEST, json.dumps(made, indent=1).encode(), 0o600)


def _latest(folder: Path) -> Path | None:
    """The newest finished backup in a folder."""
    found = sorted(path.parent for path in folder.glob(f"[0-9]*/{MANIFEST}"))
    return found[-1] if found else None


def restore(folder: Path, root: Path) -> Backup:
    """Makes a home of a backup (or of the newest one in a folder), after checking every digest.

    The home must not be there, or be empty. UserError where it is not, or where `folder` holds
    no backup; InputError naming the first file that is not what the manifest says.
    """
    source = folder if (folder / MANIFEST).is_file() else _latest(folder)
    if source is None:
        raise UserError(f"{folder} holds no backup (no {MANIFEST})")
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise UserError(f"--home {root} is not empty; name a new one")
    made = _read_manifest(source / MANIFEST)
    part = root.with_name(f".{root.name}.restoring")
    shutil.rmtree(part, ignore_errors=True)
    try:
        for name, about in made["files"].items():
            _restore_file(source / name, part / name, about)
        root.mkdir(parents=True, exist_ok=True)
        part.replace(root)
        sync_folder(root.parent)
    except OSError as error:
        raise DiskError(f"{error.filename or root} cannot be written: {error.strerror}") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    with Warehouse.open(root) as warehouse:
        details = {"version": made["version"], "made_at": made["made_at"]}
        audit.record(warehouse, audit.Action.RESTORE, f"backup:{source.name}", details)
    return Backup(
        source, made["version"], len(made["files"]), made["bytes"], 0, bool(made["with_key"])
    )


def _read_manifest(path: Path) -> Manifest:
    try:
        made: Manifest = json.loads(path.read_text(encoding="utf-8"))
        names = [*made["files"]]
        assert {"version", "made_at", "bytes", "with_key"} <= made.keys()
    except (OSError, ValueError, KeyError, AssertionError):
        raise InputError("is not a manifest of a backup", file=path) from None
    for name in names:
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(f"names a file outside the backup ({name})", file=path)
    return made


def _restore_file(source: Path, target: Path, about: dict[str, object]) -> None:
    """A copy, never a link: the home must not share a file with its backup."""
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not source.is_file():
        raise InputError("is missing from the backup; restore another one", file=source)
    shutil.copy2(source, target)
    if digest(target) != about["sha256"]:
        raise InputError(
            "is not what the manifest says (its SHA-256 differs); restore another backup",
            file=source,
        )
