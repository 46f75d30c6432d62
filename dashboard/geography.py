"""Region outlines for the map: GeoJSON that the browser draws right. Pure."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

from warehouse.records import Region, Site

Ring = list[list[float]]
Bounds = tuple[float, float, float, float]  # west, south, east, north; degrees
MARGIN = 0.04  # of the larger side
LEAST_SPAN = 0.5  # degrees: one site alone still gets a map


def feature_collection(regions: Iterable[Region]) -> dict[str, Any]:
    """GeoJSON of the regions that have an outline, wound as the drawing library needs."""
    features = [
        {
            "type": "Feature",
            "properties": {"region": region.region, "name": region.name},
            "geometry": rewound(region.geometry),
        }
        for region in regions
        if region.geometry
    ]
    return {"type": "FeatureCollection", "features": features}


def rewound(geometry: dict[str, Any]) -> dict[str, Any]:
    """The same outline, outer rings clockwise and holes not.

    The browser's map (d3-geo) takes what lies to the right of a ring as its inside, the
    opposite of RFC 7946; a ring wound the other way fills the rest of the world.
    """
    coordinates = geometry["coordinates"]
    if geometry["type"] == "Polygon":
        return {"type": "Polygon", "coordinates": _polygon(coordinates)}
    return {"type": "MultiPolygon", "coordinates": [_polygon(part) for part in coordinates]}


def signed_area(ring: Ring) -> float:
    """Twice the area in square degrees; positive where the ring runs anticlockwise."""
    following = ring[1:] + ring[:1]
    return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, following, strict=True))


def bounds(regions: Iterable[Region], sites: Iterable[Site]) -> Bounds:
    """A box around all outlines and sites, with a margin."""
    points = [point for region in regions for point in _points(region)]
    points += [(site.longitude, site.latitude) for site in sites]
    if not points:
        return (-180.0, -60.0, 180.0, 75.0)
    west, east = (find(point[0] for point in points) for find in (min, max))
    south, north = (find(point[1] for point in points) for find in (min, max))
    margin = max(MARGIN * max(east - west, north - south), LEAST_SPAN / 2)
    return (west - margin, max(-85.0, south - margin), east + margin, min(85.0, north + margin))


def aspect(box: Bounds) -> float:
    """Height over width of the box in the Mercator projection."""
    west, south, east, north = box
    tall = _mercator(north) - _mercator(south)
    return math.degrees(tall) / (east - west)


def _mercator(latitude: float) -> float:
    return math.log(math.tan(math.pi / 4 + math.radians(latitude) / 2))


def _polygon(rings: list[Ring]) -> list[Ring]:
    return [
        ring if (signed_area(ring) < 0) == (position == 0) else ring[::-1]
        for position, ring in enumerate(rings)
    ]


def _points(region: Region) -> Iterator[tuple[float, float]]:
    if not region.geometry:
        return
    parts: Any = region.geometry["coordinates"]
    polygons = [parts] if region.geometry["type"] == "Polygon" else parts
    for polygon in polygons:
        for ring in polygon:
            yield from ((point[0], point[1]) for point in ring)
