"""The web application: one address, one snapshot, one page.

The address is the only state. A control writes it, and everything that is shown is made
from it; a number is polled that changes with each commit, and only then is a page remade.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
from dash import ALL, ClientsideFunction, Dash, Input, Output, State, ctx, no_update
from dash.development.base_component import Component
from flask import Response, abort, request

from dashboard import states
from dashboard.blocks import problem_notice
from dashboard.compression import compress
from dashboard.filters import DEFAULTS, FIELDS, Filters, Parsed, from_controls, parse, to_query
from dashboard.geography import feature_collection
from dashboard.page import Page
from dashboard.pages import map as map_page
from dashboard.pages import overview, trends
from dashboard.reading import Reader, Snapshot, UnavailableError
from dashboard.security import incident, protect
from dashboard.shell import INDEX, heading, layout, navigation

PAGES = {page.path: page for page in (overview.PAGE, trends.PAGE, map_page.PAGE)}
Shown = dict[str, Any]


def create_app(home: Path, audience: str = "internal") -> Dash:
    """The application over a home, which need not exist yet; ready to serve.

    `audience` sets disclosure control for every number on every page.
    """
    app = Dash(
        "dashboard",
        assets_folder=str(Path(__file__).parent / "assets"),
        assets_ignore=r".*\.json$",
        title="PneumoWatch",
        update_title="",
        index_string=INDEX,
        serve_locally=True,
        suppress_callback_exceptions=True,
        enable_mcp=False,
        meta_tags=[{"name": "viewport", "content": "width=device-width, initial-scale=1"}],
    )
    reader = Reader(Path(home), audience)
    app.layout = layout(audience)
    _callbacks(app, reader)
    _routes(app, reader)
    compress(app.server)
    protect(app)
    app._setup_server()  # before the first request: workers that set up on it answer 500
    return app


def _callbacks(app: Dash, reader: Reader) -> None:
    @app.callback(Output("commit", "data"), Input("poll", "n_intervals"), State("commit", "data"))
    def poll(_count: object, known: object) -> object:
        """The newest commit number; nothing at all while it is the known one."""
        commit = reader.commit()
        return no_update if commit == known else commit

    @app.callback(
        Output("url", "search"),
        Input({"filter": ALL}, "value"),
        State("shown", "data"),
        prevent_initial_call=True,
    )
    def choose(_values: object, shown: object) -> object:
        """A control was changed: its value goes into the address."""
        query = to_query(from_controls(_control_values(ctx.inputs_list[0])))
        known = shown.get("query") if isinstance(shown, dict) else None
        return no_update if query == known or not ctx.inputs_list[0] else query

    @app.callback(
        Output("navigation", "children"),
        Output("heading", "children"),
        Output("controls", "children"),
        Output("content", "children"),
        Output("shown", "data"),
        Input("url", "pathname"),
        Input("url", "search"),
        Input("commit", "data"),
        State("shown", "data"),
        State({"filter": ALL}, "value"),
    )
    def show(
        pathname: object, search: object, _commit: object, shown: object, _values: object
    ) -> tuple[object, ...]:
        """The page of an address."""
        before = shown if isinstance(shown, dict) else {}
        current = _control_values(ctx.states_list[1])
        return _render(reader, str(pathname or "/"), str(search or ""), before, current)

    app.clientside_callback(
        ClientsideFunction("pneumowatch", "arrive"),
        Output("titled", "children"),
        Input("heading", "children"),
        State("url", "pathname"),
    )


def _render(
    reader: Reader, path: str, search: str, before: Shown, current: dict[str, object]
) -> tuple[object, ...]:
    page = PAGES.get(path)
    if page is None:
        return (navigation(list(PAGES.values()), path), [], [], states.not_found(path), {})
    home = str(reader.home) if reader.audience == "internal" else "HOME"
    nav = navigation(list(PAGES.values()), path)
    try:
        snapshot = reader.snapshot()
        state = {"path": path, "search": search, "commit": snapshot.commit}
        if all(before.get(name) == value for name, value in state.items()):
            return (no_update,) * 5
        empty = states.nothing_to_show(snapshot, home)
        if empty:
            return (nav, heading(page, snapshot), [], empty, state)
        parts = _filled(page, parse(search), snapshot, before, current, path)
        return (nav, heading(page, snapshot), *parts[:2], state | parts[2])
    except UnavailableError as error:
        reason = str(error) if reader.audience == "internal" else "There is no data to show yet."
        return (nav, heading(page, None), [], states.unavailable(reason, home), {})
    except Exception as error:  # noqa: BLE001 - a page must say so, not vanish
        if isinstance(error, duckdb.Error):
            reader.drop()
        return (nav, heading(page, None), [], states.failed(incident(error)), {})


def _filled(
    page: Page,
    parsed: Parsed,
    snapshot: Snapshot,
    before: Shown,
    current: dict[str, object],
    path: str,
) -> tuple[object, list[Component], Shown]:
    """Controls (only where they have to change), content, and what is now shown."""
    settled = page.settle(parsed, snapshot)
    filters = settled.filters
    controls = page.controls(filters, snapshot)
    wanted = _narrowed(filters, _names(controls))
    plain = page.controls(page.check(DEFAULTS, snapshot).filters, snapshot)
    options = f"{_digest(plain)} {filters.view}"  # a view decides what can be picked
    same = (before.get("path"), before.get("options")) == (path, options)
    unchanged = same and from_controls(current) == wanted
    content = page.content(filters, snapshot)
    if notice := problem_notice(settled.problems):
        content = [notice, *content]
    shown = {"options": options, "query": to_query(wanted)}
    return no_update if unchanged else controls, content, shown


def _names(controls: Sequence[Component]) -> list[str]:
    """The filters that a page has a control for."""
    tree = [part for control in controls for part in (control, *control._traverse())]
    found = [getattr(part, "id", None) for part in tree]
    return [part["filter"] for part in found if isinstance(part, dict)]


def _narrowed(filters: Filters, names: Sequence[str]) -> Filters:
    """The filters with those at their defaults that a page has no control for."""
    kept = {FIELDS[name] for name in names}
    return Filters(**{name: getattr(filters, name) for name in kept})


def _control_values(entries: object) -> dict[str, object]:
    """Controls by their filter's name, from what the browser sent."""
    if not isinstance(entries, list):
        return {}
    return {entry["id"]["filter"]: entry.get("value") for entry in entries}


def _digest(controls: Sequence[Component]) -> str:
    text = json.dumps([control.to_plotly_json() for control in controls], default=_plain)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _plain(part: object) -> object:
    return part.to_plotly_json() if isinstance(part, Component) else str(part)


def _routes(app: Dash, reader: Reader) -> None:
    server = app.server

    @server.get("/regions.geojson")
    def regions() -> Response:
        try:
            snapshot = reader.snapshot()
        except UnavailableError:
            abort(404)
        outlines = feature_collection(snapshot.regions if snapshot.commit else [])
        response = Response(json.dumps(outlines), mimetype="application/geo+json")
        response.headers["Cache-Control"] = "private, max-age=3600"
        return response

    @server.after_request
    def mark_unknown_pages(response: Response) -> Response:
        """The frame is served for every address; one without a page says so in its status."""
        frame = response.status_code == 200 and response.mimetype == "text/html"
        if frame and request.path not in PAGES:
            response.status_code = 404
        return response
