"""Sites and regions: reading them from a user's files, and as they were at a version."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from ingest.errors import InputError, UserError
from warehouse.audit import Action, append
from warehouse.records import Region, Site
from warehouse.store import Warehouse
from warehouse.versions import resolve

REQUIRED = ("site_id", "name", "region", "latitude", "longitude")
COUNTS = ("catchment", "catchment_under5", "icu_beds", "isolation_beds")
GEOMETRIES = ("Polygon", "MultiPolygon")
LONGEST_COUNT = 10  # digits: more than there are people
LARGEST_GEOJSON = 20 * 2**20  # bytes: a page has to carry it


def current_sites(warehouse: Warehouse, as_of: str | int | datetime | None = None) -> list[Site]:
    """Each site's newest version as of a time, by site_id."""
    commit = resolve(warehouse, as_of).commit_number
    return [Site(**row) for row in warehouse.query("sites", commit=commit)]


def current_regions(
    warehouse: Warehouse, as_of: str | int | datetime | None = None
) -> list[Region]:
    """Each region's newest version as of a time, by its code."""
    commit = resolve(warehouse, as_of).commit_number
    rows = warehouse.query("regions", commit=commit)
    return [
        Region(row["region"], row["name"], json.loads(row["geometry"]) if row["geometry"] else None)
        for row in rows
    ]


def load_sites(warehouse: Warehouse, sites: Sequence[Site], regions: Sequence[Region]) -> int:
    """Appends a new version of each site and region in one commit; returns its number."""
    with warehouse.write("sites") as transaction:
        transaction.append("sites", [asdict(site) for site in sites])
        transaction.append(
            "regions",
            [
                {"region": r.region, "name": r.name, "geometry": json.dumps(r.geometry)}
                for r in regions
            ],
        )
        append(transaction, Action.SITES, "", {"sites": len(sites), "regions": len(regions)})
    return transaction.commit_number


def read_sites(path: Path) -> list[Site]:
    """The sites in a CSV file.

    InputError naming line, column and value of the first mistake; a sites file is small and
    is loaded whole or not at all.
    """
    frame = _read_csv(path)
    if missing := [name for name in REQUIRED if name not in frame.columns]:
        raise InputError(
            f"the column {missing[0]} is missing; it needs {', '.join(REQUIRED)}", file=path, line=1
        )
    sites = [_site(path, line, row) for line, row in enumerate(frame.iter_rows(named=True), 2)]
    if not sites:
        raise InputError("holds no site", file=path)
    seen: dict[str, int] = {}
    for line, site in enumerate(sites, 2):
        if site.site_id in seen:
            _refuse(path, line, "site_id", site.site_id, f"it is on line {seen[site.site_id]} too")
        seen[site.site_id] = line
    return sites


def read_regions(path: Path) -> list[Region]:
    """The regions in a GeoJSON file, each feature with `properties.region`.

    `properties.name` is optional. InputError names the feature and what is wrong with it.
    """
    features = _features(path)
    regions = [_region(path, number, feature) for number, feature in enumerate(features, 1)]
    codes = [region.region for region in regions]
    if repeated := next((code for code in codes if codes.count(code) > 1), None):
        raise InputError(f"the region {repeated!r} is there twice", file=path)
    return regions


def _read_csv(path: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(path, infer_schema=False, truncate_ragged_lines=False)
    except FileNotFoundError:
        raise UserError(f"{path}: no such file") from None
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"cannot be read as comma-separated UTF-8 text ({str(error).splitlines()[0]})",
            file=path,
        ) from None


def _site(path: Path, line: int, row: dict[str, str | None]) -> Site:
    text = {name: (row.get(name) or "").strip() for name in row}
    for name in REQUIRED:
        if not text[name]:
            _refuse(path, line, name, "", "it is empty")
    zone = text.get("time_zone") or "UTC"
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _refuse(path, line, "time_zone", zone, "write an IANA name such as Africa/Nairobi")
    return Site(
        site_id=text["site_id"],
        name=text["name"],
        region=text["region"],
        latitude=_number(path, line, "latitude", text["latitude"], 90),
        longitude=_number(path, line, "longitude", text["longitude"], 180),
        time_zone=zone,
        **{name: _count(path, line, name, text.get(name, "")) for name in COUNTS},
    )


def _number(path: Path, line: int, column: str, text: str, limit: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not -limit <= value <= limit:
        _refuse(path, line, column, text, f"write a number from {-limit:g} to {limit:g}")
    return value


def _count(path: Path, line: int, column: str, text: str) -> int | None:
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > LONGEST_COUNT:
        _refuse(path, line, column, text, "write a whole number of people or beds, or nothing")
    return int(text)


def _refuse(path: Path, line: int, column: str, value: str, way_out: str) -> None:
    raise InputError(f"{value!r}: {way_out}", file=path, line=line, column=column)


def _features(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        raise UserError(f"{path}: no such file")
    if path.stat().st_size > LARGEST_GEOJSON:
        raise InputError(f"is larger than {LARGEST_GEOJSON >> 20} MiB; simplify it", file=path)
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError):
        raise InputError("is not JSON", file=path) from None
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list) or not features:
        raise InputError("is not a GeoJSON FeatureCollection with features", file=path)
    return features


def _region(path: Path, number: int, feature: Any) -> Region:
    feature = feature if isinstance(feature, dict) else {}
    properties, geometry = feature.get("properties") or {}, feature.get("geometry") or {}
    code = properties.get("region") if isinstance(properties, dict) else None
    if not isinstance(code, str) or not code.strip():
        raise InputError(f"feature {number} has no properties.region", file=path)
    if not isinstance(geometry, dict) or geometry.get("type") not in GEOMETRIES:
        raise InputError(f"feature {number} ({code}) is not a Polygon or MultiPolygon", file=path)
    if not _drawable(geometry):
        raise InputError(
            f"feature {number} ({code}): its coordinates are not rings of at least 4 points, "
            "each a longitude in ±180 and a latitude in ±90 (WGS 84 degrees)",
            file=path,
        )
    return Region(code.strip(), str(properties.get("name") or code).strip(), geometry)


def _drawable(geometry: dict[str, Any]) -> bool:
    """Whether a Polygon or MultiPolygon has rings that a map can draw."""
    coordinates: Any = geometry.get("coordinates")
    polygons: Any = coordinates if geometry["type"] == "MultiPolygon" else [coordinates]
    return _is_full_list(polygons) and all(
        _is_full_list(rings) and all(_is_ring(ring) for ring in rings) for rings in polygons
    )


def _is_full_list(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0


def _is_ring(ring: Any) -> bool:
    return isinstance(ring, list) and len(ring) >= 4 and all(_is_point(point) for point in ring)


def _is_point(point: Any) -> bool:
    if not isinstance(point, list) or len(point) < 2:
        return False
    if not all(isinstance(part, (int, float)) for part in point[:2]):
        return False
    return bool(-180 <= point[0] <= 180 and -90 <= point[1] <= 90)  # NaN is neither
