"""Small figures as SVG text: lines, bars and a matrix, without a plotting library.

Colours are written as attributes, and named by classes (paper, ink, axis, grid, s0… for the
strokes and f0… for the fills of series) so that a page may have others in the dark.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 480, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 40, 50
COLOURS = (
    "#0b5fa5", "#b3541e", "#2d7d46", "#7a4fa0", "#a3316f", "#00767d", "#8a6a00", "#5a5f66",
)  # fmt: skip
Points = Sequence[tuple[float, float]]


def lines(
    title: str,
    series: Mapping[str, Points],
    *,
    x: str,
    y: str,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    diagonal: bool = False,
    whiskers: Sequence[tuple[float, float, float]] = (),
    legend: str = "top left",
) -> str:
    """Curves with a legend; a dashed diagonal is the line of no skill or of perfect fit.

    whiskers: x, low, high of upright bars, as intervals are drawn. legend: top or bottom,
    then left or right: the corner that the curves leave free.
    """
    place = _scale(x_range, y_range)
    parts = _axes(x, y, x_range, y_range)
    if diagonal:
        ends = [place(x_range[0], y_range[0]), place(x_range[1], y_range[1])]
        parts.append(_polyline(ends, 'class="axis" stroke="#888" stroke-dasharray="5 4"'))
    for at, low, high in whiskers:
        ends = [place(at, low), place(at, high)]
        parts.append(_polyline(ends, f'class="s0" stroke="{COLOURS[0]}" stroke-opacity="0.5"'))
    for number, (name, points) in enumerate(series.items()):
        places = [place(*point) for point in points]
        if len(points) > 1:
            parts.append(_polyline(places, _series("s", "stroke", number)))
        parts += [_dot(*one, number) for one in places if len(points) <= 40]
        parts.append(_legend(number, len(series), name, legend))
    return _page(title, parts)


def bars(title: str, counts: Mapping[str, int], *, y: str) -> str:
    """One bar a name, its count written on it."""
    top = max(counts.values(), default=1) * 1.1 or 1.0
    place = _scale((0, max(len(counts), 1)), (0, top))
    parts = _axes("", y, (0, len(counts)), (0, top), x_ticks=False)
    for number, (name, count) in enumerate(counts.items()):
        (start, high), (end, low) = place(number + 0.15, count), place(number + 0.85, 0)
        parts.append(
            f'<rect x="{start:.1f}" y="{high:.1f}" width="{end - start:.1f}" '
            f'height="{low - high:.1f}" {_series("f", "fill", number)}/>'
        )
        parts.append(_text((start + end) / 2, high - 4, str(count)))
        parts.append(_text((start + end) / 2, low + 16, name))
    return _page(title, parts)


def matrix(title: str, rows: Sequence[str], columns: Sequence[str], cells: Sequence[Sequence[int]],
           *, y: str, x: str) -> str:  # fmt: skip
    """Counts in a table of shaded squares; a row's shades add up to one."""
    parts = []
    width = (WIDTH - 140 - RIGHT) / len(columns)
    height = (HEIGHT - TOP - 70) / len(rows)
    for i, row in enumerate(cells):
        middle = TOP + 20 + (i + 0.5) * height
        parts.append(_text(130, middle, rows[i], anchor="end"))
        for j, count in enumerate(row):
            shade = count / max(sum(row), 1)
            parts.append(
                f'<rect x="{140 + j * width:.1f}" y="{TOP + 20 + i * height:.1f}" '
                f'width="{width:.1f}" height="{height:.1f}" fill="{COLOURS[0]}" '
                f'fill-opacity="{0.08 + 0.7 * shade:.3f}" class="edge" stroke="#fff"/>'
            )
            parts.append(_text(140 + (j + 0.5) * width, middle, str(count), light=shade > 0.6))
    for j, name in enumerate(columns):
        parts.append(_text(140 + (j + 0.5) * width, HEIGHT - 34, name))
    parts.append(_text(140 + (WIDTH - 160) / 2, HEIGHT - 12, x))
    parts.append(_text(12, TOP + 8, y, anchor="start"))
    return _page(title, parts)


