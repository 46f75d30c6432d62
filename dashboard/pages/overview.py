"""The last complete week: key numbers, sentences, each region, and how fresh the data are."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from dash import html
from dash.development.base_component import Component

from dashboard.blocks import chart, panel, provenance, synthetic_notice
from dashboard.figures import trend_figure
from dashboard.filters import Filters
from dashboard.formatting import interval, moment, number, period_name
from dashboard.page import Blocks, Page
from dashboard.reading import Snapshot
from dashboard.sentences import (
    EXPLANATIONS,
    capital,
    change_short,
    freshness_sentence,
    headline,
    latest_complete,
    map_sentence,
    preceding,
    synthetic_sentence,
    trend_sentence,
    value_text,
    why_missing,
)
from dashboard.tables import HEADINGS, exact, figure_cell, framed, long_table
from warehouse.measures import MeasureRequest
from warehouse.records import Measure

WEEKS_SHOWN = 26
CARDS = ("xrays", "positivity", "prevalence", "out_of_scope")
Series = dict[str, list[Measure]]


@dataclass(frozen=True, slots=True)
class Week:
    """The week that the page is about, and the request that its numbers come from."""

    latest: Measure
    network: Series
    request: MeasureRequest


def content(_filters: Filters, snapshot: Snapshot) -> Blocks:
    """The page, or the newest running week where none is complete yet."""
    weeks = snapshot.compute(MeasureRequest(measure="xrays", by=()))
    latest = latest_complete(weeks) or weeks[-1]
    start = latest.period_start - timedelta(weeks=WEEKS_SHOWN - 1)
    request = MeasureRequest(by=(), start=start, end=latest.period_end)
    network = {name: snapshot.compute(_of(request, name)) for name in CARDS}
    week = Week(latest, network, request)
    synthetic = synthetic_sentence(network["xrays"][-1:])
    return [
        *([notice] if (notice := synthetic_notice(synthetic)) else []),
        _cards(week),
        html.Div([_words(week), _data(snapshot)], className="columns"),
        _recent(week, snapshot),
        _regions(week, snapshot),
    ]


def _of(request: MeasureRequest, measure: str, *by: str) -> MeasureRequest:
    return MeasureRequest(measure=measure, by=by, start=request.start, end=request.end)


def _cards(week: Week) -> Component:
    name = capital(period_name(week.latest.period, week.latest.period_end))
    running = "" if week.latest.complete else "This week is still running: numbers will change."
    cards = [_card(week.network[name]) for name in CARDS]
    return html.Section(
        [html.H2(name), html.P(running, className="strong"), html.Ul(cards, className="cards")],
        className="week",
    )


def _card(series: Sequence[Measure]) -> Component:
    measure = series[-1]
    lines = [html.Span(change_short(preceding(series, measure), measure), className="change")]
    if measure.ci_low is not None:
        limits = {"data-low": exact(measure.ci_low), "data-high": exact(measure.ci_high)}
        text = f"95% interval {interval(measure.ci_low, measure.ci_high)}"
        lines.insert(0, html.Span(text, className="limits", **limits))
    if measure.estimate is None:
        lines = [html.Span(why_missing(measure), className="change")]
    value = html.Span(
        value_text(measure) if measure.estimate is not None else "–",
        className="value",
        **{"data-value": exact(measure.estimate), "data-measure": measure.measure},
        **{"data-period": measure.period},
    )
    return html.Li(
        [
            html.H3(HEADINGS[measure.measure]),
            value,
            *lines,
            html.P(EXPLANATIONS[measure.measure], className="explanation"),
        ],
        className="card",
    )


def _words(week: Week) -> Component:
    sentences = headline(*(week.network[name] for name in CARDS))
    nothing = "The first week with X-rays is still running; there is nothing to say of it yet."
    return panel("The week in words", [html.P(text) for text in sentences or [nothing]])


def _data(snapshot: Snapshot) -> Component:
    found = snapshot.freshness
    facts = [
        ("Newest X-ray", moment(found.last_acquired_at)),
        ("Last received", moment(found.last_received_at)),
        ("Last update", moment(found.last_recorded_at)),
        ("Data version", number(found.commit_number)),
        ("Model", found.model_version or "none promoted"),
        ("Refused inputs", number(found.rejections)),
    ]
    if snapshot.audience == "internal":  # a total less the weeks would tell a withheld one
        facts += [("X-rays held", number(found.studies))]
        facts += [("Without a usable date", number(found.no_date))]
    if found.simulated or found.generated:
        facts += [("Simulated scores", number(found.simulated))]
        facts += [("Generated images", number(found.generated))]
    rows = [html.Div([html.Dt(name), html.Dd(value)]) for name, value in facts]
    sentence = freshness_sentence(found, _today())
    return panel("The data", [html.P(sentence), html.Dl(rows, className="facts")])


def _today() -> date:
    return datetime.now(UTC).date()


def _recent(week: Week, snapshot: Snapshot) -> Component:
    series = week.network["positivity"]
    summary = trend_sentence(series, "Whole network")
    table = long_table(series, {}, "Raw positivity by week, whole network", with_place=False)
    return panel(
        "Raw positivity, recent weeks",
        [
            chart("recent", trend_figure([("Whole network", series)], height=340), [summary]),
            html.Details([html.Summary("These numbers as a table"), table]),
            provenance(snapshot, week.request),
        ],
    )


def _regions(week: Week, snapshot: Snapshot) -> Component:
    request = MeasureRequest(
        by=("region",), start=week.latest.period_start, end=week.latest.period_end
    )
    names = ("xrays", "positivity", "prevalence")
    found = {name: snapshot.compute(_of(request, name, "region")) for name in names}
    codes = sorted(snapshot.region_names, key=snapshot.region_names.__getitem__)
    by_region = {name: {m.region: m for m in measures} for name, measures in found.items()}
    rows = [
        html.Tr(
            [html.Th(snapshot.region_names[code], scope="row")]
            + [cell for name in names for cell in _region_cells(by_region[name][code])],
            **{"data-region": code, "data-period": week.latest.period},
        )
        for code in codes
        if code in by_region["xrays"]
    ]
    heads = ["Region", "X-rays", "Raw positivity", "95% interval"]
    heads += ["Adjusted prevalence", "95% interval"]
    caption = f"Regions in {period_name(week.latest.period, week.latest.period_end)}"
    sentence = map_sentence(found["positivity"], snapshot.region_names)
    return panel(
        "Regions", [html.P(sentence), framed(caption, heads, rows), provenance(snapshot, request)]
    )


def _region_cells(measure: Measure) -> list[Component]:
    value = figure_cell(measure, measure_name=True)
    if measure.measure == "xrays":
        return [value]
    limits = {"data-low": exact(measure.ci_low), "data-high": exact(measure.ci_high)}
    text = interval(measure.ci_low, measure.ci_high)
    return [value, html.Td(text, className="number", **limits)]


PAGE = Page(
    path="/",
    title="Overview",
    introduction="Pneumonia on chest X-rays across the network, as a computer model sees them.",
    controls=lambda _filters, _snapshot: [],
    content=content,
)
