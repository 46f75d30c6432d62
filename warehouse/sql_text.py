"""SQL literals, for the few statements that take no bound parameters."""

from pathlib import Path


def quoted(text: Path | str) -> str:
    """A SQL string literal; ATTACH, LOAD and CREATE SECRET take no bound parameters."""
    return "'" + str(text).replace("'", "''") + "'"
