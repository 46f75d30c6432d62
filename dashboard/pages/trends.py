"""Any measure over time: the network, up to four places together, or every place by itself."""

from dataclasses import replace
from datetime import date, timedelta

import dash_mantine_components as dmc
from dash import html
from dash.development.base_component import Component

from dashboard.blocks import chart, panel, provenance, small_charts, synthetic_notice
from dashboard.controls import date_control, labelled_segments, measure_control
from dashboard.figures import Line, small_figures, trend_figure
from dashboard.filters import MOST_PLACES, Filters, Parsed, known_places
from dashboard.formatting import count
from dashboard.page import Blocks, Page
from dashboard.reading import Snapshot
from dashboard.sentences import EXPLANATIONS, synthetic_sentence, trend_sentence
from dashboard.tables import HEADINGS, long_table, wide_table
from warehouse.measures import MeasureRequest
from warehouse.periods import first_day, last_day
from warehouse.records import Measure

PERIODS_SHOWN = {"day": 90, "week": 364, "month": 3 * 365}  # days, where no range is asked for
MOST_PANELS = 24
NETWORK = "Whole network"


def controls(filters: Filters, snapshot: Snapshot) -> Blocks:
    """The filters of this page, set to what the address says."""
    return [
        measure_control(filters.measure),
        labelled_segments(
            "period",
            "Each point is a",
            filters.period,
            {"day": "day", "week": "week", "month": "month"},
        ),
        labelled_segments(
            "view",
            "Show",
            filters.view,
            {"lines": "compare", "regions": "every region", "sites": "every site"},
        ),
        _place_control(filters, snapshot),
        date_control("from", "From", filters.start, snapshot.span),
        date_control("to", "To", filters.end, snapshot.span),
    ]


def _place_control(filters: Filters, snapshot: Snapshot) -> Component:
    options = [{"value": key, "label": name} for key, name in snapshot.place_names.items()]
    groups = [
        {"group": title, "items": [o for o in options if o["value"].startswith(kind)]}
        for title, kind in (("Regions", "region:"), ("Sites", "site:"))
    ]
    return dmc.MultiSelect(
        id={"filter": "places"},
        label=f"Compare up to {MOST_PLACES} places",
        placeholder="" if filters.places else NETWORK,
        data=groups,
        value=list(filters.places),
        maxValues=MOST_PLACES,
        searchable=True,
        clearable=True,
        clearButtonProps={"aria-label": "Remove all places"},
        className="wide",
        disabled=filters.view != "lines",
    )


def content(filters: Filters, snapshot: Snapshot) -> Blocks:
    """The chart, its sentence, and its table."""
    request = _range(filters, snapshot)
    lines, asked = _lines(filters, request, snapshot)
    shown = lines[:MOST_PANELS]
    measures = [m for _, found in shown for m in found]
    counted = _lines(replace(filters, measure="xrays"), request, snapshot)[0][:MOST_PANELS]
    notice = synthetic_notice(
        synthetic_sentence(_apart([m for _, found in counted for m in found], snapshot))
    )
    body = [html.P(EXPLANATIONS[filters.measure], className="explanation")]
    body += _multiples(shown, len(lines)) if filters.view != "lines" else _overlay(shown)
    title = f"{HEADINGS[filters.measure]} by {filters.period}"
    table = _table(filters, shown, measures, snapshot)
    return [
        *([notice] if notice else []),
        panel(title, [*body, provenance(snapshot, *asked)], "main-chart"),
        panel("The numbers", [table]),
    ]


def _apart(measures: list[Measure], snapshot: Snapshot) -> list[Measure]:
    """Leaves out sites whose whole region is shown too, so that nothing is counted twice."""
    regions = {m.region for m in measures if m.region and not m.site}
    inside = {site.site_id for site in snapshot.sites if site.region in regions}
    return [m for m in measures if m.site not in inside]


def _overlay(lines: list[Line]) -> Blocks:
    summary = [trend_sentence(measures, name) for name, measures in lines]
    return [chart("trend", trend_figure(lines), summary)]


def _multiples(lines: list[Line], of: int) -> Blocks:
    latest = [trend_sentence(measures, name) for name, measures in lines]
    left_out = f" Of {of}, those with the most X-rays are shown." if of > len(lines) else ""
    summary = f"{count(len(lines), 'place')}, each by itself on the same axes.{left_out}"
    points = html.Details(
        [html.Summary("Each place in a sentence"), html.Ul([html.Li(s) for s in latest])]
    )
    return [small_charts(small_figures(lines), [summary]), points]


def _table(
    filters: Filters, lines: list[Line], measures: list[Measure], snapshot: Snapshot
) -> Component:
    caption = f"{HEADINGS[filters.measure]} by {filters.period}"
    if filters.view != "lines":
        return wide_table(lines, caption)
    names = snapshot.region_names | {site.site_id: site.name for site in snapshot.sites}
    return long_table(measures, names, caption, with_place=bool(filters.places))


def _range(filters: Filters, snapshot: Snapshot) -> MeasureRequest:
    """Whole periods: a range that began within a week would show part of it as the whole."""
    first, last = snapshot.span or (date.today(), date.today())
    end = min(filters.end or last, last)
    start = filters.start or max(first, end - timedelta(days=PERIODS_SHOWN[filters.period] - 1))
    return MeasureRequest(
        measure=filters.measure,
        period=filters.period,
        by=(),
        start=first_day(min(start, end), filters.period),
        end=last_day(first_day(end, filters.period), filters.period),
    )


def _lines(
    filters: Filters, request: MeasureRequest, snapshot: Snapshot
) -> tuple[list[Line], list[MeasureRequest]]:
    request = replace(request, measure=filters.measure)
    if filters.view == "lines" and not filters.places:
        return [(NETWORK, snapshot.compute(request))], [request]
    kinds = [filters.view.removesuffix("s")]
    if filters.view == "lines":
        kinds = [
            k for k in ("region", "site") if any(p.startswith(f"{k}:") for p in filters.places)
        ]
    found: dict[str, list[Measure]] = {}
    asked = [replace(request, by=(kind,)) for kind in kinds]
    for kind, each in zip(kinds, asked, strict=True):
        for measure in snapshot.compute(each):
            code = measure.region if kind == "region" else measure.site
            found.setdefault(f"{kind}:{code}", []).append(measure)
    wanted = filters.places or sorted(found, key=lambda place: -_volume(found[place]))
    names = snapshot.place_names
    return [(names.get(place, place), found.get(place, [])) for place in wanted], asked


def _volume(measures: list[Measure]) -> int:
    return sum(m.denominator or m.numerator or 0 for m in measures)


def check(filters: Filters, snapshot: Snapshot) -> Parsed:
    """Only places that are known, and a range that the data reach."""
    found = known_places(filters, snapshot.place_names)
    if snapshot.span is None:
        return found
    first, last = snapshot.span
    problems = list(found.problems)
    settled = found.filters
    if settled.start and settled.start > last:
        problems.append(f"“from” ({settled.start}) is after the last X-ray: not used.")
        settled = replace(settled, start=None)
    if settled.end and settled.end < first:
        problems.append(f"“to” ({settled.end}) is before the first X-ray: not used.")
        settled = replace(settled, end=None)
    return Parsed(settled, tuple(problems))


PAGE = Page(
    path="/trends",
    title="Trends",
    introduction="How a measure moves over time, with its uncertainty and what it is counted from.",
    controls=controls,
    content=content,
    check=check,
)
