"""Plans of confirmation: known probabilities, and estimates that they keep unbiased."""

import csv
import io
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.errors import UserError
from ingest.settings import IngestSettings
from tests.ingest.films import KEY
from tests.warehouse.rows import prediction, study
from warehouse.arrivals import append_studies
from warehouse.label_file import read_labels
from warehouse.label_plans import COLUMNS, plan, plan_csv, result
from warehouse.labels import load_labels
from warehouse.sampling import LEAST, Weighted, allocation, bands, draw, weighted
from warehouse.store import Warehouse
from warehouse.versions import resolve

THRESHOLD = 0.4


def frame(n: int = 3_000, seed: int = 1) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """(probability, truth, site): one pneumonia in eight; scores that overlap; uneven sites."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.125
    logit = np.where(truth, rng.normal(1.2, 1.3, n), rng.normal(-2.0, 1.2, n))
    site = rng.choice(["A", "B", "C"], size=n, p=[0.7, 0.25, 0.05])
    return 1 / (1 + np.exp(-logit)), truth, [str(one) for one in site]


def test_weighted_estimates_are_unbiased_and_unweighted_ones_are_not() -> None:
    """400 plans of 300 from 3,000. The cells' totals are unbiased exactly, the ratios nearly."""
    probability, truth, site = frame()
    said = probability >= THRESHOLD
    band = bands(probability, np.full(len(probability), THRESHOLD))
    whole = weighted(said, truth, np.ones(len(truth)))
    found, raw = [], []
    for seed in range(400):
        drawn = draw(band, site, 300, seed)
        at = drawn.at
        found.append(weighted(said[at], truth[at], drawn.inclusion_probability))
        raw.append(weighted(said[at], truth[at], np.ones(len(at))))
    for name in ("true_positives", "false_negatives", "true_negatives", "false_positives"):
        off, error = _bias(found, whole, name)
        assert abs(off) < 4 * error, (name, off, error)
    for name in ("sensitivity", "specificity"):
        off, error = _bias(found, whole, name)
        assert abs(off) < 4 * error + 0.003, (name, off, error)
        off, error = _bias(raw, whole, name)
        assert abs(off) > 20 * error, (name, off, error)


def _bias(found: list[Weighted], whole: Weighted, name: str) -> tuple[float, float]:
    """Mean less truth, and its Monte Carlo standard error."""
    values = np.array([getattr(one, name) for one in found])
    return values.mean() - getattr(whole, name), values.std(ddof=1) / np.sqrt(len(values))


def test_every_xray_is_drawn_as_often_as_its_probability_says() -> None:
    probability, _, site = frame(400)
    band = bands(probability, np.full(400, THRESHOLD))
    times, chance = np.zeros(400), np.zeros(400)
    for seed in range(600):
        drawn = draw(band, site, 80, seed)
        times[drawn.at] += 1
        chance[drawn.at] = drawn.inclusion_probability
    assert (chance > 0).all(), "every one has a chance"
    spread = np.sqrt(chance * (1 - chance) / 600) + 1e-9
    assert (np.abs(times / 600 - chance) < 5 * spread).all()


def test_bands_are_fifths_and_the_neighbourhood_of_the_threshold() -> None:
    found = bands(np.array([0.0, 0.19, 0.31, 0.5, 0.65, 1.0]), np.full(6, THRESHOLD))
    assert found == ["0.0-0.2", "0.0-0.2", "near", "near", "0.6-0.8", "0.8-1.0"]


@given(st.lists(st.integers(1, 40), min_size=1, max_size=12), st.integers(1, 300))
def test_strata_get_equal_numbers_until_used_up(sizes: list[int], n: int) -> None:
    take = allocation(np.array(sizes), n)
    assert take.sum() == min(n, sum(sizes))
    assert (take <= sizes).all()
    left = take[take < sizes]
    assert left.size == 0 or take.max() - left.min() <= 1


def test_too_few_for_sites_are_drawn_by_score_alone_and_too_few_for_that_is_said() -> None:
    band = ["near", "0.0-0.2"] * 50
    site = [f"S{at}" for at in range(100)]
    drawn = draw(band, site, 10, 0)
    assert (drawn.by_site, Counter(drawn.stratum)) == (False, {"near": 5, "0.0-0.2": 5})
    with pytest.raises(UserError, match=f"no room for {LEAST} of each score band; ask for 4"):
        draw(band, site, 3, 0)
    with pytest.raises(UserError, match="at least one"):
        draw(band, site, 0, 0)
    assert len(draw(band, site, 1_000, 0).at) == 100


