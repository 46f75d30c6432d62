"""From the paths a person named to one `Input` for each file, with what the manifest says.

A walk holds one folder's names at a time, so memory stays flat however many files there are.
"""

import os
import re
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingest.errors import UserError
from ingest.inputs import Input
from ingest.manifest import Manifest, ManifestRow, RowError
from ingest.problem import Problem
from ingest.records import Reason
from ingest.values import acquired, plausible_age, plausible_time, to_utc

_NO_SITE = Problem(
    Reason.NO_SITE,
    "no site is known for it; name it in the manifest or with --site",
)
_AMBIGUOUS = Problem(
    Reason.MANIFEST_ROW,
    "several files have the name that the manifest gives; write its folder in the manifest too",
)
_LEADS_OUT = Problem(Reason.UNREADABLE, "a link that leads out of the folder; copy the file in")
_NOT_A_FILE = Problem(Reason.UNREADABLE, "not a regular file (a pipe, a socket or a device)")
_BROKEN_LINK = Problem(Reason.UNREADABLE, "a link to nothing")
NO_LISTING = Problem(Reason.UNREADABLE, "a folder that may not be listed; check its permissions")

_SITE_LIKE = re.compile(r"[A-Za-z0-9_.-]{1,32}")  # anything else may be a shifted column


class Found(NamedTuple):
    """A path, the folder named that it lies in, and what is wrong before it is opened."""

    path: Path
    root: Path
    problem: Problem | None

    @property
    def name(self) -> str:
        """Relative to the folder that was named."""
        return str(PurePosixPath(self.path.relative_to(self.root)))


class Discovery:
    """Iterate to get Inputs in a fixed order; may be iterated again.

    A folder is walked whole, sorted by name. Hidden names (a leading dot) and the manifest
    itself are passed over. Linked folders are not entered, and a linked file must lie inside
    the folder; anything else that cannot be read becomes an Input with a problem.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        manifest: Manifest | None,
        site_id: str | None,
        zones: Mapping[str, str],
        known_sites: AbstractSet[str] | None,
    ) -> None:
        for path in paths:
            if not os.path.lexists(path):
                raise UserError(f"{path}: there is no such file or folder")
        _check_zones(zones)
        self._paths, self._manifest, self._site_id = paths, manifest, site_id
        self._zones, self._known_sites = zones, known_sites
        self._seen: set[int] = set()
        self._shared_names: AbstractSet[str] | None = None

    def __iter__(self) -> Iterator[Input]:
        self._seen = set()
        for found in self._walk_all():
            yield self._input(found)

    def count(self) -> int:
        """How many Inputs there are; walks the folders without opening a file."""
        return sum(1 for _ in self._walk_all())

    @property
    def unmatched(self) -> int:
        """Files that the manifest names and the last full iteration did not meet."""
        return 0 if self._manifest is None else len(self._manifest) - len(self._seen)

    def _walk_all(self) -> Iterator[Found]:
        own = None if self._manifest is None else self._manifest.path.resolve()
        for path in self._paths:
            for found in walk(path):
                if own is None or found.path.name != own.name or found.path.resolve() != own:
                    yield found

    def _input(self, found: Found) -> Input:
        position, problem = self._match(found)
        row = None
        if self._manifest is not None and position is not None:
            self._seen.add(position)
            row = self._manifest.row(position)
        if isinstance(row, RowError):
            problem = row.problem()
            row = None
        site_id = (row.site_id if row else None) or self._site_id
        problem = found.problem or problem or site_problem(site_id, self._known_sites)
        zone = self._zones.get(site_id or "", "UTC")
        return described(Input(found.path, found.name, site_id, zone, problem=problem), row)

    def _match(self, found: Found) -> tuple[int | None, Problem | None]:
        if self._manifest is None:
            return None, None
        for name in names_of(found, self._manifest.path):
            position = self._manifest.position(name)
            if position is not None:
                return position, None
        return self._match_basename(found.path.name)

    def _match_basename(self, name: str) -> tuple[int | None, Problem | None]:
        assert self._manifest is not None
        position = self._manifest.basename_position(name)
        if position is None:
            return None, None
        if self._shared_names is None:
            self._shared_names = self._find_shared_names(self._manifest)
        return (None, _AMBIGUOUS) if name in self._shared_names else (position, None)

    def _find_shared_names(self, manifest: Manifest) -> AbstractSet[str]:
        """Names that the manifest gives and that several files have; bounded by the manifest."""
        once: set[str] = set()
        shared: set[str] = set()
        for found in self._walk_all():
            name = found.path.name
            if manifest.basename_position(name) is not None:
                (shared if name in once else once).add(name)
        return shared


def discover(
    paths: Sequence[Path],
    manifest: Manifest | None = None,
    site_id: str | None = None,
    zones: Mapping[str, str] | None = None,
    known_sites: AbstractSet[str] | None = None,
) -> Discovery:
    """What is to be read.

    Args:
        paths: files and folders.
        manifest: rows match by path relative to the folder, absolute path, path relative to
            the manifest's own folder, or by a last part that only one file has.
        site_id: the site of every file for which the manifest names none.
        zones: IANA time zone of each site; UTC where it is not given.
        known_sites: sites that may be named; None when sites do not matter (`predict`).

    Raises:
        UserError: a path or a time zone does not exist.
    """
    return Discovery(paths, manifest, site_id, zones or {}, known_sites)


def names_of(found: Found, manifest_path: Path) -> Iterator[str]:
    """What a manifest may call a file, most telling first."""
    yield found.name
    absolute = _absolute(found.path)
    yield str(absolute)
    base = _absolute(manifest_path).parent
    if absolute.is_relative_to(base):
        yield str(PurePosixPath(absolute.relative_to(base)))


def site_problem(site_id: str | None, known_sites: AbstractSet[str] | None) -> Problem | None:
    """What is wrong with an input's site; None where it is loaded or sites do not matter."""
    if known_sites is None or site_id in known_sites:
        return None
    if site_id is None:
        return _NO_SITE
    named = f"the site {site_id}" if _SITE_LIKE.fullmatch(site_id) else "its site"
    sentence = f"{named} is not loaded; add it with `pneumowatch sites load`"
    return Problem(Reason.UNKNOWN_SITE, sentence)


