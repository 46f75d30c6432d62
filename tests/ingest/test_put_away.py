import json
import os
from pathlib import Path

import pytest

from ingest.discover import Found
from ingest.doors.put_away import put_away
from ingest.errors import DiskError
from ingest.problem import Problem
from ingest.records import Reason
from ingest.spool.records import Outcome, Settlement

GOOD = Settlement("e1", Outcome.PREDICTED, "s1")
BAD = Settlement("e2", Outcome.REJECTED, "s2", Problem(Reason.BLANK, "nothing is on it"))


def dropped(root: Path, name: str, content: bytes = b"x") -> Found:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return Found(path, root, None)


def test_a_good_file_goes_to_done_and_keeps_its_sub_folder(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert put_away(dropped(tmp_path, "a/b/1.dcm"), GOOD) == tmp_path / "done/a/b/1.dcm"
    assert (tmp_path / "done/a/b").stat().st_mode & 0o777 == 0o750  # as the drop folder
    assert not (tmp_path / "a/b/1.dcm").exists()


def test_a_refused_file_has_its_reason_beside_it(tmp_path: Path) -> None:
    target = put_away(dropped(tmp_path, "a/1.dcm"), BAD)
    assert target == tmp_path / "refused/a/1.dcm"
    said = json.loads((tmp_path / "refused/a/1.dcm.reason.json").read_text())
    assert said.pop("settled_at").endswith("+00:00")
    assert said == {
        "file": "a/1.dcm",
        "reason": "blank",
        "sentence": "nothing is on it",
        "entry_id": "e2",
        "study_id": "s2",
    }


def test_nothing_is_written_over(tmp_path: Path) -> None:
    for number, settlement in ((1, GOOD), (2, GOOD), (3, GOOD), (4, BAD), (5, BAD)):
        put_away(dropped(tmp_path, "x.dcm", bytes([number])), settlement)
    found = {str(path.relative_to(tmp_path)): path.read_bytes() for path in tmp_path.rglob("*.dcm")}
    assert found == {
        "done/x.dcm": b"\1",
        "done/x-1.dcm": b"\2",
        "done/x-2.dcm": b"\3",
        "refused/x.dcm": b"\4",
        "refused/x-1.dcm": b"\5",
    }


def test_a_move_that_was_cut_off_is_put_right(tmp_path: Path) -> None:
    """The reason was written, then the power went: the file is judged again."""
    note = tmp_path / "refused/x.dcm.reason.json"
    dropped(tmp_path, "refused/x.dcm.reason.json", b"half a rea")
    put_away(dropped(tmp_path, "x.dcm"), BAD)
    assert json.loads(note.read_text())["reason"] == "blank"
    note.rename(tmp_path / "kept")
    (tmp_path / "refused/x.dcm").unlink()
    (tmp_path / "kept").rename(note)
    put_away(dropped(tmp_path, "x.dcm"), GOOD)  # its site is loaded by now
    assert not note.exists()
    assert (tmp_path / "done/x.dcm").exists()


def test_a_refused_file_that_is_called_like_a_reason_stays(tmp_path: Path) -> None:
    put_away(dropped(tmp_path, "x.dcm.reason.json", b"mine"), BAD)
    put_away(dropped(tmp_path, "x.dcm", b"film"), BAD)
    assert (tmp_path / "refused/x.dcm.reason.json").read_bytes() == b"mine"
    assert (tmp_path / "refused/x-1.dcm").read_bytes() == b"film"


@pytest.mark.parametrize(
    "name", [b"\xff\xfe.dcm", b"new\nline.dcm", b"-rf", b"a" * 255, b"\xc3\xa4" * 125 + b".dcm"]
)
def test_any_name_can_be_put_away_twice(tmp_path: Path, name: bytes) -> None:
    given = os.fsdecode(name)
    for settlement in (GOOD, GOOD, BAD, BAD):
        put_away(dropped(tmp_path, given), settlement)
    assert len(list((tmp_path / "done").iterdir())) == 2
    notes = list((tmp_path / "refused").glob("*.reason.json"))
    assert [json.loads(note.read_text())["file"] for note in notes] == [given, given]


def test_a_link_in_place_of_done_leads_nowhere(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    root = tmp_path / "drop"
    found = dropped(root, "x.dcm")
    (root / "done").symlink_to(elsewhere)
    with pytest.raises(DiskError, match="is a link"):
        put_away(found, GOOD)
    assert list(elsewhere.iterdir()) == []
    assert found.path.exists()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "done").write_bytes(b"a file")
    with pytest.raises(DiskError, match=r"File exists|Not a directory"):
        put_away(dropped(tmp_path, "x.dcm"), GOOD)
