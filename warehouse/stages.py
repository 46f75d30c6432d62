"""Stages of a pipeline that overlap: each runs ahead of the next, but not far."""

import queue
import threading
import time
from collections.abc import Generator, Iterable
from typing import Generic, TypeVar

T = TypeVar("T")

_END = object()  # the maker is done; it stays the last item
_POLL = 0.1  # seconds between looks at the stop signal


def ahead(items: Iterable[T], capacity: int) -> Generator[T, None, None]:
    """The same items, made by a thread that runs at most `capacity` of them ahead.

    An error in the making is raised here, after the items that came before it. When the
    consumer stops early the maker stops at its next item, and is waited for.
    """
    maker = _Maker(items, capacity)
    try:
        while not maker.ended:
            yield from maker.take(None)
        maker.finish()
    finally:
        maker.stop()


def batched(
    items: Iterable[T], size: int, wait_seconds: float, capacity: int
) -> Generator[list[T], None, None]:
    """Lists of at most `size` items, in order. One that is not full goes when its first item
    has waited for `wait_seconds`.

    The items are made by a thread, as by `ahead`, which treats errors and early stops alike.
    """
    maker = _Maker(items, capacity)
    try:
        while batch := _batch(maker, size, wait_seconds):
            yield batch
        maker.finish()
    finally:
        maker.stop()


def _batch(maker: "_Maker[T]", size: int, wait_seconds: float) -> list[T]:
    """The next list; empty at the end. The first item may take as long as it likes."""
    batch = maker.take(None)
    deadline = time.monotonic() + wait_seconds
    while batch and len(batch) < size:
        item = maker.take(max(0.0, deadline - time.monotonic()))
        if not item:
            break
        batch += item
    return batch


class _Maker(Generic[T]):
    """A thread that makes items into a bounded queue."""

    def __init__(self, items: Iterable[T], capacity: int) -> None:
        self.ended = False
        self._items = items
        self._ready: queue.Queue[object] = queue.Queue(maxsize=capacity)
        self._stopped = threading.Event()
        self._failure: list[BaseException] = []
        self._thread = threading.Thread(target=self._make, name="stage", daemon=True)
        self._thread.start()

    def take(self, timeout: float | None) -> list[T]:
        """The next item alone in a list; an empty one at the end or when time is up."""
        if self.ended:
            return []
        try:
            item = self._ready.get(timeout=timeout)
        except queue.Empty:
            return []
        self.ended = item is _END
        return [] if self.ended else [item]  # type: ignore[list-item]

    def finish(self) -> None:
        """Raises what went wrong in the making, if anything did."""
        if self._failure:
            raise self._failure[0]

    def stop(self) -> None:
        self._stopped.set()
        self._thread.join()

    def _make(self) -> None:
        iterator = iter(self._items)
        try:
            for item in iterator:
                if not self._offer(item):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again by the consumer
            self._failure.append(error)
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            self._offer(_END)

    def _offer(self, item: object) -> bool:
        while not self._stopped.is_set():
            try:
                self._ready.put(item, timeout=_POLL)
            except queue.Full:
                continue
            return True
        return False
