"""Reading labelled films, the grammar of their names, and splits that keep patients apart."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inference.datasets import (
    Film,
    matching,
    negative_class,
    patient_of,
    read_dataset,
    split_by_patient,
)
from inference.recipe import Recipe
from inference.training_data import admitted, partition
from ingest.errors import InputError, UserError
from tests.inference.films import write_film

ANYTHING = np.zeros((4, 4), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "patient", "aetiology"),
    [
        ("person1_bacteria_2.jpeg", "person1", "bacteria"),
        ("person1_virus_6.jpeg", "person1", "virus"),
        ("person1305_virus_2251_3.jpeg", "person1305", "virus"),
        ("IM-0115-0001.jpeg", "IM-0115", None),
        ("IM-0666-0001-0002.jpeg", "IM-0666", None),
        ("NORMAL2-IM-0666-0001.jpeg", "IM-0666", None),
        ("CNV-1016042-12.jpeg", "1016042", None),
        ("DRUSEN-9884539-1.jpeg", "9884539", None),
        ("film 7.png", "set/a/film 7.png", None),
    ],
)
def test_names(name: str, patient: str, aetiology: str | None) -> None:
    assert patient_of(Path("set/a") / name, Path("set")) == (patient, aetiology)


def test_class_folders(tmp_path: Path) -> None:
    write_film(tmp_path / "NORMAL" / "IM-1-1.png", ANYTHING)
    write_film(tmp_path / "PNEUMONIA" / "deeper" / "person3_virus_1.png", ANYTHING)
    (tmp_path / "NORMAL" / "notes.txt").write_text("not a film")
    (tmp_path / ".cache").mkdir()
    films = read_dataset(tmp_path)
    found = [(film.label, film.patient, film.aetiology, film.split) for film in films]
    assert found == [("NORMAL", "IM-1", None, None), ("PNEUMONIA", "person3", "virus", None)]


@pytest.mark.parametrize("name", ["val", "validation", "Validation"])
def test_split_folders(tmp_path: Path, name: str) -> None:
    for folder in ("train", name, "test"):
        write_film(tmp_path / folder / "DME" / f"DME-{len(folder)}-1.png", ANYTHING)
    assert {film.split for film in read_dataset(tmp_path)} == {"train", "val", "test"}


def test_an_index_with_more_columns_than_are_used(tmp_path: Path) -> None:
    write_film(tmp_path / "nih" / "normal" / "1.png", ANYTHING)
    write_film(tmp_path / "images" / "2.png", ANYTHING)
    (tmp_path / "index.csv").write_text(
        "file,label,patient_id,age,view,redistributable,aetiology\n"
        "nih/normal/1.png,normal,NIH-7,61,AP,yes,\n"
        "2.png,pneumonia,,,,unclear,virus\n"
    )
    first, second = read_dataset(tmp_path)
    assert (first.patient, first.source, first.age, first.view) == ("NIH-7", "nih", "61", "AP")
    assert (second.source, second.aetiology) == (tmp_path.name, "virus")
    assert matching([first, second], {"redistributable": "yes"}) == [first]


def test_a_wrong_index_names_the_file_the_line_and_the_column(tmp_path: Path) -> None:
    index = tmp_path / "films.csv"
    index.write_text("file,label\nmissing.png,normal\n")
    with pytest.raises(InputError, match=r"films\.csv, line 2, column file.*missing\.png"):
        read_dataset(index)
    index.write_text("file,diagnosis\nmissing.png,normal\n")
    with pytest.raises(InputError, match="column label is missing"):
        read_dataset(index)


def test_an_index_may_name_files_that_lie_elsewhere(tmp_path: Path) -> None:
    elsewhere = write_film(tmp_path / "films" / "a.png", np.zeros((9, 9), dtype=np.uint8))
    (tmp_path / "index").mkdir()
    index = tmp_path / "index" / "films.csv"
    index.write_text(f"file,label\n{elsewhere},normal\n../films/a.png,normal\n")
    assert [film.file.resolve() for film in read_dataset(index)] == [elsewhere, elsewhere]


def test_a_folder_without_films_says_what_is_expected(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=f"{tmp_path.name}.*CLASS folders"):
        read_dataset(tmp_path)
    with pytest.raises(UserError, match="no data set at"):
        read_dataset(tmp_path / "nowhere")


def test_the_negative_class() -> None:
    assert negative_class(["CNV", "NORMAL", "DME"]) == "NORMAL"
    assert negative_class(["effusion", "No Finding"]) == "No Finding"
    assert negative_class(["a", "B"], "b") == "B"
    assert negative_class(["pear", "Apple"]) == "Apple"
    with pytest.raises(UserError, match="apple, pear is called plum"):
        negative_class(["pear", "apple"], "plum")


films_of_patients = st.lists(
    st.tuples(st.integers(0, 30), st.sampled_from("ab"), st.sampled_from("xy")), max_size=120
)


@given(films_of_patients, st.floats(0.05, 0.9), st.integers(0, 5))
def test_no_patient_is_on_both_sides(
    rows: list[tuple[int, str, str]], share: float, seed: int
) -> None:
    films = [
        Film(Path(str(number)), label, f"p{patient}", source)
        for number, (patient, label, source) in enumerate(rows)
    ]
    kept, held = split_by_patient(films, share, seed)
    assert {film.patient for film in kept}.isdisjoint(film.patient for film in held)
    assert sorted(map(str, [film.file for film in kept + held])) == sorted(
        str(film.file) for film in films
    )


def test_bacterial_and_viral_films_of_a_person_stay_together() -> None:
    films = []
    for person in range(60):
        for cause in ("bacteria", "virus"):
            name = Path(f"set/P/person{person}_{cause}_1.jpeg")
            patient, aetiology = patient_of(name, Path("set"))
            films.append(Film(name, "P", patient, "set", aetiology))
    kept, held = split_by_patient(films, 0.2, seed=3)
    assert (len(kept), len(held)) == (96, 24)
    assert {film.patient for film in kept}.isdisjoint(film.patient for film in held)


def test_a_small_validation_folder_is_pooled_and_test_patients_stay_out_of_training() -> None:
    def film(patient: int, split: str) -> Film:
        return Film(Path(f"{split}{patient}"), "ab"[patient % 2], f"p{patient}", "s", split=split)

    train = [film(patient, "train") for patient in range(200)]
    test = [film(patient, "test") for patient in range(190, 210)]
    small = [film(patient, "val") for patient in range(210, 218)]
    large = [film(patient, "val") for patient in range(150, 260)]
    kept, held = partition(train + test + small, 0.2, seed=1)
    assert len(kept) + len(held) == 190 + 8
    assert len(held) > 30
    kept, held = partition(train + test + large, 0.2, seed=1)
    assert all(one.split == "val" for one in held)
    assert {one.patient for one in kept}.isdisjoint(one.patient for one in held)
    assert {one.patient for one in kept + held}.isdisjoint(one.patient for one in test)


def test_a_recipe_admits_only_its_sources() -> None:
    from inference.recipe import SourceRecipe

    films = [
        Film(Path("1"), "normal", "p1", "nih", extra={"redistributable": "yes"}),
        Film(Path("2"), "normal", "p2", "nih", extra={"redistributable": "no"}),
        Film(Path("3"), "normal", "p3", "elsewhere", extra={"redistributable": "yes"}),
    ]
    source = SourceRecipe("nih", require={"redistributable": "yes"})
    assert admitted(films, Recipe(sources=(source,))) == films[:1]
    assert admitted(films, Recipe()) == films
    with pytest.raises(UserError, match="guangzhou"):
        admitted(films, Recipe(sources=(SourceRecipe("guangzhou"),)))
