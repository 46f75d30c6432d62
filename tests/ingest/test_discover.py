import os
import socket
import tracemalloc
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ingest.discover import Discovery, discover
from ingest.errors import UserError
from ingest.inputs import Input
from ingest.manifest import read_manifest
from ingest.records import Reason


def tree(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def with_manifest(root: Path, path: Path, rows: str, **known: object) -> Discovery:
    path.write_text("file,site_id,acquired_at\n" + rows)
    return discover([root], read_manifest(path), **known)  # type: ignore[arg-type]


def names(found: Discovery) -> list[str]:
    return [item.name for item in found]


def sites(found: Discovery) -> dict[str, str | None]:
    return {item.name: item.site_id for item in found}


def reasons(found: Discovery) -> dict[str, Reason | None]:
    return {item.name: item.problem.reason if item.problem else None for item in found}


def test_folders_are_walked_whole_and_sorted_hidden_names_passed_over(tmp_path: Path) -> None:
    tree(tmp_path, "b.jpg", "a/z.jpg", "a/b/c.dcm", ".hidden.jpg", ".git/x.jpg", "c.txt")
    found = discover([tmp_path])
    assert names(found) == ["a/b/c.dcm", "a/z.jpg", "b.jpg", "c.txt"]
    assert found.count() == 4


def test_a_path_that_does_not_exist_is_the_users_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="there is no such file or folder"):
        discover([tmp_path / "none"])


@pytest.mark.parametrize("zone", ["Nairobi", "", "../../etc/passwd"])
def test_a_time_zone_that_does_not_exist_is_the_users_mistake(tmp_path: Path, zone: str) -> None:
    with pytest.raises(UserError, match="site A: there is no time zone"):
        discover([tmp_path], zones={"A": zone})


def test_odd_names_survive(tmp_path: Path) -> None:
    for name in (b"new\nline.jpg", b"\xff\xfe.jpg", "ä .jpg".encode(), b"-rf.jpg", b"a,b.jpg"):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    found = list(discover([tmp_path]))
    assert len(found) == 5
    assert all(item.path.read_bytes() == b"x" for item in found)


def test_links_out_of_the_folder_are_not_followed(tmp_path: Path) -> None:
    outside = tree(tmp_path / "outside", "secret.jpg", "sub/other.jpg")
    inside = tree(tmp_path / "inside", "a.jpg", "sub/b.jpg")
    (inside / "out.jpg").symlink_to(outside / "secret.jpg")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "in.jpg").symlink_to("sub/b.jpg")
    (inside / "broken.jpg").symlink_to("nowhere")
    assert reasons(discover([inside])) == {
        "a.jpg": None,
        "broken.jpg": Reason.UNREADABLE,
        "in.jpg": None,
        "out.jpg": Reason.UNREADABLE,
        "sub/b.jpg": None,
    }


def test_what_would_block_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as door:
        cwd = Path.cwd()
        os.chdir(tmp_path)
        door.bind("door.jpg")
        os.chdir(cwd)
        assert set(reasons(discover([tmp_path])).values()) == {Reason.UNREADABLE}


def test_the_manifest_itself_is_not_an_input(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg")
    assert names(with_manifest(tmp_path, tmp_path / "manifest.csv", "a.jpg,S,\n")) == ["a.jpg"]


def test_rows_match_by_relative_path_manifest_folder_absolute_path_or_base_name(
    tmp_path: Path,
) -> None:
    images = tree(tmp_path / "images", "x/1.jpg", "x/2.jpg", "x/3.jpg", "x/4.jpg", "5.jpg")
    rows = f"x/1.jpg,A,\nimages/x/2.jpg,B,\n{images}/x/3.jpg,C,\n4.jpg,D,\ngone.jpg,E,\n"
    found = with_manifest(images, tmp_path / "m.csv", rows)
    assert sites(found) == {
        "5.jpg": None, "x/1.jpg": "A", "x/2.jpg": "B", "x/3.jpg": "C", "x/4.jpg": "D",
    }  # fmt: skip
    assert found.unmatched == 1


def test_a_base_name_that_two_files_have_is_not_guessed(tmp_path: Path) -> None:
    images = tree(tmp_path / "images", "x/1.jpg", "y/1.jpg", "y/2.jpg")
    found = with_manifest(images, tmp_path / "m.csv", "1.jpg,A,\n2.jpg,B,\n")
    assert reasons(found) == {
        "x/1.jpg": Reason.MANIFEST_ROW, "y/1.jpg": Reason.MANIFEST_ROW, "y/2.jpg": None,
    }  # fmt: skip


def test_a_file_given_by_itself_matches_too(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "b.jpg")
    (tmp_path / "m.csv").write_text("file,site_id,acquired_at\na.jpg,A,\n")
    found = discover([tmp_path / "a.jpg"], read_manifest(tmp_path / "m.csv"))
    assert sites(found) == {"a.jpg": "A"}


def test_sites_that_are_missing_or_not_loaded(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "b.jpg", "c.jpg", "d.jpg")
    rows = "a.jpg,A,\nb.jpg,Nowhere,\nc.jpg,,\nd.jpg,A,never\n"
    path = tmp_path / "m.csv"
    assert reasons(with_manifest(tmp_path, path, rows, known_sites={"A"})) == {
        "a.jpg": None,
        "b.jpg": Reason.UNKNOWN_SITE,
        "c.jpg": Reason.NO_SITE,
        "d.jpg": Reason.MANIFEST_ROW,
    }
    given = with_manifest(tmp_path, path, rows, known_sites={"A"}, site_id="A")
    assert reasons(given)["c.jpg"] is None
    assert set(reasons(with_manifest(tmp_path, path, "")).values()) == {None}


def test_a_site_that_looks_like_a_person_is_not_quoted(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg")
    found = with_manifest(tmp_path, tmp_path / "m.csv", "a.jpg,Jane Doe,\n", known_sites={"A"})
    (item,) = found
    assert item.problem is not None
    assert "Jane" not in item.problem.sentence


def test_times_are_the_sites_own(tmp_path: Path) -> None:
    tree(tmp_path, "a.jpg", "b.jpg", "c.jpg")
    rows = "a.jpg,A,2026-03-02T01:00\nb.jpg,A,1901-01-01\nc.jpg,A,\n"
    found = with_manifest(tmp_path, tmp_path / "m.csv", rows, zones={"A": "Africa/Nairobi"})
    assert [(i.acquired_at, i.acquired_flag, i.zone) for i in found] == [
        (datetime(2026, 3, 1, 22, tzinfo=UTC), "", "Africa/Nairobi"),
        (None, "implausible_date", "Africa/Nairobi"),
        (None, "no_date", "Africa/Nairobi"),
    ]


def test_an_input_does_not_show_whom_it_is_of() -> None:
    item = Input(Path("Doe^Jane.jpg"), "Doe^Jane.jpg", patient_id="P123")
    assert "Doe" not in repr(item)
    assert "P123" not in repr(item)


def test_memory_stays_flat(tmp_path: Path) -> None:
    """20 folders of 100 files take no more than one of them, and a little."""
    for folder in range(20):
        (tmp_path / f"{folder:02d}").mkdir()
        for number in range(100):
            (tmp_path / f"{folder:02d}" / f"{number:03d}.jpg").touch()

    def peak(found: Discovery) -> int:
        tracemalloc.start()
        for _ in found:
            pass
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    one = peak(discover([tmp_path / "00"]))
    assert peak(discover([tmp_path])) < 1.5 * one + 50_000
