"""Writing SVG by hand: elements, numbers and text that can never become markup."""

import re
from xml.sax.saxutils import escape, quoteattr

NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufdcf\ufdf0-\ufffd\U00010000-\U0010ffff]")
CONTROLS = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


def one_line(text: str) -> str:
    """A name as one line of visible text: no control, line break or direction override.

    What XML (and PDF/UA) cannot hold is left out, so that a name written by a stranger
    reads the same in every output.
    """
    return " ".join(NOT_XML.sub("", CONTROLS.sub(" ", text)).split())


def number(value: float) -> str:
    """A coordinate with at most one decimal, so that the bytes do not depend on rounding."""
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


def tag(name: str, *content: str, **attributes: str | float | None) -> str:
    """One element. Underscores of attribute names become hyphens; None leaves one out.

    `content` is markup already (made by `tag` or `text`); attributes are escaped here.
    """
    pairs = [
        f" {key.rstrip('_').replace('_', '-')}={quoteattr(_value(value))}"
        for key, value in attributes.items()
        if value is not None
    ]
    inside = "".join(content)
    return f"<{name}{''.join(pairs)}>{inside}</{name}>" if inside else f"<{name}{''.join(pairs)}/>"


def text(content: str) -> str:
    """Characters as character data."""
    return escape(one_line(content))


def label(x: float, y: float, content: str, **attributes: str | float | None) -> str:
    """A `<text>` element at (x, y), in user units."""
    return tag("text", text(content), x=x, y=y, **attributes)


def path(points: list[tuple[float, float]], *, close: bool = False) -> str:
    """The `d` of a path through the points; a point equal to the last one is left out."""
    steps: list[str] = []
    for x, y in points:
        step = f"{number(x)} {number(y)}"
        if not steps or steps[-1] != step:
            steps.append(step)
    return f"M{'L'.join(steps)}{'Z' if close else ''}" if steps else ""


def figure(
    name: str, size: tuple[float, float], title: str, description: str, *content: str, font: str
) -> str:
    """A whole `<svg>` with its title and description, named so that pages can hold several."""
    return tag(
        "svg",
        tag("title", text(title), id=f"{name}-title"),
        tag("desc", text(description), id=f"{name}-desc"),
        *content,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {number(size[0])} {number(size[1])}",
        role="img",
        aria_labelledby=f"{name}-title {name}-desc",
        font_family=font,
        font_size=11,
        fill="#26323c",
    )


def _value(value: str | float) -> str:
    return number(value) if isinstance(value, int | float) else one_line(value)
