"""Confirmed diagnoses: found their studies, appended where they change something.

A row names its study by id, or by the file that it came from. A file that is there is read,
and its pixels decide; of one that is not, the keyed hash of its name does. The latest label of
a study wins, as of a commit; nothing is ever changed.
"""

import contextlib
import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from inference.preprocess import prepare
from ingest.identity import Pseudonymiser
from ingest.inputs import Input
from ingest.manifest import RowError
from ingest.reader import ReaderSettings
from ingest.records import Study
from ingest.settings import IngestSettings
from ingest.workers import read_with
from warehouse.audit import Action, append
from warehouse.label_file import LabelFile, LabelRow
from warehouse.records import Label
from warehouse.store import Row, Transaction, Warehouse

Reading = Callable[[Sequence[Path]], Mapping[Path, Study]]
_CONTRADICTS = "it contradicts line {line} about the same study; keep the reading that holds"
_SEVERAL = "{number} films came in under this name; write the study_id"


@dataclass(slots=True)
class Labelled:
    """What became of a file's rows: received = loaded + unchanged + unknown + errors."""

    received: int = 0
    loaded: int = 0
    unchanged: int = 0
    unknown: list[LabelRow] = field(default_factory=list)
    errors: list[RowError] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Match:
    row: LabelRow
    labels: tuple[Label, ...]  # several where the same film is a study of several sites


def load_labels(
    warehouse: Warehouse, file: LabelFile, key: bytes, settings: IngestSettings
) -> Labelled:
    """Appends the labels of a CSV that differ from the latest ones of their studies."""
    found = Labelled(len(file.rows) + len(file.errors), errors=list(file.errors))
    reading = functools.partial(read_films, key=key, settings=settings)
    matches = _agreeing(_matches(warehouse, file, Pseudonymiser(key), reading, found), found)
    if matches:
        with warehouse.write("labels") as transaction:
            _append(transaction, matches, found)
    found.errors.sort(key=lambda error: error.line)
    return found


def read_films(paths: Sequence[Path], key: bytes, settings: IngestSettings) -> Mapping[Path, Study]:
    """Path → Study of every file that is one, read by decode workers as `ingest` reads it."""
    small = functools.partial(prepare, size=8)  # of the pixels only their hash is wanted
    reader = ReaderSettings.of(settings, key, small)
    results = read_with((Input(path, path.name) for path in paths), reader, settings)
    return {item.path: outcome for item, outcome in results if isinstance(outcome, Study)}


def _matches(
    warehouse: Warehouse,
    file: LabelFile,
    names: Pseudonymiser,
    reading: Reading,
    found: Labelled,
) -> list[_Match]:
    """Rows with their labels; those without a study, or with too many, go to `found`."""
    films = _films_at_hand(file, reading)
    stored = _stored(warehouse, file.rows, films, names)
    matches = []
    for row in file.rows:
        studies = stored.of(row, films.get(row.line), names)
        if len({study["content_hash"] for study in studies}) > 1:
            found.errors.append(row.error(_SEVERAL.format(number=len(studies))))
        elif not studies:
            found.unknown.append(row)
        else:
            matches.append(_Match(row, tuple(_label(s["study_id"], row, names) for s in studies)))
    return matches


@dataclass(frozen=True, slots=True)
class _Stored:
    """Studies that rows may mean, by id, by pixels and by name."""

    by_id: Mapping[str, Sequence[Row]]
    by_hash: Mapping[str, Sequence[Row]]
    by_key: Mapping[str, Sequence[Row]]

    def of(self, row: LabelRow, film: Study | None, names: Pseudonymiser) -> Sequence[Row]:
        """The id before the pixels, the pixels before the name."""
        if row.study_id:
            return self.by_id.get(row.study_id, ())
        if film is not None:
            return self.by_id.get(film.study_id) or self.by_hash.get(film.content_hash, ())
        return self.by_key.get(names.file_key(Path(row.file).name), ())


def _stored(
    warehouse: Warehouse,
    rows: Sequence[LabelRow],
    films: Mapping[int, Study],
    names: Pseudonymiser,
) -> _Stored:
    keys = {names.file_key(Path(row.file).name) for row in rows if row.file}
    ids = {row.study_id for row in rows} | {film.study_id for film in films.values()}
    studies = warehouse.query(
        "studies_named",
        study_ids=list(ids),
        content_hashes=list({film.content_hash for film in films.values()}),
        file_keys=list(keys),
    )
    return _Stored(*(_grouped(studies, by) for by in ("study_id", "content_hash", "file_key")))


def _films_at_hand(file: LabelFile, reading: Reading) -> dict[int, Study]:
    """Line → the film of each row whose file lies beside the CSV or where the command runs."""
    places = {row.line: _place(row.file, file.path.parent) for row in file.rows if row.file}
    at_hand = {line: path for line, path in places.items() if path is not None}
    films = reading(sorted(set(at_hand.values()))) if at_hand else {}
    return {line: films[path] for line, path in at_hand.items() if path in films}


def _place(name: str, folder: Path) -> Path | None:
    for path in (folder / name, Path(name)):
        with contextlib.suppress(OSError, ValueError):  # no name that a disk could have
            if path.is_file():
                return path
    return None


def _agreeing(matches: Iterable[_Match], found: Labelled) -> list[_Match]:
    """The same twice is harmless; two rows that differ about a study spoil each other."""
    by_study: dict[str, list[_Match]] = defaultdict(list)
    for match in matches:
        by_study[match.labels[0].study_id].append(match)
    kept = []
    for same in by_study.values():
        first = same[0]
        if all(match.labels == first.labels for match in same):
            kept.append(first)
            found.unchanged += len(same) - 1
            continue
        for match in same:
            other = next(one for one in same if one.labels != match.labels)
            message = _CONTRADICTS.format(line=other.row.line)
            found.errors.append(match.row.error(message))
    return kept


def _append(transaction: Transaction, matches: Sequence[_Match], found: Labelled) -> None:
    ids = [label.study_id for match in matches for label in match.labels]
    rows = transaction.query("current_labels", study_ids=ids, commit=transaction.commit_number)
    latest = {row["study_id"]: Label(**row) for row in rows}
    there = {row["study_id"] for row in transaction.query("studies_by_id", study_ids=ids)}
    new: list[Label] = []
    for match in matches:
        labels = [label for label in match.labels if label.study_id in there]  # not erased since
        changed = [label for label in labels if latest.get(label.study_id) != label]
        found.loaded += bool(changed)
        found.unchanged += not changed
        new += changed
    if new:
        transaction.append("labels", [asdict(label) for label in new])
        append(transaction, Action.LABELS, "", {"rows": len(matches), "labels": len(new)})


def _label(study_id: str, row: LabelRow, names: Pseudonymiser) -> Label:
    reader = names.reader_key(row.reader) if row.reader else None
    return Label(study_id, row.label, row.aetiology, reader, row.read_at)


def _grouped(rows: Iterable[Row], by: str) -> dict[str, list[Row]]:
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[by]].append(row)
    return groups
