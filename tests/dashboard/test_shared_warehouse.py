"""`init` on PostgreSQL: a second machine joins, secrets stay out, models travel."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from dashboard.champion import ensure_model
from dashboard.cli import main
from dashboard.configuration import default_text, load
from dashboard.context import open_warehouse
from ingest.errors import ConfigurationError, UserError
from tests.inference.tiny_model import write_model
from tests.postgres import PASSWORD, Server
from warehouse.model_files import install, obtain
from warehouse.models import ADDED, promote
from warehouse.postgres_catalog import without_password
from warehouse.settings import WarehouseSettings

SITES = "site_id,name,region,latitude,longitude\nA,Alpha,NORTH,1.0,10.0\n"


@pytest.fixture
def catalog(postgres: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database of the test's own, named without its password, which PGPASSWORD holds."""
    name = tmp_path.name.replace("-", "_")[-40:]
    postgres.database(name)
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    return postgres.url(name, password=False)


def init(home: Path, catalog: str, data: Path) -> int:
    return main(["init", "--home", str(home), "--catalog", catalog, "--data", str(data)])


def test_a_second_machine_joins_with_the_same_key_and_no_other(
    catalog: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, data = tmp_path / "first", tmp_path / "second", tmp_path / "data"
    assert init(first, catalog, data) == 0
    assert "created" in capsys.readouterr().err
    assert init(second, catalog, data) == 2
    assert "copy pseudonym.key" in capsys.readouterr().err

    (second / "pseudonym.key").write_text("ab" * 32)
    (second / "pseudonym.key").chmod(0o600)
    assert init(second, catalog, data) == 2
    assert "not the key that this warehouse was begun with" in capsys.readouterr().err
    shutil.copy(first / "pseudonym.key", second / "pseudonym.key")
    assert init(second, catalog, tmp_path / "elsewhere") == 2
    assert "cannot be opened" in capsys.readouterr().err
    assert init(second, catalog, data) == 0
    assert "is attached to the warehouse that was there" in capsys.readouterr().err

    (tmp_path / "sites.csv").write_text(SITES)
    assert main(["sites", "load", str(tmp_path / "sites.csv"), "--home", str(first)]) == 0
    assert main(["status", "--home", str(second), "--json"]) == 0
    assert '"sites": 1' in capsys.readouterr().out
    (second / "pseudonym.key").write_text("cd" * 32)
    assert main(["status", "--home", str(second)]) == 2, "every command that writes asks"


def test_a_home_of_its_own_is_not_turned_into_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = str(tmp_path / "home")
    assert main(["init", "--home", home]) == 0
    words = ["init", "--home", home, "--catalog", "postgresql://u:pw-1234@h/d", "--data", "x"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "says otherwise than --catalog and --data" in said
    assert "pw-1234" not in said


def test_a_promoted_model_reaches_the_other_machine(catalog: str, tmp_path: Path) -> None:
    first, second, data = tmp_path / "first", tmp_path / "second", tmp_path / "data"
    assert init(first, catalog, data) == 0
    second.mkdir()
    shutil.copy(first / "pseudonym.key", second / "pseudonym.key")
    assert init(second, catalog, data) == 0
    source = write_model(tmp_path / "model")
    with open_warehouse(first) as warehouse:
        install(warehouse, source, origin=ADDED)
        promote(warehouse, "tiny-1")
    with open_warehouse(second) as warehouse:
        found = ensure_model(warehouse)
        assert found.path == second / "models" / "tiny-1.json"
        for suffix in (".json", ".onnx", ".safetensors"):
            there = found.path.with_suffix(suffix).read_bytes()
            assert there == source.with_suffix(suffix).read_bytes()

        found.path.unlink()
        warehouse.sql("UPDATE model_files SET content = 'x'::BLOB WHERE suffix = '.onnx'")
        with pytest.raises(UserError, match="are not those that were registered"):
            obtain(warehouse, "tiny-1")
    with open_warehouse(first) as warehouse:
        install(warehouse, source, origin=ADDED)
    with open_warehouse(second) as warehouse:
        assert obtain(warehouse, "tiny-1").is_file(), "whole again after `models add`"


def test_a_password_is_written_and_shown_nowhere(
    postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = tmp_path.name.replace("-", "_")[-40:]
    url = postgres.database(name)
    assert init(tmp_path / "home", url, tmp_path / "data") == 0
    assert main(["status", "--home", str(tmp_path / "home")]) == 2, "no password, no entry"
    said = capsys.readouterr()
    secrets = (PASSWORD, url.partition("pneumo:")[2].partition("@")[0])
    for secret in secrets:
        assert secret not in said.out + said.err
        for folder in (tmp_path, postgres.folder / "data"):
            files = [path for path in folder.rglob("*") if path.is_file()]
            assert files
            for path in files:
                assert secret.encode() not in path.read_bytes(), path


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://u:pw@h:5432/d", "postgresql://u@h:5432/d"),
        (
            "postgresql://u:p@w@h/d?password=pw&sslmode=require",
            "postgresql://u@h/d?sslmode=require",
        ),
        ("postgresql://h/d", "postgresql://h/d"),
        ("postgresql://[::1/d", "postgresql://…"),
    ],
)
def test_urls_are_shown_without_a_password(url: str, shown: str) -> None:
    assert without_password(url) == shown


def test_settings_keep_secrets_to_themselves(tmp_path: Path) -> None:
    settings = WarehouseSettings(
        catalog="postgresql://u:pw-1234@h/d",
        data="s3://bucket/x",
        s3_endpoint="https://store:9000",
        s3_key_id="me",
        s3_secret="sesame",
    )
    text = default_text(settings)
    (tmp_path / "pneumowatch.toml").write_text(text)
    again = load(tmp_path / "pneumowatch.toml", {"PNEUMOWATCH_WAREHOUSE_S3_SECRET": "sesame"})
    assert again.warehouse == replace(settings, catalog="postgresql://u@h/d")
    for secret in ("pw-1234", "sesame"):
        assert secret not in text + repr(settings) + repr(again)
    (tmp_path / "pneumowatch.toml").write_text('[warehouse]\ns3_secret = "sesame"\n')
    with pytest.raises(ConfigurationError, match="PNEUMOWATCH_WAREHOUSE_S3_SECRET") as raised:
        load(tmp_path / "pneumowatch.toml", {})
    assert "sesame" not in str(raised.value)


@pytest.mark.parametrize(
    "wrong",
    [
        {"catalog": "mysql://u:pw-1234@h/d"},
        {"catalog": "postgresql://u:pw-1234@h/d"},
        {"data": "gs://bucket"},
        {"schema": 'x"; DROP'},
        {"s3_url_style": "odd"},
        {"s3_endpoint": "store:9000"},
    ],
)
def test_settings_that_cannot_be_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ConfigurationError, match=r"\[warehouse\]") as raised:
        WarehouseSettings(**wrong)
    assert "pw-1234" not in str(raised.value)


