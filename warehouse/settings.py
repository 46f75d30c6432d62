"""The warehouse room's own settings; the composition root fills them from the home's file."""

from dataclasses import dataclass

from ingest.errors import ConfigurationError

FEWEST_LABELS = 10  # of a class: two for each part that is held out in turn


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """Section `[warehouse]` of pneumowatch.toml."""

    catalog: str = "sqlite"
    data: str = ""  # empty: a folder beside the catalog
    commit_rows: int = 2048  # studies in one write transaction, at most
    commit_seconds: float = 5.0  # a study waits no longer than this to be seen
    keep_years: int = 0  # `erase --older-than` removes what is older; 0 keeps everything
    suppress_below: int = 5  # smallest count that partner and public audiences may see
    calibrate_positives: int = 30  # confirmed pneumonias without which a site is not calibrated
    calibrate_negatives: int = 60  # confirmed normals, likewise

    def __post_init__(self) -> None:
        if not 0 <= self.keep_years <= 200:
            raise ConfigurationError("[warehouse] keep_years must be 0 to 200; 0 keeps everything")
        for name in ("calibrate_positives", "calibrate_negatives"):
            if getattr(self, name) < FEWEST_LABELS:
                raise ConfigurationError(f"[warehouse] {name} must be at least {FEWEST_LABELS}")
