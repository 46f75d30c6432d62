"""The bulletin's two figures: which measures are drawn, and what is said about them."""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.bulletin.charts import Series, Value, Week, trend_chart
from dashboard.bulletin.contents import Bulletin
from dashboard.bulletin.places import bare_regions, places
from dashboard.bulletin.region_map import Area, region_map
from dashboard.sentences import SUBJECTS, capital, map_sentence, trend_sentence
from warehouse.records import Measure

LINES = (("positivity", "#b35806", "5 3"), ("prevalence", "#1f4e79", None))


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing, what stands beneath it, and what is read out in its place."""

    svg: str
    caption: str
    alt: str


def trend_figure(bulletin: Bulletin, font: str) -> Figure | None:
    """Both shares over 52 weeks; None when no week has an X-ray."""
    lines = [_line(bulletin, *line) for line in LINES]
    weeks = [_week(bulletin, label) for label in bulletin.trend_weeks]
    if not any(week.xrays or week.suppressed for week in weeks):
        return None
    title = f"Weekly shares of X-rays with pneumonia, {weeks[0].period} to {weeks[-1].period}"
    alt = " ".join(trend_sentence(_series(bulletin, name), "All sites") for name, _, _ in LINES)
    caption = (
        f"{title}. Bands are 95% intervals; the bars beneath are the X-rays of each week. "
        f"{trend_sentence(_series(bulletin, _main(bulletin)), 'All sites')}"
    )
    return Figure(trend_chart(weeks, lines, title, alt, font), caption, f"{title}. {alt}")


def map_figure(bulletin: Bulletin, font: str) -> Figure | None:
    """The regions shaded by one share; None when no region has an outline."""
    measure = _mapped(bulletin)
    found = bulletin.by_region(measure)
    numbered = places(bulletin)
    areas = [Area(str(p.number), p.name, p.geometry, *_share(found.get(p.code))) for p in numbered]
    areas += [Area("", r.name, r.geometry, None, False) for r in bare_regions(bulletin)]
    title = f"{capital(SUBJECTS[measure])} by region, {bulletin.week}"
    alt = map_sentence(list(found.values()), {p.code or "": p.name for p in numbered})
    svg = region_map(areas, title, alt, font)
    caption = f"{title}. Numbers are those of the table above."
    return Figure(svg, caption, f"Map: {title}. {alt}") if svg else None


def _line(bulletin: Bulletin, name: str, colour: str, dashes: str | None) -> Series:
    values = [_value(bulletin.overall(name, week)) for week in bulletin.trend_weeks]
    return Series(capital(SUBJECTS[name]), colour, values, dashes)


def _value(measure: Measure | None) -> Value | None:
    if measure is None or measure.suppressed or measure.estimate is None:
        return None
    return Value(measure.estimate, measure.ci_low, measure.ci_high)


def _week(bulletin: Bulletin, label: str) -> Week:
    """A week is marked as suppressed when any of what is drawn of it is."""
    found = bulletin.overall("xrays", label)
    drawn = [found, *(bulletin.overall(name, label) for name, _, _ in LINES)]
    hidden = any(m.suppressed for m in drawn if m)
    shown = found.numerator if found and not found.suppressed else None
    complete = found.complete if found else label != bulletin.week or bulletin.complete
    return Week(label, shown, complete, hidden)


def _share(measure: Measure | None) -> tuple[float | None, bool]:
    value = _value(measure)
    return (value.estimate if value else None), bool(measure and measure.suppressed)


def _series(bulletin: Bulletin, name: str) -> Sequence[Measure]:
    found = (bulletin.overall(name, week) for week in bulletin.trend_weeks)
    return [measure for measure in found if measure]


def _main(bulletin: Bulletin) -> str:
    """Adjusted prevalence where the week has it, raw positivity otherwise."""
    return "prevalence" if _value(bulletin.overall("prevalence")) else "positivity"


def _mapped(bulletin: Bulletin) -> str:
    adjusted = bulletin.by_region("prevalence").values()
    return "prevalence" if any(_value(m) for m in adjusted) else "positivity"
