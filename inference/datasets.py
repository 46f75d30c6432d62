"""Labelled films on disk: class folders, split folders or a CSV index, as a list of `Film`.

Understood:  DATASET/{CLASS}/…    DATASET/{train,val,test}/{CLASS}/…    an index
`file,label[,patient_id,age,sex,view,source,aetiology,…]` with paths relative to it.
"""

import csv
import hashlib
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ingest.errors import InputError, UserError

SUFFIXES = frozenset({".jpeg", ".jpg", ".png", ".bmp", ".tif", ".tiff", ".dcm", ".dicom"})
SPLITS = {"train": "train", "val": "val", "validation": "val", "valid": "val", "test": "test"}
NEGATIVE_NAMES = ("normal", "no finding", "no_finding", "no-finding", "healthy", "negative")
EXPECTED = (
    "expected CLASS folders of images, train/val/test folders with CLASS folders in them, "
    "or a CSV index with the columns file,label"
)
_NAME_GRAMMARS = (
    re.compile(r"(?P<patient>person\d+)_(?P<aetiology>bacteria|virus)_", re.IGNORECASE),
    re.compile(r"(?:NORMAL\d*-)?(?P<patient>IM-\d+)-\d+"),
    re.compile(r"[A-Za-z]\w*-(?P<patient>\d+)-\d+"),
)


@dataclass(frozen=True, slots=True)
class Film:
    """One labelled image. `patient` is for keeping splits apart and goes nowhere else."""

    file: Path
    label: str  # the class as the data set spells it
    patient: str
    source: str
    aetiology: str | None = None  # bacteria or virus
    split: str | None = None  # train, val or test, where the data set says so
    age: str = ""
    sex: str = ""
    view: str = ""
    extra: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)


def read_dataset(path: Path) -> list[Film]:
    """Every film that a data set names, in a stable order.

    Raises UserError, naming the folder and what is expected, when there are none.
    """
    if not path.exists():
        raise UserError(f"there is no data set at {path}; {EXPECTED}")
    index = path / "index.csv" if path.is_dir() else path
    films = _read_index(index) if index.is_file() else _read_folders(path)
    if not films:
        raise UserError(f"{path} holds no labelled images; {EXPECTED}")
    return films


def patient_of(file: Path, root: Path) -> tuple[str, str | None]:
    """Patient and aetiology from a file's name; a name outside the grammar is its own patient."""
    for grammar in _NAME_GRAMMARS:
        if match := grammar.match(file.name):
            found = match.groupdict()
            return found["patient"], (found.get("aetiology") or "").lower() or None
    inside = file.relative_to(root) if file.is_relative_to(root) else file
    return f"{root.name}/{inside.as_posix()}", None


def split_by_patient(
    films: Iterable[Film], share: float, seed: int
) -> tuple[list[Film], list[Film]]:
    """(kept, held): about `share` of the patients of every source and class are held back.

    A patient is on one side only, whatever their films are called. The choice depends on the
    patient and the seed alone, so films that are added later move nobody.
    """
    of_patient: dict[str, list[Film]] = defaultdict(list)
    for film in films:
        of_patient[film.patient].append(film)
    strata: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for patient, own in of_patient.items():
        strata[tuple(sorted({f"{film.source}\0{film.label}" for film in own}))].append(patient)
    held: set[str] = set()
    for patients in strata.values():
        patients.sort(key=lambda patient: hashlib.sha256(f"{seed}/{patient}".encode()).digest())
        wanted = round(len(patients) * share) or len(patients) > 1  # one of two at least
        held.update(patients[: int(wanted)])
    every = [film for own in of_patient.values() for film in own]
    return (
        [film for film in every if film.patient not in held],
        [film for film in every if film.patient in held],
    )


def negative_class(classes: Iterable[str], wanted: str | None = None) -> str:
    """Which class means "no disease": the one asked for, one that is called normal, or the
    first in the alphabet. Raises UserError when the one asked for is not among `classes`.
    """
    names = sorted(set(classes), key=str.casefold)
    for candidate in (wanted.casefold(),) if wanted else NEGATIVE_NAMES:
        for name in names:
            if name.casefold() == candidate:
                return name
    if wanted:
        raise UserError(f"none of the classes {', '.join(names)} is called {wanted}")
    return names[0]


def matching(films: Iterable[Film], require: Mapping[str, str]) -> list[Film]:
    """The films whose index columns have the required values, e.g. redistributable = yes."""
    return [
        film
        for film in films
        if all(film.extra.get(column) == value for column, value in require.items())
    ]


def _read_folders(root: Path) -> list[Film]:
    splits = [folder for folder in _folders(root) if folder.name.lower() in SPLITS]
    if not splits:
        return _read_classes(root, root, None)
    films: list[Film] = []
    for folder in splits:
        films += _read_classes(folder, root, SPLITS[folder.name.lower()])
    return films


def _read_classes(parent: Path, root: Path, split: str | None) -> list[Film]:
    films = []
    for folder in _folders(parent):
        files = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
        for file in sorted(files):
            patient, aetiology = patient_of(file, root)
            films.append(Film(file, folder.name, patient, _source_of(root), aetiology, split))
    return films


def _folders(parent: Path) -> list[Path]:
    if not parent.is_dir():
        return []
    visible = (folder for folder in parent.iterdir() if not folder.name.startswith("."))
    return sorted(folder for folder in visible if folder.is_dir())


def _source_of(root: Path) -> str:
    """A folder's name; of a lone `train` or `test` folder, its parent's."""
    resolved = root.resolve()
    return resolved.parent.name if resolved.name.lower() in SPLITS else resolved.name


def _read_index(index: Path) -> list[Film]:
    try:
        with index.open(newline="", encoding="utf-8-sig") as stream:
            rows = csv.DictReader(stream)
            missing = {"file", "label"} - set(rows.fieldnames or ())
            if missing:
                columns = ", ".join(sorted(missing))
                raise InputError(f"the column {columns} is missing; {EXPECTED}", file=index)
            return [_film_of(row, rows.line_num, index) for row in rows]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"not a CSV file ({error}); {EXPECTED}", file=index) from error


def _film_of(row: Mapping[str, str], line: int, index: Path) -> Film:
    name = (row["file"] or "").strip()
    if not name or not (row["label"] or "").strip():
        column = "label" if name else "file"
        raise InputError("the value is empty", file=index, line=line, column=column)
    folder = index.parent
    places = (folder / name, folder / "images" / name)
    file = next((place for place in places if place.is_file()), None)
    if file is None:
        raise InputError(f"there is no file {name}", file=index, line=line, column="file")
    patient, aetiology = patient_of(file, folder)
    split = SPLITS.get((row.get("split") or "").strip().lower())
    return Film(
        file=file,
        label=row["label"].strip(),
        patient=(row.get("patient_id") or "").strip() or patient,
        source=(row.get("source") or "").strip() or _source_in_index(name, index),
        aetiology=_aetiology(row.get("aetiology")) or aetiology,
        split=split,
        age=(row.get("age") or row.get("age_years") or "").strip(),
        sex=(row.get("sex") or "").strip(),
        view=(row.get("view") or "").strip(),
        extra={key: value for key, value in row.items() if key and value is not None},
    )


def _source_in_index(name: str, index: Path) -> str:
    """The first folder of the path, as data sets from several places are laid out."""
    parts = Path(name).parts
    return parts[0] if len(parts) > 2 else index.resolve().parent.name


def _aetiology(value: str | None) -> str | None:
    start = (value or "").strip().lower()
    return {"bact": "bacteria", "vira": "virus", "viru": "virus"}.get(start[:4])
