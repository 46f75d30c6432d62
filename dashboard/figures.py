"""Charts: pure functions from measures to plain Plotly dictionaries. No I/O, no drawing library.

Plain dictionaries cost 2 ms where `go.Figure` costs 87 ms. Text, grid and background colours
are left to the style sheet, so that one figure serves light, dark and print; the colours of
lines are of Okabe and Ito's palette, darkened where needed to stand out on white and on
black alike (3:1), and each line has its own dash and symbol too.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import Any

from dashboard.formatting import interval, number, period_kind, period_short
from dashboard.sentences import is_count, ordered, value_text
from warehouse.records import Measure

Figure = dict[str, Any]
Line = tuple[str, list[Measure]]  # a name, and its measures over time

COLOURS = ("#0f7fc4", "#d1600a", "#0a9170", "#c0629b")
DASHES = ("solid", "dash", "dot", "dashdot")
SYMBOLS = ("circle", "square", "diamond", "triangle-up")
BAR_COLOUR = "rgba(127, 140, 153, 0.55)"
SHADE = "rgba(127, 140, 153, 0.16)"
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif'
TITLES = {
    "xrays": "X-rays",
    "positivity": "Raw positivity",
    "prevalence": "Adjusted prevalence",
    "bacterial_share": "Bacterial share",
    "out_of_scope": "Out of scope",
}
MOST_WITH_SYMBOLS = 60  # points in a line beyond which symbols hide it
STEP_DAYS = {"day": 1, "week": 7, "month": 30}


def trend_figure(lines: Sequence[Line], height: int = 460) -> Figure:
    """Lines over time with interval ribbons; beneath, on the same axis, what they count.

    Periods that are still running are shaded; a period without a value is a gap.
    """
    everything = [measure for _, measures in lines for measure in measures]
    with_bars = bool(everything) and not is_count(everything[0].measure)
    traces: list[Figure] = []
    for position, (name, measures) in enumerate(lines):
        traces += _line_traces(name, ordered(measures), position, alone=len(lines) == 1)
        if with_bars:
            traces.append(_bars(name, ordered(measures), position, alone=len(lines) == 1))
    layout = base_layout(height) | {
        "xaxis": _time_axis("y2" if with_bars else "y"),
        "yaxis": _value_axis(everything, [0.3, 1] if with_bars else [0, 1]),
        "shapes": list(_running_shades(everything)),
        "annotations": list(_synthetic_notes(everything)),
        "showlegend": len(lines) > 1,
        "barmode": "stack",
    }
    if with_bars:
        layout["yaxis2"] = _denominator_axis(everything)
    return {"data": traces, "layout": layout}


def small_figures(lines: Sequence[Line], height: int = 170) -> list[tuple[str, Figure]]:
    """One small chart a place, all with the same axes, so that they can be compared."""
    everything = [measure for _, measures in lines for measure in measures]
    across = _across(everything)
    return [(name, _small_figure(measures, everything, across, height)) for name, measures in lines]


def _across(measures: Sequence[Measure]) -> list[str] | None:
    """The time that all measures span, with half a period at each end."""
    if not measures:
        return None
    half = timedelta(days=STEP_DAYS[period_kind(measures[0].period)]) / 2
    ends = [measure.period_end for measure in measures]
    return [_midnight(min(ends), -half), _midnight(max(ends), half)]


def _small_figure(
    measures: list[Measure], everything: list[Measure], across: list[str] | None, height: int
) -> Figure:
    axis = _time_axis("y") | {
        "nticks": 4,
        "fixedrange": True,
        "range": across,
        "tickformat": "%b\n%Y",
    }
    layout = base_layout(height) | {
        "margin": {"l": 44, "r": 6, "t": 6, "b": 44},
        "xaxis": axis,
        "yaxis": _value_axis(everything, [0, 1]) | {"nticks": 4},
        "shapes": list(_running_shades(measures)),
        "showlegend": False,
    }
    return {"data": _line_traces("", ordered(measures), 0, alone=True), "layout": layout}


def runs(measures: Sequence[Measure]) -> Iterator[list[Measure]]:
    """Unbroken stretches: periods that follow one another and all have an estimate."""
    stretch: list[Measure] = []
    for measure in measures:
        if measure.estimate is None or (stretch and not _follows(stretch[-1], measure)):
            if stretch:
                yield stretch
            stretch = []
        if measure.estimate is not None:
            stretch.append(measure)
    if stretch:
        yield stretch


def _follows(before: Measure, after: Measure) -> bool:
    return after.period_start == before.period_end + timedelta(days=1)


def _line_traces(name: str, measures: list[Measure], position: int, *, alone: bool) -> list[Figure]:
    colour = COLOURS[position % len(COLOURS)]
    line = {"color": colour, "width": 2.4, "dash": DASHES[position % len(DASHES)]}
    marked = len(measures) <= MOST_WITH_SYMBOLS
    # a stretch of one period draws no line, so symbols have to be there for it
    marked = marked or any(len(stretch) == 1 for stretch in runs(measures))
    trace = {
        "type": "scatter",
        "name": _escaped(name),
        "mode": "lines+markers" if marked else "lines",
        "line": line,
        "marker": {"size": 5.5, "symbol": SYMBOLS[position % len(SYMBOLS)], "color": colour},
        "connectgaps": False,
        "hovertemplate": "%{text}<extra></extra>",
        **_points(name, measures, alone),
    }
    return [*_ribbon(name, measures, _faded(colour, 0.2 if alone else 0.11)), trace]


def _points(name: str, measures: list[Measure], alone: bool) -> Figure:
    days: list[str] = []
    values: list[float | None] = []
    texts: list[str] = []
    for position, measure in enumerate(measures):
        if position and not _follows(measures[position - 1], measure):
            days.append(measure.period_start.isoformat())
            values.append(None)
            texts.append("")
        days.append(measure.period_end.isoformat())
        values.append(measure.estimate)
        texts.append(hover("" if alone else name, measure))
    return {"x": days, "y": values, "text": texts}


def _ribbon(name: str, measures: list[Measure], fill: str) -> list[Figure]:
    """One filled outline per unbroken stretch; a gap in the line is a gap in the ribbon."""
    days: list[str | None] = []
    edge: list[float | None] = []
    for stretch in runs(measures):
        if any(m.ci_low is None or m.ci_high is None for m in stretch):
            continue
        there = [m.period_end.isoformat() for m in stretch]
        days += [*there, *there[::-1], None]
        edge += [*(m.ci_high for m in stretch), *(m.ci_low for m in stretch[::-1]), None]
    if not days:
        return []
    return [
        {
            "type": "scatter",
            "name": f"{_escaped(name)}: 95% interval",
            "x": days,
            "y": edge,
            "mode": "lines",
            "line": {"width": 0},
            "fill": "toself",
            "fillcolor": fill,
            "hoverinfo": "skip",
            "showlegend": False,
        }
    ]


def _bars(name: str, measures: list[Measure], position: int, *, alone: bool) -> Figure:
    colour = BAR_COLOUR if alone else _faded(COLOURS[position % len(COLOURS)], 0.6)
    return {
        "type": "bar",
        "name": f"{_escaped(name)}: X-rays",
        "x": [m.period_end.isoformat() for m in measures],
        "y": [m.denominator for m in measures],
        "yaxis": "y2",
        "marker": {"color": colour},
        "text": [hover("" if alone else name, m) for m in measures],
        "textposition": "none",
        "hovertemplate": "%{text}<extra></extra>",
        "showlegend": False,
    }


def hover(name: str, measure: Measure) -> str:
    """What pointing at a measure says; names are text there, never markup."""
    head = period_short(measure.period, measure.period_end)
    parts = [_escaped(f"{name} · {head}" if name else head)]
    parts.append(f"<b>{TITLES.get(measure.measure, measure.measure)}: {value_text(measure)}</b>")
    if measure.ci_low is not None:
        parts.append(f"95% interval {_escaped(interval(measure.ci_low, measure.ci_high))}")
    if measure.numerator is not None and measure.denominator is not None:
        parts.append(f"{number(measure.numerator)} of {number(measure.denominator)} X-rays")
    if measure.estimate is None and not measure.suppressed:
        parts.append(_escaped(measure.missing_reason or ""))
    if not measure.complete:
        parts.append("<i>still running: will change</i>")
    if measure.simulated or measure.generated:
        parts.append("<i>not real patients</i>")
    return "<br>".join(part for part in parts if part)


def _escaped(text: str) -> str:
    """Names come from users' files; the chart must show markup in them as text."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _faded(colour: str, alpha: float) -> str:
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {alpha})"


