import os
import time
from pathlib import Path

from ingest.doors.stillness import Lately, Signature, Stillness, signature


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def fresh(size: int = 1) -> Signature:
    return Signature(1, size, time.time_ns())


def test_a_file_is_whole_when_it_has_not_changed_for_so_long() -> None:
    clock, path, first, second = Clock(), Path("a"), fresh(1), fresh(2)
    still = Stillness(2.0, clock)
    assert not still.whole(path, first)
    clock.now += 1.9
    assert not still.whole(path, first)
    assert not still.whole(path, second)  # it grew: the time begins anew
    clock.now += 1.9
    assert (still.due(), still.count) == ([], 1)
    assert not still.whole(path, second)
    clock.now += 0.2
    assert still.due() == [path]
    assert still.whole(path, second)
    assert still.count == 0


def test_a_closed_an_old_and_any_file_without_quiet_time_are_whole_at_once() -> None:
    old = Signature(1, 1, time.time_ns() - 61 * 10**9)
    assert Stillness(2.0).whole(Path("a"), fresh(), closed=True)
    assert Stillness(2.0).whole(Path("a"), old)
    assert not Stillness(120.0).whole(Path("a"), old)
    assert Stillness(0.0).whole(Path("a"), fresh())


def test_a_date_in_the_future_is_no_reason_to_wait_for_ever() -> None:
    clock = Clock()
    still, ahead = Stillness(2.0, clock), Signature(1, 1, time.time_ns() + 10**15)
    assert not still.whole(Path("a"), ahead)
    clock.now += 3
    assert still.whole(Path("a"), ahead)


def test_files_that_went_away_are_forgotten() -> None:
    still = Stillness(2.0, Clock())
    still.whole(Path("a"), fresh())
    still.whole(Path("b"), fresh())
    still.turn()
    still.whole(Path("a"), fresh(2))
    still.turn()
    assert still.count == 1


def test_what_is_asked_for_is_kept_for_another_turn() -> None:
    lately: Lately[str, int] = Lately()
    lately.set("a", 1)
    for _ in range(3):
        lately.turn()
        assert lately.get("a") == 1
    lately.turn()
    lately.turn()
    assert lately.get("a") is None
    assert len(lately) == 0


def test_a_signature_changes_with_content_and_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert signature(path) is None
    path.write_bytes(b"1")
    first = signature(path)
    assert first == signature(path)
    other = tmp_path / "b"
    other.write_bytes(b"2")
    os.utime(other, ns=(first.mtime_ns, first.mtime_ns) if first else (0, 0))
    other.replace(path)
    assert signature(path) != first
    (tmp_path / "broken").symlink_to("nowhere")
    assert signature(tmp_path / "broken") is not None
