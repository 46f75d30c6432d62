"""Text burned into a film's pixels: what the header says of it, and a simple look for lines of it.

A name or a date written over the picture leaves with the picture. Lines are looked for, not
letters: at least five marks of one height on one base line, regularly spaced, each brighter
(or darker) than what is around it. A side marker, a wire and an edge are none. Handwriting and
text that is fainter than the film itself are not found; docs/proofs.md has the figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image

Region = tuple[slice, slice]  # of rows and columns
BURNED_IN = "burned_in_text"

_LEVELS = (240, 200, 150)  # of 255: white text is at least as bright as one of these
_DARK_LEVELS = (12, 60)  # and black text at least as dark
_REDUCED = (1, 4)  # small letters are looked for in the film, large ones in a smaller copy
_CELL = 64  # columns within which edges are counted
_EDGES = 5  # in one row of a cell, at least
_STEEP = 30  # of 255, within two pixels: what makes an edge
_ROWS_LOOKED_AT = 4  # every so-manieth
_LOW, _HIGH = 7, 56  # pixels of a letter's height
_LETTERS = 5  # in a line, at least
_NEARBY_LETTERS = 2  # in a line close to such a one
_REACH = 6  # heights from a line within which the others of its block are looked for
_CONTRAST = 40  # of 255, between a letter and its surroundings
_MOST_MARKS = 2000  # in one region: more is no text
_MOST_BUSY = 0.3  # of the cells: a busier film is grain


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle of pixels; bottom and right are past its end."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True, slots=True)
class _Marks:
    """Connected marks as arrays of equal length, in pixels of the whole film."""

    top: np.ndarray
    left: np.ndarray
    bottom: np.ndarray
    right: np.ndarray

    @property
    def height(self) -> np.ndarray:
        return np.asarray(self.bottom - self.top)

    def at(self, chosen: np.ndarray) -> "_Marks":
        return _Marks(self.top[chosen], self.left[chosen], self.bottom[chosen], self.right[chosen])


def find(pixels: np.ndarray) -> list[Box]:
    """Boxes around lines of text in a (h, w) uint8 or uint16 film, a little wider than they are."""
    film = _eight_bits(pixels)
    found: list[Box] = []
    for factor in _REDUCED:
        small = film if factor == 1 else np.asarray(Image.fromarray(film).reduce(factor))
        found += [_scaled(box, factor) for box in _at_one_size(small)]
    return _merged([_widened(box, film.shape) for box in found])


def _at_one_size(film: np.ndarray) -> list[Box]:
    """Lines, and then the rest of the blocks that they belong to."""
    lines = _merged([box for region in _regions(film) for box in _in(film, region)])
    blocks = (_around(line, film.shape) for line in lines)
    return lines + [box for block in blocks for box in _in(film, block)]


def _around(line: Box, shape: tuple[int, ...]) -> Region:
    reach = _REACH * min(line.bottom - line.top, line.right - line.left)
    return (
        slice(max(0, line.top - reach), min(shape[0], line.bottom + reach)),
        slice(max(0, line.left - reach), min(shape[1], line.right + reach)),
    )


def _eight_bits(pixels: np.ndarray) -> np.ndarray:
    if pixels.dtype == np.uint8:
        return pixels
    spare = max(0, int(pixels.max(initial=0)).bit_length() - 8)
    return (pixels >> spare).astype(np.uint8)


def _in(film: np.ndarray, region: Region) -> list[Box]:
    """Lines in one region, by each level; those near a line need fewer letters."""
    found: list[Box] = []
    patch = film[region]
    masks = [patch >= level for level in _LEVELS] + [patch <= level for level in _DARK_LEVELS]
    for mask in masks:
        found += _lines(_marks(patch, mask, (region[0].start, region[1].start)))
    return found


def _regions(film: np.ndarray) -> list[Region]:
    """Where rows cross as many steep edges as letters have."""
    cells = (film.shape[1] - 2) // _CELL
    if cells < 1 or film.shape[0] < _LOW:
        return []
    rows = film[::_ROWS_LOOKED_AT, : cells * _CELL + 2].astype(np.int16)
    steep = np.abs(rows[:, 2:] - rows[:, :-2]) >= _STEEP
    begins = steep.copy()
    begins[:, 1:] &= ~steep[:, :-1]
    starts = np.arange(cells) * _CELL
    busy = np.add.reduceat(begins.view(np.uint8), starts, axis=1, dtype=np.uint8) >= _EDGES
    if not busy.any() or busy.mean() > _MOST_BUSY:
        return []
    return list(_boxes_of(busy, film.shape))


def _boxes_of(busy: np.ndarray, shape: tuple[int, ...]) -> Iterator[Region]:
    """Touching busy cells as regions of the film, wide enough for the letters at their edges."""
    from scipy import ndimage  # slow to import, and most films need it not

    labels, _ = ndimage.label(ndimage.binary_dilation(busy, np.ones((5, 3), bool)))
    for down, across in ndimage.find_objects(labels):
        top, bottom = (down.start - 3) * _ROWS_LOOKED_AT, (down.stop + 3) * _ROWS_LOOKED_AT
        left, right = (across.start - 1) * _CELL, (across.stop + 1) * _CELL
        yield slice(max(0, top), min(shape[0], bottom)), slice(max(0, left), min(shape[1], right))


def _marks(patch: np.ndarray, mask: np.ndarray, corner: tuple[int, int]) -> _Marks:
    """Connected marks of a letter's size that stand out from what is around them."""
    from scipy import ndimage

    labels, count = ndimage.label(mask, np.ones((3, 3), bool))
    found = ndimage.find_objects(labels) if _LETTERS <= count <= _MOST_MARKS else []
    sized = [(number, box) for number, box in enumerate(found, 1) if _is_sized(*box)]
    if len(sized) < _LETTERS:
        sized = []
    kept = [box for number, box in sized if _stands_out(patch, labels, number, box)]
    edges = np.array(
        [(b[0].start, b[1].start, b[0].stop, b[1].stop) for b in kept], dtype=np.int64
    ).reshape(-1, 4)
    edges += np.array([*corner, *corner])
    return _Marks(edges[:, 0], edges[:, 1], edges[:, 2], edges[:, 3])


