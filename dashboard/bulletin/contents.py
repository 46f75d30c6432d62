"""What a bulletin says, before anything is said: one week's measures, gathered once.

HTML, PDF, CSV and manifest are all made from one `Bulletin`, so they cannot disagree.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta

from dashboard.bulletin.weeks import week_before, week_in_question
from warehouse.freshness import freshness
from warehouse.measures import MeasureRequest, compute, compute_all
from warehouse.periods import period_bounds, week_label
from warehouse.records import Freshness, Measure, Region, Site, Version
from warehouse.settings import WarehouseSettings
from warehouse.sites import current_regions, current_sites
from warehouse.store import Warehouse, software_version
from warehouse.versions import resolve

MEASURES = ("xrays", "positivity", "prevalence", "bacterial_share", "out_of_scope")
TREND_WEEKS = 52
DECIMALS = 6


@dataclass(frozen=True, slots=True)
class BulletinRequest:
    """Which bulletin: the week (None: the last complete one), the version, the readers."""

    week: str | None = None
    as_of: str | None = None  # a commit number or a time; None is the newest version
    audience: str = "public"
    epiweek: str = "iso"


@dataclass(frozen=True, slots=True)
class Bulletin:
    """All that one bulletin knows. `measures` are the rows of its CSV, in order."""

    week: str
    week_before: str
    first_day: date
    last_day: date
    epiweek: str
    audience: str
    version: Version
    software_version: str
    trend_weeks: tuple[str, ...]  # oldest first, the bulletin's own week last
    measures: tuple[Measure, ...]
    regions: tuple[Region, ...]
    sites: tuple[Site, ...]
    freshness: Freshness
    synthetic: bool  # some X-ray counted in any of its weeks shows no real patient

    @property
    def complete(self) -> bool:
        """The week had ended everywhere when the version was recorded."""
        found = self.overall("xrays")
        return found.complete if found else self.last_day < self.version.recorded_at.date()

    @property
    def empty(self) -> bool:
        """No X-ray of this week is in this version."""
        found = self.overall("xrays")
        return found is None or (not found.suppressed and not found.numerator)

    @property
    def model_versions(self) -> tuple[str, ...]:
        """The models whose labels were counted in any number of the bulletin."""
        named = (m.model_version for m in self.measures if m.model_version)
        return tuple(sorted({version for text in named for version in text.split("+")}))

    def overall(self, measure: str, week: str | None = None) -> Measure | None:
        """The whole network's value in a week (default: the bulletin's own)."""
        return next(self._find(measure, week or self.week, by_region=False, by_site=False), None)

    def by_region(self, measure: str, week: str | None = None) -> dict[str | None, Measure]:
        """Region code to value; None is the region of sites that have none."""
        found = self._find(measure, week or self.week, by_region=True, by_site=False)
        return {m.region: m for m in found}

    def by_site(self, measure: str) -> dict[str, Measure]:
        """Site id to value, this week."""
        found = self._find(measure, self.week, by_region=False, by_site=True)
        return {m.site: m for m in found if m.site is not None}

    def _find(
        self, measure: str, week: str, *, by_region: bool, by_site: bool
    ) -> Iterator[Measure]:
        for m in self.measures:
            places = (m.region is not None, m.site is not None)
            if m.measure == measure and m.period == week and places == (by_region, by_site):
                yield m


def gather(
    warehouse: Warehouse, request: BulletinRequest, settings: WarehouseSettings | None = None
) -> Bulletin:
    """Reads everything for one bulletin from one version of the warehouse.

    Raises UserError for a week or a version that is none.
    """
    version = resolve(warehouse, request.as_of)
    week = week_in_question(request.week, version.recorded_at, request.epiweek)
    first_day, last_day = period_bounds(week, request.epiweek)
    asked = _question(request, version, first_day, last_day)
    measures = tuple(_measures(warehouse, asked, settings))
    return Bulletin(
        week=week,
        week_before=week_before(week, request.epiweek),
        first_day=first_day,
        last_day=last_day,
        epiweek=request.epiweek,
        audience=request.audience,
        version=version,
        software_version=software_version(),
        trend_weeks=trend_weeks(first_day, request.epiweek),
        measures=measures,
        regions=tuple(current_regions(warehouse, version.commit_number)),
        sites=tuple(current_sites(warehouse, version.commit_number)),
        freshness=freshness(warehouse, version.commit_number),
        synthetic=_synthetic(warehouse, asked, settings, measures),
    )


def trend_weeks(first_day: date, epiweek: str) -> tuple[str, ...]:
    """The labels of the last 52 weeks, the one that begins on `first_day` last."""
    starts = (first_day - timedelta(weeks=ago) for ago in reversed(range(TREND_WEEKS)))
    return tuple(week_label(start, epiweek) for start in starts)


def rounded(measure: Measure) -> Measure:
    """The same with six decimals: further ones may differ from machine to machine."""
    cut = {
        name: round(value, DECIMALS)
        for name in ("estimate", "ci_low", "ci_high")
        if (value := getattr(measure, name)) is not None
    }
    return replace(measure, **cut)


def _question(
    request: BulletinRequest, version: Version, first: date, last: date
) -> MeasureRequest:
    """Weeks of the whole network, from 52 weeks back to the bulletin's own."""
    return MeasureRequest(
        period="week",
        by=(),
        start=first - timedelta(weeks=TREND_WEEKS - 1),
        end=last,
        as_of=version.commit_number,
        epiweek=request.epiweek,
        audience=request.audience,
    )


def _measures(
    warehouse: Warehouse, asked: MeasureRequest, settings: WarehouseSettings | None
) -> Iterator[Measure]:
    """The network over 52 weeks, regions in two of them, sites in one."""
    assert asked.start is not None
    for by, skipped in (((), 0), (("region",), TREND_WEEKS - 2), (("site",), TREND_WEEKS - 1)):
        narrowed = replace(asked, by=by, start=asked.start + timedelta(weeks=skipped))
        for found in compute_all(warehouse, narrowed, MEASURES, settings).values():
            yield from map(rounded, found)


def _synthetic(
    warehouse: Warehouse,
    asked: MeasureRequest,
    settings: WarehouseSettings | None,
    measures: Iterable[Measure],
) -> bool:
    """Yes or no. Where a count is hidden the answer is asked of the unsuppressed ones: a small
    week must not lose its banner. Nothing but the answer leaves this function."""
    if any(m.simulated or m.generated for m in measures):
        return True
    if not any(m.suppressed for m in measures):
        return False
    all_seen = replace(asked, measure="xrays", audience="internal")
    return any(m.simulated or m.generated for m in compute(warehouse, all_seen, settings))
