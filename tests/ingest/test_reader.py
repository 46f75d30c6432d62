from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.content import content_hash
from ingest.identity import Pseudonymiser, study_id_from_content
from ingest.inputs import Input
from ingest.problem import Problem
from ingest.reader import ReaderSettings, read
from ingest.records import Reason, Rejection, Study
from tests.ingest.films import (
    KEY,
    SHARED,
    dataset,
    dicom_bytes,
    film,
    jpeg,
    png,
    small,
)

RECEIVED = datetime(2026, 5, 14, 9, tzinfo=UTC)
SETTINGS = ReaderSettings(KEY, small, received_at=RECEIVED)
FILM = film()


def outcome(folder: Path, data: bytes, name: str = "x", **known: object) -> Study | Rejection:
    (folder / name).write_bytes(data)
    return read(Input(folder / name, name, **known), SETTINGS)  # type: ignore[arg-type]


def test_the_acceptance_folder(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (224, 224), dtype=np.uint8)
    good = jpeg(FILM)
    files = {
        "cut.jpg": good[: len(good) // 2],
        "empty.png": b"",
        "text.dcm": b"This is a letter.\n" * 20,
        "noise.png": png(noise),
        "good.jpg": good,
    }
    found = {name: outcome(tmp_path, data, name, site_id="S") for name, data in files.items()}
    assert isinstance(found.pop("good.jpg"), Study)
    reasons = {name: r.reason for name, r in found.items() if isinstance(r, Rejection)}
    assert reasons == {
        "cut.jpg": Reason.TRUNCATED,
        "empty.png": Reason.EMPTY,
        "text.dcm": Reason.NOT_AN_IMAGE,
        "noise.png": Reason.NOISE,
    }


def test_an_image_becomes_a_study_with_what_the_manifest_says(tmp_path: Path) -> None:
    acquired = datetime(2026, 5, 13, 22, tzinfo=UTC)
    study = outcome(
        tmp_path,
        png(FILM),
        site_id="S",
        zone="Africa/Nairobi",
        acquired_at=acquired,
        patient_id="P1",
        age_years=90.0,
        sex="F",
        view="AP",
        flags=("age_top_coded",),
    )
    assert isinstance(study, Study)
    digest = content_hash(FILM)
    assert study == Study(
        study_id=study_id_from_content(digest, "S"),
        content_hash=digest,
        patient_key=Pseudonymiser(KEY).patient_key("P1"),
        site_id="S",
        acquired_at=acquired,
        acquired_date=date(2026, 5, 14),  # it is past midnight in Nairobi
        received_at=RECEIVED,
        age_years=90.0,
        sex="F",
        view="AP",
        source="image",
        flags="age_top_coded",
        file_key=Pseudonymiser(KEY).file_key("x"),
    )
    assert study.image is None
    np.testing.assert_array_equal(study.pixels, small(FILM))


def test_a_film_is_kept_when_that_is_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(png(FILM))
    study = read(Input(tmp_path / "x"), replace(SETTINGS, keep=png))
    assert isinstance(study, Study)
    assert study.image == png(FILM)


def test_the_manifest_counts_before_the_header(tmp_path: Path) -> None:
    data = dicom_bytes(dataset(FILM, PatientID="H", PatientAge="040Y", PatientSex="M"))
    alone = outcome(tmp_path, data)
    told = outcome(tmp_path, data, patient_id="P", age_years=3.0, sex="F", view="AP")
    assert isinstance(alone, Study)
    assert isinstance(told, Study)
    assert (alone.age_years, alone.sex, alone.view) == (40.0, "M", "PA")
    assert (told.age_years, told.sex, told.view) == (3.0, "F", "AP")
    assert alone.patient_key == Pseudonymiser(KEY).patient_key("H")
    assert told.patient_key == Pseudonymiser(KEY).patient_key("P")
    assert alone.study_id == told.study_id == Pseudonymiser(KEY).study_id_from_uid("1.2.3.4")


def test_without_a_date_a_film_is_a_flagged_study(tmp_path: Path) -> None:
    for flag in ("no_date", "implausible_date"):
        study = outcome(tmp_path, png(FILM), acquired_flag=flag)
        assert isinstance(study, Study)
        assert (study.acquired_at, study.acquired_date, study.flags) == (None, None, flag)


def test_the_same_film_in_other_files_is_the_same_study(tmp_path: Path) -> None:
    first = outcome(tmp_path, png(FILM), "a.png", site_id="S")
    second = outcome(tmp_path, png(FILM) + b"trailing", "b.jpg", site_id="S")
    elsewhere = outcome(tmp_path, png(FILM), "a.png", site_id="T")
    assert isinstance(first, Study)
    assert isinstance(second, Study)
    assert isinstance(elsewhere, Study)
    assert first.study_id == second.study_id != elsewhere.study_id


def test_what_is_wrong_with_the_file_is_said_before_its_site(tmp_path: Path) -> None:
    lost = Problem(Reason.NO_SITE, "no site")
    found = [outcome(tmp_path, data, problem=lost) for data in (b"", png(FILM))]
    assert [r.reason for r in found if isinstance(r, Rejection)] == [Reason.EMPTY, Reason.NO_SITE]


def test_what_must_not_be_opened_is_not(tmp_path: Path) -> None:
    found = outcome(tmp_path, png(FILM), problem=Problem(Reason.UNREADABLE, "a link"))
    assert isinstance(found, Rejection)
    assert found.reason is Reason.UNREADABLE


def test_a_refusal_again_is_the_same_refusal(tmp_path: Path) -> None:
    def refusal(data: bytes, name: str) -> str:
        found = outcome(tmp_path, data, name)
        assert isinstance(found, Rejection)
        return found.rejection_id

    assert refusal(b"text", "a") == refusal(b"text", "a")
    assert len({refusal(b"text", "a"), refusal(b"text", "b"), refusal(b"texts", "a")}) == 3


def test_names_with_identities_do_not_leave(tmp_path: Path) -> None:
    name = "ZQXWV^Jane_19531117.jpg"
    for data in (b"", b"text", jpeg(FILM)[:900], png(FILM)):
        found = outcome(tmp_path, data, name, patient_id="ZQXWV-1")
        assert "ZQXWV" not in repr(found)
        assert "19531117" not in repr(found)


def test_a_file_that_cannot_be_opened_or_is_too_large(tmp_path: Path) -> None:
    gone = read(Input(tmp_path / "gone"), SETTINGS)
    folder = read(Input(tmp_path), SETTINGS)
    assert isinstance(gone, Rejection)
    assert isinstance(folder, Rejection)
    assert gone.reason is folder.reason is Reason.UNREADABLE
    (tmp_path / "large").write_bytes(bytes(2000))
    large = read(Input(tmp_path / "large"), ReaderSettings(KEY, small, max_bytes=1000))
    assert isinstance(large, Rejection)
    assert large.reason is Reason.PIXEL_BOMB


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([png(FILM), jpeg(FILM), dicom_bytes(dataset(FILM))]),
    st.lists(st.tuples(st.integers(0, 4000), st.binary(min_size=1, max_size=8)), max_size=6),
    st.integers(0, 30_000),
)
def test_nothing_makes_it_raise(data: bytes, patches: list[tuple[int, bytes]], end: int) -> None:
    broken = bytearray(data)
    for at, patch in patches:
        broken[at : at + len(patch)] = patch
    path = _SCRATCH / "broken"
    path.write_bytes(bytes(broken[:end]))
    found = read(Input(path, "x", "S"), SETTINGS)
    assert isinstance(found, Study) or found.sentence


@pytest.fixture(scope="module", autouse=True)
def _scratch_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    global _SCRATCH
    _SCRATCH = tmp_path_factory.mktemp("scratch")


_SCRATCH = Path()


@pytest.mark.skipif(not SHARED.exists(), reason="../shared is not here")
def test_real_films_become_studies() -> None:
    paths = sorted((SHARED / "incoming" / "images").iterdir())[::30]
    found = [read(Input(path, path.name, "S"), SETTINGS) for path in paths]
    assert len({study.study_id for study in found if isinstance(study, Study)}) == len(paths) == 10
