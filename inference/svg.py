"""Small figures as SVG text: lines, bars and a matrix, without a plotting library."""

import math
from collections.abc import Callable, Mapping, Sequence
from xml.sax.saxutils import escape

WIDTH, HEIGHT = 480, 360
LEFT, RIGHT, TOP, BOTTOM = 60, 20, 40, 50
COLOURS = ("#0b5fa5", "#b3541e", "#2d7d46", "#7a4fa0")
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
) -> str:
    """Curves with a legend; a dashed diagonal is the line of no skill or of perfect fit."""
    place = _scale(x_range, y_range)
    parts = _axes(x, y, x_range, y_range)
    if diagonal:
        ends = [place(x_range[0], y_range[0]), place(x_range[1], y_range[1])]
        parts.append(_polyline(ends, "#888", dashed=True))
    for number, (name, points) in enumerate(series.items()):
        colour = COLOURS[number % len(COLOURS)]
        parts.append(_polyline([place(*point) for point in points], colour))
        parts += [_dot(*place(*point), colour) for point in points if len(points) <= 40]
        parts.append(_legend(number, name, colour))
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
            f'height="{low - high:.1f}" fill="{COLOURS[number % len(COLOURS)]}"/>'
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
                f'fill-opacity="{0.08 + 0.7 * shade:.3f}" stroke="#fff"/>'
            )
            colour = "#fff" if shade > 0.6 else "#222"
            parts.append(_text(140 + (j + 0.5) * width, middle, str(count), fill=colour))
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
        f'<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#444"/>',
        _text((LEFT + right) / 2, HEIGHT - 12, x),
        f'<text transform="translate(16 {(TOP + bottom) / 2}) rotate(-90)" '
        f'text-anchor="middle">{escape(y)}</text>',
    ]
    for value in _ticks(*y_range):
        height = place(x_range[0], value)[1]
        parts.append(_text(LEFT - 6, height + 4, f"{value:g}", anchor="end"))
        parts.append(f'<path d="M{LEFT} {height:.1f}H{right}" stroke="#e4e4e4"/>')
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


def _polyline(points: Points, colour: str, *, dashed: bool = False) -> str:
    path = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
    dash = ' stroke-dasharray="5 4"' if dashed else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dash}/>'


def _dot(across: float, down: float, colour: str) -> str:
    return f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>'


def _legend(number: int, name: str, colour: str) -> str:
    down = TOP + 14 + 16 * number
    swatch = f'<rect x="{LEFT + 10}" y="{down - 9}" width="12" height="10" fill="{colour}"/>'
    return swatch + _text(LEFT + 28, down, name, anchor="start")


def _text(
    across: float, down: float, content: str, *, anchor: str = "middle", fill: str = "#222"
) -> str:
    return (
        f'<text x="{across:.1f}" y="{down:.1f}" text-anchor="{anchor}" '
        f'fill="{fill}">{escape(content)}</text>'
    )


def _page(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(title, {chr(34): "&quot;"})}" '
        f'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>\n'
        f'<text x="{WIDTH / 2}" y="22" text-anchor="middle" font-size="15">{escape(title)}</text>'
        f"\n{body}\n</svg>\n"
    )
