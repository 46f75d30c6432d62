"""Stages of a pipeline that overlap: each runs ahead of the next, but not far."""

import queue
import threading
from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

_END = object()


def batched(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size` items, in order."""
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def ahead(items: Iterable[T], capacity: int) -> Generator[T, None, None]:
    """The same items, made by a thread that runs at most `capacity` of them ahead.

    An error in the making is raised here, after the items that came before it. When the
    consumer stops early the maker stops at its next item, and is waited for.
    """
    ready: queue.Queue[object] = queue.Queue(maxsize=capacity)
    stopped = threading.Event()
    failure: list[BaseException] = []

    def offer(item: object) -> bool:
        while not stopped.is_set():
            try:
                ready.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        iterator = iter(items)
        try:
            for item in iterator:
                if not offer(item):
                    break
        except BaseException as error:  # noqa: BLE001 - raised again by the consumer
            failure.append(error)
        finally:
            if isinstance(iterator, Generator):
                iterator.close()
            offer(_END)

    maker = threading.Thread(target=make, name="stage", daemon=True)
    maker.start()
    try:
        while (item := ready.get()) is not _END:
            yield item  # type: ignore[misc]
        if failure:
            raise failure[0]
    finally:
        stopped.set()
        maker.join()
