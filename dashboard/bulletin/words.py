"""The bulletin's sentences: headlines, sites, completeness. All from the data."""

from dashboard.bulletin.contents import TREND_WEEKS, Bulletin
from dashboard.bulletin.places import places, silent_sites, site_name
from dashboard.formatting import count, day, listing, moment, number
from dashboard.sentences import (
    beyond_chance,
    capital,
    change_sentence,
    difference_sentence,
    level_sentence,
    map_sentence,
    synthetic_sentence,
    why_missing,
)
from warehouse.records import Measure

NAMED_SITES = 12  # more would bury the page; the CSV has them all
WEEK_KINDS = {"iso": "ISO week", "mmwr": "MMWR week"}
AUDIENCES = {"internal": "Internal", "partner": "Partners", "public": "Public"}

Pair = dict[str, str]


def headlines(bulletin: Bulletin) -> list[str]:
    """The week in a few sentences, each true to the numbers in the tables."""
    if bulletin.empty:
        return [_nothing(bulletin)]
    said = [] if bulletin.complete else [_unfinished(bulletin)]
    xrays, raw, adjusted = (bulletin.overall(m) for m in ("xrays", "positivity", "prevalence"))
    if xrays:
        said.append(level_sentence(xrays))
    if raw:
        said.append(level_sentence(raw, dated=False))
    before = bulletin.overall("positivity", bulletin.week_before)
    if raw and before and bulletin.complete and not (why_missing(raw) or why_missing(before)):
        said.append(change_sentence(before, raw))
    if raw and adjusted:
        said.append(difference_sentence(raw, adjusted))
    said.append(_regions(bulletin))
    return [sentence for sentence in said if sentence]


def banner(bulletin: Bulletin) -> Pair | None:
    """What must be seen first when any counted X-ray shows no real patient."""
    if not bulletin.synthetic:
        return None
    found = bulletin.overall("xrays")
    this_week = synthetic_sentence([found]) if found else ""
    weeks = f"Some of the {TREND_WEEKS} weeks shown count X-rays that are not of real patients."
    return {
        "short": "SIMULATED / GENERATED DATA",
        "title": "SIMULATED / GENERATED DATA.",
        "text": f"{this_week or weeks} They describe no epidemic that took place.",
    }


def site_sentences(bulletin: Bulletin) -> list[str]:
    """How many of the known sites sent X-rays of this week, and which did not."""
    if not bulletin.sites:
        return ["No sites are known to this version; “pneumowatch sites load” loads them."]
    silent, known = silent_sites(bulletin), len(bulletin.sites)
    hidden = sum(m.suppressed for m in bulletin.by_site("xrays").values())
    sent = (
        f"{number(known - len(silent) - hidden)} of {count(known, 'known site')} "
        f"sent X-rays of this week{f'; of {number(hidden)} it is withheld' if hidden else ''}."
    )
    if not silent:
        return [sent]
    named = [site_name(site) for site in silent[:NAMED_SITES]]
    if len(silent) > NAMED_SITES:
        named.append(f"{len(silent) - NAMED_SITES} more (see bulletin.csv)")
    return [sent, f"Silent: {listing(named)}."]


def completeness(bulletin: Bulletin) -> list[str]:
    """What may still change, and what is in no week at all."""
    if not bulletin.version.commit_number:
        return ["The warehouse is empty: nothing has been recorded yet."]
    days = (bulletin.version.recorded_at.date() - bulletin.last_day).days
    ended = (
        f"{count(days, 'day')} after the week's last day" if days > 0 else "before the week ended"
    )
    said = [
        f"Counted from version {bulletin.version.commit_number}, recorded on "
        f"{moment(bulletin.version.recorded_at)}, {ended}. X-rays taken in this week that were "
        "recorded later are not in it; the numbers of recent weeks can still rise.",
    ]
    said += [] if bulletin.complete else [_unfinished(bulletin)]
    said += [sentence for sentence in (_models_changed(bulletin), _undated(bulletin)) if sentence]
    return said


def _regions(bulletin: Bulletin) -> str:
    adjusted = list(bulletin.by_region("prevalence").values())
    raw = list(bulletin.by_region("positivity").values())
    found = raw if all(why_missing(m) for m in adjusted) else adjusted
    names = {p.code or "": p.name for p in places(bulletin)}
    if len(found) < 2 or all(why_missing(m) for m in found):
        return ""
    return f"{map_sentence(found, names)}{_told_apart(found)}"


def _told_apart(measures: list[Measure]) -> str:
    """A highest and a lowest region there always are; chance may have made them."""
    usable = (m for m in measures if not why_missing(m))
    shown = sorted(usable, key=lambda m: m.estimate or 0)
    if len(shown) < 2 or beyond_chance(shown[0], shown[-1]) is not False:
        return ""
    return " Chance alone could explain the difference between these two."


def _nothing(bulletin: Bulletin) -> str:
    last = max((m for m in _weeks_with_xrays(bulletin)), key=lambda m: m.period, default=None)
    hint = f"the last week before it with X-rays is {last.period}" if last else (
        f"there are none in the {TREND_WEEKS - 1} weeks before it either"
    )  # fmt: skip
    return f"No X-ray taken in week {bulletin.week} is in this version; {hint}."


def _weeks_with_xrays(bulletin: Bulletin) -> list[Measure]:
    found = (bulletin.overall("xrays", week) for week in bulletin.trend_weeks)
    return [m for m in found if m and (m.suppressed or m.numerator)]


def _unfinished(bulletin: Bulletin) -> str:
    return (
        f"Week {bulletin.week} was not complete when this version was recorded "
        f"(it ends on {day(bulletin.last_day)}): its numbers will change."
    )


def _models_changed(bulletin: Bulletin) -> str:
    now, before = bulletin.overall("xrays"), bulletin.overall("xrays", bulletin.week_before)
    versions = [m.model_version for m in (before, now) if m and m.model_version]
    if len(set(versions)) < 2:
        return ""
    then, now_by = (version.replace("+", " and ") for version in versions)
    return (
        f"The X-rays of the week before were labelled by {then}, those of this week by {now_by}: "
        "part of a change may be the model's."
    )


def _undated(bulletin: Bulletin) -> str:
    """The number itself only for the owner of the data: it may be small."""
    known = bulletin.audience == "internal" and bulletin.freshness.no_date
    some = f"{count(bulletin.freshness.no_date, 'X-ray')}" if known else "X-rays"
    return f"{capital(some)} without a plausible date of their own are in no week." if (
        bulletin.freshness.no_date
    ) else ""  # fmt: skip
