"""The settings of the inference room; the composition root fills them from [inference]."""

from dataclasses import dataclass

from ingest.errors import ConfigurationError

CPU_BATCH = 32  # more films in one pass are no faster on a CPU, and wait longer
CUDA_BATCH = 256  # fewer leave a large GPU idle between its kernels


@dataclass(frozen=True, slots=True)
class InferenceSettings:
    """Section `[inference]` of pneumowatch.toml."""

    threads: int | None = None  # of a forward pass on the CPU; None: one for each core
    batch: int | None = None  # films in one pass at most; None: 32 on a CPU, 256 on CUDA
    wait_seconds: float = 0.5  # a film waits no longer than this for its batch to fill

    def __post_init__(self) -> None:
        self._require(self.threads is None or 1 <= self.threads <= 1024, "threads", "1 to 1024")
        self._require(self.batch is None or 1 <= self.batch <= 4096, "batch", "1 to 4096")
        self._require(self.wait_seconds >= 0, "wait_seconds", "0 or more")

    def batch_on(self, device: str) -> int:
        """Films in one pass on `cpu` or `cuda`."""
        return self.batch or (CUDA_BATCH if device == "cuda" else CPU_BATCH)

    @staticmethod
    def _require(holds: bool, name: str, wanted: str) -> None:
        if not holds:
            raise ConfigurationError(f"[inference] {name} must be {wanted}")
