"""The rules of the house that a machine can check."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.tree import tree

ROOT = Path(__file__).parents[1]
ROOMS = ("ingest", "inference", "warehouse", "dashboard")
SOURCES = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py"))]
MAY_HAVE_CONTENT = {ROOT / "warehouse" / "epidemiology" / "__init__.py"}


def tracked() -> list[Path]:
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout")
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True
    ).stdout
    return [ROOT / name for name in names.split("\0") if name and (ROOT / name).is_file()]


def test_imports_run_one_way() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as f; f()"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_layers_contract_has_no_exceptions() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (contract,) = settings["contracts"]
    assert contract["layers"] == ["dashboard", "warehouse", "inference", "ingest"]
    assert "ignore_imports" not in contract


def test_every_init_is_empty() -> None:
    for path in SOURCES:
        if path.name == "__init__.py" and path not in MAY_HAVE_CONTENT:
            assert path.read_text() == "", path


def test_no_other_package_at_the_top() -> None:
    packages = {
        path.parent.name
        for path in tracked()
        if path.name == "__init__.py" and path.parent.parent == ROOT
    }
    assert packages == {*ROOMS, "tests"}


def test_modules_stay_small() -> None:
    for path in SOURCES:
        assert len(path.read_text().splitlines()) <= 400, path


def test_public_functions_have_docstrings() -> None:
    missing = []
    for path in SOURCES:
        for node in ast.parse(path.read_text()).body:
            public = isinstance(node, (ast.FunctionDef, ast.ClassDef)) and node.name[0] != "_"
            command = path.parent.name == "commands"
            if public and not command and not ast.get_docstring(node):
                missing.append(f"{path.relative_to(ROOT)}:{node.name}")
    assert missing == []


def test_no_machine_path_is_committed() -> None:
    pattern = re.compile(rb"(^|[^.A-Za-z0-9_])/(work|farm)/|/root/|/tmp/[a-z]")
    for path in tracked():
        if (
            path.suffix in {".py", ".md", ".toml", ".json", ".sql", ".css", ".js"}
            or not path.suffix
        ):
            if path == Path(__file__):
                continue
            assert not pattern.search(path.read_bytes()), path


def test_every_query_is_one_statement_and_described() -> None:
    for path in sorted((ROOT / "warehouse" / "queries").glob("*.sql")):
        text = path.read_text()
        assert text.startswith("-- "), path
        code = re.sub(r"--[^\n]*", "", text)
        assert ";" not in code, path
        assert re.match(r"\s*(SELECT|WITH)\b", code), path


def test_every_query_is_used() -> None:
    used = "\n".join(path.read_text() for path in SOURCES)
    for path in sorted((ROOT / "warehouse" / "queries").glob("*.sql")):
        assert f'"{path.stem}"' in used, path


def test_weights_are_small_enough() -> None:
    for path in (ROOT / "inference" / "weights").iterdir():
        assert path.stat().st_size <= 25 * 2**20, path


def test_the_readme_draws_the_tree() -> None:
    """`python -m tests.tree` prints what belongs there."""
    assert tree() in (ROOT / "README.md").read_text(encoding="utf-8")
