"""Charts show the measures that they were given, all of them, and nothing else."""

import json
from datetime import date, datetime
from typing import Any

import pytest

from dashboard.figures import COLOURS, runs, small_figures, trend_figure
from dashboard.maps import SCALE, region_map, scale_top, site_map
from tests.dashboard.network import SITES
from tests.dashboard.samples import share, week, xrays

BOX = (0.0, 9.0, 3.0, 11.0)


def of_type(figure: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    return [trace for trace in figure["data"] if trace["type"] == kind]


def line_of(figure: dict[str, Any]) -> dict[str, Any]:
    return next(trace for trace in of_type(figure, "scatter") if "fill" not in trace)


def test_line_and_bars_hold_the_exact_numbers_in_order() -> None:
    series = [share(n, 100 + n, week(n)) for n in (3, 1, 2)]
    figure = trend_figure([("A", series)])
    ordered = sorted(series, key=lambda m: m.period_start)
    assert line_of(figure)["y"] == [m.estimate for m in ordered]
    assert line_of(figure)["x"] == [m.period_end.isoformat() for m in ordered]
    (bars,) = of_type(figure, "bar")
    assert bars["y"] == [m.denominator for m in ordered]
    assert bars["x"] == line_of(figure)["x"]
    assert json.loads(json.dumps(figure)) == figure  # plain: nothing that JSON lacks


def test_a_missing_week_breaks_line_and_ribbon() -> None:
    series = [share(5, 10, week(0)), share(6, 10, week(1)), share(7, 10, week(3))]
    figure = trend_figure([("A", series)])
    assert line_of(figure)["y"] == [0.5, 0.6, None, 0.7]
    ribbon = next(trace for trace in of_type(figure, "scatter") if "fill" in trace)
    assert ribbon["x"].count(None) == 2
    assert ribbon["y"][:2] == [series[0].ci_high, series[1].ci_high]
    assert ribbon["y"][2:4] == [series[1].ci_low, series[0].ci_low]


def test_an_empty_or_suppressed_week_is_a_gap_and_shows_no_number() -> None:
    series = [share(5, 10, week(0)), share(None, None, week(1)), share(0, 0, week(2))]
    figure = trend_figure([("A", series)])
    assert line_of(figure)["y"] == [0.5, None, None]
    assert of_type(figure, "bar")[0]["y"] == [10, None, 0]
    assert "suppressed" in line_of(figure)["text"][1]
    assert [len(run) for run in runs(series)] == [1]


def test_running_weeks_are_shaded_and_only_they() -> None:
    series = [share(5, 10, week(0)), share(5, 10, week(1), complete=False)]
    (shade,) = trend_figure([("A", series), ("B", series)])["layout"]["shapes"]
    first, last = (datetime.fromisoformat(shade[end]) for end in ("x0", "x1"))
    assert first < datetime(2026, 5, 17, 12) < last
    assert (last - first).days == 7
    assert trend_figure([("A", series[:1])])["layout"]["shapes"] == []


def test_counts_have_no_second_panel() -> None:
    figure = trend_figure([("A", [xrays(7), xrays(9, week(1))])])
    assert of_type(figure, "bar") == []
    assert line_of(figure)["y"] == [7.0, 9.0]
    assert "yaxis2" not in figure["layout"]


def test_four_lines_differ_in_more_than_colour() -> None:
    lines = [(name, [share(n, 10), share(n, 10, week(1))]) for n, name in enumerate("ABCD")]
    drawn = [t for t in trend_figure(lines)["data"] if t["type"] == "scatter" and "fill" not in t]
    assert (
        len({t["line"]["dash"] for t in drawn}) == len({t["marker"]["symbol"] for t in drawn}) == 4
    )
    assert [t["name"] for t in drawn] == list("ABCD")


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colour", COLOURS)
@pytest.mark.parametrize("ground", ["#ffffff", "#18222b"])
def test_lines_stand_out_on_light_and_dark(colour: str, ground: str) -> None:
    assert contrast(colour, ground) >= 3


def test_the_scale_darkens_evenly() -> None:
    levels = [luminance(colour) for _, colour in SCALE]
    assert levels == sorted(levels, reverse=True)


def test_small_multiples_share_their_axes() -> None:
    lines = [("A", [share(1, 10), share(2, 10, week(1))]), ("B", [share(9, 10, week(4))])]
    figures = dict(small_figures(lines))
    for axis in ("xaxis", "yaxis"):
        assert figures["A"]["layout"][axis]["range"] == figures["B"]["layout"][axis]["range"]
    assert line_of(figures["B"])["y"] == [0.9]
    assert dict(small_figures([("A", [])]))["A"]["data"][-1]["y"] == []


def test_the_map_shows_each_region_once() -> None:
    measures = [share(5, 10, region="NORTH"), share(0, 0, region="EAST")]
    figure = region_map(measures, {"NORTH": "The North"}, BOX, 0.6, "/regions.geojson")
    grey, coloured = figure["data"]
    assert (grey["locations"], coloured["locations"]) == (["EAST"], ["NORTH"])
    assert coloured["z"] == [0.5]
    assert (coloured["zmin"], coloured["zmax"]) == (0, 0.6)
    assert "no X-rays" in grey["text"][0]


def test_names_from_files_stay_text() -> None:
    measures = [share(5, 10, site="NO-2")]
    figure = site_map(measures, SITES, BOX, 0.6)
    assert "<b>Hill" not in json.dumps(figure)
    assert "&lt;b&gt;Hill&lt;/b&gt; &amp; Sons" in figure["data"][1]["text"][0]
    assert figure["data"][1]["lon"] == [1.5]


def test_scale_top_is_round_and_holds_all() -> None:
    assert scale_top([share(31, 100), share(20, 100)]) == 0.4
    assert scale_top([share(3, 10)]) == 0.3
    assert scale_top([share(0, 10)]) == 0.1
    assert scale_top([share(10, 10)]) == 1.0
    assert scale_top([xrays(437), xrays(9)]) == 500
    assert scale_top([]) == 0.1


def test_synthetic_stretches_are_named_on_the_chart() -> None:
    series = [share(5, 10, week(0), simulated=10), share(5, 10, week(1), generated=10)]
    notes = trend_figure([("A", series)])["layout"]["annotations"]
    assert [note["text"] for note in notes] == ["simulated scores →", "generated images →"]
    assert notes[1]["x"] == date(2026, 5, 17).isoformat()
    assert trend_figure([("A", [share(5, 10)])])["layout"]["annotations"] == []
