"""The command line as a user meets it: real processes, real exit codes."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dashboard.cli import COMMANDS, main


def call(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "dashboard.cli", *words],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("command", [None, *COMMANDS])
def test_help_of_every_command_loads_nothing_heavy(command: str | None) -> None:
    """What is imported is what `--help` costs: no torch, no duckdb, no dash, no numpy."""
    words = [command, "--help"] if command else ["--help"]
    code = (
        "import sys; from dashboard.cli import main\n"
        f"try: main({words!r})\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'duckdb', 'dash', 'plotly', 'polars', 'pydicom', 'scipy', 'sklearn'}\n"
        "print('HEAVY', sorted(heavy & set(sys.modules)))"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip().endswith("HEAVY []"), ran.stdout[-300:]
    assert "never a diagnosis" in " ".join(ran.stdout.split())


def test_help_imports_no_torch_by_importtime() -> None:
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dashboard.cli", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = re.findall(r"\|\s+(\S+)$", ran.stderr, re.MULTILINE)
    assert "dashboard.cli" in imported or "argparse" in imported
    assert not [name for name in imported if name.split(".")[0] in {"torch", "duckdb", "dash"}]


def test_an_unknown_command_is_the_users_mistake() -> None:
    ran = call("frobnicate")
    assert ran.returncode == 2
    assert "invalid choice" in ran.stderr


def test_a_missing_home_says_what_to_run(tmp_path: Path) -> None:
    for words in (["status"], ["measures"], ["rejections"], ["ingest", str(tmp_path)]):
        ran = call(*words, "--home", str(tmp_path / "none"))
        assert ran.returncode == 2, ran.stderr
        assert "pneumowatch init" in ran.stderr
        assert "Traceback" not in ran.stderr


def test_the_home_comes_from_the_option_then_the_environment(tmp_path: Path) -> None:
    first, second = str(tmp_path / "first"), str(tmp_path / "second")
    assert call("init", PNEUMOWATCH_HOME=first).returncode == 0
    assert call("--home", second, "init", PNEUMOWATCH_HOME=first).returncode == 0
    assert (Path(first) / "warehouse").is_dir()
    assert (Path(second) / "warehouse").is_dir()


def test_init_again_changes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert main(["init", *home]) == 0
    key = (tmp_path / "home" / "pseudonym.key").read_bytes()
    assert main(["init", *home]) == 0
    assert "nothing was changed" in capsys.readouterr().err
    assert (tmp_path / "home" / "pseudonym.key").read_bytes() == key
    assert (tmp_path / "home" / "pseudonym.key").stat().st_mode & 0o777 == 0o600


def test_a_catalog_that_cannot_be_is_refused_before_anything_is_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(tmp_path / "home")]
    for catalog, way_out in (("mysql://u:pw-1234@h/x", "sqlite"), ("postgresql://h/x", "data")):
        assert main(["init", *home, "--catalog", catalog]) == 2
        said = capsys.readouterr().err
        assert way_out in said
        assert "pw-1234" not in said
    assert not (tmp_path / "home").exists()


def test_a_bug_is_not_shown_as_a_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    from dashboard.cli import _report_bug

    with pytest.raises(KeyError) as raised:
        raise KeyError("Jane Doe")
    assert _report_bug(raised.value) == 1
    said = capsys.readouterr().err
    assert "Jane Doe" not in said
    assert "KeyError at test_cli.py" in said


def test_control_characters_do_not_reach_the_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["init", "--home", str(tmp_path / "home")])
    assert main(["sites", "load", "\x1b[2Jx.csv", "--home", str(tmp_path / "home")]) == 2
    assert "\x1b" not in capsys.readouterr().err


def test_status_and_models_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    home = ["--home", str(tmp_path / "home")]
    main(["init", *home])
    capsys.readouterr()
    assert main(["status", "--json", *home]) == 0
    status = json.loads(capsys.readouterr().out)
    assert (status["studies"], status["sites"]) == (0, 0)
    assert main(["models", "list", "--format", "json", *home]) == 0
    (model,) = json.loads(capsys.readouterr().out)
    assert model["model_version"] == status["model_version"]
    assert 0.5 < model["sensitivity"] <= 1
    assert main(["models", "show", *home]) == 0
    assert json.loads(capsys.readouterr().out)["model_version"] == status["model_version"]
    assert main(["models", "show", "no-such", *home]) == 2
