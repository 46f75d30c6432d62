"""The warehouse room's own settings; the composition root fills them from the home's file."""

import re
from dataclasses import dataclass, field

from ingest.errors import ConfigurationError

FEWEST_LABELS = 10  # of a class: two for each part that is held out in turn
POSTGRES = ("postgresql://", "postgres://")
OBJECTS = "s3://"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,62}")

SMALLEST_THRESHOLD = 3  # at 2, a suppressed count could only be 1


@dataclass(frozen=True, slots=True)
class WarehouseSettings:
    """Section `[warehouse]` of pneumowatch.toml. What may hold a secret is not in its repr."""

    catalog: str = field(default="sqlite", repr=False)  # or postgresql://user@host:port/database
    schema: str = "pneumowatch"  # of the PostgreSQL database: one programme each
    data: str = ""  # empty: a folder beside the catalog; a folder; or s3://bucket/prefix
    s3_endpoint: str = ""  # https://host:port of a store of one's own; empty: Amazon's
    s3_region: str = ""
    s3_url_style: str = "path"  # or "vhost"
    s3_key_id: str = ""
    s3_secret: str = field(default="", repr=False)  # of the environment only, never of the file
    commit_rows: int = 2048  # studies in one write transaction, at most
    commit_seconds: float = 5.0  # a study waits no longer than this to be seen
    keep_years: int = 0  # `erase --older-than` removes what is older; 0 keeps everything
    suppress_below: int = 5  # smallest count that partner and public audiences may see
    rounding: int = 0  # what their counts are rounded to a multiple of, rates after; 0: not
    published_weeks: str = "iso"  # theirs; iso and mmwr together would tell single days
    calibrate_positives: int = 30  # confirmed pneumonias without which a site is not calibrated
    calibrate_negatives: int = 60  # confirmed normals, likewise

    def __post_init__(self) -> None:
        if not 0 <= self.keep_years <= 200:
            raise ConfigurationError("[warehouse] keep_years must be 0 to 200; 0 keeps everything")
        for name in ("calibrate_positives", "calibrate_negatives"):
            if getattr(self, name) < FEWEST_LABELS:
                raise ConfigurationError(f"[warehouse] {name} must be at least {FEWEST_LABELS}")
        self._check_where()
        self._check_disclosure()

    @property
    def on_postgres(self) -> bool:
        """Whether the catalog lies in PostgreSQL, where other machines reach it too."""
        return self.catalog != "sqlite"

    @property
    def on_s3(self) -> bool:
        """Whether the data lie in an object store."""
        return self.data.startswith(OBJECTS)

    def _check_where(self) -> None:
        # The value is not repeated: a URL with a slip in it may still hold a password.
        if self.on_postgres and not self.catalog.startswith(POSTGRES):
            raise ConfigurationError(
                "[warehouse] catalog: write sqlite or postgresql://user@host:5432/database"
            )
        if not _SCHEMA.fullmatch(self.schema):
            raise ConfigurationError(
                f"[warehouse] schema = {self.schema!r}: write small letters, digits and _"
            )
        if self.on_postgres and not self.data:
            raise ConfigurationError(
                "[warehouse] data: a catalog in PostgreSQL needs a place for the data that every "
                "machine reaches: a shared folder, or s3://bucket/prefix"
            )
        if "://" in self.data and not self.on_s3:
            raise ConfigurationError(
                f"[warehouse] data = {self.data!r}: write a folder or s3://bucket/prefix"
            )
        if self.s3_url_style not in ("path", "vhost"):
            raise ConfigurationError("[warehouse] s3_url_style: write path or vhost")
        if self.s3_endpoint and not self.s3_endpoint.startswith(("http://", "https://")):
            raise ConfigurationError("[warehouse] s3_endpoint: write https://host:port")

    def _check_disclosure(self) -> None:
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
