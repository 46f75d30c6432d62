"""The bulletin's line chart: shares with their intervals, and the X-rays behind them.

Pure functions from numbers to SVG text: no clock, no file, no state. What is not given (a
week that is suppressed, or has no X-rays) is a gap in the line, never a zero.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from dashboard.bulletin.svg import figure, label, number, path, tag

WIDTH, HEIGHT = 720.0, 316.0
LEFT, RIGHT = 44.0, 8.0
TOP, SHARE_BOTTOM = 30.0, 204.0
BARS_TOP, BARS_BOTTOM = 234.0, 290.0
INK, SOFT, GRID, BAR = "#26323c", "#5b6873", "#dde3e8", "#a9b7c2"
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2)


@dataclass(frozen=True, slots=True)
class Week:
    """One step of the horizontal axis and the X-rays of it; None where it may not be shown."""

    period: str  # 2026-W20
    xrays: int | None
    complete: bool
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Value:
    """An estimate with its interval, proportions in [0, 1]."""

    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Series:
    """A line: one value for each `Week`, None for a gap."""

    name: str
    colour: str
    values: Sequence[Value | None]
    dashes: str | None = None


def trend_chart(
    weeks: Sequence[Week], lines: Sequence[Series], title: str, description: str, font: str
) -> str:
    """Lines with interval bands above, bars of X-rays beneath, one column a week."""
    top, step = axis_top(_highest(lines))
    return figure(
        "trend",
        (WIDTH, HEIGHT),
        title,
        description,
        _share_grid(top, step),
        *(_band(line, weeks, top) for line in lines),
        *(_line(line, weeks, top) for line in lines),
        _bars(weeks),
        _marks(weeks),
        _week_labels(weeks),
        _legend(lines, weeks),
        font=font,
    )


def axis_top(highest: float) -> tuple[float, float]:
    """The upper end of a share axis and its step: at most five steps, never above 1."""
    step = next(step for step in STEPS if highest <= round(5 * step, 4) or step == STEPS[-1])
    ends = (round(ticks * step, 4) for ticks in range(1, 6))
    return next((end for end in ends if highest <= end), 1.0), step


def count_top(highest: int) -> int:
    """The first round number that is at least `highest`: 1 to 9, then 10, 15, 20, 30, …"""
    power = 1
    while 10 * power < highest:
        power *= 10
    leads = (1, 1.5, 2, 3, 4, 5, 6, 8, 10) if power > 1 else range(1, 11)
    return int(next(lead * power for lead in leads if lead * power >= highest))


def runs(values: Sequence[Value | None]) -> list[list[tuple[int, Value]]]:
    """The stretches between gaps, with positions: a line is never drawn across a gap."""
    found: list[list[tuple[int, Value]]] = [[]]
    for position, value in enumerate(values):
        if value is None:
            found.append([])
        else:
            found[-1].append((position, value))
    return [run for run in found if run]


def _highest(lines: Sequence[Series]) -> float:
    shown = [value for line in lines for value in line.values if value is not None]
    return max((v.high if v.high is not None else v.estimate for v in shown), default=0.5)


def _x(position: int, weeks: Sequence[Week]) -> float:
    return LEFT + (position + 0.5) * (WIDTH - LEFT - RIGHT) / max(1, len(weeks))


def _y(share: float, top: float) -> float:
    return SHARE_BOTTOM - share / top * (SHARE_BOTTOM - TOP)


def _share_grid(top: float, step: float) -> str:
    ticks = [round(i * step, 4) for i in range(int(top / step + 1.5)) if i * step <= top + 1e-9]
    return tag("g", *(_rule(_y(tick, top), f"{round(tick * 100)}%") for tick in ticks))


def _rule(y: float, text: str) -> str:
    line = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, stroke=GRID)
    return line + label(LEFT - 6, y + 4, text, text_anchor="end", fill=SOFT)


def _band(line: Series, weeks: Sequence[Week], top: float) -> str:
    return "".join(_band_run(run, line.colour, weeks, top) for run in runs(line.values))


def _band_run(run: list[tuple[int, Value]], colour: str, weeks: Sequence[Week], top: float) -> str:
    bounded = [(_x(i, weeks), v.low, v.high) for i, v in run]
    edges = [(x, low, high) for x, low, high in bounded if low is not None and high is not None]
    if len(edges) == 1:
        x, low, high = edges[0]
        return tag("path", d=path([(x, _y(low, top)), (x, _y(high, top))]), stroke=colour)
    upper = [(x, _y(high, top)) for x, _, high in edges]
    lower = [(x, _y(low, top)) for x, low, _ in reversed(edges)]
    outline = path(upper + lower, close=True)
    return tag("path", d=outline, fill=colour, fill_opacity="0.16") if edges else ""


def _line(line: Series, weeks: Sequence[Week], top: float) -> str:
    parts: list[str] = []
    for run in runs(line.values):
        points = [(_x(i, weeks), _y(value.estimate, top)) for i, value in run]
        style = {"fill": "none", "stroke": line.colour, "stroke_width": "1.8"}
        dashes = {"stroke_dasharray": line.dashes, "stroke_linejoin": "round"}
        parts.append(tag("path", d=path(points), **style, **dashes) if len(run) > 1 else "")
        parts += [
            _dot(i, point, line.colour, weeks, len(run))
            for (i, _), point in zip(run, points, strict=True)
        ]
    return tag("g", *parts) if parts else ""


def _dot(
    position: int, point: tuple[float, float], colour: str, weeks: Sequence[Week], run: int
) -> str:
    """The last week, a lone week and an incomplete one get a dot; an incomplete one is hollow."""
    week = weeks[position]
    if week.complete and run > 1 and position != len(weeks) - 1:
        return ""
    fill = colour if week.complete else "#ffffff"
    return tag("circle", cx=point[0], cy=point[1], r=3, fill=fill, stroke=colour, stroke_width=1.5)


def _bars(weeks: Sequence[Week]) -> str:
    top = count_top(max((week.xrays or 0 for week in weeks), default=0))
    wide = (WIDTH - LEFT - RIGHT) / max(1, len(weeks)) * 0.72
    scale = (BARS_BOTTOM - BARS_TOP) / top
    bars = (
        _bar(_x(i, weeks) - wide / 2, wide, week.xrays * scale, week.complete)
        for i, week in enumerate(weeks)
        if week.xrays
    )
    base = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=BARS_BOTTOM, y2=BARS_BOTTOM, stroke=SOFT)
    ticks = label(LEFT - 6, BARS_TOP + 4, f"{top:,}", text_anchor="end", fill=SOFT)
    zero = label(LEFT - 6, BARS_BOTTOM + 4, "0", text_anchor="end", fill=SOFT)
    ceiling = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=BARS_TOP, y2=BARS_TOP, stroke=GRID)
    return tag("g", ceiling, *bars, base, ticks, zero)


def _bar(x: float, wide: float, high: float, complete: bool) -> str:
    fill, dash = (BAR, None) if complete else ("#ffffff", "2 1.5")
    return tag(
        "rect", x=x, y=BARS_BOTTOM - high, width=wide, height=high,
        fill=fill, stroke=BAR, stroke_dasharray=dash,
    )  # fmt: skip


def _marks(weeks: Sequence[Week]) -> str:
    """A cross on the base line where a week is suppressed: something is there, not how much."""
    at = [_x(i, weeks) for i, week in enumerate(weeks) if week.suppressed]
    return "".join(_cross(x, BARS_BOTTOM - 7) for x in at)


def _cross(x: float, y: float) -> str:
    strokes = f"M{number(x - 3)} {number(y - 3)}l6 6m0 -6l-6 6"
    return tag("path", d=strokes, stroke=INK, fill="none")


def _week_labels(weeks: Sequence[Week]) -> str:
    """A label every few weeks, counted back from the week of the bulletin, the last in bold."""
    every = max(1, -(-len(weeks) // 7))
    shown = range(len(weeks) - 1, -1, -every)
    return tag("g", *(_week_label(i, weeks) for i in shown))


def _week_label(position: int, weeks: Sequence[Week]) -> str:
    x, last = _x(position, weeks), position == len(weeks) - 1
    tick = tag("line", x1=x, x2=x, y1=BARS_BOTTOM, y2=BARS_BOTTOM + 4, stroke=SOFT)
    anchor, at = ("end", WIDTH - RIGHT) if last and len(weeks) > 1 else ("middle", x)
    weight, colour = ("bold", INK) if last else (None, SOFT)
    text = label(
        at, BARS_BOTTOM + 17, weeks[position].period,
        text_anchor=anchor, font_weight=weight, fill=colour,
    )  # fmt: skip
    return tick + text


def _legend(lines: Sequence[Series], weeks: Sequence[Week]) -> str:
    """What each line is, above it; what the bars are, and the marks that occur, between."""
    x, parts = LEFT, []
    for line in lines:
        parts.append(tag(
            "path", d=path([(x, 12), (x + 24, 12)]), stroke=line.colour,
            stroke_width="2.4", stroke_dasharray=line.dashes,
        ))  # fmt: skip
        parts.append(label(x + 30, 16, line.name, fill=INK))
        x += 52 + 5.9 * len(line.name)
    notes = ["X-rays a week"]
    notes += ["open: week not complete"] if any(not w.complete for w in weeks) else []
    notes += ["×: suppressed"] if any(w.suppressed for w in weeks) else []
    parts.append(label(LEFT, BARS_TOP - 6, "; ".join(notes), fill=SOFT))
    return tag("g", *parts)
