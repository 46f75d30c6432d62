"""pneumowatch.toml and the environment: good values arrive, bad ones are named."""

from dataclasses import fields
from pathlib import Path

import pytest

from dashboard.configuration import ROOMS, default_text, load
from ingest.errors import ConfigurationError
from warehouse.settings import WarehouseSettings


def written(folder: Path, text: str) -> Path:
    path = folder / "pneumowatch.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_without_a_file_and_with_the_default_file(tmp_path: Path) -> None:
    nothing = load(tmp_path / "none.toml", {})
    assert load(written(tmp_path, default_text(WarehouseSettings())), {}) == nothing


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "[warehouse]\nsuppress_below = 7\ncommit_seconds = 2\n")
    assert load(path, {}).warehouse.suppress_below == 7
    assert load(path, {}).warehouse.commit_seconds == 2
    found = load(path, {"PNEUMOWATCH_WAREHOUSE_SUPPRESS_BELOW": "9", "PNEUMOWATCH_HOME": "x"})
    assert (found.warehouse.suppress_below, found.warehouse.commit_seconds) == (9, 2)
    assert load(path, {"PNEUMOWATCH_INGEST_WORKERS": "3"}).ingest.workers == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[warehouse", "pneumowatch.toml"),
        ("[kitchen]\nstove = 1", r"no section \[kitchen\]"),
        ("ingest = 3", r"no section \[ingest\]"),
        ("[ingest]\nwrokers = 2", "no setting 'wrokers'"),
        ("[ingest]\nworkers = 'two'", "workers = 'two' should be a int"),
        ("[ingest]\nworkers = true", "workers = True"),
    ],
)
def test_a_bad_file_names_the_field(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        load(written(tmp_path, text), {})


@pytest.mark.parametrize(
    "variable",
    [{"PNEUMOWATCH_INGEST_WORKERS": "two"}, {"PNEUMOWATCH_TYPO": "1"}],
)
def test_a_bad_variable_is_named(tmp_path: Path, variable: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(variable))):
        load(tmp_path / "none.toml", variable)


def test_the_documentation_lists_every_setting_with_its_default() -> None:
    text = (Path(__file__).parents[2] / "docs" / "configuration.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.split("|")[1:4]] for line in text.splitlines() if "|" in line
    ]
    listed = {(room, name): default for room, name, default in rows[2:]}
    settings = {
        (room, item.name): item.default
        for room in ROOMS
        for item in fields(ROOMS[room])
        if item.default != ()  # tables of their own
    }
    assert listed.keys() == settings.keys()
    for key, default in settings.items():
        if isinstance(default, (int, float)):
            assert listed[key] == str(default).lower(), key
