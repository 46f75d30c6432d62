"""Rates that are comparable between populations of different make-up."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from warehouse.epidemiology.arguments import Floats, share


@dataclass(frozen=True, slots=True)
class StandardisedRate:
    """A crude and a directly standardised rate (events per unit of population).

    Each is a float for one area, or an array for many. NaN where a stratum that the standard
    weighs has no population: nothing is known of its rate.
    """

    crude: Floats
    crude_low: Floats
    crude_high: Floats
    estimate: Floats
    low: Floats
    high: Floats


def direct_standardisation(
    events: ArrayLike, population: ArrayLike, standard: ArrayLike, level: float = 0.95
) -> StandardisedRate:
    """Direct standardisation with Fay and Feuer's gamma interval.

    events x and population n have strata along the last axis and may have areas before it;
    standard holds one weight a stratum, in any unit. With w the weights that sum to 1:
    R = Σ w x/n, v = Σ w² x/n², w_m = max w/n; low Γ⁻¹(α/2; shape R²/v, scale v/R), high
    Γ⁻¹(1 − α/2; shape (R + w_m)²/(v + w_m²), scale (v + w_m²)/(R + w_m)). Fay & Feuer 1997,
    doi:10.1002/(SICI)1097-0258(19970415)16:7<791::AID-SIM500>3.0.CO;2-#. The crude rate has the
    exact Poisson interval (Garwood 1936). ValueError for shapes that do not fit, for negative
    numbers, NaN, a standard that is all 0, and events where there is no population.
    """
    tail = (1 - share("level", level)) / 2
    x, n, weights = _aligned(events, population, standard)
    with np.errstate(divide="ignore", invalid="ignore"):
        unit = np.where(weights > 0, weights / weights.sum() / n, 0.0)
        unit = np.where((n == 0) & (weights > 0), np.nan, unit)
        rate, variance = (unit * x).sum(-1), (unit**2 * x).sum(-1)
        widest = unit.max(-1)
        low, _ = _gamma_limits(rate, variance, tail)
        _, high = _gamma_limits(rate + widest, variance + widest**2, tail)
        total, people = x.sum(-1), n.sum(-1)
        crude_low, _ = _gamma_limits(total, total, tail)
        _, crude_high = _gamma_limits(total + 1, total + 1, tail)
        people = np.where(people == 0, np.nan, people)
        crude = (total / people, crude_low / people, crude_high / people)
    return StandardisedRate(*(value[()] for value in (*crude, rate, low, high)))


def _gamma_limits(mean: Floats, variance: Floats, tail: float) -> tuple[Floats, Floats]:
    """Both quantiles of the gamma distribution of that mean and variance; 0 where they are 0."""
    from scipy.special import gammaincinv

    scale = variance / mean
    shape = mean / scale
    limits = (scale * gammaincinv(shape, q) for q in (tail, 1 - tail))
    low, high = (np.where(mean == 0, 0.0, limit) for limit in limits)
    return low, high


def _aligned(
    events: ArrayLike, population: ArrayLike, standard: ArrayLike
) -> tuple[Floats, Floats, Floats]:
    x, n = np.asarray(events, dtype=np.float64), np.asarray(population, dtype=np.float64)
    weights = np.asarray(standard, dtype=np.float64)
    if weights.ndim != 1 or x.ndim == 0 or x.shape[-1] != weights.size or x.shape != n.shape:
        raise ValueError(
            f"events has shape {x.shape}, population {n.shape}, standard {weights.shape}; "
            "the last axis of each is the strata"
        )
    for name, values in (("events", x), ("population", n), ("standard", weights)):
        if not (np.isfinite(values) & (values >= 0)).all():
            raise ValueError(f"{name} holds a number that is negative, infinite or missing")
    if weights.sum() == 0:
        raise ValueError("standard is all 0; it weighs the strata")
    if ((n == 0) & (x > 0)).any():
        raise ValueError(f"events are {x[(n == 0) & (x > 0)][0]:g} where population is 0")
    return x, n, weights
