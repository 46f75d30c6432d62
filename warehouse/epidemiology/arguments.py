"""Checks of arguments that the functions share: each error names the argument and its value."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]


def one_of(name: str, value: str, known: Sequence[str]) -> str:
    """The value, if it is known. ValueError otherwise."""
    if value not in known:
        raise ValueError(f"{name} is {value!r}; it is one of {', '.join(known)}")
    return value


def share(name: str, value: float) -> float:
    """The value, if it lies between 0 and 1 (neither included). ValueError otherwise."""
    if not 0 < value < 1:
        raise ValueError(f"{name} is {value}; it lies between 0 and 1")
    return float(value)


def at_least(name: str, value: float, smallest: float) -> None:
    """ValueError where the value is smaller (or no number)."""
    if not value >= smallest:
        raise ValueError(f"{name} is {value}; it is at least {smallest}")


def series(name: str, values: ArrayLike, missing: bool = True) -> Floats:
    """A one-dimensional array of numbers that are not negative; NaN only where it may miss."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1:
        raise ValueError(f"{name} has {found.ndim} dimensions; it is one series")
    if np.isinf(found).any() or (found < 0).any():
        bad = found[np.isinf(found) | (found < 0)][0]
        raise ValueError(f"{name} holds {bad}; a count is finite and not negative")
    if not missing and np.isnan(found).any():
        raise ValueError(f"{name} holds NaN; no value may be missing here")
    return found
