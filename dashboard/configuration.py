"""The composition root's reading of `pneumowatch.toml` and `PNEUMOWATCH_*`.

Each room owns its settings class; only this module knows where the values come from. A
value of the environment (PNEUMOWATCH_INGEST_WORKERS=4) goes before one of the file.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from inference.settings import InferenceSettings
from ingest.errors import ConfigurationError
from ingest.settings import IngestSettings
from warehouse.settings import WarehouseSettings

ROOMS = {
    "ingest": IngestSettings,
    "inference": InferenceSettings,
    "warehouse": WarehouseSettings,
}
PREFIX = "PNEUMOWATCH_"
NOT_SETTINGS = {"PNEUMOWATCH_HOME", "PNEUMOWATCH_DEBUG"}


@dataclass(frozen=True, slots=True)
class Configuration:
    """One settings object a room."""

    ingest: IngestSettings = field(default_factory=IngestSettings)
    inference: InferenceSettings = field(default_factory=InferenceSettings)
    warehouse: WarehouseSettings = field(default_factory=WarehouseSettings)


def load(path: Path, environment: Mapping[str, str] | None = None) -> Configuration:
    """The configuration in a file (defaults where it is absent) under the environment.

    ConfigurationError names the file or variable, the field, the value and the way out.
    """
    sections = _read(path)
    for name, text in (os.environ if environment is None else environment).items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            _apply_variable(sections, name, text)
    return Configuration(**{room: _room(path, room, sections.get(room, {})) for room in ROOMS})


def default_text(settings: WarehouseSettings) -> str:
    """A new home's pneumowatch.toml."""
    return (
        "# PneumoWatch's configuration; docs/configuration.md lists every setting.\n"
        f'[warehouse]\ncatalog = "{settings.catalog}"\n'
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


def _apply_variable(sections: dict[str, dict[str, Any]], name: str, text: str) -> None:
    room, _, key = name.removeprefix(PREFIX).lower().partition("_")
    if room not in ROOMS or key not in _types(room):
        raise ConfigurationError(f"the environment variable {name} is not a setting; unset it")
    kind = _types(room)[key]
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
    known = _types(room)
    for key, value in values.items():
        if key not in known:
            raise ConfigurationError(
                f"{path}: [{room}] has no setting {key!r}; it has {', '.join(known)}"
            )
        wanted = (int, float) if known[key] is float else (known[key],)
        if not isinstance(value, wanted) or isinstance(value, bool) != (known[key] is bool):
            raise ConfigurationError(
                f"{path}: [{room}] {key} = {value!r} should be a {known[key].__name__}"
            )
    return ROOMS[room](**values)


def _types(room: str) -> dict[str, type]:
    """Setting → bool, int, float or str; an optional one counts as its type."""
    kinds: dict[str, type] = {}
    for item in fields(ROOMS[room]):
        names = (
            str(getattr(item.type, "__name__", item.type))
            if isinstance(item.type, type)
            else str(item.type)
        )
        kinds[item.name] = next(kind for kind in (bool, float, int, str) if kind.__name__ in names)
    return kinds
