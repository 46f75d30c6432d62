"""An attack on what is published: integer programmes over every table that may be asked for.

The unknowns are the X-rays by week, site, age group and class of random small networks. Every
number that an audience outside can get is an equation; that a blank cell is one where a zero
would have been shown is an inequality. Each withheld count of a place, or of an age group,
must keep a range at least `suppress_below` wide. The sum of several withheld places may be
worked out (from a total and what is shown), but is never small.
"""

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array

from tests.warehouse.published import (
    NESTED,
    Network,
    every_request,
    published,
    random_network,
)
from warehouse.outside import unanswerable
from warehouse.request import MeasureRequest
from warehouse.settings import WarehouseSettings

SETTINGS = WarehouseSettings()
BELOW = SETTINGS.suppress_below


def equation(mask: np.ndarray, level: int) -> np.ndarray:
    """The coefficients of a nested count over the cells of a mask."""
    row = np.zeros((*mask.shape, 4))
    row[..., list(NESTED[level])] = mask[..., None]
    return row.ravel()


def knowledge(network: Network) -> tuple[csr_array, np.ndarray, np.ndarray, dict]:
    """What the published tables say: rows, lower and upper bounds; and what they withhold."""
    rows: dict[bytes, tuple[np.ndarray, float, float]] = {}
    withheld: dict[tuple[bytes, int], tuple[np.ndarray, int, bool]] = {}
    for request in every_request(network):
        for found, mask, true in published(network, request, SETTINGS):
            if unanswerable(request):
                assert found.first == 0
                continue
            for told, level in enumerate((0, 0, 1, 2)):
                line = equation(mask, told)
                if found.first > level:
                    assert found.row["xrays"] == true.xrays
                    rows[line.tobytes()] = (line, true[told], true[told])
                else:
                    one = max(len(request.sites), len(request.regions)) < 2
                    withheld.setdefault((mask.tobytes(), level), (mask, level, one))
    size = network.counts.size
    matrix = np.array([line for line, _, _ in rows.values()]).reshape(-1, size)
    return (
        csr_array(matrix),
        np.array([low for _, low, _ in rows.values()]),
        np.array([high for _, _, high in rows.values()]),
        withheld,
    )


def not_empty(network: Network, matrix_shape: int) -> tuple[np.ndarray, np.ndarray]:
    """A site whose blank stands beside a shown zero is not empty: the attacker knows that."""
    request = MeasureRequest(by=("site",), audience="public")
    answers = list(published(network, request, SETTINGS))
    region_of = dict(zip(network.sites, network.regions, strict=True))
    lines = []
    for found, mask, _ in answers:
        beside = [
            other
            for other, _, true in answers
            if other.row["period_start"] == found.row["period_start"]
            and region_of[other.row["site_id"]] == region_of[found.row["site_id"]]
            and (other.first > 0 and not true.xrays)
        ]
        if found.first == 0 and beside:
            lines.append(equation(mask, 0))
    return np.array(lines).reshape(-1, matrix_shape), np.ones(len(lines))


def extent(target: np.ndarray, constraints: list[LinearConstraint]) -> tuple[float, float]:
    """Least and greatest integer value of a count, as far as is known; inf where unbounded."""
    ends = []
    for sign in (1, -1):
        found = milp(
            sign * target,
            constraints=constraints,
            integrality=np.ones(len(target)),
            bounds=Bounds(0, 500),
        )
        assert found.success, found.message
        ends.append(sign * found.fun)
    return round(ends[0]), round(ends[1])


@pytest.mark.parametrize("seed", range(12))
def test_no_withheld_count_can_be_worked_out(seed: int) -> None:
    network = random_network(seed)
    matrix, low, high, withheld = knowledge(network)
    lines, least = not_empty(network, matrix.shape[1])
    constraints = [LinearConstraint(matrix, low, high)]
    if len(lines):
        constraints.append(LinearConstraint(lines, least, np.inf))
    rng = np.random.default_rng(seed)
    keys = list(withheld)
    for at in rng.permutation(len(keys))[:60]:
        mask, level, one_place = withheld[keys[at]]
        for target in guarded(mask, level):
            least_, most = extent(target, constraints)
            true = target @ network.counts.ravel()
            assert least_ <= true <= most
            if most == 0:
                continue  # a zero that is shown of a larger place is shown of its parts
            together = not one_place and true >= BELOW  # of several withheld places: never small
            said = (seed, level, np.argwhere(mask), true, least_, most)
            assert most - least_ >= BELOW or together, said


def guarded(mask: np.ndarray, level: int) -> list[np.ndarray]:
    """X-rays and those in scope; positive and negative; bacterial and viral."""
    if level == 0:
        return [equation(mask, 0), equation(mask, 1)]
    inner = equation(mask, level + 1)
    return [inner, equation(mask, level) - inner]
