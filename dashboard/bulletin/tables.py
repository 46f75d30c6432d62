"""The bulletin's tables: two to read, as display text, and the CSV to count with."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from dashboard.bulletin.contents import MEASURES, Bulletin
from dashboard.bulletin.places import Place, places
from dashboard.formatting import NOTHING, interval, number, percent, period_name
from dashboard.output import csv_text as csv_of
from dashboard.sentences import SUBJECTS, capital, is_count, value_text, why_missing
from warehouse.records import Measure

CHANGE_NOTE = "Change: of adjusted prevalence since the week before, in percentage points."


@dataclass(frozen=True, slots=True)
class Table:
    """A table of display text. `head` is the column that names the row."""

    caption: str
    columns: list[str]
    rows: list[list[str]]
    text_columns: list[int]  # columns of words, set to the left
    head: int
    notes: list[str]


def key_table(bulletin: Bulletin) -> Table:
    """The five measures of the whole network, with interval and the week before."""
    return Table(
        caption=f"All sites, {period_name(bulletin.week, bulletin.last_day)}",
        columns=["Measure", "Estimate", "95% interval", "Counted", "Week before", "Change"],
        rows=[_key_row(bulletin, measure) for measure in MEASURES],
        text_columns=[0],
        head=0,
        notes=_reasons(bulletin.overall(measure) for measure in MEASURES),
    )


def regions_table(bulletin: Bulletin) -> Table:
    """One row a region: X-rays, both shares with their intervals, the change of the second."""
    shown = [bulletin.by_region(measure) for measure in ("xrays", "positivity", "prevalence")]
    return Table(
        caption=f"Regions, {period_name(bulletin.week, bulletin.last_day)}; "
        "shares with their 95% intervals",
        columns=[
            "No.",
            "Region",
            "X-rays",
            "Raw positivity",
            "Adjusted prevalence",
            "Change (points)",
        ],
        rows=[_region_row(bulletin, place) for place in places(bulletin)],
        text_columns=[1],
        head=1,
        notes=[*_reasons(m for measures in shown for m in measures.values()), CHANGE_NOTE],
    )


def csv_text(bulletin: Bulletin) -> str:
    """Every measure of the bulletin, one a row; all columns of `Measure`, empty for none."""
    return csv_of(bulletin.measures, [field.name for field in fields(Measure)])


def subject(name: str) -> str:
    """A measure's name without an article: "bacterial share"."""
    return SUBJECTS[name].removeprefix("the ")


def shown(measure: Measure | None) -> str:
    """A value in a table cell; a dash where there is no measure or no estimate."""
    if measure is None or (measure.estimate is None and not measure.suppressed):
        return NOTHING
    return value_text(measure)


def change(before: Measure | None, after: Measure | None) -> str:
    """The signed difference of two weeks; "none" where both read the same.

    A week that still runs is compared with nothing: it would seem to fall.
    """
    if before is None or after is None or before.suppressed or after.suppressed:
        return NOTHING
    if not after.complete:
        return NOTHING
    if before.estimate is None or after.estimate is None:
        return NOTHING
    if value_text(before) == value_text(after):
        return "none"
    difference = after.estimate - before.estimate
    sign = "+" if difference > 0 else "−"
    if is_count(after.measure):
        return sign + number(abs(difference))
    return f"{sign}{abs(difference) * 100:.1f} points"


def _key_row(bulletin: Bulletin, name: str) -> list[str]:
    now, before = bulletin.overall(name), bulletin.overall(name, bulletin.week_before)
    return [
        capital(subject(name)),
        shown(now),
        interval(now.ci_low, now.ci_high) if now and not now.suppressed else NOTHING,
        _counted(now),
        shown(before),
        change(before, now),
    ]


def _counted(measure: Measure | None) -> str:
    if measure is None or measure.suppressed or not measure.denominator:
        return NOTHING
    return f"{number(measure.numerator)} of {number(measure.denominator)}"


def _region_row(bulletin: Bulletin, place: Place) -> list[str]:
    now = {name: bulletin.by_region(name).get(place.code) for name in MEASURES}
    before = bulletin.by_region("prevalence", bulletin.week_before).get(place.code)
    return [
        str(place.number),
        place.full_name,
        shown(now["xrays"]),
        _with_interval(now["positivity"]),
        _with_interval(now["prevalence"]),
        change(before, now["prevalence"]).removesuffix(" points"),
    ]


def _with_interval(measure: Measure | None) -> str:
    if measure is None or measure.suppressed or measure.estimate is None:
        return shown(measure)
    return f"{shown(measure)} ({percent(measure.ci_low)} to {percent(measure.ci_high)})"


def _reasons(measures: Iterable[Measure | None]) -> list[str]:
    """Why a cell says "suppressed" or a dash: each reason once, with what it is about."""
    about: dict[str, list[str]] = {}
    for measure in measures:
        reason = (measure.missing_reason or why_missing(measure)) if measure else ""
        if measure and reason and measure.measure not in about.setdefault(reason, []):
            about[reason].append(measure.measure)
    return [
        f"{capital(reason)} ({', '.join(subject(name) for name in names)})."
        for reason, names in about.items()
    ]
