"""`pneumowatch cohort` and `labels plan` as docs/cohorts.md calls them."""

import json
import re
import shlex
from pathlib import Path

import pytest

from dashboard.cli import main
from tests.warehouse.rows import load, network
from warehouse.cohorts.fields import FIELDS
from warehouse.cohorts.grammar import parse
from warehouse.store import Warehouse

DOCS = (Path(__file__).parents[2] / "docs" / "cohorts.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w*)\n(.*?)```", DOCS, re.DOTALL)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with a few films of two adults; the working directory beside it."""
    with network(tmp_path / "home") as warehouse:
        load(
            warehouse,
            """
            A1 2026-01-05 PN patient_key=p1 sex=F age_years=30
            A1 2026-01-20 P  patient_key=p1 sex=F age_years=30
            B1 2026-01-05 NNNPPP patient_key=p2 sex=M age_years=50 source=generated
            """,
        )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PNEUMOWATCH_HOME", str(tmp_path / "home"))
    return tmp_path


def commands(first: str) -> list[list[str]]:
    """The command lines of the document's block that begins with this."""
    (block,) = [text for _, text in BLOCKS if text.startswith(f"pneumowatch {first}")]
    return [shlex.split(line)[1:] for line in block.strip().splitlines()]


def test_the_commands_of_the_document_run(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (toml,) = [text for kind, text in BLOCKS if kind == "toml"]
    (home / "course.toml").write_text(toml.replace("synthetic = yes", "site = S9"))
    for words in commands("cohort"):
        assert main(words) == 0, words
    said = capsys.readouterr()
    assert "3 X-rays" not in said.out
    assert "2 X-rays of 1 participants" in said.out
    assert "studies >= 2" in said.out
    assert "never a diagnosis" in said.err
    written = {path.name for path in (home / "course").iterdir()}
    assert written == {
        *("course.csv", "dictionary.csv", "attrition.csv", "provenance.json"),
        *("measurement.csv", "image_occurrence.csv"),
    }


def test_the_expression_of_the_document_parses_and_its_table_names_every_field() -> None:
    (text,) = [text for _, text in BLOCKS if text.startswith("age >= 18")]
    assert len(parse(text).criteria) == 11
    for name in FIELDS:
        assert f"`{name}`" in DOCS, name


@pytest.mark.usefixtures("home")
def test_json_and_synthetic_films_are_marked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cohort", "save", "all", "--where", "age > 1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["new"] is True
    assert main(["cohort", "count", "all", "--json"]) == 0
    counted = json.loads(capsys.readouterr().out)
    assert (counted["xrays"], counted["participants"], counted["synthetic"]) == (9, 2, 6)
    assert main(["cohort", "export", "all", "--out", "all", "--json"]) == 0
    done, said = capsys.readouterr()
    assert json.loads(done)["xrays"] == 9
    assert "6 of 9 X-rays are synthetic" in said
    assert main(["cohort", "export", "all", "--out", "all"]) == 2
    assert "--force" in capsys.readouterr().err
    assert main(["cohort", "attrition", "all", "--format", "json"]) == 0
    assert [row["xrays"] for row in json.loads(capsys.readouterr().out)] == [9, 9]


def test_mistakes_are_the_users(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cohort", "save", "c", "--where", "age >"]) == 2
    assert "character 6: the end; expected a number" in capsys.readouterr().err
    assert main(["cohort", "save", "Jane Doe", "--where", "age > 1"]) == 2
    assert main(["cohort", "count", "none"]) == 2
    assert "there is no cohort 'none'" in capsys.readouterr().err
    assert main(["cohort", "export", "none", "--as-of", "99"]) == 2
    with Warehouse.open(home / "home", read_only=True) as warehouse:
        assert warehouse.sql("SELECT * FROM cohorts") == []


def test_a_plan_is_drawn_filled_loaded_and_weighed(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "home" / "pseudonym.key").write_text("ab" * 32)
    (home / "home" / "pseudonym.key").chmod(0o600)
    words = ["labels", "plan", "--n", "7", "--seed", "3", "--out", "plan.csv", "--json"]
    assert main(words) == 0
    drawn = json.loads(capsys.readouterr().out)
    assert (drawn["drawn"], drawn["frame"], drawn["seed"]) == (7, 9, 3)
    assert main(words) == 2, "a file that is there is not overwritten"
    plan = home / "plan.csv"
    header, *rows = plan.read_text().splitlines()
    plan.write_text("\n".join([header, *(row.replace(",", ",NORMAL", 1) for row in rows)]))
    capsys.readouterr()
    assert main(["labels", "validation", "--plan", drawn["plan_id"]]) == 0
    assert "7 X-rays of the plan are not confirmed yet" in capsys.readouterr().err
    assert main(["labels", "load", "plan.csv"]) == 0
    assert "loaded 7" in capsys.readouterr().out
    assert main(["labels", "validation", "--plan", drawn["plan_id"], "--format", "json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["confirmed"] == 7
    assert found["true_negatives"] + found["false_positives"] == pytest.approx(9)
    assert found["sensitivity"] is None, "nobody was confirmed to be ill"
    assert main(["labels", "validation", "--period", "month", "--format", "json"]) == 0
    assert sum(row["false_positives"] for row in json.loads(capsys.readouterr().out)) > 0
