"""Look-up tables of a DICOM header: modality, VOI and palette (PS3.3 C.11.1.1, C.11.2.1.1).

Senders write them as words or as packed bytes, with a signed first value that may be coded
as an unsigned one. A table that makes no sense is no table.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydicom.dataset import Dataset

_MOST_ENTRIES = 65536


@dataclass(frozen=True, slots=True)
class Table:
    """`entries` (n,) uint8 or uint16; the first stands for input `first`. `top` is white."""

    first: int
    entries: np.ndarray
    top: int

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Inputs before the first entry take the first, those past the last the last."""
        at = np.clip(values - self.first, 0, len(self.entries) - 1)
        return np.asarray(self.entries[at])


def from_sequence(dataset: Dataset, keyword: str, *, signed: bool) -> Table | None:
    """The first table of a modality or VOI LUT sequence; None when there is none of use."""
    try:
        item = dataset.get(keyword)[0]
        return table(item.LUTDescriptor, item.LUTData, little(dataset), signed=signed)
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a damaged table is no table
        return None


def table(descriptor: Any, data: Any, is_little: bool, *, signed: bool) -> Table:
    """From a descriptor (entries, first input, bits) and the data as stored.

    Raises ValueError or TypeError for what cannot be a table.
    """
    count, first, bits = (int(number) for number in descriptor)
    count = (count & 0xFFFF) or _MOST_ENTRIES
    entries = _entries(data, count, is_little)
    if signed and first >= 0x8000:
        first -= 0x10000
    if not 1 <= bits <= 16 or len(entries) == 0:
        raise ValueError("not a table")
    return Table(first, entries, max((1 << bits) - 1, int(entries.max())))


def little(dataset: Dataset) -> bool:
    """The byte order that words in OW elements have kept."""
    return bool(dataset.original_encoding[1] is not False)


def _entries(data: Any, count: int, is_little: bool) -> np.ndarray:
    if not isinstance(data, bytes):
        words = list(data) if isinstance(data, Iterable) else [data]
        return np.asarray(words[:count], dtype=np.int64).astype(np.uint16)
    if len(data) < 2 * count and len(data) in (count, count + 1):
        return np.frombuffer(data, np.uint8, count)
    words_there = min(count, len(data) // 2)
    order = "<u2" if is_little else ">u2"
    return np.frombuffer(data, order, words_there).astype(np.uint16)
