"""Files against what the warehouse says of them: Parquet, kept images, models."""

import time
from collections.abc import Iterable
from pathlib import Path

from inference.checkpoint import SHIPPED
from warehouse.care.finding import Finding, State
from warehouse.care.lake import data_files
from warehouse.model_files import model_problem
from warehouse.models import ADDED, CHAMPION, card_of, registry
from warehouse.store import Warehouse

FRESH_SECONDS = 3600.0  # a file so young may belong to a commit under way


def parquet(warehouse: Warehouse) -> list[Finding]:
    """Missing, cut, and unknown Parquet files."""
    on_disk = data_files(warehouse)
    with warehouse.alone():  # no writer, no compaction between the catalog and the disk
        rows = warehouse.query("catalogued_files")
        root = warehouse.home.data.resolve()
        known = {_path(root, row["path"], row["relative"]): row for row in rows}
        present = {path: path.stat().st_size for path in known if path.exists()}
    missing = [path for path, row in known.items() if not row["waiting"] and path not in present]
    cut = [
        path
        for path, row in known.items()
        if path in present and row["bytes"] not in (None, present[path])
    ]
    orphans = _old(path for path in on_disk if path.resolve() not in known)
    waiting = sum(bool(row["waiting"]) for row in rows)
    if missing or cut:
        found = (
            f"{len(missing)} are missing and {len(cut)} have another size ({(missing + cut)[0]})"
        )
        todo = "restore a backup (`pneumowatch restore`): rows cannot be read without them"
        return [Finding("parquet files", State.BROKEN, found, todo, len(missing) + len(cut))]
    found = f"{len(known) - waiting} are there and of their size"
    if orphans or waiting:
        found += f"; {len(orphans)} that a kill left, {waiting} that were replaced"
        return [Finding("parquet files", State.NOTE, found, _COMPACT, len(orphans) + waiting)]
    return [Finding("parquet files", State.WHOLE, found)]


_COMPACT = "`pneumowatch compact` removes them when they are a day old"


def images(warehouse: Warehouse, expected: bool) -> list[Finding]:
    """Kept images without a study; studies without one, where images are to be kept."""
    kept: dict[str, list[Path]] = {}
    for path in warehouse.home.studies.glob("*/*"):
        kept.setdefault(path.name.partition(".")[0], []).append(path)
    rows = warehouse.query("study_sources")
    known = {row["study_id"] for row in rows}
    strays = _old(path for one, paths in kept.items() if one not in known for path in paths)
    bare = [one["study_id"] for one in rows if one["study_id"] not in kept and one["imaged"]]
    findings = [Finding("kept images", State.WHOLE, f"{len(kept)} studies have kept files")]
    if strays:
        found = f"{len(strays)} files are of no study: their commit never came"
        todo = f"remove them if their films do not come again; one is {strays[0].name}"
        findings = [Finding("kept images", State.NOTE, found, todo, len(strays))]
    if expected and bare:
        found = f"{len(bare)} studies have no kept image, so they cannot be scored again"
        todo = "harmless where they came before [ingest] keep_images was set; else send them again"
        findings.append(Finding("kept images", State.NOTE, found, todo, len(bare)))
    return findings


def models(warehouse: Warehouse) -> list[Finding]:
    """The files of each registered version against the digests of its card."""
    broken, absent, sound = [], [], 0
    for row in registry(warehouse):
        version = row["model_version"]
        problem = model_problem((warehouse.home.models, SHIPPED), card_of(row))
        if problem is None:
            sound += 1
        elif problem == "is not there" and (row["status"], row["origin"]) != (CHAMPION, ADDED):
            absent.append(version)  # of a shipped champion the next ingest takes the newer one
        else:
            broken.append(f"{version} {problem}")
    if broken:
        todo = "add it again with `pneumowatch models add`, or `models rollback`"
        return [Finding("model files", State.BROKEN, "; ".join(broken), todo, len(broken))]
    found = f"{sound} are what their cards describe"
    if absent:
        found += f"; {len(absent)} of older versions are not here ({', '.join(absent[:3])})"
    return [Finding("model files", State.NOTE if absent else State.WHOLE, found, "", len(absent))]


def _path(root: Path, name: str, relative: bool) -> Path:
    return root / name if relative else Path(name)


def _old(paths: Iterable[Path]) -> list[Path]:
    """Those that no commit under way can be about to name."""
    before = time.time() - FRESH_SECONDS
    return sorted(path for path in paths if path.exists() and path.stat().st_mtime < before)
