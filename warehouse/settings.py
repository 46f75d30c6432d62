"""The warehouse room's own settings; the composition root fills them from the home's file."""

from dataclasses import dataclass

from ingest.errors import ConfigurationError

FEWEST_LABELS = 10  # of a class: two for each part that is held out in turn

SMALLEST_THRESHOLD = 3  # at 2, a suppressed count could only be 1


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """Section `[warehouse]` of pneumowatch.toml."""

    catalog: str = "sqlite"
    data: str = ""  # empty: a folder beside the catalog
    commit_rows: int = 2048  # studies in one write transaction, at most
    commit_seconds: float = 5.0  # a study waits no longer than this to be seen
    suppress_below: int = 5  # smallest count that partner and public audiences may see
    rounding: int = 0  # what their counts are rounded to a multiple of, rates after; 0: not
    published_weeks: str = "iso"  # theirs; iso and mmwr together would tell single days
    calibrate_positives: int = 30  # confirmed pneumonias without which a site is not calibrated
    calibrate_negatives: int = 60  # confirmed normals, likewise

    def __post_init__(self) -> None:
        for name in ("calibrate_positives", "calibrate_negatives"):
            if getattr(self, name) < FEWEST_LABELS:
                raise ConfigurationError(f"[warehouse] {name} must be at least {FEWEST_LABELS}")
        if self.suppress_below < SMALLEST_THRESHOLD:
            raise ConfigurationError(
                f"[warehouse] suppress_below = {self.suppress_below} must be at least "
                f"{SMALLEST_THRESHOLD}: below it a blank cell tells its count"
            )
        if not 0 <= self.rounding <= self.suppress_below:
            raise ConfigurationError(
                f"[warehouse] rounding = {self.rounding} must be 0 (none) to suppress_below "
                f"({self.suppress_below}), or a count that is shown could round to 0"
            )
        if self.published_weeks not in ("iso", "mmwr"):
            raise ConfigurationError(
                f"[warehouse] published_weeks = {self.published_weeks!r} is not iso or mmwr"
            )
