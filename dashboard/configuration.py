"""The composition root's reading of `pneumowatch.toml` and `PNEUMOWATCH_*`.

Each room owns its settings class; only this module knows where the values come from. A
value of the environment (PNEUMOWATCH_INGEST_WORKERS=4) goes before one of the file.
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from inference.settings import InferenceSettings
from ingest.doors.settings import Folder, Peer, ReceiveSettings, WatchSettings
from ingest.errors import ConfigurationError
from ingest.settings import IngestSettings
from warehouse.settings import WarehouseSettings

ROOMS = {
    "ingest": IngestSettings,
    "receive": ReceiveSettings,
    "watch": WatchSettings,
    "inference": InferenceSettings,
    "warehouse": WarehouseSettings,
}
PREFIX = "PNEUMOWATCH_"
NOT_SETTINGS = {"PNEUMOWATCH_HOME", "PNEUMOWATCH_DEBUG"}


@dataclass(frozen=True, slots=True)
class Configuration:
    """One settings object a room."""

    ingest: IngestSettings = field(default_factory=IngestSettings)
    receive: ReceiveSettings = field(default_factory=ReceiveSettings)
    watch: WatchSettings = field(default_factory=WatchSettings)
    inference: InferenceSettings = field(default_factory=InferenceSettings)
    warehouse: WarehouseSettings = field(default_factory=WarehouseSettings)


def load(path: Path, environment: Mapping[str, str] | None = None) -> Configuration:
    """The configuration in a file (defaults where it is absent) under the environment.

    ConfigurationError names the file or variable, the field, the value and the way out.
    """
    sections = _read(path)
    _refuse_secrets(path, sections.get("warehouse", {}))
    for name, text in (os.environ if environment is None else environment).items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _apply_variable(sections, name, text)
    return Configuration(**{room: _room(path, room, sections.get(room, {})) for room in ROOMS})


def default_text(settings: WarehouseSettings) -> str:
    """A new home's pneumowatch.toml: where its warehouse lies, and never a secret."""
    where = {"catalog": settings.catalog}
    if settings.on_postgres:
        from warehouse.postgres_catalog import without_password

        where = {"catalog": without_password(settings.catalog), "schema": settings.schema}
    where |= {"data": settings.data} if settings.data else {}
    if settings.on_s3:
        names = ("s3_endpoint", "s3_region", "s3_url_style", "s3_key_id")
        where |= {name: getattr(settings, name) for name in names if getattr(settings, name)}
    # A JSON string without characters beyond ASCII is a TOML string too.
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in where.items())
    return (
        "# PneumoWatch's configuration; docs/configuration.md lists every setting.\n"
        f"[warehouse]\n{lines}"
        "\n[ingest]\n# workers = 4  # decode processes; one for each core when not set\n"
    )


def _read(path: Path) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as error:
        raise ConfigurationError(f"{path}: {error}") from None
    for section, values in content.items():
        if section not in ROOMS or not isinstance(values, dict):
            raise ConfigurationError(
                f"{path}: there is no section [{section}]; there are {', '.join(ROOMS)}"
            )
    return content


def _refuse_secrets(path: Path, warehouse: dict[str, Any]) -> None:
    """Files are copied, shown and backed up; a secret belongs into the environment."""
    if "s3_secret" in warehouse:
        raise ConfigurationError(
            f"{path}: [warehouse] s3_secret does not belong into a file; "
            "set PNEUMOWATCH_WAREHOUSE_S3_SECRET instead"
        )


def _apply_variable(sections: dict[str, dict[str, Any]], name: str, text: str) -> None:
    room, _, key = name.removeprefix(PREFIX).lower().partition("_")
    if room not in ROOMS or key not in _types(ROOMS[room]):
        raise ConfigurationError(f"the environment variable {name} is not a setting; unset it")
    kind = _types(ROOMS[room])[key]
    try:
        value = _truth(text) if kind is bool else kind(text)
    except ValueError:
        raise ConfigurationError(f"{name}={text!r}: write {kind.__name__} value") from None
    sections.setdefault(room, {})[key] = value


def _truth(text: str) -> bool:
    """As TOML writes it; bool("false") would be true."""
    if text not in ("true", "false"):
        raise ValueError(text)
    return text == "true"


def _room(path: Path, room: str, values: dict[str, Any]) -> Any:
    """Scalars, and what stands in tables of its own: [receive.peers.X], [[watch.folders]]."""
    tables: dict[str, Any] = {}
    if "peers" in values and room == "receive":
        tables["peers"] = _named(path, "receive.peers", values["peers"])
    if "folders" in values and room == "watch":
        tables["folders"] = _listed(path, "watch.folders", values["folders"])
    scalars = {key: value for key, value in values.items() if key not in tables}
    _check(path, room, scalars, _types(ROOMS[room]))
    return ROOMS[room](**scalars, **tables)


def _named(path: Path, section: str, tables: Any) -> tuple[Peer, ...]:
    if not isinstance(tables, dict) or not all(isinstance(one, dict) for one in tables.values()):
        raise ConfigurationError(f'{path}: write [{section}.AE_TITLE] with site = "…" under it')
    for name, values in tables.items():
        known = {key: kind for key, kind in _types(Peer).items() if key != "ae_title"}
        _check(path, f"{section}.{name}", values, known)
    return tuple(Peer(name, **values) for name, values in tables.items())


def _listed(path: Path, section: str, tables: Any) -> tuple[Folder, ...]:
    if not isinstance(tables, list) or not all(isinstance(one, dict) for one in tables):
        raise ConfigurationError(f'{path}: write [[{section}]] with path = "…" under it')
    for values in tables:
        _check(path, section, values, _types(Folder))
        if "path" not in values:
            raise ConfigurationError(f"{path}: [[{section}]] has no path")
    return tuple(Folder(**values) for values in tables)


def _check(path: Path, section: str, values: dict[str, Any], known: dict[str, type]) -> None:
    for key, value in values.items():
        if key not in known:
            raise ConfigurationError(
                f"{path}: [{section}] has no setting {key!r}; it has {', '.join(known)}"
            )
        wanted = (int, float) if known[key] is float else (known[key],)
        if not isinstance(value, wanted) or isinstance(value, bool) != (known[key] is bool):
            raise ConfigurationError(
                f"{path}: [{section}] {key} = {value!r} should be a {known[key].__name__}"
            )


def _types(settings: type) -> dict[str, type]:
    """Setting → bool, int, float or str; an optional one counts as its type."""
    kinds: dict[str, type] = {}
    for item in fields(settings):
        names = (
            str(getattr(item.type, "__name__", item.type))
            if isinstance(item.type, type)
            else str(item.type)
        )
        if not names.startswith("tuple"):
            kinds[item.name] = next(
                kind for kind in (bool, float, int, str) if kind.__name__ in names
            )
    return kinds
