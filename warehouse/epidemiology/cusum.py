"""CUSUM for counts: small shifts that last."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warehouse.epidemiology.arguments import Floats, at_least, one_of, series

TRANSFORMS = ("standard", "rossi", "anscombe")


@dataclass(frozen=True, slots=True)
class Cusum:
    """Arrays as long as the counts: the statistic, its alarms and the count that alarms."""

    statistic: Floats
    alarm: NDArray[np.bool_]
    upper_bound: Floats


def cusum(
    counts: ArrayLike,
    reference_value: float,
    decision_interval: float,
    target: ArrayLike,
    transform: str = "standard",
) -> Cusum:
    """One-sided CUSUM of transformed counts, as surveillance's algo.cusum.

    S_t = max(0, S_{t−1} + z_t − k), S_0 = 0; alarm where S_t ≥ h. k is the reference value, h the
    decision interval; z is (y − m)/√m (standard), (y − 3m + 2√(ym))/(2√m) (Rossi et al. 1999,
    doi:10.1002/(SICI)1097-0258(19990830)18:16<2111::AID-SIM171>3.0.CO;2-Q) or
    3/2 (y^⅔ − m^⅔)/m^⅙ (Anscombe). upper_bound is the count at which S would reach h (for
    "standard" rounded up), not below 0. After an alarm S is not set back.

    counts: the monitored points; target m: the in-control mean, one or one a point. From a
    missing count (NaN) on the statistic is NaN, as in R. ValueError for an unknown transform, a
    target that is not above 0, and a target of another length.
    """
    one_of("transform", transform, TRANSFORMS)
    at_least("reference_value", reference_value, 0)
    at_least("decision_interval", decision_interval, 0)
    y = series("counts", counts)
    m = _target(target, y.size)
    steps = _standardised(y, m, transform) - reference_value
    before = np.empty(y.size + 1)
    before[0] = 0.0
    for t, step in enumerate(steps):  # NaN stays NaN
        before[t + 1] = np.maximum(0.0, before[t] + step)
    room = decision_interval + reference_value - before[:-1]
    with np.errstate(invalid="ignore"):
        bound = np.maximum(0.0, _bound(room, m, transform))
        return Cusum(before[1:], before[1:] >= decision_interval, bound)


def _standardised(y: Floats, m: Floats, transform: str) -> Floats:
    if transform == "rossi":
        return np.asarray((y - 3 * m + 2 * np.sqrt(y * m)) / (2 * np.sqrt(m)))
    if transform == "anscombe":
        return np.asarray(1.5 * (y ** (2 / 3) - m ** (2 / 3)) / m ** (1 / 6))
    return (y - m) / np.sqrt(m)


def _bound(room: Floats, m: Floats, transform: str) -> Floats:
    """The count whose standardised value is `room`."""
    if transform == "rossi":
        square = 4 * m**2 + 2 * m**1.5 * room  # below 0 where any count alarms
        bound = 2 * room * np.sqrt(m) + 5 * m - 2 * np.sqrt(np.maximum(square, 0))
        return np.where(square < 0, 0.0, bound)
    if transform == "anscombe":
        return np.asarray(np.maximum(0, 2 / 3 * m ** (1 / 6) * room + m ** (2 / 3)) ** 1.5)
    return np.ceil(np.sqrt(m) * room + m)


def _target(target: ArrayLike, size: int) -> Floats:
    m = np.asarray(target, dtype=np.float64)
    if m.shape not in ((), (size,)):
        raise ValueError(f"target has shape {m.shape}; it is one number or one for each count")
    if not (np.isfinite(m) & (m > 0)).all():
        raise ValueError(f"target is {m.min():g}; an in-control mean is above 0")
    return np.broadcast_to(m, (size,))