def _check_zones(zones: Mapping[str, str]) -> None:
    for site_id, zone in zones.items():
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            message = f"site {site_id}: there is no time zone {zone!r}; write Africa/Nairobi"
            raise UserError(message) from None


def _absolute(path: Path) -> Path:
    """Without following links, which `Path.resolve` would."""
    return Path(os.path.abspath(path))  # noqa: PTH100


def hidden(path: Path, _is_folder: bool) -> bool:
    """Whether its name begins with a dot."""
    return path.name.startswith(".")


def walk(path: Path, passed_over: Callable[[Path, bool], bool] = hidden) -> Iterator[Found]:
    """The files at or under a path, folders sorted by name, none entered through a link.

    `passed_over` is asked of a path, and whether it is a folder.
    """
    if path.is_dir():
        yield from _walk_folder(path, path, path.resolve(), passed_over)
    else:
        yield Found(path, path.parent, file_problem(path, None))


def _walk_folder(
    folder: Path, root: Path, real_root: Path, passed_over: Callable[[Path, bool], bool]
) -> Iterator[Found]:
    try:
        with os.scandir(folder) as entries:
            listed = sorted((e.name, e.is_dir(follow_symlinks=False)) for e in entries)
    except OSError:
        yield Found(folder, root, NO_LISTING)
        return
    for name, is_folder in listed:
        path = folder / name
        if passed_over(path, is_folder):
            continue
        if is_folder:
            yield from _walk_folder(path, root, real_root, passed_over)
        elif not (path.is_symlink() and path.is_dir()):
            yield Found(path, root, file_problem(path, real_root))


def file_problem(path: Path, real_root: Path | None) -> Problem | None:
    """Anything that must not be opened: it could block, or lies elsewhere."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return _BROKEN_LINK if path.is_symlink() else None  # the reader will say why
    if not stat.S_ISREG(mode):
        return _NOT_A_FILE
    if real_root is not None and path.is_symlink() and not path.resolve().is_relative_to(real_root):
        return _LEADS_OUT
    return None


def described(item: Input, row: ManifestRow | None) -> Input:
    """The same with what its row says, times read in the zone of its site."""
    if row is None:
        return item
    moment, flag = acquired(row.acquired_at, item.zone)
    age, age_flag = plausible_age(row.age_years)
    received = None if row.received_at is None else to_utc(row.received_at, item.zone)
    return replace(
        item,
        acquired_at=moment,
        acquired_flag=flag,
        received_at=received if plausible_time(received) else None,
        patient_id=row.patient_id,
        age_years=age,
        sex=row.sex,
        view=row.view,
        flags=(age_flag,) if age_flag else (),
    )
