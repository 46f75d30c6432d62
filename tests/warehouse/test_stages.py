"""Stages overlap, stay bounded, hand errors on, and stop when their consumer does."""

import threading
import time
from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from warehouse.stages import ahead, batched


def sizes(items: Iterable[int], size: int, wait: float) -> list[list[int]]:
    return list(batched(items, size, wait, capacity=8))


def test_batches_keep_order_and_size() -> None:
    assert sizes(range(7), 3, 60) == [[0, 1, 2], [3, 4, 5], [6]]
    assert sizes(range(6), 3, 60) == [[0, 1, 2], [3, 4, 5]]
    assert sizes([], 3, 60) == []


def test_a_batch_that_does_not_fill_goes_when_its_time_is_up() -> None:
    """The third item only comes once the first two have been seen to go without it."""
    gone = threading.Event()

    def items() -> Iterator[int]:
        yield from (1, 2)
        assert gone.wait(10)
        yield 3

    batches = batched(items(), 32, 0.05, capacity=8)
    assert next(batches) == [1, 2]
    gone.set()
    assert list(batches) == [[3]]


def test_a_batch_that_fills_in_time_waits_for_all_of_it() -> None:
    def items() -> Iterator[int]:
        for number in range(4):
            time.sleep(0.02)
            yield number

    assert sizes(items(), 4, 60) == [[0, 1, 2, 3]]


def test_an_error_comes_after_the_batches_before_it() -> None:
    def items() -> Iterator[int]:
        yield from range(5)
        raise OSError("disk")

    batches = batched(items(), 3, 60, capacity=8)
    assert [next(batches), next(batches)] == [[0, 1, 2], [3, 4]]
    with pytest.raises(OSError, match="disk"):
        next(batches)


@given(st.lists(st.integers(), max_size=40), st.integers(1, 9), st.integers(1, 9))
@settings(max_examples=30, deadline=None)
def test_nothing_is_lost_or_doubled_in_batches(items: list[int], size: int, room: int) -> None:
    found = list(batched(items, size, 0.0, capacity=room))
    assert [item for batch in found for item in batch] == items
    assert all(1 <= len(batch) <= size for batch in found)


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
