"""The settings of the ingest room; the composition root fills them from [ingest]."""

from dataclasses import dataclass

from ingest.errors import ConfigurationError

MAX_PIXELS = 80_000_000  # a 43 cm detector at 0.1 mm has 18.5 million
PILLOW_LIMIT = 89_000_000  # above this Pillow's own guard speaks up

BURNED_IN_POLICIES = ("flag", "blank", "crop", "refuse")


@dataclass(frozen=True, slots=True)
class IngestSettings:
    """Caps and sizes. Times in seconds, sizes in pixels or bytes."""

    workers: int | None = None  # decode processes; None: one for each core, 0: in this process
    capacity: int = 64  # decoded films that may wait at any time
    time_cap: float = 60.0  # for one file, then its decoder is stopped
    max_pixels: int = MAX_PIXELS
    max_bytes: int = 512 * 2**20  # of one file
    memory_cap: int = 2 * 2**30  # bytes of data one decode worker may hold
    min_side: int = 96  # of the shorter edge; see gate.py
    burned_in: str = "flag"  # text in the picture: flag, blank, crop or refuse; see text_policy.py
    keep_images: bool = False  # de-identified, so that `rescore` can score them again
    keep_side: int = 1024  # longer edge of a kept image, at most
    keep_originals: str = ""  # sites whose de-identified originals are kept, or "all"
    spool_reserve: int = 2 * 2**30  # bytes of the spool's disk that must stay free
    spool_days: float = 90.0  # after which a settled entry is forgotten
    porters: int = 2  # processes that parse and de-identify what comes in

    def __post_init__(self) -> None:
        self._require(self.workers is None or 0 <= self.workers <= 256, "workers", "0 to 256")
        self._require(1 <= self.capacity <= 100_000, "capacity", "1 to 100000")
        self._require(self.time_cap > 0, "time_cap", "more than 0 seconds")
        self._require(0 < self.max_pixels <= PILLOW_LIMIT, "max_pixels", f"1 to {PILLOW_LIMIT}")
        self._require(self.max_bytes > 0, "max_bytes", "more than 0")
        self._require(self.memory_cap >= 2**28, "memory_cap", "at least 256 MiB")
        self._require(self.min_side >= 16, "min_side", "at least 16")
        self._require(self.spool_reserve >= 0, "spool_reserve", "0 or more")
        self._require(self.spool_days >= 1, "spool_days", "1 or more")
        self._require(1 <= self.porters <= 64, "porters", "1 to 64")
        known = self.burned_in in BURNED_IN_POLICIES
        self._require(known, "burned_in", f"one of {', '.join(BURNED_IN_POLICIES)}")
        self._require(224 <= self.keep_side <= 8192, "keep_side", "224 to 8192")

    def keeps_originals_of(self, site_id: str | None) -> bool:
        """Whether a site's de-identified originals are kept once they are predicted."""
        named = {name.strip() for name in self.keep_originals.split(",")}
        return "all" in named or (site_id is not None and site_id in named)

    @staticmethod
    def _require(holds: bool, name: str, wanted: str) -> None:
        if not holds:
            raise ConfigurationError(f"[ingest] {name} must be {wanted}")
