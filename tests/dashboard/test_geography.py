"""Outlines are wound as the browser's map needs, whatever the file did."""

from hypothesis import given
from hypothesis import strategies as st

from dashboard.geography import aspect, bounds, feature_collection, rewound, signed_area
from tests.dashboard.network import REGIONS, SITES, square
from warehouse.records import Region

OUTER = [[0.0, 0.0], [4.0, 0.0], [4.0, 4.0], [0.0, 4.0], [0.0, 0.0]]
HOLE = [[1.0, 1.0], [2.0, 1.0], [2.0, 2.0], [1.0, 2.0], [1.0, 1.0]]


@given(st.booleans(), st.booleans(), st.booleans())
def test_outer_rings_run_clockwise_and_holes_do_not(flip: bool, turn: bool, many: bool) -> None:
    rings = [OUTER[::-1] if flip else OUTER, HOLE[::-1] if turn else HOLE]
    geometry = {"type": "Polygon", "coordinates": rings}
    if many:
        geometry = {"type": "MultiPolygon", "coordinates": [rings]}
    found = rewound(geometry)
    outer, hole = found["coordinates"][0] if many else found["coordinates"]
    assert signed_area(outer) < 0 < signed_area(hole)
    assert sorted(outer) == sorted(OUTER)
    assert rewound(found) == found


def test_only_regions_with_an_outline_are_features() -> None:
    features = feature_collection([*REGIONS, Region("WEST", "The West")])["features"]
    assert [feature["properties"]["region"] for feature in features] == ["NORTH", "SOUTH", "EAST"]


def test_bounds_hold_everything_and_one_point_has_a_map() -> None:
    west, south, east, north = bounds(REGIONS, SITES)
    assert west < 0 < 3 < east
    assert south < 9 < 11 < north
    west, south, east, north = bounds([], SITES[:1])
    assert east - west >= 0.5
    assert abs(aspect((0, -1, 2, 1)) - 1) < 0.001  # a square at the equator stays one
    assert bounds([], [])[2] == 180


def test_areas_are_signed() -> None:
    (ring,) = square(0, 0, 2, 3)["coordinates"]  # type: ignore[misc]
    assert signed_area(ring) == 12
