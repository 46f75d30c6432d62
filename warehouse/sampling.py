"""Which X-rays a reader should confirm next: drawn at random within strata, so that it counts.

Readers who choose for themselves look at what is striking, and sensitivity and specificity
from such films are those of striking films. Here every X-ray of the frame has a known
probability above 0 of being drawn; weights of one over it make up for strata that are drawn
more densely (Horvitz and Thompson 1952). Pure: no I/O.

Strata are score × site: fifths of the probability, and a band of its own round the threshold,
where labels are in doubt. Each stratum gets as many as every other, until it is used up.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ingest.errors import UserError

NEAR = 0.1  # within this of the threshold is "near"
FIFTHS = ("0.0-0.2", "0.2-0.4", "0.4-0.6", "0.6-0.8", "0.8-1.0")
LEAST = 2  # of each stratum, where it has so many: one alone shows no spread
Array = np.ndarray


@dataclass(frozen=True, slots=True)
class Drawn:
    """A sample. Arrays are aligned: `at` are indices into the frame, in random order."""

    at: Array
    stratum: list[str]
    drawn: Array  # of the stratum
    frame: Array  # X-rays in the stratum
    by_site: bool  # False: too few to draw for strata of sites

    @property
    def inclusion_probability(self) -> Array:
        """drawn / frame of each one's stratum."""
        return np.asarray(self.drawn / self.frame, dtype=float)


@dataclass(frozen=True, slots=True)
class Weighted:
    """Horvitz-Thompson totals of the frame, and the ratios that they give (NaN: undefined)."""

    true_positives: float
    false_negatives: float
    true_negatives: float
    false_positives: float

    @property
    def sensitivity(self) -> float:
        """TP / (TP + FN)."""
        return _ratio(self.true_positives, self.false_negatives)

    @property
    def specificity(self) -> float:
        """TN / (TN + FP)."""
        return _ratio(self.true_negatives, self.false_positives)


def bands(probability: Array, threshold: Array) -> list[str]:
    """The score band of each X-ray; `probability` and `threshold` are (n,) in [0, 1]."""
    fifth = np.minimum((np.asarray(probability) * 5).astype(int), 4)
    near = np.abs(np.asarray(probability) - threshold) <= NEAR
    return ["near" if close else FIFTHS[at] for at, close in zip(fifth, near, strict=True)]


def draw(band: Sequence[str], site: Sequence[str], n: int, seed: int) -> Drawn:
    """Draws n X-rays (all, where there are fewer) of a frame given by band and site.

    Where n has no room for LEAST of each score × site, strata are of score alone. UserError
    where it has no room for these either.
    """
    if n < 1:
        raise UserError(f"--n {n}: a plan has at least one X-ray")
    rng = np.random.default_rng(seed)
    for by_site in (True, False):
        names = [f"{b} @ {s}" if by_site else b for b, s in zip(band, site, strict=True)]
        strata, member = np.unique(np.asarray(names, dtype=object), return_inverse=True)
        sizes = np.bincount(member, minlength=len(strata))
        if np.minimum(sizes, LEAST).sum() <= n:
            return _drawn(strata, member, sizes, allocation(sizes, n), rng, by_site)
    least = int(np.minimum(sizes, LEAST).sum())
    raise UserError(f"--n {n} has no room for {LEAST} of each score band; ask for {least} or more")


def allocation(sizes: Array, n: int) -> Array:
    """(strata,) how many to draw of each: equal numbers, until a stratum is used up.

    What equal shares leave over goes to the largest strata, one each.
    """
    take = np.zeros_like(sizes)
    left = min(n, int(sizes.sum()))
    while left:
        open_ = np.flatnonzero(take < sizes)
        share = left // len(open_)
        if share == 0:
            largest = open_[np.argsort(-(sizes - take)[open_], kind="stable")][:left]
            take[largest] += 1
            break
        more = np.minimum(share, (sizes - take)[open_])
        take[open_] += more
        left -= int(more.sum())
    return take


def weighted(said: Array, truth: Array, inclusion_probability: Array) -> Weighted:
    """Counts of the whole frame from confirmed X-rays of a plan, each of weight 1/probability.

    `said` and `truth` are (n,) bool: labelled pneumonia, confirmed pneumonia.
    """
    weight = 1 / np.asarray(inclusion_probability, dtype=float)
    said, truth = np.asarray(said, dtype=bool), np.asarray(truth, dtype=bool)
    cells = (said & truth, ~said & truth, ~said & ~truth, said & ~truth)
    return Weighted(*(float(weight[cell].sum()) for cell in cells))


def _drawn(
    strata: Array, member: Array, sizes: Array, take: Array, rng: np.random.Generator, by_site: bool
) -> Drawn:
    chosen = [
        rng.choice(np.flatnonzero(member == stratum), size=number, replace=False)
        for stratum, number in enumerate(take)
    ]
    at = rng.permutation(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=int)
    own = member[at]
    return Drawn(at, [str(strata[one]) for one in own], take[own], sizes[own], by_site)


def _ratio(part: float, rest: float) -> float:
    return part / (part + rest) if part + rest else float("nan")