@pytest.fixture
def scored(warehouse: Warehouse) -> Warehouse:
    """300 films of three sites; one simulated, one out of scope, one confirmed already."""
    probability, _, _ = frame(300, seed=2)
    studies = [study(f"s{at:03}", ("A1", "A2", "B1")[at % 3]) for at in range(300)]
    studies[0] = replace(studies[0], source="simulated")
    scored = {}
    for one, p in zip(studies, probability, strict=True):
        label = "PNEUMONIA" if p >= 0.5 else "NORMAL"
        scored[one.study_id] = replace(prediction(one.study_id, label), probability=float(p))
    scored["s001"] = prediction("s001", None)
    with warehouse.write("test") as transaction:
        append_studies(transaction, studies, scored)
        transaction.append("labels", [{"study_id": "s002", "label": "NORMAL"}])
    return warehouse


def truths() -> dict[str, str]:
    _, truth, _ = frame(300, seed=2)
    return {f"s{at:03}": "PNEUMONIA" if sick else "NORMAL" for at, sick in enumerate(truth)}


def test_a_plan_is_filled_in_loaded_as_it_is_and_weighed(scored: Warehouse, tmp_path: Path) -> None:
    drawn = plan(scored, 120, seed=5)
    assert (len(drawn.rows), drawn.frame, drawn.by_site) == (120, 297, True)
    assert not {"s000", "s001", "s002"} & {row["study_id"] for row in drawn.rows}
    text = plan_csv(drawn).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert tuple(rows[0])[: len(COLUMNS)] == COLUMNS
    assert "probability" not in rows[0], "a reader is blind to the score"
    truth = truths()
    lines = text.splitlines()
    header, body = lines[0], [line.split(",", 2) for line in lines[1:]]
    assert {label for _, label, _ in body} == {""}
    filled = [f"{one},{truth[one]},{rest}" for one, _, rest in body]
    (tmp_path / "plan.csv").write_text("\n".join([header, *filled]), encoding="utf-8")
    assert result(scored, drawn.plan_id).confirmed == 0
    file = read_labels(tmp_path / "plan.csv")
    loaded = load_labels(scored, file, KEY, IngestSettings(workers=0))
    assert (loaded.loaded, loaded.errors, loaded.unknown) == (120, [], [])
    found = result(scored, drawn.plan_id)
    assert (found.planned, found.confirmed) == (120, 120)
    total = found.true_positives + found.false_negatives
    total += found.true_negatives + found.false_positives
    assert total == pytest.approx(297), "weights add up to the frame"
    assert found.sensitivity != found.unweighted_sensitivity
    assert plan(scored, 9, seed=5).frame == 177, "what is confirmed is not asked for again"


def test_the_same_seed_and_version_is_the_same_plan_recorded_once(scored: Warehouse) -> None:
    commit = resolve(scored).commit_number
    first = plan(scored, 60, seed=7)
    again = plan(scored, 60, seed=7, as_of=commit)
    assert again == first
    assert scored.sql("SELECT count(*) AS n FROM label_plans") == [{"n": 60}]
    other = plan(scored, 60, seed=8, as_of=commit)
    assert other.plan_id != first.plan_id
    assert {r["study_id"] for r in other.rows} != {r["study_id"] for r in first.rows}
    (row,) = scored.sql("SELECT DISTINCT seed, drawn_as_of FROM label_plans WHERE seed = 7")
    assert row == {"seed": 7, "drawn_as_of": commit}


def test_one_site_alone_and_mistakes(scored: Warehouse) -> None:
    assert {row["site_id"] for row in plan(scored, 30, 1, ["B1"]).rows} == {"B1"}
    with pytest.raises(UserError, match="'Z9': there is no such site"):
        plan(scored, 30, 1, ["Z9"])
    with pytest.raises(UserError, match="--seed -1"):
        plan(scored, 30, -1)
    with pytest.raises(UserError, match="there is no plan 'x'; recorded: "):
        result(scored, "x")


def test_a_home_without_films_has_nothing_to_confirm(warehouse: Warehouse) -> None:
    with pytest.raises(UserError, match="no X-ray to confirm"):
        plan(warehouse, 10, 1)
