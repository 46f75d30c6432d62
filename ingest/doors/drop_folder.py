"""A drop folder: which of its files are inputs, and what is known of each."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from ingest.discover import Found, described, file_problem, names_of, walk
from ingest.doors.settings import Folder
from ingest.doors.stillness import Signature, Stillness, signature
from ingest.errors import InputError
from ingest.inputs import Input
from ingest.manifest import Manifest, ManifestRow, RowError, read_manifest
from ingest.problem import Problem
from ingest.records import Reason

DONE, REFUSED = "done", "refused"
_UNFINISHED = (".part", ".partial", ".tmp", ".temp", ".filepart", ".crdownload", ".download", "~")


class DropFolder:
    """One folder of the configuration, as it is now."""

    def __init__(
        self,
        settings: Folder,
        place: Callable[[str, Path], Input],
        say: Callable[[str], None],
        quiet: float,
    ) -> None:
        """`place` makes an Input of a site and a path; `say` is for standard error."""
        self.root = Path(settings.path)
        self.moves = settings.after == "move"
        self._site, self._place, self._say = settings.site, place, say
        self._rows = _Rows(Path(settings.manifest), say, quiet) if settings.manifest else None

    def walk(self) -> Iterator[Found]:
        """Every file in it and its sub-folders that is not passed over."""
        return walk(self.root, self._passed_over)

    def found(self, path: Path) -> Found | None:
        """One file of it; None where it is passed over."""
        if not path.is_relative_to(self.root) or path.is_dir():
            return None
        inner = [one for one in path.parents if one != self.root and one.is_relative_to(self.root)]
        if self._passed_over(path, False) or any(self._passed_over(one, True) for one in inner):
            return None
        return Found(path, self.root, file_problem(path, self.root.resolve()))

    def input(self, found: Found) -> Input | None:
        """What is known of a file; None while its site is not known, or no manifest is there.

        A row of the manifest goes before the folder's site. Raises PneumoWatchError where the
        sites cannot be looked up now.
        """
        row, problem = None, found.problem
        if self._rows is not None:
            manifest = self._rows.current()
            if manifest is None:
                return None
            row = _row(manifest, found)
        if isinstance(row, RowError):
            problem, row = problem or row.problem(), None
        site = row.site_id if row and row.site_id else self._site
        item = replace(self._place(site, found.path), name=found.name)
        if self._rows is not None and row is None and problem is None and _no_site(item.problem):
            return None
        return described(replace(item, problem=problem or item.problem), row)

    def _passed_over(self, path: Path, is_folder: bool) -> bool:
        """Hidden names, unfinished files, what was put away, and the manifest."""
        if path.name.startswith("."):
            return True
        if is_folder:
            return path.parent == self.root and path.name in (DONE, REFUSED)
        if path.name.lower().endswith(_UNFINISHED):
            return True
        return self._rows is not None and self._rows.is_it(path)


class _Rows:
    """A manifest that is read again when it has changed, and then not at once."""

    def __init__(self, path: Path, say: Callable[[str], None], quiet: float) -> None:
        self._path, self._say = path, say
        self._still = Stillness(quiet)
        self._read: Signature | None = None
        self._manifest: Manifest | None = None
        self._missing = False

    def is_it(self, path: Path) -> bool:
        return path.name == self._path.name and path.resolve() == self._path.resolve()

    def current(self) -> Manifest | None:
        """As it was read last; None before it could be read at all."""
        now = signature(self._path)
        if now is None:
            if not self._missing and self._manifest is None:
                self._say(f"the manifest {self._path} is not there; its files wait for it")
            self._missing = True
        elif now != self._read and self._still.whole(self._path, now):
            self._read, self._missing = now, False
            self._load()
        return self._manifest

    def _load(self) -> None:
        try:
            self._manifest = read_manifest(self._path)
        except InputError as error:
            self._say(f"{error}; it is read again when it changes")
            return
        for mistake in self._manifest.errors[:20]:
            self._say(f"{self._path}, {mistake}")


def _row(manifest: Manifest, found: Found) -> ManifestRow | RowError | None:
    """By the whole path alone: what lies in a folder today says nothing of tomorrow's names."""
    for name in names_of(found, manifest.path):
        position = manifest.position(name)
        if position is not None:
            return manifest.row(position)
    return None


def _no_site(problem: Problem | None) -> bool:
    return problem is not None and problem.reason is Reason.NO_SITE
