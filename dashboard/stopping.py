"""SIGTERM and Ctrl+C as an event: a service finishes what it is doing."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Set by either signal; what handled them before does so again afterwards."""
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        stopping.set()

    before = [(number, signal.signal(number, stop)) for number in _SIGNALS]
    try:
        yield stopping
    finally:
        for number, handler in before:
            signal.signal(number, handler)
