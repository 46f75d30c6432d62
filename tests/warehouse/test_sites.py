"""Site and region files: what is read, and how a mistake is named."""

import json
from pathlib import Path

import pytest

from ingest.errors import InputError, UserError
from warehouse.sites import current_regions, current_sites, load_sites, read_regions, read_sites
from warehouse.store import Warehouse

HEADER = "site_id,name,region,latitude,longitude,time_zone,catchment,icu_beds"


def sites_file(folder: Path, *lines: str) -> Path:
    path = folder / "sites.csv"
    path.write_text("\n".join([HEADER, *lines]) + "\n", encoding="utf-8")
    return path


def regions_file(folder: Path, *features: object) -> Path:
    path = folder / "regions.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return path


def feature(code: object, kind: str = "Polygon") -> dict:
    ring = [[0, 0], [0, 1], [1, 1], [0, 0]]
    rings = [[ring]] if kind == "MultiPolygon" else [ring]
    return {
        "type": "Feature",
        "properties": {"region": code},
        "geometry": {"type": kind, "coordinates": rings},
    }


def test_sites_are_read_with_their_optional_columns(tmp_path: Path) -> None:
    path = sites_file(tmp_path, "A,Älpha,R1,-1.5,36.8,Africa/Nairobi,62000,", "B,B,R2,0,0,,,4")
    first, second = read_sites(path)
    assert (first.name, first.time_zone, first.catchment) == ("Älpha", "Africa/Nairobi", 62000)
    assert first.icu_beds is None
    assert (second.time_zone, second.catchment, second.icu_beds) == ("UTC", None, 4)


@pytest.mark.parametrize(
    ("line", "column", "value"),
    [
        ("A,A,R,91,0,,,", "latitude", "91"),
        ("A,A,R,0,east,,,", "longitude", "east"),
        ("A,A,R,nan,0,,,", "latitude", "nan"),
        ("A,A,R,0,0,Mars/Base,,", "time_zone", "Mars/Base"),
        ("A,A,R,0,0,../../etc/passwd,,", "time_zone", "passwd"),
        ("A,A,R,0,0,,many,", "catchment", "many"),
        ("A,A,R,0,0,,-5,", "catchment", "-5"),
        ("A,A,R,0,0,,99999999999999999999999,", "catchment", "99999999999999999999999"),
        ("A,,R,0,0,,,", "name", ""),
        ("OK,A,R,0,0,,,", "site_id", "OK"),
    ],
)
def test_a_bad_site_is_named_by_line_column_and_value(
    tmp_path: Path, line: str, column: str, value: str
) -> None:
    path = sites_file(tmp_path, "OK,Fine,R,0,0,,,", line)
    with pytest.raises(InputError) as raised:
        read_sites(path)
    assert f"{path}, line 3, column {column}" in str(raised.value)
    assert value in str(raised.value)


def test_a_missing_column_a_missing_file_and_an_empty_file(tmp_path: Path) -> None:
    short = tmp_path / "short.csv"
    short.write_text("site_id,name\nA,A\n")
    with pytest.raises(InputError, match="the column region is missing"):
        read_sites(short)
    with pytest.raises(UserError, match="no such file"):
        read_sites(tmp_path / "none.csv")
    with pytest.raises(InputError, match="holds no site"):
        read_sites(sites_file(tmp_path))
    empty = tmp_path / "empty.csv"
    empty.touch()
    with pytest.raises(InputError, match="cannot be read"):
        read_sites(empty)


def test_regions_are_read_and_stored(warehouse: Warehouse, tmp_path: Path) -> None:
    regions = read_regions(
        regions_file(tmp_path, feature("ALPHA"), feature("BETA", "MultiPolygon"))
    )
    load_sites(warehouse, [], regions)
    stored = {region.region: region.geometry for region in current_regions(warehouse)}
    assert stored == {region.region: region.geometry for region in regions}


@pytest.mark.parametrize(
    ("features", "said"),
    [
        ([feature(None)], "feature 1 has no properties.region"),
        ([feature("A"), feature("")], "feature 2 has no"),
        ([feature("A", "Point")], "feature 1 .A. is not a Polygon"),
        ([feature("A"), feature("A")], "'A' is there twice"),
        ([17], "feature 1 has no"),
        ([], "not a GeoJSON FeatureCollection"),
    ],
)
def test_a_bad_region_is_named(tmp_path: Path, features: list, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_regions(regions_file(tmp_path, *features))


@pytest.mark.parametrize(
    "coordinates",
    ["abc", None, [], [[]], [[[0, 0], [0, 1], [1, 1]]],
     [[[0, 0], [0, float("nan")], [1, 1], [0, 0]]],
     [[[500000, 4649776], [500001, 4649776], [500001, 4649777], [500000, 4649776]]]],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["Polygon", "MultiPolygon"])
def test_an_outline_that_no_map_can_draw_is_refused(
    tmp_path: Path, coordinates: object, kind: str
) -> None:
    shape = feature("A", kind)
    shape["geometry"]["coordinates"] = coordinates if kind == "Polygon" else [coordinates]
    with pytest.raises(InputError, match=r"feature 1 \(A\): its coordinates"):
        read_regions(regions_file(tmp_path, shape))


def test_text_that_is_not_geojson(tmp_path: Path) -> None:
    path = tmp_path / "x.geojson"
    path.write_text("<html>")
    with pytest.raises(InputError, match="is not JSON"):
        read_regions(path)


def test_loading_again_appends_a_version(warehouse: Warehouse, tmp_path: Path) -> None:
    first = load_sites(warehouse, read_sites(sites_file(tmp_path, "A1,Old,ALPHA,0,0,,,")), [])
    load_sites(warehouse, read_sites(sites_file(tmp_path, "A1,New,ALPHA,0,0,,,")), [])
    names = {
        as_of: next(s.name for s in current_sites(warehouse, as_of) if s.site_id == "A1")
        for as_of in (first, None)
    }
    assert names == {first: "Old", None: "New"}
    assert len(current_sites(warehouse)) == 3, "sites that the file does not name stay"
