"""What surrounds every page: header, navigation, the notice, footer, and the hidden machinery."""

import dash_mantine_components as dmc
from dash import dcc, html
from dash.development.base_component import Component

from dashboard.formatting import moment
from dashboard.page import Blocks, Page
from dashboard.reading import Snapshot
from dashboard.sentences import NOT_A_DIAGNOSIS

POLL_MILLISECONDS = 10_000
INDEX = """<!DOCTYPE html>
<html lang="en">
    <head>
        {%metas%}
        <title>{%title%}</title>
        {%favicon%}
        {%css%}
    </head>
    <body>
        <noscript>PneumoWatch draws its pages with JavaScript. Please switch it on, or use
        the command <code>pneumowatch measures</code>.</noscript>
        {%app_entry%}
        {%config%}
        {%scripts%}
        {%renderer%}
    </body>
</html>"""
THEME = {
    "fontFamily": "inherit",
    "primaryColor": "teal",
    "primaryShade": {"light": 8, "dark": 5},
    "defaultRadius": "sm",
    "cursorType": "pointer",
    "respectReducedMotion": True,
}


def layout(audience: str) -> Component:
    """The empty frame; callbacks fill in `heading`, `controls` and `content`."""
    body = html.Div(
        [
            html.A("Skip to the content", href="#main", className="skip"),
            _header(),
            html.Main(
                [
                    html.Div(id="heading"),
                    html.Div(
                        id="controls",
                        className="controls",
                        role="group",
                        **{"aria-label": "Filters"},
                    ),
                    dcc.Loading(
                        html.Div(id="content", **{"aria-live": "polite"}),
                        type="dot",
                        color="#0a9170",
                        delay_show=600,
                        show_initially=True,
                        overlay_style={"visibility": "visible", "opacity": 0.6},
                    ),
                ],
                id="main",
                tabIndex=-1,
            ),
            _footer(audience),
            dcc.Location(id="url", refresh=False),
            dcc.Interval(id="poll", interval=POLL_MILLISECONDS),
            dcc.Store(id="commit"),
            dcc.Store(id="shown"),
            html.Div(id="titled", hidden=True),
        ],
        className="app",
    )
    return dmc.MantineProvider(body, theme=THEME, defaultColorScheme="auto")


def navigation(pages: list[Page], path: str) -> Blocks:
    """The links, the current one marked for eyes and for screen readers."""
    return [
        html.Li(
            dmc.Anchor(
                page.title,
                href=page.path,
                refresh=False,
                underline="never",
                className="nav-link current" if page.path == path else "nav-link",
                attributes={"root": {"aria-current": "page"}} if page.path == path else {},
            )
        )
        for page in pages
    ]


def heading(page: Page, snapshot: Snapshot | None) -> Blocks:
    """The page's title, and which version of the data it shows."""
    blocks = [html.H1(page.title), html.P(page.introduction, className="introduction")]
    if snapshot is not None and snapshot.commit:
        recorded = moment(snapshot.version.recorded_at)
        text = [
            html.Span("Data version "),
            html.Strong(str(snapshot.commit)),
            f", recorded {recorded}",
        ]
        if snapshot.audience != "internal":
            text.append(f". Audience: {snapshot.audience}; small numbers are withheld")
        blocks.append(html.P(text, className="version", **{"data-version": str(snapshot.commit)}))
    return blocks


def _header() -> Component:
    toggle = dmc.ColorSchemeToggle(
        lightIcon=html.Span("☀", **{"aria-hidden": "true"}),
        darkIcon=html.Span("☾", **{"aria-hidden": "true"}),
        color="gray",
        size="lg",
        attributes={"root": {"aria-label": "Switch between light and dark"}},
    )
    brand = html.A(
        [html.Span(className="mark", **{"aria-hidden": "true"}), "PneumoWatch"],
        href="/",
        className="brand",
    )
    nav = html.Nav(html.Ul(id="navigation"), **{"aria-label": "Pages"})
    bar = html.Div([brand, nav, toggle], className="bar")
    notice = html.P(NOT_A_DIAGNOSIS, className="not-a-diagnosis")
    return html.Header([bar, html.Div(notice, className="strip")])


def _footer(audience: str) -> Component:
    lines = [
        html.P(NOT_A_DIAGNOSIS),
        html.P("Weeks are ISO weeks, Monday to Sunday, named with the day they end on."),
        html.P(f"Numbers as for the {audience} audience. Nothing on this page comes from the web."),
    ]
    return html.Footer(html.Div(lines))
