"""Sentences made from measures: every claim in them is true to the numbers that they name.

Pure: measures in, text out. The pages and the bulletin share them. Wherever a number is
rounded for reading, "rose" and "fell" are said only if the rounded numbers differ too.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from math import hypot

from dashboard.formatting import (
    ago,
    count,
    day,
    interval,
    listing,
    number,
    percent,
    period_kind,
    period_name,
    points,
)
from warehouse.records import Freshness, Measure

NOT_A_DIAGNOSIS = (
    "PneumoWatch counts what a computer model says about X-rays. "
    "It is for surveillance only and is never a diagnosis of any person."
)
SUBJECTS = {
    "xrays": "X-rays",
    "positivity": "raw positivity",
    "prevalence": "adjusted prevalence",
    "bacterial_share": "the bacterial share",
    "out_of_scope": "the out-of-scope share",
}
EXPLANATIONS = {
    "xrays": "Readable chest X-rays received, whatever the model said about them.",
    "positivity": "The share of in-scope X-rays that the model calls pneumonia, as counted.",
    "prevalence": (
        "Raw positivity corrected for the model's known misses and false alarms: an estimate of "
        "the share of X-rays that truly show pneumonia."
    ),
    "bacterial_share": "Among X-rays called pneumonia, the share that looks bacterial.",
    "out_of_scope": "X-rays unlike those the model was validated on. They get no label.",
}


def is_count(measure: str) -> bool:
    """Whether the measure's estimate is a number of X-rays, not a share of them."""
    return measure == "xrays"


def value_text(measure: Measure) -> str:
    """The estimate as a reader sees it, or what stands in its place."""
    if measure.suppressed:
        return "suppressed"
    if measure.estimate is None:
        return "not available"
    return number(measure.estimate) if is_count(measure.measure) else percent(measure.estimate)


def why_missing(measure: Measure) -> str:
    """Why there is no estimate, as the end of a sentence; "" where there is one."""
    if measure.suppressed:
        return "withheld because the numbers are small"
    if measure.estimate is not None:
        return ""
    return f"not available ({measure.missing_reason or 'no X-rays in this period'})"


