"""Disclosure control: which counts of one week an audience outside may see. Pure functions.

A cell's four counts are nested: X-rays ⊇ in scope ⊇ positive ⊇ bacterial. Each *level* tells
more of a cell than the one before, and may be withheld by itself:

    level  measures                 counts that are guarded
    0      xrays, out_of_scope      X-rays, and those of them in scope
    1      positivity, prevalence   positive and negative, of those in scope
    2      bacterial_share          bacterial and viral, of the positive

A count of 1 … below − 1 is small. A cell with a small count is withheld at that level and at all
later ones (primary suppression); among the children of a place that is shown, the smallest
others are withheld too until what is withheld adds up to enough to hide in (complementary
suppression); below a place that is withheld, all are. Zero is shown, for no X-ray, or no case, is
nobody's, but where the rest are too few to hide in: to know who is empty would fill the others in.
How many films a model did not judge is no finding about a person, so a small count
out of scope is shown; the count in scope is guarded. docs/disclosure.md says what this
protects from, and what not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from ingest.errors import UserError
from warehouse.records import Measure

AUDIENCES = ("internal", "partner", "public")
LEVEL_OF = {"xrays": 0, "out_of_scope": 0, "positivity": 1, "prevalence": 1, "bacterial_share": 2}
LEVELS = 3

Node = tuple[str | None, ...]  # () the network, (region,), (region, site); or (age group,)


class Counts(NamedTuple):
    """The nested counts of a cell."""

    xrays: int
    in_scope: int
    positive: int
    bacterial: int

    def total(self, level: int) -> int:
        """What is told of a cell before a level (at level 0: X-rays)."""
        return (self.xrays, self.in_scope, self.positive)[level]

    def parts(self, level: int) -> tuple[int, int]:
        """The two counts that a level guards."""
        if level == 0:
            return (self.xrays, self.in_scope)
        inner = self[level + 1]
        return (inner, self[level] - inner)

    def plus(self, other: "Counts") -> "Counts":
        return Counts(*(a + b for a, b in zip(self, other, strict=True)))


NOTHING = Counts(0, 0, 0, 0)


def is_small(counts: Counts, level: int, below: int) -> bool:
    """Whether a count that a level guards lies between 1 and `below` − 1."""
    return any(0 < part < below for part in counts.parts(level))


def first_withheld(cells: Mapping[Node, Counts], below: int) -> dict[Node, int]:
    """For each node of one week's tree the first level that is withheld; LEVELS: none is.

    `cells` holds every node, the root () too; parents are the sums of their children.
    """
    children: dict[Node, list[Node]] = {}
    for node in cells:
        if node:
            children.setdefault(node[:-1], []).append(node)
    first = dict.fromkeys(cells, LEVELS)
    withheld: set[Node] = set()
    for level in range(LEVELS):
        withheld = _withheld(cells, children, withheld, level, below)
        for node in withheld:
            first[node] = min(first[node], level)
    return first


def _withheld(
    cells: Mapping[Node, Counts],
    children: Mapping[Node, list[Node]],
    before: set[Node],
    level: int,
    below: int,
) -> set[Node]:
    """The nodes withheld at a level, `before` those of the level before; from the root down."""
    root: Node = ()
    found = {root} if root in before or is_small(cells[root], level, below) else set()
    for parent in sorted(children, key=len):
        under = {node: cells[node] for node in children[parent]}
        already = before & under.keys()
        if parent in found:  # all, but those whose total is shown to be 0
            found |= already | {n for n, c in under.items() if c.total(level) or level == 0}
        else:
            found |= complemented(under, already, level, below)
    return found


def complemented(
    siblings: Mapping[Node, Counts], already: set[Node], level: int, below: int
) -> set[Node]:
    """Those of a shown parent's children to withhold: the small ones, and company for them."""
    hidden = already | {n for n, c in siblings.items() if is_small(c, level, below)}
    spare = [n for n, c in siblings.items() if n not in hidden and c.total(level)]
    spare.sort(key=lambda n: (siblings[n].total(level), str(n)), reverse=True)
    while hidden and spare and not _covered(siblings, hidden, already, level, below):
        hidden.add(spare.pop())
    crowded = hidden and level == 0 and not _covered(siblings, hidden, already, level, below)
    return set(siblings) if crowded else hidden


def _covered(
    siblings: Mapping[Node, Counts], hidden: set[Node], already: set[Node], level: int, below: int
) -> bool:
    """Whether every hidden cell can take at least `below` + 1 values, as far as totals tell.

    The parent's total less the shown ones is known: it must leave room in each count (one
    X-ray more for each cell, for none of them is empty), and room beside each cell whose own
    total is shown.
    """
    parts = [siblings[node].parts(level) for node in hidden]
    sums = [sum(part) for part in zip(*parts, strict=True)]
    known = [siblings[node].total(level) for node in hidden - already] if level else []
    whole = sum(siblings[node].total(level) for node in hidden)
    beside = whole - max(known, default=0)
    return len(hidden) > 1 and min([*sums, beside]) >= below + len(hidden)


def check_audience(audience: str) -> None:
    """UserError for an audience that is none."""
    if audience not in AUDIENCES:
        raise UserError(f"--audience {audience!r} is not one of {', '.join(AUDIENCES)}")


def small(below: int) -> str:
    """One reason for primary and complementary suppression: to tell them apart would tell."""
    return f"suppressed: a count below {below}, or one that would reveal such a count"


def suppress(measure: Measure, reason: str) -> Measure:
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
        missing_reason=reason,
    )


def rounded(count: int, base: int) -> int:
    """To the nearest multiple of `base`; 0 and 1 change nothing."""
    return (count + base // 2) // base * base if base > 1 else count


def total_of(counts: Iterable[Counts]) -> Counts:
    """The sum of cells."""
    whole = NOTHING
    for one in counts:
        whole = whole.plus(one)
    return whole
