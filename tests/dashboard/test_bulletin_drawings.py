"""The bulletin's SVG: pure functions, so numbers in and elements out."""

import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.bulletin.charts import Series, Value, Week, axis_top, count_top, runs, trend_chart
from dashboard.bulletin.region_map import Area, class_breaks, region_map, rings, shade
from dashboard.bulletin.svg import label, one_line, tag
from tests.dashboard.bulletin_home import square

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</text><script>alert(1)</script>\n\"'&#x3c;\x00\x1b[31m\u202e"


def chart(values: list[Value | None], weeks: list[Week] | None = None) -> ET.Element:
    steps = weeks or [Week(f"2026-W{n:02d}", 100 + n, True) for n in range(1, len(values) + 1)]
    return ET.fromstring(
        trend_chart(steps, [Series("Raw positivity", "#123456", values)], "Title", "Words", "serif")
    )


def value(share: float) -> Value:
    return Value(share, share - 0.01, share + 0.01)


def lines(svg: ET.Element) -> list[ET.Element]:
    marked = [p for p in svg.iter(f"{SVG}path") if p.get("stroke-width") == "1.8"]
    return [p for p in marked if p.get("fill") == "none"]


def test_a_gap_is_never_drawn_across() -> None:
    svg = chart([value(0.1), value(0.2), None, value(0.3), value(0.2), value(0.1)])
    assert [path.get("d", "").count("L") for path in lines(svg)] == [1, 2]


def test_a_lone_week_is_a_dot_with_its_interval() -> None:
    svg = chart([value(0.1), value(0.1), None, value(0.3), None])
    assert len(lines(svg)) == 1
    assert len(list(svg.iter(f"{SVG}circle"))) == 1
    whisker = [p for p in svg.iter(f"{SVG}path") if p.get("stroke") == "#123456"]
    assert any(p.get("d", "").count("L") == 1 and p.get("fill") is None for p in whisker)


def test_a_higher_share_is_drawn_higher_and_more_xrays_as_a_taller_bar() -> None:
    svg = chart([value(0.1), value(0.2)], [Week("2026-W01", 50, True), Week("2026-W02", 200, True)])
    (line,) = lines(svg)
    heights = [float(step.split()[1]) for step in line.get("d", "").strip("M").split("L")]
    assert heights[1] < heights[0]
    bars = [float(bar.get("height", "")) for bar in svg.iter(f"{SVG}rect")]
    assert bars[1] == pytest.approx(4 * bars[0], abs=0.2)


def test_an_incomplete_week_is_open_and_said() -> None:
    weeks = [Week("2026-W01", 50, True), Week("2026-W02", 20, False)]
    svg = chart([value(0.1), value(0.2)], weeks)
    assert [bar.get("fill") for bar in svg.iter(f"{SVG}rect")][1] == "#ffffff"
    assert [dot.get("fill") for dot in svg.iter(f"{SVG}circle")] == ["#ffffff"]
    assert "not complete" in "".join(svg.itertext())


def test_a_suppressed_week_is_a_cross_without_a_bar() -> None:
    weeks = [Week("2026-W01", 50, True), Week("2026-W02", None, True, suppressed=True)]
    svg = chart([value(0.1), None], weeks)
    assert len(list(svg.iter(f"{SVG}rect"))) == 1
    assert "suppressed" in "".join(svg.itertext())


def test_the_chart_says_what_it_is() -> None:
    svg = chart([value(0.1)])
    named = {element.get("id"): element.text for element in svg if element.get("id")}
    assert named == {"trend-title": "Title", "trend-desc": "Words"}
    assert svg.get("role") == "img"
    assert svg.get("aria-labelledby") == "trend-title trend-desc"


def test_a_chart_of_nothing_is_still_a_chart() -> None:
    assert lines(chart([None, None])) == []
    assert lines(chart([])) == []


@pytest.mark.parametrize(
    ("highest", "top", "step"),
    [(0.0, 0.01, 0.01), (0.05, 0.05, 0.01), (0.051, 0.06, 0.02), (0.4, 0.4, 0.1), (1.0, 1.0, 0.2)],
)
def test_axis_of_shares(highest: float, top: float, step: float) -> None:
    assert axis_top(highest) == pytest.approx((top, step))


