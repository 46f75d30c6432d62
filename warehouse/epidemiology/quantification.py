"""Quantifiers: the share of positives in a set of scores, without adding up labels."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from warehouse.epidemiology.arguments import Floats, one_of

METHODS = ("CC", "PCC", "ACC", "PACC", "EMQ")


def quantify(
    scores: ArrayLike,
    method: str = "PACC",
    *,
    validation_scores: ArrayLike,
    validation_labels: ArrayLike,
) -> float:
    """Prevalence among films of which only the model's scores are known, as quapy.

    CC: share of scores above 0.5. PCC: mean score. ACC: (CC − FPR)/(TPR − FPR), the rates from
    the validation films (Forman 2008, doi:10.1007/s10618-008-0097-y). PACC: the same with mean
    scores instead of shares (Bella et al. 2010, doi:10.1109/ICDM.2010.75). EMQ: the prevalence
    that expectation-maximisation finds when scores are posteriors under the validation set's
    prevalence (Saerens et al. 2002, doi:10.1162/089976602753284446), until the prevalence changes
    by less than 1e-4. Clamped to [0, 1].

    scores and validation_scores lie in [0, 1]; labels are 0 or 1, one for each validation score.
    NaN where there are no scores, or where the validation's rates do not differ in the right
    direction (ACC, PACC). ValueError for an unknown method, a score outside [0, 1], labels of one
    class only or of another length.
    """
    one_of("method", method, METHODS)
    p = _scores("scores", scores)
    known = _scores("validation_scores", validation_scores)
    labels = _labels(validation_labels, known.size)
    if p.size == 0:
        return math.nan
    if method == "EMQ":
        return _emq(p, float(labels.mean()))
    if method in ("CC", "ACC"):
        p, known = (p > 0.5).astype(np.float64), (known > 0.5).astype(np.float64)
    if method in ("CC", "PCC"):
        return float(p.mean())
    return _adjusted(float(p.mean()), float(known[labels].mean()), float(known[~labels].mean()))


def _adjusted(seen: float, among_positives: float, among_negatives: float) -> float:
    if among_positives <= among_negatives:
        return math.nan
    found = (seen - among_negatives) / (among_positives - among_negatives)
    return min(max(found, 0.0), 1.0)


def _emq(p: Floats, prior: float, change: float = 1e-4, most: int = 1000) -> float:
    prevalence = prior
    for _ in range(most):
        sick, well = prevalence / prior * p, (1 - prevalence) / (1 - prior) * (1 - p)
        total = sick + well
        posterior = np.divide(sick, total, out=np.full(p.size, prevalence), where=total > 0)
        before, prevalence = prevalence, float(posterior.mean())
        if abs(prevalence - before) < change:
            break
    return prevalence


def _scores(name: str, values: ArrayLike) -> Floats:
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or not ((found >= 0) & (found <= 1)).all():
        raise ValueError(f"{name} is one series of numbers from 0 to 1, none missing")
    return found


def _labels(values: ArrayLike, size: int) -> NDArray[np.bool_]:
    found = np.asarray(values)
    if found.shape != (size,):
        raise ValueError(f"validation_labels has shape {found.shape}; validation_scores ({size},)")
    if not np.isin(found, (0, 1)).all() or np.unique(found).size != 2:
        raise ValueError("validation_labels are 0 and 1, with at least one of each")
    return found.astype(bool)
