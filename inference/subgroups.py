"""An evaluation by subgroup, and AUROC among films that differ in nothing but the disease.

A pooled figure hides a bad subgroup, and flatters a model that knows the hospital or the
bedside rather than the disease: pairs of films of one source and one view cannot.
"""

from collections.abc import Callable

import numpy as np

from inference.datasets import Film
from inference.intervals import within
from inference.judged import Judged
from inference.operating import keyed, summary
from ingest.values import parse_age, parse_sex, parse_view, plausible_age

UNKNOWN = "unknown"
AGE_GROUPS = ((5, "0-4"), (15, "5-14"), (45, "15-44"), (65, "45-64"))  # as the measures have them
OLDEST = "65+"
ORDER = (*(name for _, name in AGE_GROUPS), OLDEST)
MATCHED = {
    "within_source": ("source",),
    "within_view": ("view",),
    "within_source_and_view": ("source", "view"),
}


def age_group(film: Film) -> str:
    """The age group that the warehouse counts under, or unknown."""
    years, _ = plausible_age(parse_age(film.age))
    if years is None:
        return UNKNOWN
    return next((name for limit, name in AGE_GROUPS if years < limit), OLDEST)


def site(film: Film) -> str:
    """The index's `site_id`, or its `site`."""
    return (film.extra.get("site_id") or film.extra.get("site") or "").strip() or UNKNOWN


GROUPINGS: dict[str, Callable[[Film], str]] = {
    "age_group": age_group,
    "sex": lambda film: parse_sex(film.sex) or UNKNOWN,
    "view": lambda film: parse_view(film.view) or UNKNOWN,
    "source": lambda film: film.source,
    "site": site,
}


def subgroups(judged: Judged) -> dict[str, dict[str, dict[str, object]]]:
    """For each grouping of which the data set knows something: a summary of each group."""
    return {
        name: groups
        for name in GROUPINGS
        if set(groups := _by(judged, group_names(judged, name))) != {UNKNOWN}
    }


def matched(judged: Judged) -> dict[str, dict[str, object]]:
    """Films of one view alone, and AUROC within sources, views, and sources and views.

    What has no pair of a sick and a healthy film is left out.
    """
    views = group_names(judged, "view")
    result: dict[str, dict[str, object]] = {}
    for view in ("AP", "PA"):
        if (chosen := views == view).any():
            result[f"{view}_only"] = summary(judged.of(chosen))
    for name, keys in MATCHED.items():
        if found := _matched(judged, keys):
            result[name] = found
    return result


def group_names(judged: Judged, grouping: str) -> np.ndarray:
    """(n,) names of the films' groups."""
    return np.array([GROUPINGS[grouping](film) for film in judged.films], dtype=str)


def _matched(judged: Judged, keys: tuple[str, ...]) -> dict[str, object] | None:
    columns = [group_names(judged, key) for key in keys]
    if any(len(set(column) - {UNKNOWN}) < 2 for column in columns):
        return None  # the same as over all, or as within the others
    known = np.all([column != UNKNOWN for column in columns], axis=0)
    strata = np.array(["\0".join(row) for row in zip(*columns, strict=True)], dtype=str)
    area = within(judged.positive[known], judged.p[known], strata[known])
    if np.isnan(area.estimate):
        return None
    return {"n": int(known.sum()), "strata": len(np.unique(strata[known])), **keyed("auroc", area)}


def _by(judged: Judged, names: np.ndarray) -> dict[str, dict[str, object]]:
    found = sorted(set(names.tolist()), key=_place)
    return {name: summary(judged.of(names == name)) for name in found}


def _place(name: str) -> tuple[bool, int, str]:
    """By age, else by name; the unknown last."""
    return name == UNKNOWN, ORDER.index(name) if name in ORDER else 0, name