def base_layout(height: int) -> Figure:
    """What all charts have in common."""
    return {
        "height": height,
        "margin": {"l": 56, "r": 12, "t": 16, "b": 40},
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"family": FONT, "size": 13},
        "hoverlabel": {
            "bgcolor": "#14222e",
            "bordercolor": "#14222e",
            "font": {"color": "#ffffff", "size": 13},
            "align": "left",
        },
        "hovermode": "closest",
        "legend": {
            "orientation": "h",
            "traceorder": "normal",
            "x": 0,
            "y": 1.02,
            "yanchor": "bottom",
        },
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": "#7f8c99", "activecolor": "#0f7fc4"},
        "uirevision": "kept",  # zoom survives new rows
    }


def _time_axis(anchor: str) -> Figure:
    return {
        "type": "date",
        "anchor": anchor,
        "showgrid": False,
        "ticks": "outside",
        "ticklen": 5,
        "tickformat": "%-d %b\n%Y",
        "fixedrange": False,
    }


def _value_axis(measures: Sequence[Measure], domain: list[float]) -> Figure:
    axis = {"domain": domain, "range": [0, _top_of(measures)], "zeroline": False}
    return axis | {"fixedrange": True, "automargin": True} | tick_format(measures)


def _denominator_axis(measures: Sequence[Measure]) -> Figure:
    of_positives = bool(measures) and measures[0].measure == "bacterial_share"
    return {
        "domain": [0, 0.2],
        "tickformat": ",d",
        "rangemode": "tozero",
        "title": {
            "text": "called<br>pneumonia" if of_positives else "X-rays",
            "font": {"size": 12},
        },
        "nticks": 3,
        "zeroline": False,
        "fixedrange": True,
        "automargin": True,
    }


