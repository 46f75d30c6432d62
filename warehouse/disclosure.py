"""Small-number suppression: the last thing that happens to a measure before anyone sees it.

Primary suppression only: a cell is blanked where its numerator, or what is left of its
denominator, lies between 1 and the threshold. It does not yet keep a cell from being
worked out by subtraction from overlapping tables.
"""

from collections.abc import Iterable
from dataclasses import replace

from ingest.errors import UserError
from warehouse.records import Measure

AUDIENCES = ("internal", "partner", "public")


def disclose(measures: Iterable[Measure], audience: str, below: int) -> list[Measure]:
    """The measures as an audience may see them; internal sees everything.

    `below` is the smallest count that may be shown. UserError for an unknown audience.
    """
    if audience not in AUDIENCES:
        raise UserError(f"--audience {audience!r} is not one of {', '.join(AUDIENCES)}")
    if audience == "internal":
        return list(measures)
    return [
        suppress(measure, below) if is_small(measure, below) else measure for measure in measures
    ]


def is_small(measure: Measure, below: int) -> bool:
    """True where the numerator or its complement is 1 … below − 1, or the total is."""
    counts = [measure.numerator, measure.denominator]
    if measure.numerator is not None and measure.denominator is not None:
        counts.append(measure.denominator - measure.numerator)
    return any(count is not None and 0 < count < below for count in counts)


def suppress(measure: Measure, below: int) -> Measure:
    """The same cell with every number blanked and the reason said."""
    return replace(
        measure,
        numerator=None,
        denominator=None,
        estimate=None,
        ci_low=None,
        ci_high=None,
        simulated=0,
        generated=0,
        suppressed=True,
        missing_reason=f"suppressed: a count below {below}",
    )
