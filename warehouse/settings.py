"""The warehouse room's own settings; the composition root fills them from the home's file."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """Section `[warehouse]` of pneumowatch.toml."""

    catalog: str = "sqlite"
    data: str = ""  # empty: a folder beside the catalog
    commit_rows: int = 2048  # studies in one write transaction, at most
    commit_seconds: float = 5.0  # a study waits no longer than this to be seen
    suppress_below: int = 5  # smallest count that partner and public audiences may see
