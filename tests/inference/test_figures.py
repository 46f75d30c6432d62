"""Figures are well-formed SVG, with round ticks and everything inside the page."""

from xml.etree import ElementTree

import numpy as np
import pytest

from inference import svg
from inference.progress import Progress


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (0, 1, [0, 0.2, 0.4, 0.6, 0.8, 1]),
        (1, 8, [2, 4, 6, 8]),
        (0, 2090, [0, 500, 1000, 1500, 2000]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert svg._ticks(low, high) == expected


@pytest.mark.parametrize("scale", [1e-3, 0.7, 3, 55, 9e4])
def test_there_are_always_some_ticks(scale: float) -> None:
    assert 3 <= len(svg._ticks(0, scale)) <= 7


def test_lines_stay_on_the_page_and_titles_are_escaped() -> None:
    points = [(x, x**2) for x in np.linspace(0, 1, 9).tolist()]
    figure = svg.lines(
        "a < b & c", {"curve": points}, x="x", y="y", x_range=(0, 1), y_range=(0, 1), diagonal=True
    )
    root = ElementTree.fromstring(figure)
    assert root.attrib["aria-label"] == "a < b & c"
    curve = root.findall("{*}polyline")[1].attrib["points"]
    places = [tuple(map(float, pair.split(","))) for pair in curve.split()]
    assert len(places) == 9
    assert all(0 <= across <= svg.WIDTH and 0 <= down <= svg.HEIGHT for across, down in places)


def test_bars_and_matrix_write_their_counts() -> None:
    bars = svg.bars("classes", {"normal": 12, "sick": 345}, y="films")
    table = svg.matrix(
        "counts", ("no", "yes"), ("no", "yes"), ((7, 8), (9, 0)), y="truth", x="said"
    )
    for figure, counts in ((bars, ("12", "345")), (table, ("7", "8", "9", "0"))):
        texts = [
            text.text
            for text in ElementTree.fromstring(figure).iter("{http://www.w3.org/2000/svg}text")
        ]
        assert set(counts) <= set(texts)


def test_progress_says_what_is_left_on_a_terminal_only(capsys: pytest.CaptureFixture[str]) -> None:
    with Progress("reading", 4) as progress:
        progress.advance()
    assert capsys.readouterr() == ("", "")
    assert progress.line(elapsed=30.0) == "reading [######..................] 1/4 1:30 left "
