"""Drop folders: real files, real events, a real spool."""

import contextlib
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ingest.doors.watch import overlapping
from ingest.errors import DiskError
from tests.ingest.dropping import COLLISION, Drop, dropping, picture, until

WHOLE = os.environ.get("PROOF_SIZE", "whole") == "whole"


@pytest.fixture
def drop(tmp_path: Path) -> Iterator[Drop]:
    with dropping(tmp_path) as one:
        yield one


def write(root: Path, *names: str, first: int = 0) -> None:
    for number, name in enumerate(names, first):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(picture(number))


def test_once_takes_what_is_there_and_puts_it_away(drop: Drop) -> None:
    write(drop.root, "1.png", "sub/2.png", "sub/deeper/3.png")
    (drop.root / "notes.txt").write_text("not an image")
    shutil.copy(drop.root / "1.png", drop.root / "same.png")
    counts = drop.once()
    assert (counts.received, counts.predicted, counts.duplicates) == (5, 3, 1)
    assert (dict(counts.by_reason), counts.waiting) == ({"not_an_image": 1}, 0)
    assert drop.names() == [
        *("done/1.png", "done/same.png", "done/sub/2.png", "done/sub/deeper/3.png"),
        *("refused/notes.txt", "refused/notes.txt.reason.json"),
    ]
    assert [line for line in drop.said if "refused" in line] == [
        "refused 'notes.txt': not_an_image: this is text, not a JPEG, PNG or DICOM image"
    ]
    again = drop.once()
    assert (again.received, again.waiting) == (0, 0)


def test_hidden_and_unfinished_names_are_passed_over_until_they_are_renamed(drop: Drop) -> None:
    names = [".hidden.png", "a.png.part", "b.PNG.TMP", "c.filepart", "d.crdownload", "e.png~"]
    write(drop.root, *names, ".git/x.png")
    write(drop.root, "done.png", "refused/old.png", "done/old.png", "sub/done/new.png", first=10)
    assert drop.once().received == 2
    assert drop.names("done") == ["done.png", "old.png", "sub/done/new.png"]
    (drop.root / "a.png.part").rename(drop.root / "a.png")
    assert drop.once().received == 1