def capital(text: str) -> str:
    """The same text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def in_period(measure: Measure) -> str:
    """ "in the week ending 17 May 2026", "on 14 May 2026" or "in May 2026"."""
    kind = period_kind(measure.period)
    if kind == "week":
        return f"in the week ending {day(measure.period_end)}"
    preposition = "on" if kind == "day" else "in"
    return f"{preposition} {period_name(measure.period, measure.period_end)}"


def beyond_chance(before: Measure, after: Measure) -> bool | None:
    """Whether the 95 % interval of the difference of two shares leaves out 0.

    The interval is made from those of the two shares (Newcombe 1998, method 10); it takes
    them as independent. None where an interval is missing.
    """
    parts = [before.estimate, before.ci_low, before.ci_high]
    parts += [after.estimate, after.ci_low, after.ci_high]
    if any(part is None for part in parts):
        return None
    p0, low0, high0, p1, low1, high1 = (float(part) for part in parts if part is not None)
    low = p1 - p0 - hypot(p1 - low1, high0 - p0)
    high = p1 - p0 + hypot(high1 - p1, p0 - low0)
    return low > 0 or high < 0


def verb(before: Measure, after: Measure) -> str:
    """rose, fell or stayed; by the numbers as they are shown."""
    if value_text(before) == value_text(after):
        return "stayed"
    return "rose" if (after.estimate or 0) > (before.estimate or 0) else "fell"


def change_sentence(before: Measure | None, after: Measure, subject: str | None = None) -> str:
    """What changed from one period to the next, for one measure and one place."""
    what = subject or SUBJECTS.get(after.measure, after.measure)
    kind = period_kind(after.period)
    if missing := why_missing(after):
        return f"{capital(what)} {in_period(after)} {_is(what)} {missing}."
    if before is None or why_missing(before):
        reason = f"that of the {kind} before is {why_missing(before)}" if before else ""
        reason = reason or f"there is nothing from the {kind} before to compare with"
        return f"{capital(what)} {_was(what)} {value_text(after)} {in_period(after)}; {reason}."
    move = verb(before, after)
    if move == "stayed":
        return f"{capital(what)} stayed at {value_text(after)} from one {kind} to the next."
    return (
        f"{capital(what)} {move} from {value_text(before)} to {value_text(after)}"
        f"{_size(before, after)}{_chance(before, after)}."
    )


def change_short(before: Measure | None, after: Measure) -> str:
    """The change in a few words, for a card: "up 3.2 percentage points on the week before"."""
    kind = period_kind(after.period)
    if why_missing(after):
        return ""
    if before is None or why_missing(before):
        return f"no {kind} before to compare with"
    move = verb(before, after)
    if move == "stayed":
        return f"unchanged on the {kind} before"
    difference = abs(float(after.estimate or 0) - float(before.estimate or 0))
    size = number(difference) if is_count(after.measure) else points(difference)
    return f"{'up' if move == 'rose' else 'down'} {size} on the {kind} before"


def _is(what: str) -> str:
    return "are" if what.endswith("s") and what != "us" else "is"


def _was(what: str) -> str:
    return "were" if _is(what) == "are" else "was"


def _size(before: Measure, after: Measure) -> str:
    difference = float(after.estimate or 0) - float(before.estimate or 0)
    if not is_count(after.measure):
        return f", by {points(difference)}"
    return f", by {number(abs(difference))}"


def _chance(before: Measure, after: Measure) -> str:
    beyond = None if is_count(after.measure) else beyond_chance(before, after)
    if beyond is None:
        return ""
    if beyond:
        return ", more than chance alone would explain"
    return ", which chance alone could explain"


def latest_complete(series: Sequence[Measure]) -> Measure | None:
    """The last period that has ended; None where none has."""
    return next((m for m in reversed(ordered(series)) if m.complete), None)


def preceding(series: Sequence[Measure], measure: Measure) -> Measure | None:
    """The period that ends on the day before this one starts, for the same place."""
    eve = measure.period_start - timedelta(days=1)
    same = (m for m in series if (m.region, m.site) == (measure.region, measure.site))
    return next((m for m in same if m.period_end == eve), None)


def ordered(series: Sequence[Measure]) -> list[Measure]:
    """The measures by time."""
    return sorted(series, key=lambda m: m.period_start)


def headline(*series: Sequence[Measure]) -> list[str]:
    """The week in sentences: for each series of one measure, its last complete period.

    Each series is one measure of one place over time, in any order; positivity comes with
    its interval and its change, and adjusted prevalence says why it differs.
    """
    sentences: list[str] = []
    for measures in series:
        latest = latest_complete(measures)
        if latest is not None:
            sentences += [level_sentence(latest, dated=not sentences)]
            sentences += _comparison(measures, latest)
    raw, adjusted = (_latest_of(series, name) for name in ("positivity", "prevalence"))
    if raw and adjusted:
        sentences += [difference_sentence(raw, adjusted)]
    return [sentence for sentence in sentences if sentence]


def _comparison(measures: Sequence[Measure], latest: Measure) -> list[str]:
    before = preceding(measures, latest)
    compared = latest.measure in ("xrays", "positivity") and latest.estimate is not None
    return [change_sentence(before, latest)] if compared and before else []


def _latest_of(series: Sequence[Sequence[Measure]], name: str) -> Measure | None:
    found = [m for measures in series for m in measures if m.measure == name]
    return latest_complete(found)


def level_sentence(measure: Measure, *, dated: bool = True) -> str:
    """One number with its count and interval; `dated` names the period first."""
    what = SUBJECTS.get(measure.measure, measure.measure)
    where = in_period(measure)
    if missing := why_missing(measure):
        return f"{capital(what)} {where} {_is(what)} {missing}."
    if not dated and not is_count(measure.measure):
        return f"{capital(what)} was {value_text(measure)}{_basis(measure)}."
    if is_count(measure.measure):
        found = count(round(measure.estimate or 0), "readable X-ray")
        verb_form = "was" if measure.estimate == 1 else "were"
        return f"{capital(where)}, {found} {verb_form} taken."
    return f"{capital(where)}, {what} was {value_text(measure)}{_basis(measure)}."


def _basis(measure: Measure) -> str:
    parts = []
    if measure.ci_low is not None and measure.ci_high is not None:
        parts.append(f"95% interval {interval(measure.ci_low, measure.ci_high)}")
    if measure.numerator is not None and measure.denominator is not None:
        share = f"{number(measure.numerator)} of {count(measure.denominator, 'X-ray')}"
        parts.append(share if measure.measure != "prevalence" else f"from {share}")
    return f" ({'; '.join(parts)})" if parts else ""


def difference_sentence(raw: Measure, adjusted: Measure) -> str:
    """Why adjusted prevalence is not raw positivity, for one period and place."""
    if adjusted.suppressed or raw.suppressed:
        return ""
    if adjusted.estimate is None or raw.estimate is None:
        return (
            f"Adjusted prevalence is {why_missing(adjusted)}." if adjusted.estimate is None else ""
        )
    shown_raw, shown_adjusted = percent(raw.estimate), percent(adjusted.estimate)
    if shown_raw == shown_adjusted:
        return f"Correcting for the model's misses and false alarms leaves it at {shown_raw}."
    if adjusted.estimate < raw.estimate:
        return (
            f"Adjusted prevalence ({shown_adjusted}) is lower than raw positivity ({shown_raw}) "
            "because the model's false alarms are thought to outnumber its misses."
        )
    return (
        f"Adjusted prevalence ({shown_adjusted}) is higher than raw positivity ({shown_raw}) "
        "because the model's misses are thought to outnumber its false alarms."
    )


def trend_sentence(series: Sequence[Measure], place: str) -> str:
    """A whole line of a chart in one sentence: where it stands, and its highest point."""
    usable = [m for m in ordered(series) if m.estimate is not None and not m.suppressed]
    complete = [m for m in usable if m.complete]
    if not complete:
        return f"{place}: no complete period in this range has a value."
    last = complete[-1]
    what = SUBJECTS.get(last.measure, last.measure)
    text = f"{place}: {what} {_was(what)} {value_text(last)} {in_period(last)}"
    if len(complete) == 1:
        return f"{text}, the only complete period with a value in this range."
    top = max(complete, key=lambda m: (m.estimate or 0, m.period_start))
    if value_text(top) == value_text(last):
        return f"{text}, the highest of {count(len(complete), 'complete period')} shown."
    return f"{text}; the highest shown was {value_text(top)} {in_period(top)}."


def map_sentence(measures: Sequence[Measure], names: dict[str, str]) -> str:
    """The places of one period in one sentence: the highest, the lowest, those without."""
    usable = [m for m in measures if m.estimate is not None and not m.suppressed]
    if not usable:
        return "No place has a value for this period."
    ranked = sorted(usable, key=lambda m: (-(m.estimate or 0), _place(m)))
    top, low = ranked[0], ranked[-1]
    what = capital(SUBJECTS.get(top.measure, top.measure))
    text = f"{what} {_was(what)} {value_text(top)} in {names.get(_place(top), _place(top))}"
    if len(usable) == 1:
        text += ", the only place with a value"
    elif value_text(top) == value_text(low):
        text += f", as in all {len(usable)} places with a value"
    else:
        text = text.replace(f" {value_text(top)}", f" highest ({value_text(top)})", 1)
        text += f" and lowest ({value_text(low)}) in {names.get(_place(low), _place(low))}"
    without = len(measures) - len(usable)
    rest = f" {count(without, 'place')} without a value." if without else ""
    return f"{text}.{rest}"


def _place(measure: Measure) -> str:
    return measure.site or measure.region or ""


def synthetic_sentence(measures: Sequence[Measure]) -> str:
    """How much of what is counted shows no real patient; "" where all of it does.

    Measures of different places or periods add up; never pass two measures of one place
    and period.
    """
    simulated = sum(m.simulated for m in measures)
    generated = sum(m.generated for m in measures)
    if simulated + generated == 0:
        return ""
    total = sum(m.denominator or m.numerator or 0 for m in measures)
    parts = []
    if simulated:
        parts.append(f"{count(simulated, 'simulated score')} without any image")
    if generated:
        parts.append(f"{count(generated, 'computer-generated image')}")
    whole = f"All {count(total, 'X-ray')}" if simulated + generated >= total > 0 else "Some X-rays"
    verb_form = "is" if simulated + generated == total == 1 else "are"
    whole = "The X-ray" if verb_form == "is" else whole
    return f"{whole} counted here {verb_form} not of real patients: {listing(parts)}."


def freshness_sentence(found: Freshness, today: date) -> str:
    """How new the newest X-ray is, said loudly when it is old."""
    if found.last_acquired_at is None:
        return "No X-ray with a usable date has been received yet."
    last = found.last_acquired_at.date()
    text = f"The newest X-ray was taken on {day(last)} ({ago(last, today)})"
    if last > today:
        return f"The newest X-ray is dated {day(last)}, after today: a clock or a date is wrong."
    if (today - last).days > 14:
        return f"{text}. Nothing newer has come in: this is a picture of the past, not of now."
    return f"{text}."
