"""`evaluate` as text and as a page: whole, self-contained, and safe with a user's names."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from dashboard.cli import main
from dashboard.evaluation.html import html
from dashboard.evaluation.text import text
from dashboard.model_choice import choose_model
from inference import checkpoint
from inference.evaluation import report
from inference.evaluation_figures import evaluation_figures
from inference.evaluation_run import Evaluation
from inference.judged import Judged
from inference.network import build
from ingest.errors import UserError
from tests.inference.films import write_film
from tests.inference.tiny import films_marked_at, made_card, made_films

NAME = '<script>alert("x")</script>'


class Outline(HTMLParser):
    """Tags in order, and whether they close as they opened."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        assert self._open == []

    def handle_starttag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag != "meta":
            self._open.append(tag)

    def handle_startendtag(self, tag: str, _: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def _evaluation(positive: np.ndarray) -> Evaluation:
    n = len(positive)
    p = np.random.default_rng(0).beta(2, 2, n)
    films = made_films(positive, view=["AP", "PA"] * (n // 2), source=[NAME, "b"] * (n // 2))
    probability = np.column_stack([1 - p, p])
    judged = Judged(films, probability, positive, np.full(n, np.nan), made_card())
    probes = {"border_only": {"n": n, "auroc": None, "auroc_interval": None} | _NO_DIFFERENCE}
    whole = report(judged) | {"unreadable": 0, "probes": probes}
    return Evaluation(whole, evaluation_figures(judged), judged.card)


_NO_DIFFERENCE = {"difference": None, "difference_interval": None, "expected": "about 0.5"}


@pytest.mark.parametrize("both", [True, False])
def test_the_page_is_whole_and_fetches_nothing(both: bool) -> None:
    positive = np.arange(40) % 4 < 2 if both else np.zeros(40, dtype=bool)
    page = html(_evaluation(positive), [NAME])
    outline = Outline(page)
    assert "script" not in outline.tags
    assert NAME not in page
    assert not re.search(r"""(src|href)\s*=|url\(|@import""", page)
    addresses = set(re.findall(r"https?://[^\"' <]+", page))
    assert addresses <= {"http://www.w3.org/2000/svg"}
    assert "Never a diagnosis" in page
    assert outline.tags.count("svg") == (4 if both else 2)
    assert "prefers-color-scheme: dark" in page
    for heading in ("In short", "By subgroup", "Matched films", "Probes for shortcuts"):
        assert f">{heading}</h2>" in page


def test_the_text_has_the_numbers_with_their_intervals() -> None:
    done = _evaluation(np.arange(40) % 4 < 2)
    lines = text(done.report).splitlines()
    low, high = done.report["auroc_interval"]  # type: ignore[misc]
    shown = f"{done.report['auroc']:.3f} ({low:.3f} to {high:.3f})"
    assert f"{'auroc':14}{shown}" in lines
    assert any(line.startswith("at 30% sick") for line in lines)
    assert any("AP only" in line for line in lines)
    assert lines[-1] == "Scores for surveillance, never a diagnosis."


def test_the_command_writes_everything(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pixels, positive = films_marked_at(slice(0, 9), slice(0, 9), 12, seed=1)
    rows = ["file,label,view,age"]
    for at, film in enumerate(pixels):
        write_film(tmp_path / f"{at}.png", film)
        rows.append(f"{at}.png,{'PNEUMONIA' if positive[at] else 'NORMAL'},{'AP'},40")
    (tmp_path / "films.csv").write_text("\n".join(rows))
    checkpoint.save(tmp_path / "model", build("small", 2).eval(), made_card())
    page = tmp_path / "page.html"
    words = ["evaluate", str(tmp_path / "films.csv"), "--model", str(tmp_path / "model")]
    more = ["--probes", "--json", "--report", str(page), "--figures", str(tmp_path / "figures")]
    assert main([*words, *more, "--home", str(tmp_path / "none")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert set(found["probes"]) == {"border_only", "border_removed", "degraded", "mirrored"}
    assert found["probes"]["mirrored"]["difference"] == pytest.approx(0, abs=0.02)
    assert found["matched"]["AP_only"]["n"] == 12
    assert "films.csv" in page.read_text(encoding="utf-8")
    assert (tmp_path / "figures" / "roc.svg").is_file()


@pytest.mark.parametrize("target", [".", "nowhere/page.html"])
def test_a_report_that_cannot_be_written_is_said_first(
    target: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", str(tmp_path / "no-data"), "--report", str(tmp_path / target)]
    assert main([*words, "--home", str(tmp_path)]) == 2
    assert "--report" in capsys.readouterr().err


def test_a_model_is_found_by_folder_by_version_and_by_default(tmp_path: Path) -> None:
    home = tmp_path / "home"
    assert choose_model(home) == checkpoint.shipped_model()
    version = checkpoint.read_card(checkpoint.shipped_model()).model_version
    assert choose_model(home, version) == checkpoint.shipped_model()
    checkpoint.save(home / "models", build("small", 2).eval(), made_card())
    assert choose_model(home, "tiny-1") == home / "models" / "tiny-1.json"
    assert choose_model(home, str(home / "models")) == home / "models" / "tiny-1.json"
    with pytest.raises(UserError, match=r"tiny-2.*there are .*tiny-1"):
        choose_model(home, "tiny-2")
