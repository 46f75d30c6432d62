"""Maps: pure functions from the measures of one period to plain Plotly dictionaries.

No base map: outlines come from the deployment's own GeoJSON. The colour scale is one hue,
even in its steps of lightness, so that it reads the same to colour-blind readers.
"""

from collections.abc import Iterable, Mapping, Sequence
from math import ceil

from dashboard.figures import TITLES, Figure, base_layout, hover, tick_format
from dashboard.formatting import NOTHING
from dashboard.geography import Bounds, aspect
from dashboard.sentences import is_count
from warehouse.records import Measure, Site

OUTLINE = "rgba(127, 140, 153, 0.9)"
NO_VALUE = "rgba(127, 140, 153, 0.25)"
MAP_HEIGHT = 560  # pixels, at most
SCALE = [  # one hue from light to dark: grey stays free for "no value"
    [0.0, "#d9f0ea"],
    [0.2, "#a6d8d0"],
    [0.4, "#6fbab6"],
    [0.6, "#3f959c"],
    [0.8, "#206e80"],
    [1.0, "#0a4560"],
]


def region_map(
    measures: Sequence[Measure], names: Mapping[str, str], box: Bounds, top: float, geojson: str
) -> Figure:
    """Regions coloured by their estimate; those without one are grey and said to be.

    `geojson` is the address of the outlines (`properties.region` is the key); `top` is the
    upper end of the colour scale, the same for all periods.
    """
    valued = [m for m in measures if m.region and m.estimate is not None]
    without = [m for m in measures if m.region and m.estimate is None]
    shared = {"type": "choropleth", "geojson": geojson, "featureidkey": "properties.region"}
    outline = {"line": {"color": OUTLINE, "width": 1}}
    traces = [
        shared
        | {
            "locations": [m.region for m in without],
            "z": [0 for _ in without],
            "colorscale": [[0, NO_VALUE], [1, NO_VALUE]],
            "showscale": False,
            "marker": outline,
            "text": [place_hover(m, names) for m in without],
            "hovertemplate": "%{text}<extra></extra>",
        },
        shared
        | {
            "locations": [m.region for m in valued],
            "z": [m.estimate for m in valued],
            "marker": outline,
            "text": [place_hover(m, names) for m in valued],
            "hovertemplate": "%{text}<extra></extra>",
            **_colour_scale(top, measures),
        },
    ]
    return _map_layout(traces, box)


def site_map(measures: Sequence[Measure], sites: Sequence[Site], box: Bounds, top: float) -> Figure:
    """Sites as points: colour is the estimate, area the number of X-rays."""
    places = {site.site_id: site for site in sites}
    shown = [m for m in measures if m.site in places]
    names = {site.site_id: site.name for site in sites}
    most = max((m.denominator or m.numerator or 0 for m in shown), default=0) or 1
    valued = [m for m in shown if m.estimate is not None]
    without = [m for m in shown if m.estimate is None]
    traces = [_points_trace(without, places, names) | {"marker": _plain_marker()}]
    scale = _colour_scale(top, measures)
    sizes = [10 + 22 * ((m.denominator or m.numerator or 0) / most) ** 0.5 for m in valued]
    marker = {"size": sizes, "color": [m.estimate for m in valued], "cmin": scale["zmin"]}
    marker |= {"cmax": scale["zmax"], "colorscale": scale["colorscale"]}
    marker |= {"colorbar": scale["colorbar"], "line": {"color": OUTLINE, "width": 1}}
    traces.append(_points_trace(valued, places, names) | {"marker": marker})
    return _map_layout(traces, box)


def scale_top(measures: Iterable[Measure]) -> float:
    """A round upper end for a scale that holds every estimate; shares never above 1."""
    measures = list(measures)
    most = max((m.estimate for m in measures if m.estimate is not None), default=0.0)
    if not measures or not is_count(measures[0].measure):
        return min(1.0, max(0.1, ceil(round(most * 10, 9)) / 10))
    step = 10 ** max(0, len(str(int(most))) - 1)
    return float(max(1, ceil(most / step) * step))


def place_hover(measure: Measure, names: Mapping[str, str]) -> str:
    """The same for a place on the map."""
    code = measure.site or measure.region or NOTHING
    return hover(names.get(code, code), measure)


def _colour_scale(top: float, measures: Sequence[Measure]) -> Figure:
    title = TITLES.get(measures[0].measure, "") if measures else ""
    bar = {"title": {"text": title, "side": "top"}, "orientation": "h", "thickness": 12}
    bar |= {"y": -0.02, "yanchor": "top", "x": 0.5, "len": 0.8, "outlinewidth": 0, "nticks": 5}
    return {
        "zmin": 0,
        "zmax": top,
        "colorscale": SCALE,
        "colorbar": bar | tick_format(measures),
    }


def _points_trace(
    measures: Sequence[Measure], places: Mapping[str, Site], names: Mapping[str, str]
) -> Figure:
    return {
        "type": "scattergeo",
        "mode": "markers",
        "lon": [places[m.site].longitude for m in measures if m.site],
        "lat": [places[m.site].latitude for m in measures if m.site],
        "text": [place_hover(m, names) for m in measures],
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }


def _plain_marker() -> Figure:
    return {"size": 10, "color": NO_VALUE, "line": {"color": OUTLINE, "width": 1}}


def _map_layout(traces: list[Figure], box: Bounds) -> Figure:
    west, south, east, north = box
    layout = base_layout(MAP_HEIGHT)
    layout["meta"] = {"aspect": round(aspect(box), 4)}  # the frame keeps it at every width
    del layout["height"]
    layout["margin"] = {"l": 0, "r": 0, "t": 0, "b": 60}
    layout["dragmode"] = False
    layout["geo"] = {
        "visible": False,
        "projection": {"type": "mercator"},
        "lonaxis": {"range": [west, east]},
        "lataxis": {"range": [south, north]},
        "bgcolor": "rgba(0,0,0,0)",
    }
    return {"data": traces, "layout": layout}