def test_what_must_not_be_opened_is_refused_unopened(drop: Drop, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(picture(1))
    write(drop.root, "in.png")
    (drop.root / "out.png").symlink_to(secret)
    (drop.root / "broken.png").symlink_to("nowhere")
    (drop.root / "way-out").symlink_to(tmp_path)
    os.mkfifo(drop.root / "pipe.png")
    counts = drop.once()
    assert (counts.predicted, dict(counts.by_reason)) == (1, {"unreadable": 3})
    assert (drop.root / "refused/out.png").is_symlink()
    assert (drop.root / "refused/pipe.png").is_fifo()
    assert secret.exists()
    note = json.loads((drop.root / "refused/out.png.reason.json").read_text())
    assert "leads out of the folder" in note["sentence"]


def test_names_of_any_bytes(drop: Drop) -> None:
    for number, name in enumerate((b"\xff\xfe.png", b"new\nline.png", b"\x1b[2J.png", b"-rf")):
        (drop.root / os.fsdecode(name)).write_bytes(picture(number))
    (drop.root / os.fsdecode(b"bad\xff\n")).write_bytes(b"no image")
    counts = drop.once()
    assert (counts.predicted, counts.rejected) == (4, 1)
    assert "refused 'bad\\udcff\\n': not_an_image" in drop.said[-1]


def test_an_event_takes_a_file_before_the_folder_is_looked_through(
    drop: Drop, tmp_path: Path
) -> None:
    """Closed after writing, renamed from an unfinished name, and renamed in from elsewhere."""
    with drop.watching(quiet_seconds=60.0, poll_seconds=60.0):
        (drop.root / "sub").mkdir()
        write(drop.root, "probe.png", "sub/probe.png", first=20)
        until(lambda: _closed_again(drop, "probe.png", "sub/probe.png"))  # it listens by now
        write(drop.root, "closed.png", "sub/closed.png")
        (drop.root / "x.part").write_bytes(picture(10))
        (drop.root / "x.part").rename(drop.root / "renamed.png")
        (tmp_path / "outside").write_bytes(picture(11))
        (tmp_path / "outside").rename(drop.root / "moved-in.png")
        expected = ["closed.png", "moved-in.png", "probe.png", "renamed.png"]
        until(lambda: drop.names("done") == [*expected, "sub/closed.png", "sub/probe.png"])
    assert drop.names() == [f"done/{name}" for name in drop.names("done")]


def _closed_again(drop: Drop, *names: str) -> bool:
    """Closes those that are still there, which is an event each; whether none is."""
    left = [drop.root / name for name in names if (drop.root / name).exists()]
    for path in left:
        with contextlib.suppress(FileNotFoundError):
            os.close(os.open(path, os.O_WRONLY))
    time.sleep(0.3)
    return not left


def test_without_events_a_file_is_taken_once_it_is_still(
    drop: Drop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network share, and while somebody goes on writing."""
    monkeypatch.setattr("sys.platform", "elsewhere")
    data = picture(1)
    with drop.watching(quiet_seconds=1.0), (drop.root / "slow.png").open("wb") as file:
        for at in range(0, len(data), len(data) // 8):
            file.write(data[at : at + len(data) // 8])
            file.flush()
            time.sleep(0.4)
            assert drop.spool.counts()["deliveries"] == 0
        until(lambda: drop.names() == ["done/slow.png"])
    assert drop.spool.counts() == {"waiting": 0, "predicted": 1, "deliveries": 1}


def test_a_file_that_changes_after_it_was_taken_is_taken_again(drop: Drop) -> None:
    with drop.watching(worker=False):
        write(drop.root, "a.png")
        until(lambda: drop.spool.waiting() == 1)
        (drop.root / "a.png").write_bytes(picture(5))
        drop.drain()
        until(lambda: drop.spool.waiting() == 1)
        drop.drain()
        until(lambda: drop.names() == ["done/a.png"])
    assert (drop.root / "done/a.png").read_bytes() == picture(5)
    assert drop.spool.counts()["predicted"] == 2


def test_files_that_are_left_are_not_taken_again_and_again(tmp_path: Path) -> None:
    with dropping(tmp_path, after="leave") as drop:
        write(drop.root, "a.png", "sub/b.png")
        (drop.root / "c.txt").write_text("no image")
        with drop.watching(poll_seconds=0.1):
            until(lambda: drop.taken == 3)
            time.sleep(1.5)
        assert drop.spool.counts()["deliveries"] == 3
        assert drop.names() == ["a.png", "c.txt", "sub/b.png"]
        counts = drop.once()  # after a restart: the same bytes are known
        assert (counts.duplicates, counts.predicted, counts.rejected) == (2, 0, 1)
        (drop.root / "a.png").write_bytes(picture(9))
        assert drop.once().predicted == 1


def test_after_a_kill_nothing_is_lost_and_nothing_counted_twice(drop: Drop) -> None:
    """Taken and not settled; settled and not moved; the reason written and the file not moved."""
    write(drop.root, "1.png", "2.png")
    (drop.root / "3.txt").write_text("no image")
    drop.watcher().once(threading.Event(), settled=False)  # and then it is killed
    assert drop.spool.waiting() == 3
    drop.drain()
    (drop.root / "refused").mkdir()
    (drop.root / "refused/3.txt.reason.json").write_text('{"file": "3.t')
    counts = drop.once()
    assert (counts.received, counts.duplicates, counts.rejected) == (3, 2, 1)
    assert drop.names() == [
        *("done/1.png", "done/2.png", "refused/3.txt", "refused/3.txt.reason.json")
    ]
    assert json.loads((drop.root / "refused/3.txt.reason.json").read_text())["file"] == "3.txt"
    assert drop.spool.counts()["predicted"] == 2


def test_a_collision_is_refused_with_both_hashes(drop: Drop) -> None:
    write(drop.root, "a.png")
    with drop.watching(worker=False):
        until(lambda: drop.spool.waiting() == 1)
        drop.drain(COLLISION)
        until(lambda: drop.names() == ["refused/a.png", "refused/a.png.reason.json"])
    note = json.loads((drop.root / "refused/a.png.reason.json").read_text())
    assert (note["reason"], note["sentence"]) == ("id_collision", COLLISION.sentence)


def test_a_full_disk_leaves_files_alone_until_there_is_room(tmp_path: Path) -> None:
    with dropping(tmp_path, reserve=2**60) as drop:
        write(drop.root, "a.png", "b.png")
        with drop.watching():
            until(lambda: drop.said)
            time.sleep(2)
            assert drop.names() == ["a.png", "b.png"]
            assert len([line for line in drop.said if "files stay where they are" in line]) == 1
            drop.spool.reserve = 0
            until(lambda: drop.names() == ["done/a.png", "done/b.png"])
        assert "files are taken in again" in drop.said
        drop.spool.reserve = 2**60
        write(drop.root, "c.png", first=7)
        with pytest.raises(DiskError, match="not everything"):
            drop.once()
        assert drop.names("") == ["c.png", "done/a.png", "done/b.png"]


def test_a_folder_that_goes_and_comes_back(drop: Drop, tmp_path: Path) -> None:
    with drop.watching(poll_seconds=0.3):
        drop.root.rename(tmp_path / "unmounted")
        until(lambda: any("is not there" in line for line in drop.said))
        time.sleep(1)
        (tmp_path / "unmounted").rename(drop.root)
        write(drop.root, "a.png")
        until(lambda: drop.names() == ["done/a.png"])
        shutil.rmtree(drop.root)
        time.sleep(1)
        drop.root.mkdir()
        time.sleep(1)
        write(drop.root, "b.png", first=1)
        until(lambda: drop.names() == ["done/b.png"])
    assert len([line for line in drop.said if "is there again" in line]) >= 1


def test_files_that_cannot_be_moved_wait_for_the_folder_to_be_mended(
    drop: Drop, tmp_path: Path
) -> None:
    (drop.root / "done").symlink_to(tmp_path)
    write(drop.root, "a.png")
    with drop.watching(poll_seconds=0.3):
        until(lambda: any("cannot be moved" in line for line in drop.said))
        time.sleep(1)
        assert (drop.root / "a.png").exists()
        (drop.root / "done").unlink()
        until(lambda: (drop.root / "done/a.png").exists())
    assert drop.spool.counts()["predicted"] == 1
    assert len([line for line in drop.said if "cannot be moved" in line]) == 1


def test_a_manifest_says_site_and_date_and_is_read_again(tmp_path: Path) -> None:
    rows = tmp_path / "drop" / "rows.csv"
    with dropping(tmp_path, site="", manifest=str(rows), quiet_seconds=0.2) as drop:
        write(drop.root, "a.png", "sub/b.png", "c.png")
        with drop.watching():
            until(lambda: any("wait for it" in line for line in drop.said))
            rows.write_text("file,site_id,acquired_at\na.png,A,2026-03-01\nsub/b.png,B,\n")
            until(lambda: drop.names("done") == ["a.png", "sub/b.png"])
            time.sleep(1)
            assert (drop.root / "c.png").exists()  # no row, so no site
            rows.write_text("file,site_id,acquired_at\nc.png,A,yesterday\n")
            until(lambda: drop.names("refused") == ["c.png", "c.png.reason.json"])
            rows.write_text("file\n")
            write(drop.root, "d.png", first=3)
            until(lambda: any("has no column" in line for line in drop.said))
        note = json.loads((drop.root / "refused/c.png.reason.json").read_text())
        assert note["reason"] == "manifest_row"
        assert rows.exists()


def test_a_file_without_a_row_is_of_the_folders_site(tmp_path: Path) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("file,site_id,acquired_at\na.png,B,2026-03-01\n")
    with dropping(tmp_path, manifest=str(rows)) as drop:
        write(drop.root, "a.png", "b.png")
        drop.watcher().once(threading.Event(), settled=False)
        facts = {one.facts.site_id: one.facts for one in drop.spool.take()}
        assert str(facts["B"].acquired_date) == "2026-03-01"
        assert (facts["A"].acquired_date, facts["A"].flags) == (None, "no_date")


def test_a_file_that_goes_on_growing_is_left_by_once(drop: Drop) -> None:
    ended = threading.Event()

    def grow() -> None:
        with (drop.root / "growing.png").open("wb") as file:
            while not ended.wait(0.05):
                file.write(b"x")
                file.flush()

    thread = threading.Thread(target=grow)
    thread.start()
    write(drop.root, "a.png")
    counts = drop.once()
    ended.set()
    thread.join()
    assert (counts.received, counts.waiting) == (1, 1)
    assert drop.names() == ["done/a.png", "growing.png"]


@pytest.mark.proof
def test_many_files_at_start_take_little_memory_and_the_first_go_at_once(drop: Drop) -> None:
    count = 100_000 if WHOLE else 10_000
    for number in range(count):
        path = drop.root / f"{number % 20:02d}" / f"{number:05d}.txt"
        path.parent.mkdir(exist_ok=True)
        path.touch()
        os.utime(path, (1e9, 1e9))
    before = psutil.Process().memory_info().rss
    with drop.watching():
        until(lambda: drop.names("refused"), 10)
        most = 0
        for _ in range(60 if WHOLE else 10):
            time.sleep(0.5)
            most = max(most, psutil.Process().memory_info().rss - before)
    print(f"{count} files at start: {drop.taken} settled, {most / 2**20:.0f} MiB more at most")
    assert most < 64 * 2**20


def test_overlapping_folders_are_found(tmp_path: Path) -> None:
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "link").symlink_to(inner)
    assert overlapping([tmp_path / "a", tmp_path / "c"]) is None
    assert overlapping([tmp_path / "a", inner]) == (tmp_path / "a", inner)
    assert overlapping([tmp_path / "link", inner]) is not None
