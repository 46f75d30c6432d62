"""Measures: SQL counts, Python estimates, disclosure control comes last.

Every page, bulletin, download and command gets its numbers from `compute`, so that none can
show another number than the next, or go round the suppression.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date

from ingest.errors import UserError
from warehouse.disclosure import LEVEL_OF, LEVELS, check_audience, suppress
from warehouse.epidemiology import wilson_interval
from warehouse.outside import WHOLE_WEEKS, OutsideRow, outside_rows, weekly_question
from warehouse.periods import PERIODS, following, label, last_day
from warehouse.prevalence import Classifiers, adjusted_prevalence, classifiers
from warehouse.records import Estimate, Measure, Version
from warehouse.request import MeasureRequest as MeasureRequest
from warehouse.settings import WarehouseSettings
from warehouse.sites import current_sites
from warehouse.store import Row, Warehouse
from warehouse.versions import resolve

DIMENSIONS = ("region", "site", "age_group", "sex")
PLANNED = ("standardised_prevalence", "incidence_proxy", "completeness", "nowcast")
NO_XRAYS = "no X-rays in this period"
NO_LABELLED = "no X-rays in the model's scope"


Estimator = Callable[[Row, Classifiers], Estimate]


def compute(
    warehouse: Warehouse, request: MeasureRequest, settings: WarehouseSettings | None = None
) -> list[Measure]:
    """The measures that a request asks for, ordered by period, place and stratum.

    A place that sent nothing in a period between the first and the last one asked for (or
    seen) has a row that says so. Studies without a date are in no period. UserError for an
    unknown measure, period, dimension, audience, week system or version.
    """
    return compute_all(warehouse, request, (request.measure,), settings)[request.measure]


def compute_all(
    warehouse: Warehouse,
    request: MeasureRequest,
    names: Sequence[str],
    settings: WarehouseSettings | None = None,
) -> dict[str, list[Measure]]:
    """`compute` for several measures at the price of one: the X-rays are counted once.

    `names` stand in the place of `request.measure`.
    """
    settings = settings or WarehouseSettings()
    asked = [replace(request, measure=name) for name in names]
    estimators = [_check(one) for one in asked]
    version = resolve(warehouse, request.as_of)
    rows = _counted(warehouse, request, version, settings)
    known = classifiers(warehouse, version.commit_number)
    found: dict[str, list[Measure]] = {}
    for one, estimator in zip(asked, estimators, strict=True):
        measures = [_disclosed(one, row, estimator, known, version) for row in rows]
        found[one.measure] = sorted(measures, key=_order)
    return found


def _counted(
    warehouse: Warehouse, request: MeasureRequest, version: Version, settings: WarehouseSettings
) -> list[OutsideRow]:
    """Rows of counts, silent places too, with what the audience may not see of each."""
    if request.audience == "internal":
        rows = _with_silent(warehouse, request, version)
        return [OutsideRow(row, LEVELS, "") for row in rows]
    weekly = weekly_question(request, settings)
    return outside_rows(request, _with_silent(warehouse, weekly, version), settings)


def _with_silent(warehouse: Warehouse, request: MeasureRequest, version: Version) -> list[Row]:
    rows = warehouse.query("counts", **_parameters(request, version))
    return rows + list(_silent(warehouse, request, rows, version))


def _disclosed(
    request: MeasureRequest,
    counted: OutsideRow,
    estimator: Estimator,
    known: Classifiers,
    version: Version,
) -> Measure:
    """The measure of a row as its audience may see it. Nothing leaves but through here."""
    measure = _measure(request, counted.row, estimator(counted.row, known), version)
    if request.audience == "internal":
        return measure
    if request.period == "month":
        measure = replace(measure, method=f"{measure.method}, {WHOLE_WEEKS}")
    why = counted.why(request.measure, LEVEL_OF[request.measure])
    return suppress(measure, why) if why else measure


def count_xrays(row: Row, _known: Classifiers) -> Estimate:
    """X-rays: readable studies. A count needs no interval."""
    return Estimate(row["xrays"], None, float(row["xrays"]), None, None, "count")


def positivity(row: Row, _known: Classifiers) -> Estimate:
    """Raw positive share of the X-rays in scope, Wilson interval. Not a prevalence."""
    return _share(row["positive"], row["in_scope"], row)


def bacterial_share(row: Row, _known: Classifiers) -> Estimate:
    """Share of the positive X-rays that look rather bacterial than viral, Wilson interval."""
    return _share(row["bacterial"], row["positive"], row, "no X-rays labelled pneumonia")


def out_of_scope(row: Row, _known: Classifiers) -> Estimate:
    """Share of the X-rays that are unlike what the model was validated on, Wilson interval."""
    return _share(row["xrays"] - row["in_scope"], row["xrays"], row)


def prevalence(row: Row, known: Classifiers) -> Estimate:
    """Share of X-rays with pneumonia, adjusted for sensitivity and specificity."""
    if not row["in_scope"]:
        return Estimate(row["positive"], 0, None, None, None, "Lang-Reiczigel", _why_empty(row))
    return adjusted_prevalence(row, known)


MEASURES: dict[str, Estimator] = {
    "xrays": count_xrays,
    "positivity": positivity,
    "prevalence": prevalence,
    "bacterial_share": bacterial_share,
    "out_of_scope": out_of_scope,
}


def _share(numerator: int, denominator: int, row: Row, empty: str | None = None) -> Estimate:
    if not denominator:
        reason = _why_empty(row) if not row["xrays"] or not empty else empty
        return Estimate(numerator, 0, None, None, None, "Wilson", reason)
    low, high = wilson_interval(numerator, denominator)
    return Estimate(
        numerator, denominator, numerator / denominator, float(low), float(high), "Wilson"
    )


def _why_empty(row: Row) -> str:
    return NO_LABELLED if row["xrays"] else NO_XRAYS


def _check(request: MeasureRequest) -> Estimator:
    if request.measure in PLANNED:
        raise UserError(
            f"the measure {request.measure} is not in this version; "
            f"it has {', '.join(sorted(MEASURES))}"
        )
    if request.measure not in MEASURES:
        raise UserError(f"{request.measure!r} is not a measure; {', '.join(sorted(MEASURES))} are")
    if request.period not in PERIODS:
        raise UserError(f"--period {request.period!r} is not one of {', '.join(PERIODS)}")
    if request.epiweek not in ("iso", "mmwr"):
        raise UserError(f"--epiweek {request.epiweek!r} is not iso or mmwr")
    check_audience(request.audience)
    for dimension in request.by:
        if dimension not in DIMENSIONS:
            raise UserError(f"--by {dimension!r} is not one of {', '.join(DIMENSIONS)}")
    if request.start and request.end and request.start > request.end:
        raise UserError(f"--from {request.start} is later than --to {request.end}")
    return MEASURES[request.measure]


def _parameters(request: MeasureRequest, version: Version) -> dict[str, object]:
    return {
        "commit": version.commit_number,
        "period": request.period,
        "mmwr": request.epiweek == "mmwr",
        "first": request.start,
        "last": request.end,
        "regions": list(request.regions) or None,
        "sites": list(request.sites) or None,
        "by_region": "region" in request.by,
        "by_site": "site" in request.by,
        "by_age": "age_group" in request.by,
        "by_sex": "sex" in request.by,
    }


def _silent(
    warehouse: Warehouse, request: MeasureRequest, rows: list[Row], version: Version
) -> Iterator[Row]:
    """Empty rows for the places that sent nothing in a period; none where strata are asked for."""
    if not rows or {"age_group", "sex"} & set(request.by):
        return
    seen = {(row["period_start"], row["region"], row["site_id"]) for row in rows}
    starts = sorted({row["period_start"] for row in rows})
    places = _places(warehouse, request, version)
    start = starts[0]
    while start <= starts[-1]:
        for region, site in places:
            if (start, region, site) not in seen:
                yield _empty_row(start, region, site)
        start = following(start, request.period)


def _places(
    warehouse: Warehouse, request: MeasureRequest, version: Version
) -> list[tuple[str | None, str | None]]:
    """(region, site) of each known place that the request is about."""
    by_region, by_site = "region" in request.by, "site" in request.by
    places: dict[tuple[str | None, str | None], None] = {}
    for site in current_sites(warehouse, version.commit_number):
        if request.regions and site.region not in request.regions:
            continue
        if request.sites and site.site_id not in request.sites:
            continue
        places[site.region if by_region else None, site.site_id if by_site else None] = None
    return list(places)


def _empty_row(start: date, region: str | None, site: str | None) -> Row:
    counts = dict.fromkeys(
        ("xrays", "in_scope", "positive", "bacterial", "simulated", "generated"), 0
    )
    return {
        "period_start": start,
        "region": region,
        "site_id": site,
        "age_group": None,
        "sex": None,
        "model_versions": [],
        "classifiers": [],
        **counts,
    }


def _measure(request: MeasureRequest, row: Row, found: Estimate, version: Version) -> Measure:
    start = row["period_start"]
    end = last_day(start, request.period)
    strata = [(name, row[name]) for name in ("age_group", "sex") if name in request.by]
    return Measure(
        measure=request.measure,
        period=label(start, request.period, request.epiweek),
        period_start=start,
        period_end=end,
        region=row["region"],
        site=row["site_id"],
        stratum=";".join(f"{name}={value}" for name, value in strata) or None,
        numerator=found.numerator,
        denominator=found.denominator,
        estimate=found.estimate,
        ci_low=found.low,
        ci_high=found.high,
        method=found.method,
        model_version="+".join(row["model_versions"]) or None,
        as_of=version.commit_number,
        complete=end < version.recorded_at.date(),
        suppressed=False,
        missing_reason=found.missing_reason,
        simulated=row["simulated"],
        generated=row["generated"],
    )


def _order(measure: Measure) -> tuple[date, str, str, str]:
    return (
        measure.period_start,
        measure.region or "",
        measure.site or "",
        measure.stratum or "",
    )
