"""Where things lie in a home directory."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Home:
    """The folder that `--home` names. Nothing of a deployment lies outside it by default."""

    root: Path

    @property
    def configuration(self) -> Path:
        return self.root / "pneumowatch.toml"

    @property
    def key(self) -> Path:
        """The pseudonym key: outside the warehouse, so that a copy of one is not the other."""
        return self.root / "pseudonym.key"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse"

    @property
    def catalog(self) -> Path:
        return self.warehouse / "catalog.sqlite"

    @property
    def data(self) -> Path:
        return self.warehouse / "data"

    @property
    def models(self) -> Path:
        """Weights and cards of the registered versions: `<version>.safetensors`, `.json`."""
        return self.root / "models"

    @property
    def studies(self) -> Path:
        """Kept images, where they are kept: `<first 2 of id>/<study_id>.png`, and originals
        without the patient, where those are kept: `.dcm`, `.jpeg` or `.original.png`."""
        return self.root / "studies"

    @property
    def spool(self) -> Path:
        """What was received and is not yet in the warehouse."""
        return self.root / "spool"

    @property
    def stow_tokens(self) -> Path:
        """Who may send by DICOMweb: hashes of their tokens, and their sites."""
        return self.root / "stow-tokens.json"

    @property
    def audit_heads(self) -> Path:
        """Number and hash of every audit entry, beside the table: shows what was cut off."""
        return self.root / "audit.heads"

    @property
    def erasure_journal(self) -> Path:
        """There while an erasure is not finished: what it has to remove, without the id."""
        return self.root / "erasure.json"

    @property
    def care_lock(self) -> Path:
        """Held by what must not meet: compaction, erasure and backup."""
        return self.warehouse / "care.lock"

    @property
    def write_lock(self) -> Path:
        return self.warehouse / "write.lock"
