"""Building the demo's network: history without images, newest weeks as films."""

import csv
import sys
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np

from dashboard.configuration import Configuration
from dashboard.demo.films import Drop, write_films
from dashboard.demo.history import (
    Scores,
    append_history,
    monday_days_of_year,
    predecessor_card,
    times,
)
from dashboard.demo.network import code, regions, sites
from dashboard.intake import Job, Outcome, ingest
from dashboard.progress import Progress
from inference.checkpoint import read_card, shipped_model
from ingest.errors import UserError
from ingest.identity import create_key
from warehouse.home import Home
from warehouse.model_files import install
from warehouse.models import SHIPPED, register
from warehouse.records import Site
from warehouse.simulation import Epidemic, Xrays, draw, epidemic
from warehouse.sites import load_sites
from warehouse.store import Warehouse


@dataclass(frozen=True, slots=True)
class Plan:
    """The network that a demo builds. `today` is UTC; nothing received later has come."""

    weeks: int
    sites: int
    seed: int
    today: date
    fewest_films: int = 1500  # of the newest weeks, as image files through the whole chain

    @property
    def first_day(self) -> date:
        """A Monday; the last of `weeks` whole weeks is the one before this week."""
        this_monday = self.today - timedelta(days=self.today.weekday())
        return this_monday - timedelta(weeks=self.weeks)


def build(home: Path, configuration: Configuration, plan: Plan) -> Outcome:
    """Makes the home and fills it; returns what came of the films. The truth is kept there.

    UserError where a home is there already.
    """
    place = Home(home)
    if configuration.warehouse.on_postgres or configuration.warehouse.data:
        raise UserError(
            "a demo keeps its catalog and data in its own home: unset [warehouse] catalog and data"
        )
    if place.catalog.exists():
        raise UserError(f"{home} is a home already; a demo needs a new one: name it with --home")
    rng = np.random.default_rng(plan.seed)
    network = sites(plan.sites)
    truth = epidemic(monday_days_of_year(plan.first_day, plan.weeks + 1), plan.sites)
    xrays = _arrived(draw(truth, rng), plan)
    newest = xrays.week >= _first_film_week(xrays, plan.fewest_films)
    home.mkdir(parents=True, exist_ok=True)
    if not place.key.exists():
        create_key(place.key)
    with Warehouse.create(home) as warehouse:
        _history(warehouse, xrays.where(~newest), plan, network, rng)
        drop = _films(home / "demo", xrays.where(newest), plan, network, rng)
        write_truth(home / "demo" / "truth_by_week.csv", truth, xrays, network, plan.first_day)
        job = Job((drop.folder,), drop.manifest, source="generated")
        return ingest(warehouse, configuration, job)


def _arrived(xrays: Xrays, plan: Plan) -> Xrays:
    """What has been received by the beginning of today."""
    _, received = times(xrays, plan.first_day)
    return xrays.where(received < np.datetime64(plan.today, "us"))


def _first_film_week(xrays: Xrays, fewest: int) -> int:
    """The week from which on there are enough X-rays to be films."""
    counts = np.bincount(xrays.week)
    from_here = np.cumsum(counts[::-1])[::-1]
    return int(np.flatnonzero(from_here >= min(fewest, len(xrays)))[-1])


def _history(
    warehouse: Warehouse, xrays: Xrays, plan: Plan, network: list[Site], rng: np.random.Generator
) -> None:
    card = read_card(shipped_model())
    load_sites(warehouse, network, regions())
    predecessor = predecessor_card(card, Scores.load(), rng)
    register(warehouse, predecessor, promote=True, origin=SHIPPED)
    install(warehouse, shipped_model(), origin=SHIPPED, promote=True)
    with warehouse.write("simulated history") as transaction:
        written = append_history(
            transaction, xrays, plan.first_day, network, card, rng, plan.weeks + 1
        )
    print(f"wrote {written:,} simulated X-rays without images", file=sys.stderr)


def _films(
    folder: Path, xrays: Xrays, plan: Plan, network: list[Site], rng: np.random.Generator
) -> Drop:
    with Progress(len(xrays), "film") as progress:
        drop = write_films(folder, xrays, plan.first_day, network, rng, progress)
    print(f"generated {len(xrays):,} synthetic radiographs in {drop.folder}", file=sys.stderr)
    return drop


def write_truth(
    path: Path, truth: Epidemic, xrays: Xrays, network: list[Site], first_day: date
) -> None:
    """The demo's known truth by site and week, to hold estimates against.

    `prevalence` is the chance that an X-ray shows pneumonia; `sick` and `xrays` are what
    was drawn and has arrived.
    """
    shape = truth.prevalence.shape
    drawn, sick = np.zeros(shape, dtype=int), np.zeros(shape, dtype=int)
    np.add.at(drawn, (xrays.site, xrays.week), 1)
    np.add.at(sick, (xrays.site, xrays.week), xrays.sick)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["week_start", "site_id", "region", "prevalence", "outbreak", "xrays", "sick"]
        )
        for (site, week), share in np.ndenumerate(truth.prevalence):
            monday = first_day + timedelta(weeks=week)
            writer.writerow(
                [
                    monday.isoformat(),
                    network[site].site_id,
                    code(int(truth.region[site])),
                    round(float(share), 6),
                    bool(truth.outbreak[site, week]),
                    drawn[site, week],
                    sick[site, week],
                ]
            )


def today() -> date:
    """The day in UTC."""
    return datetime.now(UTC).date()
