"""Filter controls. Each has the id {"filter": NAME}, NAME being its parameter in the address."""

from collections.abc import Mapping
from datetime import date

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.filters import MEASURES
from dashboard.formatting import short_day
from dashboard.tables import HEADINGS


def measure_control(value: str) -> Component:
    """Which measure."""
    return dmc.Select(
        id={"filter": "measure"},
        label="Measure",
        data=[{"value": name, "label": HEADINGS[name]} for name in MEASURES],
        value=value,
        allowDeselect=False,
        className="measure",
    )


def labelled_segments(name: str, label: str, value: str, options: Mapping[str, str]) -> Component:
    """A few choices side by side: radio buttons under one label."""
    buttons = dmc.SegmentedControl(
        id={"filter": name},
        data=[{"value": key, "label": text} for key, text in options.items()],
        value=value,
        attributes={"root": {"aria-label": label}},
    )
    return html.Div([html.Span(label, className="label", **{"aria-hidden": "true"}), buttons])


def date_control(
    name: str, label: str, value: date | None, span: tuple[date, date] | None
) -> Component:
    """A day; empty stands for the default range."""
    limits = {"minDate": span[0].isoformat(), "maxDate": span[1].isoformat()} if span else {}
    return dmc.DateInput(
        id={"filter": name},
        label=label,
        value=value.isoformat() if value else None,
        valueFormat="YYYY-MM-DD",
        placeholder="any day",
        clearable=True,
        debounce=400,
        className="day",
        clearButtonProps={"aria-label": f"Clear {label}"},
        **limits,
    )


def week_slider(value: int, first: int, last: int, marks: list[tuple[int, date]]) -> Component:
    """A slider over weeks by their numbers; `marks` are the weeks named beneath it."""
    slider = dmc.Slider(
        id={"filter": "week"},
        min=first,
        max=max(last, first + 1),
        step=1,
        value=value,
        label=None,
        marks=[{"value": index, "label": short_day(end)} for index, end in marks],
        updatemode="mouseup",
        thumbLabel="Week",
    )
    return html.Div(
        [html.Span("Week", className="label", **{"aria-hidden": "true"}), slider],
        className="slider",
    )
