"""Small pieces that pages share: panels, notices, charts with their sentence, commands."""

from collections.abc import Sequence

from dash import dcc, html
from dash.development.base_component import Component

from dashboard.figures import Figure
from dashboard.formatting import moment
from dashboard.maps import MAP_HEIGHT
from dashboard.reading import Snapshot
from warehouse.measures import MeasureRequest

Config = dict[str, object]

CHART_CONFIG: Config = {
    "displaylogo": False,
    "showSendToCloud": False,
    "topojsonURL": "/assets/topojson/",  # never the library's own, which is on the web
    "responsive": True,
    "scrollZoom": False,
    "modeBarButtonsToRemove": ["select2d", "lasso2d", "autoScale2d"],
    "toImageButtonOptions": {"format": "svg", "filename": "pneumowatch"},
}
MAP_CONFIG: Config = CHART_CONFIG | {"displayModeBar": False}


def panel(title: str, children: Sequence[Component | str | None], name: str = "") -> Component:
    """A section with a heading of its own."""
    kept = [child for child in children if child is not None and child != ""]
    return html.Section([html.H2(title), *kept], className=f"panel {name}".strip())


def chart(
    name: str, figure: Figure, summary: Sequence[str], config: Config = CHART_CONFIG
) -> Component:
    """A chart and the sentences that say what it shows. The table is the page's to add."""
    caption = html.Figcaption([html.P(text) for text in summary], className="summary")
    return html.Figure([caption, _drawing(name, figure, config)])


def small_charts(figures: Sequence[tuple[str, Figure]], summary: Sequence[str]) -> Component:
    """Small charts side by side, as many as the width takes, each under its own name."""
    caption = html.Figcaption([html.P(text) for text in summary], className="summary")
    cells = [
        html.Li([html.H3(name), _drawing(f"small-{position}", figure, MAP_CONFIG)])
        for position, (name, figure) in enumerate(figures)
    ]
    return html.Figure([caption, html.Ul(cells, className="multiples")])


def _drawing(name: str, figure: Figure, config: Config) -> Component:
    layout = figure["layout"]
    graph = dcc.Graph(id=name, figure=figure, config=config, responsive=True)
    if "height" in layout:
        style = {"height": f"{layout['height']}px"}
    else:
        style = {"aspectRatio": f"1 / {layout['meta']['aspect']}", "maxHeight": f"{MAP_HEIGHT}px"}
    return html.Div(graph, className="chart", style=style)


def problem_notice(problems: Sequence[str]) -> Component | None:
    """Says which parts of the address were not used."""
    if not problems:
        return None
    items = html.Ul([html.Li(problem) for problem in problems])
    lead = html.P("Part of this address could not be used:", className="strong")
    return html.Div([lead, items], className="notice warning", role="status", id="problems")


def synthetic_notice(sentence: str) -> Component | None:
    """The banner over anything that counts what is not a patient."""
    if not sentence:
        return None
    return html.Div(
        [html.Strong("Not real data. "), sentence], className="notice synthetic", role="note"
    )


def provenance(snapshot: Snapshot, *requests: MeasureRequest) -> Component:
    """Which version the numbers are of, and the commands that print the same ones."""
    version = f"Data version {snapshot.commit}, recorded {moment(snapshot.version.recorded_at)}."
    lines = [command(_same_numbers(request, snapshot)) for request in requests]
    return html.Details([html.Summary("Source"), html.P(version), *lines], className="source")


def _same_numbers(request: MeasureRequest, snapshot: Snapshot) -> str:
    words = [f"pneumowatch measures --measure {request.measure} --period {request.period}"]
    words += [f"--by {','.join(request.by)}"] if request.by else []
    words += [f"--from {request.start}"] if request.start else []
    words += [f"--to {request.end}"] if request.end else []
    return " ".join(
        [*words, f"--as-of {snapshot.commit} --audience {snapshot.audience} --format json"]
    )


def command(text: str) -> Component:
    """A command line to copy: selected whole with one click."""
    return html.Pre(html.Code(text), className="command", tabIndex=0)
