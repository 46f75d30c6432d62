"""Tables of measures for people and for machines: every cell carries its exact value.

`data-value` holds the number as `pneumowatch measures --format json` writes it, so that a
reader of the page's source can compare the two.
"""

from collections.abc import Mapping, Sequence

from dash import html
from dash.development.base_component import Component

from dashboard.formatting import NOTHING, interval, number, period_short
from dashboard.sentences import is_count, value_text
from warehouse.records import Measure

DENOMINATORS = {
    "bacterial_share": "X-rays called pneumonia",
    "out_of_scope": "X-rays",
    "positivity": "X-rays in scope",
    "prevalence": "X-rays in scope",
}
NUMERATORS = {
    "bacterial_share": "Bacterial",
    "out_of_scope": "Out of scope",
    "positivity": "Called pneumonia",
    "prevalence": "Called pneumonia",
}
WORDS = ("Week", "Period", "Place", "Region", "Site", "Note")  # all other columns are numbers
HEADINGS = {
    "xrays": "X-rays",
    "positivity": "Raw positivity",
    "prevalence": "Adjusted prevalence",
    "bacterial_share": "Bacterial share",
    "out_of_scope": "Out of scope",
}


def exact(value: float | int | str | None) -> str:
    """A value for a `data-` attribute: shortest text that reads back as the same number."""
    return "" if value is None else str(value)


def figure_cell(
    measure: Measure,
    field: str = "estimate",
    text: str | None = None,
    *,
    measure_name: bool = False,
) -> Component:
    """One number of a measure in a table cell; `measure_name` where a row has several."""
    named = {"data-measure": measure.measure} if measure_name else {}
    return html.Td(
        value_text(measure) if text is None else text,
        className="number muted" if measure.estimate is None else "number",
        **{"data-field": field, "data-value": exact(getattr(measure, field))},
        **named,
    )


def long_table(
    measures: Sequence[Measure], names: Mapping[str, str], caption: str, *, with_place: bool
) -> Component:
    """A row for each measure, newest period first."""
    rows = sorted(measures, key=lambda m: (-m.period_start.toordinal(), _name(m, names)))
    kind = rows[0].measure if rows else "positivity"
    heads = [_period_head(rows)] + (["Place"] if with_place else []) + _heads(kind)
    body = [_long_row(measure, names, with_place) for measure in rows]
    return framed(caption, heads, body)


def wide_table(lines: Sequence[tuple[str, Sequence[Measure]]], caption: str) -> Component:
    """A row for each period and a column for each place: the shape for small multiples."""
    periods = {m.period: m for _, measures in lines for m in measures}
    newest = sorted(periods.values(), key=lambda m: m.period_start, reverse=True)
    by_place = [{m.period: m for m in measures} for _, measures in lines]
    body = [
        html.Tr(
            [_period_cell(period), *(_wide_cell(found.get(period.period)) for found in by_place)]
        )
        for period in newest
    ]
    return framed(caption, [_period_head(newest), *(name for name, _ in lines)], body, "")


def place_table(
    measures: Sequence[Measure], names: Mapping[str, str], caption: str, head: str
) -> Component:
    """A row for each place of one period, highest first, those without a value last."""
    rows = sorted(measures, key=lambda m: (m.estimate is None, -(m.estimate or 0), _name(m, names)))
    kind = rows[0].measure if rows else "positivity"
    body = [
        html.Tr([html.Th(_name(m, names), scope="row"), *_cells(m)], **_row_data(m)) for m in rows
    ]
    return framed(caption, [head, *_heads(kind)], body)


def framed(
    caption: str, heads: Sequence[str], body: Sequence[Component], kind: str = "plain-table"
) -> Component:
    """A table that scrolls inside its own frame, by keyboard too."""
    table = html.Table(
        [
            html.Caption(caption),
            html.Thead(html.Tr([_head(head) for head in heads])),
            html.Tbody(list(body)),
        ],
        className=kind,
    )
    return html.Div(
        table, className="table-frame", role="region", tabIndex=0, **{"aria-label": caption}
    )


def _head(text: str) -> Component:
    words = text in WORDS
    return html.Th(text, scope="col", className="" if words else "number")


def _long_row(measure: Measure, names: Mapping[str, str], with_place: bool) -> Component:
    cells = [_period_cell(measure)]
    if with_place:
        cells.append(html.Td(_name(measure, names)))
    return html.Tr([*cells, *_cells(measure)], **_row_data(measure))


def _heads(kind: str) -> list[str]:
    if is_count(kind):
        return [HEADINGS[kind], "Note"]
    shares = [HEADINGS.get(kind, kind), "95% interval"]
    return [*shares, NUMERATORS.get(kind, "Count"), DENOMINATORS.get(kind, "Of"), "Note"]


def _cells(measure: Measure) -> list[Component]:
    if is_count(measure.measure):
        return [figure_cell(measure), _note(measure)]
    limits = {"data-low": exact(measure.ci_low), "data-high": exact(measure.ci_high)}
    return [
        figure_cell(measure),
        html.Td(interval(measure.ci_low, measure.ci_high), className="number", **limits),
        figure_cell(measure, "numerator", number(measure.numerator)),
        figure_cell(measure, "denominator", number(measure.denominator)),
        _note(measure),
    ]


def _wide_cell(measure: Measure | None) -> Component:
    if measure is None:
        return html.Td(NOTHING, className="number muted")
    counts = ""
    if measure.denominator is not None and measure.numerator is not None:
        counts = f"{number(measure.numerator)} of {number(measure.denominator)}"
    return html.Td(
        [
            html.Span(
                value_text(measure),
                **{"data-field": "estimate", "data-value": exact(measure.estimate)},
            ),
            html.Span(counts, className="beneath"),
        ],
        className="number",
        **_row_data(measure),
        **{"data-low": exact(measure.ci_low), "data-high": exact(measure.ci_high)},
    )


def _note(measure: Measure) -> Component:
    notes = []
    if measure.estimate is None:
        notes.append(measure.missing_reason or "no value")
    if not measure.complete:
        notes.append("still running")
    if measure.simulated:
        notes.append(f"{number(measure.simulated)} simulated")
    if measure.generated:
        notes.append(f"{number(measure.generated)} generated")
    return html.Td("; ".join(notes), className="note")


def _period_cell(measure: Measure) -> Component:
    return html.Th(period_short(measure.period, measure.period_end), scope="row")


def _period_head(measures: Sequence[Measure]) -> str:
    if not measures:
        return "Period"
    return "Week" if "W" in measures[0].period else "Period"


def _row_data(measure: Measure) -> dict[str, str]:
    data = {
        "data-measure": measure.measure,
        "data-period": measure.period,
        "data-region": exact(measure.region),
        "data-site": exact(measure.site),
        "data-as-of": exact(measure.as_of),
    }
    return {name: value for name, value in data.items() if value}


def _name(measure: Measure, names: Mapping[str, str]) -> str:
    code = measure.site or measure.region or ""
    return names.get(code, code) or "Whole network"
