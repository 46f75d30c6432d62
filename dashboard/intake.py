"""The chain that `ingest` and `demo` both run: files → Studies → Predictions → rows."""

import functools
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from dashboard.champion import ensure_model
from dashboard.configuration import Configuration
from dashboard.progress import Progress
from dashboard.terminal import say
from inference.device import resolve
from inference.kept_film import film_png
from inference.preprocess import prepare
from inference.records import ModelCard, SiteCalibration
from inference.settings import InferenceSettings
from ingest.discover import Discovery, discover
from ingest.identity import load_key
from ingest.inputs import Input
from ingest.manifest import Manifest, read_manifest
from ingest.problem import Problem
from ingest.reader import ReaderSettings
from ingest.records import Rejection, Study
from ingest.settings import IngestSettings
from ingest.workers import read_with
from warehouse.images import keep
from warehouse.pipeline import Tally, drain
from warehouse.site_calibrations import in_force
from warehouse.sites import current_sites
from warehouse.store import Warehouse

SHOWN = 20  # refusals that are named on standard error; the rest are counted
REMEMBERED = 50_000  # names of films between decoding and their forward pass


@dataclass(frozen=True, slots=True)
class Job:
    """What to ingest and how."""

    paths: tuple[Path, ...]
    manifest: Path | None = None
    site_id: str | None = None
    device: str = "auto"
    workers: int | None = None
    source: str | None = None  # overrides the Study's source: generated X-rays say so


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    tally: Tally
    model_version: str
    device: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """The JSON of `pneumowatch ingest`."""
        tally, rate = self.tally, self.tally.received / self.seconds if self.seconds else 0.0
        return {
            "received": tally.received,
            "predicted": tally.predicted,
            "duplicates": tally.duplicates,
            "rejected": tally.rejected,
            "by_reason": dict(sorted(tally.by_reason.items())),
            "model_version": self.model_version,
            "device": self.device,
            "seconds": round(self.seconds, 3),
            "images_per_second": round(rate, 2),
        }


def ingest(warehouse: Warehouse, configuration: Configuration, job: Job) -> Outcome:
    """Runs a job to its end; raises UserError before the first file if it cannot begin."""
    began = time.monotonic()
    manifest = _manifest(job.manifest)
    found = _discover(warehouse, job, manifest)
    champion = ensure_model(warehouse)
    card = champion.card
    calibrations = in_force(warehouse, card.model_version)
    key = load_key(warehouse.home.key)
    device = resolve(job.device)
    reader = reader_settings(configuration, key, card, job.source)
    reader = keeping(reader, configuration.ingest)
    refusals = Refusals()
    results = read_with(found, reader, _caps(configuration, job))
    with Progress(found.count(), "film") as progress:
        tally = drain(
            warehouse,
            refusals.watch(results),
            lambda: open_predictor(champion.path, configuration.inference, device, calibrations),
            key,
            configuration.warehouse,
            batch=configuration.inference.batch_on(device),
            wait_seconds=configuration.inference.wait_seconds,
            progress=progress,
            keep=functools.partial(keep, warehouse.home),
            refused=refusals.say,
        )
    refusals.close()
    if found.unmatched:
        say(f"passed over {found.unmatched} manifest rows with no file under the paths given")
    seconds = time.monotonic() - began
    return Outcome(tally, card.model_version, device, seconds)


def reader_settings(
    configuration: Configuration, key: bytes, card: ModelCard, source: str | None = None
) -> ReaderSettings:
    """How one film is read for this model."""
    shrink = functools.partial(prepare, size=card.input_size)
    return ReaderSettings.of(configuration.ingest, key, shrink, source=source)


def keeping(settings: ReaderSettings, configured: IngestSettings) -> ReaderSettings:
    """The same, with the image of each film where the configuration has images kept."""
    if not configured.keep_images:
        return settings
    return replace(settings, keep=functools.partial(film_png, side=configured.keep_side))


class Refusals:
    """Names the first refused files on standard error, where alone a name may show."""

    def __init__(self) -> None:
        self._count = 0
        self._names: dict[str, str] = {}  # of films that the model has not judged yet

    def watch(
        self, results: Iterable[tuple[Input, Study | Rejection]]
    ) -> Iterator[Study | Rejection]:
        """The outcomes, one by one."""
        for item, outcome in results:
            if isinstance(outcome, Rejection):
                self._say(item.name, outcome)
            else:
                self._remember(outcome.study_id, item.name)
            yield outcome

    def say(self, study_id: str, problem: Problem) -> None:
        """A film that could be read was refused by the model."""
        self._say(self._names.get(study_id, "a film"), problem)

    def close(self) -> None:
        if self._count > SHOWN:
            say(f"… and {self._count - SHOWN} more; `pneumowatch rejections` lists them")

    def _remember(self, study_id: str, name: str) -> None:
        """Only as many as can be under way: memory does not grow with the number of files."""
        self._names[study_id] = name
        if len(self._names) > REMEMBERED:
            del self._names[next(iter(self._names))]

    def _say(self, name: str, refused: Rejection | Problem) -> None:
        self._count += 1
        if self._count <= SHOWN:
            say(f"refused {name!r}: {refused.reason.value}: {refused.sentence}")


def _manifest(path: Path | None) -> Manifest | None:
    if path is None:
        return None
    manifest = read_manifest(path)
    for error in manifest.errors[:SHOWN]:
        say(f"{path}, {error}")
    if len(manifest.errors) > SHOWN:
        say(f"… and {len(manifest.errors) - SHOWN} more bad cells in {path}")
    return manifest


def _discover(warehouse: Warehouse, job: Job, manifest: Manifest | None) -> Discovery:
    zones = {site.site_id: site.time_zone for site in current_sites(warehouse)}
    return discover(job.paths, manifest, job.site_id, zones, zones.keys())


def _caps(configuration: Configuration, job: Job) -> IngestSettings:
    """The configuration's, with the number of workers that the command line asks for."""
    if job.workers is None:
        return configuration.ingest
    return replace(configuration.ingest, workers=job.workers)


def open_predictor(
    model: Path,
    settings: InferenceSettings,
    device: str,
    calibrations: Mapping[str, SiteCalibration] | None = None,
) -> Any:
    """A model on a device, under the configuration's settings."""
    from inference.predictor import Predictor

    batch = settings.batch_on(device)
    return Predictor(model, device, batch, settings.threads, calibrations)