def _is_sized(down: slice, across: slice) -> bool:
    height, width = down.stop - down.start, across.stop - across.start
    return bool(
        (_LOW <= height <= _HIGH and width <= 2.5 * height)
        or (_LOW <= width <= _HIGH and height <= 2.5 * width)
    )


def _stands_out(patch: np.ndarray, labels: np.ndarray, number: int, box: Region) -> bool:
    """Whether the pixels around and within a mark are unlike it."""
    around = tuple(slice(max(0, side.start - 2), side.stop + 2) for side in box)
    values, own = patch[around], labels[around]
    outside = values[own == 0]
    if not len(outside):
        return False
    return abs(float(np.median(values[own == number])) - float(np.median(outside))) >= _CONTRAST


def _lines(marks: _Marks) -> list[Box]:
    """Runs of marks that follow one another like letters, across or down."""
    turned = _Marks(marks.left, marks.top, marks.right, marks.bottom)
    down = [Box(b.left, b.top, b.right, b.bottom) for b in _lines_across(turned)]
    return _lines_across(marks) + down


def _lines_across(marks: _Marks) -> list[Box]:
    marks = marks.at(np.argsort(marks.left, kind="stable"))
    free = np.ones(len(marks.left), dtype=bool)
    found: list[Box] = []
    short: list[Box] = []
    for first in range(len(free)):
        if free[first]:
            line = marks.at(chosen := _line_from(marks, first, free))
            free[chosen] = False
            if _is_aligned(line):
                (found if len(line.top) >= _LETTERS else short).append(_box(line))
    return found + [box for box in short if any(_is_near(box, line) for line in found)]


def _is_near(box: Box, line: Box) -> bool:
    """Whether a short line belongs to a block of text: above, below or beside a long one."""
    height = line.bottom - line.top
    alike = 0.6 * height <= box.bottom - box.top <= 1.6 * height
    beside = box.left < line.right + 4 * height and line.left < box.right + 4 * height
    return (
        alike
        and beside
        and box.top < line.bottom + 6 * height
        and line.top < box.bottom + 6 * height
    )


def _line_from(marks: _Marks, first: int, free: np.ndarray) -> np.ndarray:
    """Indices of the marks that follow the first, each close to the one before."""
    line, last = [first], first
    height = int(marks.height[first])
    for index in range(first + 1, len(free)):
        if marks.left[index] - marks.right[last] > 1.5 * height:
            break
        if free[index] and _follows(marks, last, index, height):
            line.append(index)
            last = index
    return np.array(line)


def _follows(marks: _Marks, last: int, index: int, height: int) -> bool:
    own = int(marks.height[index])
    shared = min(marks.bottom[index], marks.bottom[last]) - max(marks.top[index], marks.top[last])
    apart = marks.left[index] - marks.right[last]
    return bool(
        0.55 * height <= own <= 1.8 * height
        and shared >= 0.5 * min(own, height)
        and apart >= -0.3 * height
    )


def _is_aligned(line: _Marks) -> bool:
    """Marks enough, most of them on one base line or under one top line, and of one height."""
    if len(line.top) < _NEARBY_LETTERS:
        return False
    height = float(np.median(line.height))
    near = max(1.5, 0.12 * height)
    based = float((np.abs(line.bottom - np.median(line.bottom)) <= near).mean())
    topped = float((np.abs(line.top - np.median(line.top)) <= near).mean())
    gaps = line.left[1:] - line.right[:-1]
    widths = line.right - line.left
    return bool(
        max(based, topped) >= 0.75
        and min(based, topped) >= 0.5
        and np.median(gaps) <= 0.6 * height
        and np.median(widths) >= 0.2 * height
    )


def _scaled(box: Box, factor: int) -> Box:
    return Box(box.top * factor, box.left * factor, box.bottom * factor, box.right * factor)


def _box(line: _Marks) -> Box:
    return Box(
        int(line.top.min()), int(line.left.min()), int(line.bottom.max()), int(line.right.max())
    )


def _widened(box: Box, shape: tuple[int, ...]) -> Box:
    """By a third of its height: the edges of letters are soft, and some letters were missed."""
    more = max(2, (min(box.bottom - box.top, box.right - box.left)) // 3)
    return Box(
        max(0, box.top - more),
        max(0, box.left - more),
        min(shape[0], box.bottom + more),
        min(shape[1], box.right + more),
    )


def _merged(boxes: list[Box]) -> list[Box]:
    """Boxes that overlap become one; the levels find the same line several times."""
    kept: list[Box] = []
    for box in sorted(boxes, key=lambda b: (b.top, b.left)):
        while (other := next((k for k in kept if _overlap(k, box)), None)) is not None:
            kept.remove(other)
            box = Box(
                min(box.top, other.top),
                min(box.left, other.left),
                max(box.bottom, other.bottom),
                max(box.right, other.right),
            )
        kept.append(box)
    return kept


def _overlap(a: Box, b: Box) -> bool:
    return a.top < b.bottom and b.top < a.bottom and a.left < b.right and b.left < a.right
