"""Stages overlap, stay bounded, hand errors on, and stop when their consumer does."""

import threading
import time
from collections.abc import Iterator

import pytest

from warehouse.stages import ahead, batched


def test_batches_keep_order_and_size() -> None:
    assert list(batched(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]
    assert list(batched([], 3)) == []


def test_items_arrive_in_order() -> None:
    assert list(ahead(range(100), 3)) == list(range(100))


def test_the_maker_runs_ahead_but_not_far() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    stage = ahead(items(), 3)
    assert next(stage) == 0
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    assert len(made) == 5, "one taken, three waiting, one in hand"
    stage.close()


def test_an_error_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("disk")

    stage = ahead(items(), 2)
    assert next(stage) == 1
    with pytest.raises(OSError, match="disk"):
        next(stage)


def test_closing_stops_and_closes_the_maker() -> None:
    closed = threading.Event()

    def items() -> Iterator[int]:
        try:
            yield from iter(int, 1)
        finally:
            closed.set()

    stage = ahead(items(), 2)
    next(stage)
    stage.close()
    assert closed.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name == "stage"]
