"""The report of an evaluation: every figure by hand on small sets, and sets that lack things."""

import json
from xml.etree import ElementTree

import numpy as np
import pytest

from inference.evaluation import report
from inference.evaluation_figures import evaluation_figures
from inference.judged import Judged
from inference.metrics import Confusion, confusion
from inference.operating import PREVALENCES, predictive_values
from tests.inference.tiny import made_card, made_films

CONTRACT = (
    "n out_of_scope accuracy loss auroc sensitivity specificity threshold brier ece confusion "
    "per_class"
).split()


def _judged(positive: list[bool], p: list[float], **columns: list[str]) -> Judged:
    truth = np.array(positive)
    probability = np.column_stack([1 - np.array(p), p])
    films = made_films(truth, **columns)
    return Judged(films, probability, truth, np.full(len(p), np.nan), made_card())


def _many(n: int = 200, **columns: list[str]) -> Judged:
    rng = np.random.default_rng(0)
    positive = np.arange(n) % 2 == 0
    p = 1 / (1 + np.exp(-rng.normal(np.where(positive, 1.0, -1.0), 1.5)))
    return _judged(positive.tolist(), p.tolist(), **columns)


def test_the_contract_by_hand() -> None:
    found = report(_judged([True, True, True, False, False], [0.9, 0.6, 0.4, 0.5, 0.1]))
    assert set(CONTRACT) <= set(found)
    assert found["confusion"] == {"tp": 2, "fn": 1, "tn": 1, "fp": 1}
    assert (found["n"], found["positives"], found["threshold"]) == (5, 3, 0.5)
    assert found["auroc"] == pytest.approx(5 / 6, abs=1e-6)
    assert found["accuracy"] == pytest.approx(3 / 5)
    assert found["sensitivity"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["specificity"] == pytest.approx(1 / 2)
    assert found["brier"] == pytest.approx((0.01 + 0.16 + 0.36 + 0.25 + 0.01) / 5)
    screening = found["operating_points"]["screening"]  # type: ignore[index]
    assert screening["confusion"] == {"tp": 3, "fn": 0, "tn": 1, "fp": 1}
    assert found["per_class"]["normal"]["called_positive"] == 0.5  # type: ignore[index]


@pytest.mark.parametrize("positive", [True, False])
def test_one_class_alone_gives_nulls_and_every_figure_that_can_be_drawn(positive: bool) -> None:
    judged = _judged([positive] * 3, [0.9, 0.6, 0.4], view=["AP", "PA", ""])
    found = report(judged)
    assert found["auroc"] is found["auroc_interval"] is None
    assert found["specificity" if positive else "sensitivity"] is None
    assert found["predictive_values"] == []
    json.dumps(found, allow_nan=False)
    assert set(evaluation_figures(judged)) == {"reliability.svg", "confusion.svg"}


def test_predictive_values_follow_from_the_counts() -> None:
    counts = Confusion(tp=90, fn=10, tn=160, fp=40)
    rows = {row["prevalence"]: row for row in predictive_values(counts)}
    assert tuple(rows) == PREVALENCES
    # of 1,000 films at 10 %: 90 sick found, 10 missed, 180 healthy called, 720 left
    assert rows[0.1]["ppv"] == pytest.approx(90 / 270, abs=1e-6)
    assert rows[0.1]["npv"] == pytest.approx(720 / 730, abs=1e-6)
    # Mercaldo 2007: logit PPV +- 1.96 sqrt((1-Se)/(Se n1) + Sp/((1-Sp) n0))
    reach = 1.959964 * np.sqrt(0.1 / 0.9 / 100 + 0.8 / 0.2 / 200)
    low = 1 / (1 + np.exp(-(np.log(0.5) - reach)))
    assert rows[0.1]["ppv_interval"][0] == pytest.approx(low, abs=1e-6)  # type: ignore[index]


def test_a_rate_of_one_is_no_certainty() -> None:
    for row in predictive_values(Confusion(tp=20, fn=0, tn=20, fp=0)):
        assert row["ppv"] == row["npv"] == 1
        assert row["ppv_interval"][0] < 0.999  # type: ignore[index]


def test_a_threshold_that_calls_every_film_says_nothing_of_those_it_does_not_call() -> None:
    for row in predictive_values(Confusion(tp=20, fn=0, tn=0, fp=20)):
        assert row["ppv"] == row["prevalence"]
        assert row["npv"] is row["npv_interval"] is None


def test_intervals_of_predictive_values_cover_what_they_should() -> None:
    rng = np.random.default_rng(1)
    truth = 0.2 * 0.85 / (0.2 * 0.85 + 0.8 * 0.1)
    inside = 0
    for tp, fp in zip(rng.binomial(120, 0.85, 400), rng.binomial(150, 0.1, 400), strict=True):
        counts = Confusion(int(tp), 120 - int(tp), 150 - int(fp), int(fp))
        low, high = next(
            row["ppv_interval"]  # type: ignore[misc]
            for row in predictive_values(counts)
            if row["prevalence"] == 0.2
        )
        inside += low <= truth <= high
    assert 0.92 <= inside / 400 <= 0.98


def test_scope_is_counted_by_age_view_and_score_and_everything_stays_in_the_figures() -> None:
    judged = _judged(
        [True, False] * 4,
        [0.9, 0.1] * 4,
        age=["40", "40", "070Y", "", "40", "40", "999", "40"],
        view=["AP", "LL", "PA", "", "PA", "PA", "pa", "PA"],
    )
    scope = np.array([1, 1, 1, np.nan, 5, 9, 1, 1], dtype=float)
    card = made_card(ages=(0.0, 60.0), scope_limit=4.0, scope_hard_limit=8.0)
    judged = Judged(judged.films, judged.probability, judged.positive, scope, card)
    found = report(judged)
    assert judged.in_scope.tolist() == [True, False, False, True, False, False, True, True]
    assert (found["n"], found["out_of_scope"], found["refused"]) == (8, 4, 1)
    assert found["in_scope"]["n"] == 4  # type: ignore[index]


def test_subgroups_are_those_of_the_measures_and_unknown_ones_are_told() -> None:
    groups = report(
        _many(
            12,
            age=["4", "5", "018M", "44", "45", "64", "65", "90", "95", "x", "", "-3"],
            sex=["F", "m", "male", "", "F", "F", "F", "F", "F", "F", "F", "F"],
            site=["NBO"] * 5 + ["MBA"] * 7,
        )
    )["subgroups"]
    assert isinstance(groups, dict)
    sizes = {name: {key: row["n"] for key, row in rows.items()} for name, rows in groups.items()}
    assert sizes == {
        "age_group": {"0-4": 2, "5-14": 1, "15-44": 1, "45-64": 2, "65+": 3, "unknown": 3},
        "sex": {"F": 9, "M": 2, "unknown": 1},
        "source": {"made": 12},
        "site": {"MBA": 7, "NBO": 5},
    }
    assert list(groups["age_group"])[:2] == ["0-4", "5-14"]


def test_matched_films_take_away_what_the_view_knows() -> None:
    """A score that knows the view alone: good when pooled, at chance within views."""
    rng = np.random.default_rng(2)
    view = np.repeat(["AP", "PA"], 150)
    positive = rng.random(300) < np.where(view == "AP", 0.8, 0.2)
    p = np.clip((view == "AP") * 0.5 + rng.uniform(0, 0.4, 300), 0, 1)
    found = report(_judged(positive.tolist(), p.tolist(), view=view.tolist()))
    assert found["auroc"] > 0.7  # type: ignore[operator]
    matched = found["matched"]
    assert isinstance(matched, dict)
    assert set(matched) == {"AP_only", "PA_only", "within_view"}
    for row in matched.values():
        low, high = row["auroc_interval"]
        assert low < 0.5 < high
    assert matched["within_view"]["strata"] == 2


def test_four_classes_have_areas_a_mean_of_them_and_a_table() -> None:
    names = ("CNV", "DME", "DRUSEN", "NORMAL")
    rng = np.random.default_rng(3)
    true = np.arange(80) % 4
    probability = rng.dirichlet([1, 1, 1, 1], 80) * 0.6 + 0.4 * np.eye(4)[true]
    films = made_films(true != 3, label=[names[at] for at in true])
    card = made_card(labels=names, negative_label="NORMAL")
    judged = Judged(films, probability, true != 3, np.full(80, np.nan), card)
    classes = report(judged)["multiclass"]
    assert isinstance(classes, dict)
    table = np.array(classes["confusion"])
    assert table.sum(axis=1).tolist() == [20] * 4
    assert classes["accuracy"] == pytest.approx((probability.argmax(axis=1) == true).mean())
    assert classes["macro_auroc"] == pytest.approx(np.mean(list(classes["auroc"].values())))
    figures = evaluation_figures(judged)
    assert {"confusion_classes.svg", "roc.svg", "precision_recall.svg"} <= set(figures)
    assert "DRUSEN against the rest" in figures["roc.svg"]
    for figure in figures.values():
        ElementTree.fromstring(figure)


def test_the_thresholds_lie_on_the_curve() -> None:
    judged = _many()
    figure = ElementTree.fromstring(evaluation_figures(judged)["roc.svg"])
    texts = [text.text for text in figure.iter("{http://www.w3.org/2000/svg}text")]
    assert {"surveillance threshold 0.50", "screening threshold 0.20"} <= set(texts)
    counts = confusion(judged.positive, judged.p, 0.5)
    circles = figure.findall("{*}circle")
    assert float(circles[0].attrib["cx"]) == pytest.approx(
        60 + 400 * (1 - counts.specificity), abs=0.06
    )
