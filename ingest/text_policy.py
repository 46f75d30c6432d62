"""What is done with text burned into a film: flag, blank, crop or refuse, by `[ingest] burned_in`.

The content hash is not touched by it: it covers the pixels as received, so that a resend is
still known under another setting.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ingest import gate
from ingest.burned_in import BURNED_IN, Box, find
from ingest.problem import ProblemError
from ingest.records import Reason
from ingest.settings import BURNED_IN_POLICIES

FLAG, BLANK, CROP, REFUSE = BURNED_IN_POLICIES
_MARGIN = 0.15  # of a side: text within it may be cut off with the margin
_RING = 3  # pixels around a box, whose median is its background


@dataclass(frozen=True, slots=True)
class Treated:
    """`pixels` are those to score; `keepable` is false where text is known of and was not found."""

    pixels: np.ndarray
    flags: tuple[str, ...]
    keepable: bool


def treat(pixels: np.ndarray, said: bool, policy: str, min_side: int) -> Treated:
    """A (h, w) film after the policy; `said` is what the header says of burned-in text.

    Raises ProblemError where the policy refuses it.
    """
    boxes = find(pixels)
    if not boxes and not said:
        return Treated(pixels, (), keepable=True)
    if policy == REFUSE or (policy == CROP and not boxes):
        raise _refused()
    change = _CHANGES.get(policy)
    changed = change(pixels, boxes) if change and boxes else pixels
    gate.check_size(changed.shape[0], changed.shape[1], min_side)
    return Treated(changed, (BURNED_IN,), keepable=policy == FLAG or bool(boxes))


def blanked(pixels: np.ndarray, boxes: list[Box]) -> np.ndarray:
    """Each box painted over with the median of the pixels around it."""
    painted = pixels.copy()
    for box in boxes:
        top, left = max(0, box.top - _RING), max(0, box.left - _RING)
        around = pixels[top : box.bottom + _RING, left : box.right + _RING]
        ring = np.ones(around.shape, dtype=bool)
        ring[box.top - top : box.bottom - top, box.left - left : box.right - left] = False
        background = np.median(around[ring]) if ring.any() else 0
        painted[box.top : box.bottom, box.left : box.right] = background
    return painted


def cropped(pixels: np.ndarray, boxes: list[Box]) -> np.ndarray:
    """Without the margins that hold the boxes; raises ProblemError for one that lies further in."""
    height, width = pixels.shape
    top, left, bottom, right = 0, 0, height, width
    for box in boxes:
        sides = {
            "top": box.bottom / height,
            "left": box.right / width,
            "bottom": 1 - box.top / height,
            "right": 1 - box.left / width,
        }
        side = min(sides, key=lambda name: sides[name])
        if sides[side] > _MARGIN:
            raise _refused()
        top = max(top, box.bottom) if side == "top" else top
        left = max(left, box.right) if side == "left" else left
        bottom = min(bottom, box.top) if side == "bottom" else bottom
        right = min(right, box.left) if side == "right" else right
    return np.ascontiguousarray(pixels[top:bottom, left:right])


_CHANGES: dict[str, Callable[[np.ndarray, list[Box]], np.ndarray]] = {
    BLANK: blanked,
    CROP: cropped,
}


def _refused() -> ProblemError:
    sentence = "text is burned into its picture; export it without annotations"
    return ProblemError(Reason.BURNED_IN_TEXT, sentence)
