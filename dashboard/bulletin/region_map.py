"""The bulletin's map: regions shaded by class and numbered as in the regions table.

Numbers stand in the map and names in the table, so that no name is too long to draw.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dashboard.bulletin.svg import figure, label, path, tag, text

Point = tuple[float, float]
WIDTH, MAP_HEIGHT, KEY_HEIGHT = 340.0, 300.0, 64.0
SHADES = ("#eff4f8", "#c6d9e8", "#8fb4d3", "#4f86b6", "#1f5587")
CLASS_STEPS = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.12, 0.15, 0.2)
SMALL = 180.0  # square units: a number would cover the region
NOTHING, HIDDEN, EDGE = "#ffffff", "#d9d9d9", "#7b8794"


@dataclass(frozen=True, slots=True)
class Area:
    """A region to draw: its number in the table, its outline, and the share, if one is shown."""

    number: str  # "" for a region that is not in the table
    name: str
    geometry: dict[str, object] | None  # GeoJSON Polygon or MultiPolygon, degrees
    share: float | None
    suppressed: bool


def region_map(areas: Sequence[Area], title: str, description: str, font: str) -> str | None:
    """The map as SVG; None when no region has an outline that can be drawn."""
    outlines = [(area, list(rings(area.geometry))) for area in areas]
    drawn = [(area, found) for area, found in outlines if found]
    if not drawn:
        return None
    breaks = class_breaks([area.share for area, _ in drawn if area.share is not None])
    project, height = projection([point for _, found in drawn for ring in found for point in ring])
    shapes = [_shape(area, found, project, breaks) for area, found in drawn]
    numbers = [_number(area, found, project, breaks) for area, found in drawn if area.number]
    key = _key(breaks, [area for area, _ in drawn], height + 16)
    size = (WIDTH, height + KEY_HEIGHT)
    return figure("map", size, title, description, *shapes, *numbers, key, font=font)


def rings(geometry: Mapping[str, object] | None) -> Iterator[list[Point]]:
    """Every ring of a Polygon or MultiPolygon with at least three finite points."""
    if not geometry:
        return
    found = geometry.get("coordinates")
    polygons = [found] if geometry.get("type") == "Polygon" else found
    if geometry.get("type") not in ("Polygon", "MultiPolygon") or not isinstance(polygons, list):
        return
    for polygon in polygons:
        for ring in polygon:
            points = [(float(p[0]), float(p[1])) for p in ring]
            finite = [p for p in points if math.isfinite(p[0]) and math.isfinite(p[1])]
            if len(finite) > 2:
                yield finite


def class_breaks(shares: Sequence[float]) -> list[float]:
    """The upper ends of up to five classes of equal width, round numbers of percent."""
    highest = max(shares, default=0.0)
    step = next((s for s in CLASS_STEPS if highest <= len(SHADES) * s), CLASS_STEPS[-1])
    return [round(step * (i + 1), 4) for i in range(max(1, math.ceil(highest / step - 1e-9)))]


def shade(share: float, breaks: Sequence[float]) -> str:
    """The colour of the first class whose upper end is not below the share."""
    position = next((i for i, end in enumerate(breaks) if share <= end), len(breaks) - 1)
    return SHADES[min(position, len(SHADES) - 1)]


def projection(points: Sequence[Point]) -> tuple["Projection", float]:
    """Degrees to user units, true to shape at the middle latitude; and the height needed."""
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    squeeze = max(0.05, math.cos(math.radians((south + north) / 2)))
    wide, high = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    scale = min((WIDTH - 4) / wide, (MAP_HEIGHT - 4) / high)
    left = (WIDTH - wide * scale) / 2
    return Projection(west, north, squeeze * scale, scale, left), high * scale + 4


@dataclass(frozen=True, slots=True)
class Projection:
    """An equirectangular projection, north up."""

    west: float
    north: float
    across: float
    down: float
    left: float

    def __call__(self, point: Point) -> Point:
        x, y = point
        return self.left + (x - self.west) * self.across, 2 + (self.north - y) * self.down


def middle(ring: Sequence[Point]) -> tuple[Point, float]:
    """Centre of gravity of a ring and its area (shoelace formula); the mean when flat."""
    pairs = list(zip(ring, [*ring[1:], ring[0]], strict=True))
    cross = [a[0] * b[1] - b[0] * a[1] for a, b in pairs]
    area = sum(cross) / 2
    if abs(area) < 1e-9:
        return (sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring)), 0.0
    x = sum((a[0] + b[0]) * c for (a, b), c in zip(pairs, cross, strict=True)) / (6 * area)
    y = sum((a[1] + b[1]) * c for (a, b), c in zip(pairs, cross, strict=True)) / (6 * area)
    return (x, y), abs(area)


def _shape(
    area: Area, found: list[list[Point]], project: Projection, breaks: Sequence[float]
) -> str:
    outline = "".join(path([project(p) for p in ring], close=True) for ring in found)
    return tag(
        "path", tag("title", text(f"{area.number} {area.name}".strip())), d=outline,
        fill=_fill(area, breaks), fill_rule="evenodd", stroke=EDGE,
        stroke_width="0.7", stroke_linejoin="round",
    )  # fmt: skip


def _fill(area: Area, breaks: Sequence[float]) -> str:
    if area.suppressed:
        return HIDDEN
    return NOTHING if area.share is None else shade(area.share, breaks)


def _number(
    area: Area, found: list[list[Point]], project: Projection, breaks: Sequence[float]
) -> str:
    """The number in the middle of the largest part; a region too small for it gets a disc."""
    centres = [middle([project(p) for p in ring]) for ring in found]
    (x, y), size = max(centres, key=lambda pair: pair[1])
    disc = tag("circle", cx=x, cy=y, r=8.5, fill=_fill(area, breaks), stroke=EDGE, stroke_width=1)
    halo = {"stroke": "#ffffff", "stroke_width": "3", "stroke_linejoin": "round"}
    style = {"text_anchor": "middle", "font_weight": "bold", "font_size": "12"}
    under = label(x, y + 4, area.number, **halo, **style)
    return (disc if size < SMALL else "") + under + label(x, y + 4, area.number, **style)


def _key(breaks: Sequence[float], areas: Sequence[Area], y: float) -> str:
    """The classes in a row, then what the two other fills mean, where they occur."""
    wide = min(64.0, (WIDTH - 8) / len(breaks))
    cells = [_class_cell(i, end, breaks, wide, y) for i, end in enumerate(breaks)]
    others = [("suppressed", HIDDEN)] if any(a.suppressed for a in areas) else []
    bare = any(a.share is None and not a.suppressed for a in areas)
    others += [("no estimate", NOTHING)] if bare else []
    for i, (name, colour) in enumerate(others):
        x = 4 + i * 110
        cells.append(_box(x, y + 30, 14, colour) + label(x + 20, y + 40, name))
    return tag("g", *cells)


def _class_cell(i: int, end: float, breaks: Sequence[float], wide: float, y: float) -> str:
    start = breaks[i - 1] if i else 0.0
    name = f"{round(start * 100)}–{round(end * 100)}%"
    box = _box(4 + i * wide, y, wide, shade(end, breaks))
    return box + label(4 + (i + 0.5) * wide, y + 23, name, text_anchor="middle", font_size=10)


def _box(x: float, y: float, wide: float, colour: str) -> str:
    return tag("rect", x=x, y=y, width=wide, height=11, fill=colour, stroke=EDGE,
               stroke_width="0.7")  # fmt: skip