def test_a_dashboard_machine_needs_no_key_and_no_right_to_write(
    catalog: str, postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, viewer, data = tmp_path / "first", tmp_path / "viewer", tmp_path / "data"
    assert init(first, catalog, data) == 0
    (tmp_path / "sites.csv").write_text(SITES)
    assert main(["sites", "load", str(tmp_path / "sites.csv"), "--home", str(first)]) == 0
    database = catalog.rpartition("/")[2]
    postgres.run(
        f"CREATE ROLE viewer LOGIN PASSWORD '{PASSWORD}'; "
        "GRANT USAGE ON SCHEMA pneumowatch TO viewer; "
        "GRANT SELECT ON ALL TABLES IN SCHEMA pneumowatch TO viewer; "
        "ALTER DEFAULT PRIVILEGES IN SCHEMA pneumowatch GRANT SELECT ON TABLES TO viewer",
        database,
    )
    viewer.mkdir()
    settings = WarehouseSettings(catalog=catalog.replace("pneumo@", "viewer@"), data=str(data))
    (viewer / "pneumowatch.toml").write_text(default_text(settings))
    capsys.readouterr()
    assert main(["rejections", "--home", str(viewer)]) == 0
    assert main(["measures", "--by", "region", "--home", str(viewer), "--format", "json"]) == 0
    (tmp_path / "more.csv").write_text(SITES + "B,Beta,NORTH,1.5,10.5\n")
    assert main(["sites", "load", str(tmp_path / "more.csv"), "--home", str(viewer)]) == 2
    assert "may read it only" in capsys.readouterr().err
