"""The invented country of the demo: five regions and their hospitals. Nothing of it is real."""

import math

import numpy as np

from warehouse.records import Region, Site
from warehouse.simulation import REGION_OF_SITE, WEEKLY_XRAYS

REGION_NAMES = ("Northmoor", "Eastvale", "Southport", "Westlake", "Midland")
HOSPITALS = (
    "Northmoor General", "Fellside Hospital", "Larch Valley Clinic", "Eastvale University Hospital",
    "Saint Odile Hospital", "Marsh Lane Hospital", "Southport Royal", "Harbour View Hospital",
    "Westlake District", "Cedar Point Clinic", "Midland Central", "Ashford Children's Hospital",
)  # fmt: skip
CENTRE, RADIUS = (4.0, 12.0), 3.0  # latitude and longitude in degrees, in the open sea
SEEDS = ((1.7, 0.2), (0.5, 1.8), (-1.8, 0.6), (-0.2, -1.8), (0.1, 0.1))  # by region
XRAYS_PER_1000 = 0.9  # of a hospital's catchment, in a week

Point = tuple[float, float]


def code(region: int) -> str:
    """Region 0 is DEMO-1."""
    return f"DEMO-{region + 1}"


def sites(number: int) -> list[Site]:
    """The first `number` hospitals; beyond twelve, further ones of the same kinds."""
    return [_site(index) for index in range(number)]


def regions() -> list[Region]:
    """The five regions with their outlines: Voronoi cells with a coastline's wiggles."""
    coast = _coast()
    cells = [_cell(index, coast) for index in range(len(SEEDS))]
    return [
        Region(code(index), name, _geometry(cells[index]))
        for index, name in enumerate(REGION_NAMES)
    ]


def _site(index: int) -> Site:
    like, again = index % len(HOSPITALS), index // len(HOSPITALS)
    region = REGION_OF_SITE[like]
    turn = 2.4 * index  # the golden angle keeps them apart
    north, east = SEEDS[region]
    catchment = round(WEEKLY_XRAYS[like] / XRAYS_PER_1000) * 1000
    return Site(
        site_id=f"{REGION_NAMES[region][:3].upper()}-{index + 1:02d}",
        name=HOSPITALS[like] + (f" {again + 1}" if again else ""),
        region=code(region),
        latitude=round(CENTRE[0] + north + 0.35 * math.sin(turn), 3),
        longitude=round(CENTRE[1] + east + 0.35 * math.cos(turn), 3),
        catchment=catchment,
        catchment_under5=round(0.13 * catchment),
        icu_beds=max(2, WEEKLY_XRAYS[like] // 12),
        isolation_beds=max(2, WEEKLY_XRAYS[like] // 20),
    )


def _coast() -> list[Point]:
    """A closed, irregular outline around the middle, as (north, east) offsets."""
    rng = np.random.default_rng(7)
    angles = np.linspace(0, 2 * math.pi, 180, endpoint=False)
    radius = RADIUS * np.ones_like(angles)
    for wave in range(2, 14):
        radius += rng.normal(0, 0.28 / wave) * RADIUS * np.cos(wave * angles + rng.uniform(0, 6.28))
    return [
        (float(r * math.sin(a)), float(r * math.cos(a)))
        for r, a in zip(radius, angles, strict=True)
    ]


def _cell(index: int, coast: list[Point]) -> list[Point]:
    """The part of the country nearer to this seed than to any other (Sutherland-Hodgman)."""
    polygon = coast
    for other, seed in enumerate(SEEDS):
        if other != index:
            polygon = _clip(polygon, SEEDS[index], seed)
    return polygon


def _clip(polygon: list[Point], own: Point, other: Point) -> list[Point]:
    normal = (other[0] - own[0], other[1] - own[1])
    middle = ((own[0] + other[0]) / 2, (own[1] + other[1]) / 2)

    def outside(p: Point) -> float:
        return (p[0] - middle[0]) * normal[0] + (p[1] - middle[1]) * normal[1]

    kept: list[Point] = []
    for first, second in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        a, b = outside(first), outside(second)
        if a <= 0:
            kept.append(first)
        if a * b < 0:
            share = a / (a - b)
            kept.append(
                (
                    first[0] + share * (second[0] - first[0]),
                    first[1] + share * (second[1] - first[1]),
                )
            )
    return kept


def _geometry(cell: list[Point]) -> dict[str, object]:
    ring = [
        [round(CENTRE[1] + east, 4), round(CENTRE[0] + north, 4)]
        for north, east in [*cell, cell[0]]
    ]
    return {"type": "Polygon", "coordinates": [ring]}