def tick_format(measures: Sequence[Measure]) -> Figure:
    """Counts in whole numbers, shares in percent."""
    if measures and is_count(measures[0].measure):
        return {"tickformat": ",d"}
    return {"tickformat": ".0%"}


def _top_of(measures: Iterable[Measure]) -> float:
    """Room for the largest value and, unless an interval is very wide, for its interval."""
    measures = list(measures)
    values = [m.estimate for m in measures if m.estimate is not None]
    highs = sorted(m.ci_high for m in measures if m.ci_high is not None)
    most = max(values, default=0.0)
    if highs:
        most = max(most, highs[int(0.97 * (len(highs) - 1))])
    if measures and is_count(measures[0].measure):
        return most * 1.08 or 1.0
    return min(1.02, max(0.05, most * 1.08))


def _running_shades(measures: Iterable[Measure]) -> Iterator[Figure]:
    """A band over each period that has not ended: its value will change."""
    seen = {(m.period_end, period_kind(m.period)) for m in measures if not m.complete}
    for end, kind in sorted(seen):
        half = timedelta(days=STEP_DAYS[kind]) / 2
        yield {
            "type": "rect",
            "xref": "x",
            "yref": "paper",
            "x0": _midnight(end, -half),
            "x1": _midnight(end, half),
            "y0": 0,
            "y1": 1,
            "fillcolor": SHADE,
            "line": {"width": 0},
            "layer": "below",
        }


def _midnight(day: date, shift: timedelta) -> str:
    hours = round(shift.total_seconds() / 3600)
    moved = day + timedelta(days=hours // 24)
    return f"{moved.isoformat()} {hours % 24:02d}:00"


def _synthetic_notes(measures: Sequence[Measure]) -> Iterator[Figure]:
    """Says on the chart itself which part of the time is simulated or generated."""
    kinds = (("simulated", "simulated scores"), ("generated", "generated images"))
    spans = []
    for field, text in kinds:
        days = [m.period_end for m in measures if getattr(m, field)]
        if days:
            spans.append((min(days), text))
    for position, (first, text) in enumerate(sorted(spans)):
        yield {
            "x": first.isoformat(),
            "xref": "x",
            "y": 1 - 0.055 * position,
            "yref": "paper",
            "xanchor": "right" if position else "left",
            "yanchor": "top",
            "text": f"{text} →",
            "showarrow": False,
            "font": {"size": 12},
        }
