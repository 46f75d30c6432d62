"""Reading the reference numbers, whose licences keep them out of the project."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import settings
from numpy.typing import NDArray

some_examples = settings(deadline=None, max_examples=50)  # machines may be busy


def reference(shared_data: Path, name: str) -> dict[str, Any]:
    """One of the reference files."""
    found: dict[str, Any] = json.loads((shared_data / "epidemiology" / name).read_text())
    return found


def numbers(values: Any) -> NDArray[np.float64]:
    """A list, or a list of lists, in which null is NaN."""
    return np.array(values, dtype=np.float64)
