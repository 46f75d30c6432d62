import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import ConfigurationError
from ingest.identity import Pseudonymiser, create_key, load_key, study_id_from_content
from tests.ingest.films import KEY

NAMES = Pseudonymiser(KEY)


def test_pseudonyms_are_32_hex_digits_and_depend_on_the_key() -> None:
    other = Pseudonymiser(bytes(32))
    for made in ("patient_key", "file_key", "study_id_from_uid"):
        mine, theirs = getattr(NAMES, made)("1.2.3"), getattr(other, made)("1.2.3")
        assert len(mine) == 32
        assert int(mine, 16) >= 0
        assert mine != theirs


@given(st.text(), st.text(), st.text(), st.text())
def test_only_equal_parts_share_a_patient_key(a: str, b: str, c: str, d: str) -> None:
    same = (a.strip(), b.strip()) == (c.strip(), d.strip())
    assert (NAMES.patient_key(a, b) == NAMES.patient_key(c, d)) is same


def test_parts_cannot_run_into_one_another() -> None:
    assert NAMES.patient_key("c", "ab") != NAMES.patient_key("bc", "a")
    assert study_id_from_content("ab", "c") != study_id_from_content("a", "bc")
    assert study_id_from_content("ab", None) != study_id_from_content("ab", "")


def test_each_use_has_its_own_space() -> None:
    assert len({NAMES.patient_key("x"), NAMES.file_key("x"), NAMES.study_id_from_uid("x")}) == 3


def test_a_file_name_that_is_not_utf8_has_a_key() -> None:
    assert NAMES.file_key(os.fsdecode(b"\xff\n.jpg")) != NAMES.file_key("?\n.jpg")


def test_the_key_does_not_show() -> None:
    assert KEY.hex() not in repr(NAMES)
    assert str(KEY) not in repr(NAMES)


def test_a_key_is_created_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = create_key(path)
    assert load_key(path) == key
    assert len(key) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(ConfigurationError, match="exists already"):
        create_key(path)
    assert load_key(path) == key


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    create_key(path)
    path.chmod(mode)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        load_key(path)


@pytest.mark.parametrize("content", [b"", b"abc", b"00" * 31, b"\xff\xfe", b"zz" * 32])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(ConfigurationError, match="does not hold a key"):
        load_key(path)


def test_a_missing_key_names_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="key restore"):
        load_key(tmp_path / "none")
