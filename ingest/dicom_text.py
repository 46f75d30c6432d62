"""Values of a DICOM header as text: what is damaged is absent, sequences are not written out."""

import itertools
from typing import Any

from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

MOST_VALUES = 16  # of one element, and items of one sequence, that are looked at


def text(dataset: Dataset, keyword: str) -> str:
    """The first value as a stripped string; "" when it is absent or cannot be decoded."""
    return next(iter(texts(dataset, keyword)), "")


def texts(dataset: Dataset, keyword: str) -> list[str]:
    """All values as stripped strings, a few at most; none when it cannot be decoded."""
    try:
        value: Any = dataset.get(keyword)
        if value is None or isinstance(value, Sequence):
            return []  # writing out nested items takes exponential time
        single = isinstance(value, str | bytes) or not hasattr(value, "__iter__")
        values = [value] if single else itertools.islice(value, MOST_VALUES)
        return [str(part).strip(" \0\t\r\n") for part in values]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  a damaged element is an absent one
        return []


def whole(dataset: Dataset, keyword: str) -> str:
    """All different values of an element that should have one: none is picked at random."""
    return " ".join(dict.fromkeys(texts(dataset, keyword)))


def of_items(dataset: Dataset, sequence: str, keyword: str) -> list[str]:
    """The first value of an element in each item of a sequence."""
    try:
        return [text(item, keyword) for item in (dataset.get(sequence) or ())[:MOST_VALUES]]
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001  as in `texts`
        return []
