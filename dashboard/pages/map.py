"""One week on a map: regions by their outline, or sites as points where there is none."""

from dataclasses import dataclass, replace

from dash import html

from dashboard.blocks import MAP_CONFIG, chart, panel, provenance, synthetic_notice
from dashboard.controls import measure_control, week_slider
from dashboard.figures import Figure
from dashboard.filters import Filters, Parsed, week_index
from dashboard.formatting import listing, period_name
from dashboard.geography import bounds
from dashboard.maps import region_map, scale_top, site_map
from dashboard.page import Blocks, Page
from dashboard.reading import Snapshot
from dashboard.sentences import (
    EXPLANATIONS,
    capital,
    latest_complete,
    map_sentence,
    synthetic_sentence,
)
from dashboard.tables import HEADINGS, place_table
from warehouse.measures import MeasureRequest
from warehouse.records import Measure

MOST_MARKS = 5


@dataclass(frozen=True, slots=True)
class Shown:
    """All weeks of a measure by place, and those of the week that is shown."""

    every: list[Measure]
    week: list[Measure]
    request: MeasureRequest


def outlined(snapshot: Snapshot) -> bool:
    """Whether any region with a site has an outline."""
    used = {site.region for site in snapshot.sites}
    return any(region.geometry and region.region in used for region in snapshot.regions)


def controls(filters: Filters, snapshot: Snapshot) -> Blocks:
    """The measure, and the week as a slider."""
    weeks = snapshot.compute(MeasureRequest(measure="xrays", by=()))
    first, last = week_index(weeks[0].period), week_index(weeks[-1].period)
    chosen = week_index(filters.week or weeks[-1].period)
    step = max(1, -(-len(weeks) // MOST_MARKS))
    marks = [(week_index(week.period), week.period_end) for week in weeks[step // 2 :: step]]
    return [measure_control(filters.measure), week_slider(chosen, first, last, marks)]


def check(filters: Filters, snapshot: Snapshot) -> Parsed:
    """A week that has data around it; the last complete one where none is asked for."""
    weeks = snapshot.compute(MeasureRequest(measure="xrays", by=()))
    known = {week.period for week in weeks}
    if filters.week in known:
        return Parsed(filters)
    default = (latest_complete(weeks) or weeks[-1]).period
    problems: tuple[str, ...] = ()
    if filters.week:
        problems = (f"There are no X-rays around week {filters.week}; {default} is shown.",)
    return Parsed(replace(filters, week=default), problems)


def content(filters: Filters, snapshot: Snapshot) -> Blocks:
    """The map, its sentence, and the table beside it."""
    shown = _shown(filters, snapshot)
    some = shown.week[0] if shown.week else None
    name = period_name(some.period, some.period_end) if some else str(filters.week)
    names = snapshot.region_names | {site.site_id: site.name for site in snapshot.sites}
    counted = _shown(replace(filters, measure="xrays"), snapshot)
    notice = synthetic_notice(synthetic_sentence(counted.week))
    heading = f"{HEADINGS[filters.measure]}, {name}"
    drawn = chart("map", _figure(shown, snapshot), [map_sentence(shown.week, names)], MAP_CONFIG)
    table = place_table(shown.week, names, heading, "Region" if outlined(snapshot) else "Site")
    still = "" if some is None or some.complete else "This week is still running; it will change."
    return [
        *([notice] if notice else []),
        html.Div(
            [
                panel(
                    capital(heading),
                    [
                        html.P(EXPLANATIONS[filters.measure], className="explanation"),
                        html.P(still, className="strong") if still else None,
                        drawn,
                        html.P(_legend(shown, snapshot), className="explanation"),
                    ],
                ),
                panel("The numbers", [table, provenance(snapshot, shown.request)]),
            ],
            className="columns map-columns",
        ),
    ]


def _shown(filters: Filters, snapshot: Snapshot) -> Shown:
    """One reading serves every week, so that the scale is the same and the slider quick."""
    by = "region" if outlined(snapshot) else "site"
    every = snapshot.compute(MeasureRequest(measure=filters.measure, by=(by,)))
    week = [measure for measure in every if measure.period == filters.week]
    asked = MeasureRequest(measure=filters.measure, by=(by,))
    if week:
        asked = replace(asked, start=week[0].period_start, end=week[0].period_end)
    return Shown(every, week, asked)


def _figure(shown: Shown, snapshot: Snapshot) -> Figure:
    top = scale_top(shown.every)
    if not outlined(snapshot):
        return site_map(shown.week, snapshot.sites, bounds([], snapshot.sites), top)
    box = bounds(snapshot.regions, [])
    address = f"/regions.geojson?version={snapshot.commit}"
    with_outline = {region.region for region in snapshot.regions if region.geometry}
    drawn = [measure for measure in shown.week if measure.region in with_outline]
    return region_map(drawn, snapshot.region_names, box, top, address)


def _legend(shown: Shown, snapshot: Snapshot) -> str:
    scale = "The colour scale is the same for every week."
    if not outlined(snapshot):
        return (
            f"{scale} Larger points have more X-rays. No region outlines are loaded: "
            "`pneumowatch sites load SITES.csv --regions REGIONS.geojson` adds them."
        )
    with_outline = {region.region for region in snapshot.regions if region.geometry}
    off = sorted({m.region or "" for m in shown.week} - with_outline)
    names = listing([snapshot.region_names.get(code, code) for code in off])
    return f"{scale} Regions in grey have no value." + (f" Not on the map: {names}." if off else "")


PAGE = Page(
    path="/map",
    title="Map",
    introduction="Where pneumonia is seen on chest X-rays, week by week.",
    controls=controls,
    content=content,
    check=check,
)
