"""Four files and their manifest, each complete or not there at all."""

import hashlib
import json
import os
from datetime import UTC
from pathlib import Path

from dashboard.bulletin.contents import Bulletin
from dashboard.bulletin.html import html
from dashboard.bulletin.pdf import pdf
from dashboard.bulletin.tables import csv_text
from ingest.errors import UserError

MANIFEST = "manifest.json"


def write(bulletin: Bulletin, directory: Path) -> list[Path]:
    """Writes bulletin.html, .pdf, .csv and, when these are there, manifest.json.

    Replaces those of an earlier run one by one. UserError where DIR cannot be written.
    """
    contents = render(bulletin)
    contents[MANIFEST] = manifest(bulletin, contents)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return [_replace(directory / name, content) for name, content in contents.items()]
    except OSError as error:
        raise UserError(
            f"--out {directory}: cannot write there ({error.strerror}); name another folder"
        ) from None


def render(bulletin: Bulletin) -> dict[str, bytes]:
    """File name to content."""
    return {
        "bulletin.html": html(bulletin).encode(),
        "bulletin.pdf": pdf(bulletin),
        "bulletin.csv": csv_text(bulletin).encode(),
    }


def manifest(bulletin: Bulletin, contents: dict[str, bytes]) -> bytes:
    """What the bulletin is, and the SHA-256 of each of its files: sorted JSON."""
    described = {
        "week": bulletin.week,
        "epiweek": bulletin.epiweek,
        "first_day": bulletin.first_day.isoformat(),
        "last_day": bulletin.last_day.isoformat(),
        "as_of": bulletin.version.commit_number,
        "recorded_at": bulletin.version.recorded_at.astimezone(UTC).isoformat(),
        "audience": bulletin.audience,
        "complete": bulletin.complete,
        "model_versions": list(bulletin.model_versions),
        "software_version": bulletin.software_version,
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in contents.items()},
    }
    return (json.dumps(described, indent=2, sort_keys=True) + "\n").encode()


def _replace(path: Path, content: bytes) -> Path:
    """Writes beside the file and renames, so that a reader never sees half of it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(content)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return path
