"""Tails and quantiles of over-dispersed counts, many at once."""

import numpy as np
from numpy.typing import NDArray

from warehouse.epidemiology.arguments import Floats
from warehouse.epidemiology.proportions import normal_quantile

LARGEST = 1e15


def upper_tail(counts: Floats, mean: Floats, dispersion: Floats) -> Floats:
    """P(Y ≥ count) of counts of that mean and variance dispersion × mean; 1 at a count of 0.

    Poisson where the dispersion is 1, else negative binomial of size mean/(dispersion − 1).
    Arrays of one shape; NaN where any is.
    """
    from scipy.special import betainc, gammainc

    y = np.ceil(counts)
    with np.errstate(divide="ignore", invalid="ignore"):
        poisson = gammainc(np.maximum(y, 1), mean)
        mixed = betainc(np.maximum(y, 1), mean / (dispersion - 1), 1 - 1 / dispersion)
        tail = np.where(dispersion > 1, mixed, poisson)
    tail = np.where(mean == 0, 0.0, tail)
    return np.where(np.isnan(y + mean + dispersion), np.nan, np.where(y <= 0, 1.0, tail))


def quantile(probability: float, mean: Floats, dispersion: Floats) -> Floats:
    """The smallest whole count y with P(Y ≤ y) ≥ probability, of the same distributions.

    Found by bisection on whole numbers; of a mean above 1e15, where neighbouring whole numbers
    are one and the same float, from the normal distribution. NaN where mean or dispersion is NaN
    or infinite.
    """
    mean, dispersion = np.broadcast_arrays(mean, dispersion)
    known = np.isfinite(mean) & np.isfinite(dispersion)
    small = known & (mean < LARGEST) & (dispersion < LARGEST)
    counted = _search(probability, np.where(small, mean, 1.0), np.where(small, dispersion, 1.0))
    with np.errstate(invalid="ignore", over="ignore"):
        normal = mean + normal_quantile(probability) * np.sqrt(mean) * np.sqrt(dispersion)
    return np.asarray(np.where(small, counted, np.where(known, normal, np.nan)))


def _search(probability: float, mean: Floats, dispersion: Floats) -> Floats:
    low = np.full(mean.shape, -1.0)  # P(Y ≤ low) is below the probability, P(Y ≤ high) is not
    high = np.ceil(mean + 10 * np.sqrt(dispersion * mean) + 10)
    while (short := ~_reaches(probability, high, mean, dispersion)).any():
        high = np.where(short, 2 * high, high)
    while ((high - low) > 1).any():
        middle = np.floor((low + high) / 2)
        enough = _reaches(probability, middle, mean, dispersion)
        low, high = np.where(enough, low, middle), np.where(enough, middle, high)
    return np.asarray(high)


def _reaches(probability: float, y: Floats, mean: Floats, dispersion: Floats) -> NDArray[np.bool_]:
    """P(Y ≤ y) ≥ probability, up to the last digits, as R compares."""
    return np.asarray(upper_tail(y + 1, mean, dispersion) <= (1 - probability) * (1 + 1e-13))
