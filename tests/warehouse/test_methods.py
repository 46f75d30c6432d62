"""The worked examples of docs/methods.md, computed again."""

import doctest
import re
from pathlib import Path

import pytest

import warehouse.epidemiology
from warehouse.epidemiology import lang_reiczigel, wilson_interval

DOCUMENT = Path(__file__).parents[2] / "docs" / "methods.md"
TEXT = DOCUMENT.read_text(encoding="utf-8")
PERCENT = r"(\d+\.\d) %"
EXAMPLE = re.compile(r"<!-- example: (\w+)\(([\d, ]+)\) -->\n(.*?)\n\n", re.DOTALL)


def test_there_are_examples() -> None:
    assert [found[1] for found in EXAMPLE.finditer(TEXT)] == ["wilson_interval", "lang_reiczigel"]


@pytest.mark.parametrize("found", list(EXAMPLE.finditer(TEXT)), ids=lambda found: found[1])
def test_the_example_is_what_the_function_gives(found: "re.Match[str]") -> None:
    numbers = [int(text) for text in found[2].split(",")]
    if found[1] == "wilson_interval":
        low, high = (float(limit) for limit in wilson_interval(*numbers))
        estimate = numbers[0] / numbers[1]
    else:
        adjusted = lang_reiczigel(*numbers)
        estimate, low, high = adjusted.estimate, adjusted.low, adjusted.high
    said = [float(text) for text in re.findall(PERCENT, found[3].replace("\n", " "))]
    assert said == [round(100 * value, 1) for value in (estimate, low, high)]


def test_the_sessions_run_as_printed() -> None:
    failed, attempted = doctest.testfile(str(DOCUMENT), module_relative=False, encoding="utf-8")
    assert attempted > 20
    assert failed == 0


def test_every_function_has_a_section() -> None:
    """The records that functions return are described with them; strata under prevalence."""
    functions = {name for name in warehouse.epidemiology.__all__ if name.islower()}
    sections = set(re.findall(r"^### (\w+)$", TEXT, re.MULTILINE))
    assert functions - sections == {"wilson_interval", "lang_reiczigel", "stratified_prevalence"}
