"""Quantifiers against quapy, and by what they must find."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.warehouse.epidemiology.references import reference, some_examples
from warehouse.epidemiology import quantify, rogan_gladen
from warehouse.epidemiology.arguments import Floats

TRUTH = {"CC": "CC", "PCC": "PCC", "ACC": "closed_form_ACC", "PACC": "closed_form_PACC"}
METHODS = [*TRUTH, "EMQ"]


def test_they_equal_quapy(shared_data: Path) -> None:
    for case in reference(shared_data, "quantification.json")["cases"]:
        for method in METHODS:
            found = quantify(
                case["test_scores"],
                method,
                validation_scores=case["val_scores"],
                validation_labels=case["val_labels"],
            )
            exact = 1e-3 if method == "EMQ" else 1e-9
            name = TRUTH.get(method, "quapy_EMQ")
            assert found == pytest.approx(case[name], abs=exact), method


def _films(rng: np.random.Generator, n: int, share: float) -> tuple[Floats, Floats]:
    """Labels and scores calibrated at one half: logits N(±1, √2), whose log odds are 2x/2."""
    labels = (rng.random(n) < share).astype(float)
    logits = rng.normal(np.where(labels == 1, 1.0, -1.0), np.sqrt(2))
    return labels, 1 / (1 + np.exp(-logits))


def test_the_adjusted_ones_find_a_prevalence_that_the_plain_ones_miss() -> None:
    rng = np.random.default_rng(4)
    labels, known = _films(rng, 4000, 0.5)
    _, scores = _films(rng, 4000, 0.08)
    found = {
        method: quantify(scores, method, validation_scores=known, validation_labels=labels)
        for method in METHODS
    }
    for method in ("ACC", "PACC", "EMQ"):
        assert found[method] == pytest.approx(0.08, abs=0.03), method
    assert found["CC"] > 0.15
    assert found["PCC"] > 0.15


@some_examples
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_acc_is_rogan_gladen(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    labels, known = _films(rng, 200, 0.5)
    _, scores = _films(rng, 80, share)
    se, sp = (known[labels == 1] > 0.5).mean(), (known[labels == 0] <= 0.5).mean()
    found = quantify(scores, "ACC", validation_scores=known, validation_labels=labels)
    expected = rogan_gladen(int((scores > 0.5).sum()), 80, se, sp)
    assert found == pytest.approx(expected.estimate, abs=1e-9)


@some_examples
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=30),
    st.lists(st.floats(0, 1), min_size=2, max_size=30),
    st.sampled_from(METHODS),
)
def test_a_share_or_nothing(scores: list[float], known: list[float], method: str) -> None:
    labels = [index % 2 for index in range(len(known))]
    found = quantify(scores, method, validation_scores=known, validation_labels=labels)
    assert np.isnan(found) or 0 <= found <= 1


@pytest.mark.parametrize("method", METHODS)
def test_of_no_scores_nothing_is_known(method: str) -> None:
    found = quantify([], method, validation_scores=[0.2, 0.8], validation_labels=[0, 1])
    assert np.isnan(found)


def test_a_classifier_that_is_wrong_way_round_is_not_adjusted() -> None:
    found = quantify([0.3, 0.6], validation_scores=[0.9, 0.1], validation_labels=[0, 1])
    assert np.isnan(found)


@pytest.mark.parametrize(
    ("scores", "known", "labels", "method", "message"),
    [
        ([0.5], [0.2, 0.8], [0, 1], "HDy", "method is 'HDy'"),
        ([1.5], [0.2, 0.8], [0, 1], "CC", "scores is one series"),
        ([0.5], [0.2, np.nan], [0, 1], "CC", "validation_scores is one series"),
        ([0.5], [0.2, 0.8], [1, 1], "CC", "at least one of each"),
        ([0.5], [0.2, 0.8], [1], "CC", r"shape \(1,\)"),
    ],
)
def test_it_names_what_is_wrong(
    scores: list[float], known: list[float], labels: list[int], method: str, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        quantify(scores, method, validation_scores=known, validation_labels=labels)