def _scale(
    x_range: tuple[float, float], y_range: tuple[float, float]
) -> Callable[[float, float], tuple[float, float]]:
    """A function from data to page coordinates."""
    width, height = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
    x_span = (x_range[1] - x_range[0]) or 1.0
    y_span = (y_range[1] - y_range[0]) or 1.0

    def place(x: float, y: float) -> tuple[float, float]:
        across = LEFT + (x - x_range[0]) / x_span * width
        return across, TOP + height - (y - y_range[0]) / y_span * height

    return place


def _axes(
    x: str,
    y: str,
    x_range: tuple[float, float],
    y_range: tuple[float, float],
    *,
    x_ticks: bool = True,
) -> list[str]:
    place = _scale(x_range, y_range)
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" class="axis" stroke="#444"/>',
        _text((LEFT + right) / 2, HEIGHT - 12, x),
        f'<text transform="translate(16 {(TOP + bottom) / 2}) rotate(-90)" '
        f'text-anchor="middle" class="ink" fill="#222">{escape(y)}</text>',
    ]
    for value in _ticks(*y_range):
        height = place(x_range[0], value)[1]
        parts.append(_text(LEFT - 6, height + 4, f"{value:g}", anchor="end"))
        parts.append(f'<path d="M{LEFT} {height:.1f}H{right}" class="grid" stroke="#e4e4e4"/>')
    if x_ticks:
        for value in _ticks(*x_range):
            parts.append(_text(place(value, y_range[0])[0], bottom + 16, f"{value:g}"))
    return parts


def _ticks(low: float, high: float) -> list[float]:
    """Three to seven round values within the range: multiples of 1, 2 or 5 times a power of 10."""
    power = 10.0 ** math.floor(math.log10((high - low) / 3 or 1.0))
    step = next(factor * power for factor in (1, 2, 5, 10) if (high - low) / (factor * power) <= 6)
    first = math.ceil(low / step - 1e-9)
    return [round(step * n, 10) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def _series(kind: str, attribute: str, number: int) -> str:
    """The class and the colour of the series of that number."""
    at = number % len(COLOURS)
    return f'class="{kind}{at}" {attribute}="{COLOURS[at]}"'


def _polyline(points: Points, look: str) -> str:
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    return f'<polyline points="{path}" fill="none" stroke-width="2" {look}/>'


def _dot(across: float, down: float, number: int) -> str:
    return f'<circle cx="{across:.1f}" cy="{down:.1f}" r="4" {_series("f", "fill", number)}/>'


def _legend(number: int, total: int, name: str, corner: str) -> str:
    first = TOP + 14 if corner.startswith("top") else HEIGHT - BOTTOM - 16 * total + 8
    left = corner.endswith("left")
    across, down = LEFT + 10 if left else WIDTH - RIGHT - 14, first + 16 * number
    swatch = (
        f'<rect x="{across}" y="{down - 9}" width="12" height="10" {_series("f", "fill", number)}/>'
    )
    beside, anchor = (across + 18, "start") if left else (across - 6, "end")
    return swatch + _text(beside, down, name, anchor=anchor)


def _text(
    across: float, down: float, content: str, *, anchor: str = "middle", light: bool = False
) -> str:
    look = 'class="light" fill="#fff"' if light else 'class="ink" fill="#222"'
    return (
        f'<text x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}" {look}>'
        f"{escape(content)}</text>"
    )


def _page(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title, {chr(34): "&quot;"})}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" class="paper" fill="#fff"/>\n'
        f'<text x="{WIDTH / 2}" y="22" text-anchor="middle" font-size="15" class="ink" '
        f'fill="#222">{escape(title)}</text>'
        f"\n{body}\n</svg>\n"
    )