@given(st.floats(0, 1))
def test_axis_holds_the_highest_share_in_at_most_five_steps(highest: float) -> None:
    top, step = axis_top(highest)
    assert highest <= top <= 1
    assert top <= 5 * step + 1e-9


@given(st.integers(0, 10**9))
def test_axis_of_counts_holds_the_highest_and_is_at_least_half_used(highest: int) -> None:
    assert highest <= count_top(highest)
    assert count_top(highest) <= max(1, 2 * highest)


def test_runs_keep_positions() -> None:
    a, b = value(0.1), value(0.2)
    assert runs([None, a, b, None, None, a]) == [[(1, a), (2, b)], [(5, a)]]


@given(st.text())
def test_any_text_stays_text(text: str) -> None:
    element = ET.fromstring(tag("g", label(1, 2, text), title=text))
    (child,) = element
    assert child.tag == "text"
    assert (child.text or "") == one_line(text) == element.get("title")


def test_one_line_leaves_no_control_and_no_direction_override() -> None:
    assert one_line("a\n\tb\x00\x1b\u202ec\ufffe ") == "a b c"


def area(number: str, west: float, share: float | None, suppressed: bool = False) -> Area:
    return Area(number, HOSTILE, square(west, 0), share, suppressed)


def drawn(areas: list[Area]) -> ET.Element:
    svg = region_map(areas, "Map", "Words", "serif")
    assert svg is not None
    return ET.fromstring(svg)


def test_regions_are_shaded_by_class_and_numbered() -> None:
    svg = drawn([area("1", 0, 0.01), area("2", 1, 0.30), area("3", 2, None), area("", 3, None)])
    fills = [path.get("fill") for path in svg.iter(f"{SVG}path")]
    assert fills[:2] == ["#eff4f8", "#1f5587"]
    assert fills[2:] == ["#ffffff", "#ffffff"]
    numbers = {text.text for text in svg.iter(f"{SVG}text")}
    assert {"1", "2", "3", "no estimate"} <= numbers
    assert not [element for element in svg.iter() if "script" in element.tag]


def test_a_suppressed_region_has_a_fill_of_its_own_whatever_its_share() -> None:
    shown = [
        drawn([area("1", 0, 0.2), area("2", 1, share, suppressed=True)]) for share in (0.2, None)
    ]
    fills = [[path.get("fill") for path in svg.iter(f"{SVG}path")] for svg in shown]
    assert fills[0] == fills[1]
    assert fills[0][1] == "#d9d9d9"


def test_the_map_keeps_north_up_and_east_right() -> None:
    svg = drawn([Area("1", "", square(0, 0), 0.1, False), Area("2", "", square(2, 2), 0.1, False)])
    at = {t.text: (float(t.get("x", "")), float(t.get("y", ""))) for t in svg.iter(f"{SVG}text")}
    assert at["2"][0] > at["1"][0]
    assert at["2"][1] < at["1"][1]


def test_no_outline_no_map() -> None:
    assert region_map([Area("1", "x", None, 0.1, False)], "Map", "", "serif") is None
    assert region_map([], "Map", "", "serif") is None


def test_rings_of_both_kinds_of_polygon() -> None:
    one = square(0, 0)
    two = {"type": "MultiPolygon", "coordinates": [one["coordinates"], square(3, 3)["coordinates"]]}
    assert len(list(rings(one))) == 1
    assert len(list(rings(two))) == 2
    assert list(rings({"type": "Point", "coordinates": [1, 2]})) == []
    assert list(rings({"type": "Polygon", "coordinates": [[[0, 0], [1, 1]]]})) == []


@given(st.lists(st.floats(0, 1), max_size=20))
def test_classes_are_at_most_five_and_hold_every_share(shares: list[float]) -> None:
    breaks = class_breaks(shares)
    assert 1 <= len(breaks) <= 5
    assert all(share <= breaks[-1] + 1e-9 for share in shares)
    assert all(low < high for low, high in pairwise(breaks))
    darkness = [shade(share, breaks) for share in sorted(shares)]
    assert len(set(darkness)) <= len(breaks)
