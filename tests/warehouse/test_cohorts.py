"""Cohorts on a real warehouse: what they hold, where the others fell, and versions."""

from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from ingest.errors import InputError, UserError
from tests.warehouse.cohort_trees import Film, definitions, expected
from tests.warehouse.rows import card, load, network, prediction, study
from warehouse.arrivals import append_studies
from warehouse.cohorts.columns import COLUMNS
from warehouse.cohorts.compiler import NO_PARTICIPANT, compiled
from warehouse.cohorts.definition_file import read_definition
from warehouse.cohorts.grammar import parse
from warehouse.cohorts.registry import Saved, history, in_force, listed, save
from warehouse.cohorts.selection import Selection, select
from warehouse.cohorts.tree import Definition
from warehouse.models import promote, register
from warehouse.store import Warehouse, statement
from warehouse.versions import resolve

DRAWN = """
A1 2026-01-05 PN patient_key=p1 sex=F age_years=30
A1 2026-01-20 P  patient_key=p1 sex=F age_years=30
A2 2026-03-20 P  patient_key=p1 sex=F age_years=30
B1 2026-01-05 NP patient_key=p2 sex=M age_years=50
B1 2026-02-01 P  patient_key=p2 sex=M age_years=50
B1 2026-01-06 P- sex=F
A1 none       P  patient_key=p3 age_years=7
"""


@pytest.fixture
def filled(warehouse: Warehouse) -> Warehouse:
    load(warehouse, DRAWN)
    return warehouse


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Warehouse]:
    """The same films, for tests that only read."""
    with network(tmp_path_factory.mktemp("shared") / "home") as warehouse:
        load(warehouse, DRAWN)
        yield warehouse


def ask(warehouse: Warehouse, text: str, name: str = "c") -> Selection:
    save(warehouse, name, parse(text))
    return select(warehouse, name)


def counted(warehouse: Warehouse, text: str) -> tuple[int, int]:
    plan = compiled(parse(text), resolve(warehouse).commit_number)
    (row,) = warehouse.sql(plan.select(statement("cohort_size")), **plan.parameters)
    return row["xrays"], row["participants"]


@pytest.mark.parametrize(
    ("text", "xrays", "participants"),
    [
        ("age >= 30", 7, 2),
        ("age is unknown", 2, 0),
        ("sex = F and label = PNEUMONIA", 4, 1),
        ("in_scope = no", 1, 0),
        ("region = ALPHA", 5, 2),
        ("not site = B1", 5, 2),
        ("acquired between 2026-01-05 and 2026-01-06", 6, 2),
        ("acquired is unknown", 1, 1),
        ("probability > 0.5 and predicted_aetiology = bacterial", 7, 3),
        ("model_version = m1", 10, 3),
        ("model_version != m1", 0, 0),
        ("sex != F", 3, 1),
        ("not sex = F", 4, 2),
        ("studies >= 3", 7, 2),
        ("studies >= 4", 4, 1),
        ("spacing >= 15 days", 5, 2),
        ("spacing >= 16 days", 4, 2),
        ("spacing <= 26 days", 5, 2),
        ("follow_up = 0..20 days from first positive", 5, 2),
        ("follow_up = -73..0 days from last", 5, 2),
        ("region = ALPHA and follow_up = 0..0 days from first", 2, 1),
        ("acquired > 2026-01-10 and follow_up = 0..0 days from first qualifying", 2, 2),
        ("acquired > 2026-01-10 and follow_up = 0..0 days from first", 0, 0),
        ("index = first confirmed", 0, 0),
    ],
)
def test_what_a_cohort_holds(shared: Warehouse, text: str, xrays: int, participants: int) -> None:
    assert counted(shared, text) == (xrays, participants)


def test_the_attrition_says_how_many_fell_in_the_order_written(filled: Warehouse) -> None:
    text = "age >= 18 and studies >= 2 and spacing >= 20 days and follow_up = 0..80 days from first"
    steps = [
        (one.criterion, one.xrays, one.participants, one.xrays_fell, one.participants_fell)
        for one in ask(filled, text).attrition()
    ]
    assert steps == [
        ("all readable X-rays", 10, 3, 0, 0),
        ("age >= 18", 7, 2, 3, 1),
        (NO_PARTICIPANT, 7, 2, 0, 0),
        ("studies >= 2", 7, 2, 0, 0),
        ("spacing >= 20 days", 4, 2, 3, 0),
        ("studies >= 2, again after spacing", 4, 2, 0, 0),
        ("index = first", 4, 2, 0, 0),
        ("follow_up = 0..80 days", 4, 2, 0, 0),
    ]


def test_xrays_without_a_patient_fall_where_a_criterion_needs_one(filled: Warehouse) -> None:
    plain = ask(filled, "sex = F").size()
    assert (plain.xrays, plain.participants, plain.without_participant) == (6, 1, 2)
    (step,) = [s for s in ask(filled, "studies >= 1").attrition() if s.criterion == NO_PARTICIPANT]
    assert (step.xrays, step.xrays_fell) == (8, 2)


def test_the_rows_are_pseudonymous_and_count_days_from_the_index(filled: Warehouse) -> None:
    table = ask(filled, "sex = F and index = first positive").rows()
    rows = table.to_pylist()
    assert [(r["study_number"], r["acquired_date"], r["days_from_index"]) for r in rows] == [
        (1, date(2026, 1, 5), 0),
        (2, date(2026, 1, 5), 0),
        (3, date(2026, 1, 20), 15),
        (4, date(2026, 3, 20), 74),
    ]
    assert {"patient_key", "study_id"} <= set(table.column_names)
    assert not {"content_hash", "file_key", "acquired_at", "received_at"} & set(table.column_names)


def test_confirmed_and_predicted_causes_are_two_things(filled: Warehouse) -> None:
    (first, *_) = ask(filled, "label = PNEUMONIA").rows().to_pylist()
    with filled.write("labels") as transaction:
        row = {"study_id": first["study_id"], "label": "PNEUMONIA", "aetiology": "virus"}
        transaction.append("labels", [row])
    assert counted(filled, "confirmed_aetiology = virus and predicted_aetiology = bacterial") == (
        1,
        1,
    )
    assert counted(filled, "confirmed_label is known") == (1, 1)


def test_the_same_version_gives_the_same_cohort_after_later_ingests_and_rescores(
    filled: Warehouse,
) -> None:
    before = ask(filled, "label = PNEUMONIA and age >= 18")
    commit, rows = before.version.commit_number, before.rows()
    load(filled, "A1 2026-02-02 PP patient_key=p9 age_years=40")
    register(filled, card("m2"))
    ids = [row["study_id"] for row in filled.sql("SELECT study_id FROM studies")]
    with filled.write("rescore") as transaction:
        scored = [asdict(prediction(one, "NORMAL", "m2")) for one in ids]
        transaction.append("predictions", scored)
    promote(filled, "m2")
    assert select(filled, "c").size().xrays == 0, "m2 calls every film normal"
    assert select(filled, "c", commit).rows().equals(rows)
    save(filled, "c", parse("age < 3"))
    assert select(filled, "c", commit).rows().equals(rows), "nor does a new definition change it"
    assert select(filled, "c").saved.version == 2


def test_saving_again_is_a_new_version_only_where_it_differs(filled: Warehouse) -> None:
    first, new = save(filled, "c", parse("age >= 18"))
    again, changed = save(filled, "c", parse("AGE>=18.0"))
    assert (new, changed, again) == (True, False, first)
    save(filled, "c", parse("age >= 19"))
    save(filled, "b", parse("age >= 20"))
    assert [one.version for one in history(filled, "c")] == [1, 2]
    assert [(one.name, one.version) for one in listed(filled)] == [("b", 1), ("c", 2)]
    assert [one.name for one in listed(filled, first.commit_number)] == ["c"]
    assert in_force(filled, "c", 1) == first, "before it was saved, the first version"


def test_a_record_is_its_table_and_the_dictionary_its_query(shared: Warehouse) -> None:
    table = shared.sql("SELECT column_name FROM (DESCRIBE cohorts)")
    assert [row["column_name"] for row in table] == [item.name for item in fields(Saved)]
    plan = compiled(parse("age > 1"), resolve(shared).commit_number)
    rows = shared.sql(plan.select(statement("cohort_rows")), **plan.parameters)
    assert list(rows[0]) == list(COLUMNS)


@pytest.mark.parametrize("name", ["", "Jane Doe", "../c", "ä", "x" * 65, "c\n", "C"])
def test_a_name_is_checked(shared: Warehouse, name: str) -> None:
    with pytest.raises(UserError, match="is not a cohort's name"):
        save(shared, name, parse("age > 1"))


def test_an_unknown_cohort_is_named_with_those_that_there_are(filled: Warehouse) -> None:
    save(filled, "known", parse("age > 1"))
    with pytest.raises(UserError, match="no cohort 'other'; saved: known"):
        select(filled, "other")


TOML = """
inclusion = ["age >= 18", "sex = F or sex = M"]   # Dr Jane Doe's protocol
exclusion = ["site = B1"]
[participants]
min_studies = 2
min_days_apart = 7
max_days_apart = 90
[index]
date = "first positive"
[follow_up]
from_day = 0
to_day = 80
"""


def test_the_structured_form_means_the_same_as_an_expression(
    filled: Warehouse, tmp_path: Path
) -> None:
    (tmp_path / "f.toml").write_text(TOML, encoding="utf-8")
    found = read_definition(tmp_path / "f.toml")
    assert found == parse(
        "age >= 18 and (sex = F or sex = M) and not site = B1 and spacing >= 7 days and "
        "spacing <= 90 days and studies >= 2 and follow_up = 0..80 days from first positive"
    )
    saved, _ = save(filled, "c", found)
    assert "Jane" not in saved.definition
    assert select(filled, "c").size().xrays == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("inclusion = [", "is not TOML"),
        ("include = ['age > 1']", "'include' at the top is not a key; there are inclusion"),
        ("inclusion = 'age > 1'", "inclusion is a list of texts"),
        ("inclusion = ['age > 1', 'age > x']", "inclusion 2, character 7: 'x'; expected a number"),
        ("exclusion = ['studies >= 2']", "exclusion 1, character 1: 'studies'"),
        ("participants = 3", r"write \[participants\]"),
        ("[participants]\nmin = 3", r"'min' in \[participants\] is not a key"),
        ("[participants]\nmin_studies = 'two'", "min_studies 'two' is not a whole number"),
        ("[participants]\nmin_studies = true", "min_studies True is not a whole number"),
        ("[index]\ndate = 'third'", "expected first or last"),
        ("[index]\ndate = 'first and age > 3'", "expected and, or, or the end"),
        ("[index]\nday = 3", r"'day' in \[index\]"),
        ("[follow_up]\nfrom_day = 0\nto_day = 9", "counts from an index date"),
        ("[index]\ndate='first'\n[follow_up]\nfrom_day = 0", "to_day None is not a whole number"),
        ("[index]\ndate='first'\n[follow_up]\nfrom_day=3\nto_day=1", "is before from_day 3"),
        ("", "no criterion"),
    ],
)
def test_a_mistake_in_a_file_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "f.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=said) as raised:
        read_definition(tmp_path / "f.toml")
    assert "f.toml" in str(raised.value)
    with pytest.raises(InputError, match="cannot be read"):
        read_definition(tmp_path / "none.toml")


ATTACKS = (
    "x' OR '1'='1",
    "x'; DROP TABLE w.studies; --",
    "') OR true --",
    "$commit",
    "{before}",
    "{0}",
    "%s",
    "\\",
    '"',
)


@pytest.mark.parametrize("field", ["site", "region", "model_version", "flag"])
def test_what_looks_like_sql_stays_a_value(shared: Warehouse, field: str) -> None:
    for value in ATTACKS:
        quoted = '"' + value.replace('"', '""') + '"'
        text = f"{field} = {quoted} or {field} in ({quoted}, {quoted})"
        assert counted(shared, text) == (0, 0)
        plan = compiled(parse(text), 1)
        assert value in plan.parameters.values()
        assert plan.steps[1][1] == compiled(parse(f"{field} = a or {field} in (b)"), 1).steps[1][1]
    assert shared.sql("SELECT count(*) AS n FROM studies") == [{"n": 10}]


@pytest.mark.parametrize("text", ["1 = 1", "age >= 18; DROP TABLE studies", "age = age_years"])
def test_what_is_sql_and_not_the_grammar_is_refused(text: str) -> None:
    with pytest.raises(UserError):
        parse(text)


@pytest.fixture(scope="module")
def random_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Warehouse, list[Film]]]:
    """Sixty films of twelve participants with every field now and then absent."""
    warehouse = network(tmp_path_factory.mktemp("cohorts") / "home")
    rng = np.random.default_rng(4)
    studies = [_study(rng, at) for at in range(60)]
    labels = rng.choice(np.array(["PNEUMONIA", "NORMAL", None]), 60)
    with warehouse.write("test") as transaction:
        scored = {
            one.study_id: prediction(one.study_id, label, bacterial=round(float(rng.random()), 1))
            for one, label in zip(studies, labels, strict=True)
        }
        append_studies(transaction, studies, scored)
        confirmed = [
            {"study_id": one.study_id, "label": "PNEUMONIA", "aetiology": "virus"}
            for one in studies[::7]
        ]
        transaction.append("labels", confirmed)
    films = warehouse.query("cohort_films", commit=resolve(warehouse).commit_number)
    assert len(films) == 60
    yield warehouse, films
    warehouse.close()


def _study(rng: np.random.Generator, at: int) -> Any:
    def one(*values: Any) -> Any:
        return values[rng.integers(len(values))]

    day = one(None, *(date(2026, month, d) for month in (1, 2, 3) for d in (1, 8, 20)))
    person = one(None, *(f"p{n}" for n in range(12)))
    return study(
        f"s{at}",
        one("A1", "A2", "B1"),
        day,
        patient_key=person,
        acquired_at=datetime(day.year, day.month, day.day, one(6, 12), tzinfo=UTC) if day else None,
        age_years=one(None, 1.0, 18.0, 40.5),
        sex=one(None, "F", "M"),
        view=one(None, "PA", "AP"),
        source=one("image", "dicom", "generated", "simulated"),
        flags=one("", "no_date", "no_date,age_top_coded"),
    )


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(definition=definitions())
def test_sql_and_plain_python_choose_the_same_films(
    random_home: tuple[Warehouse, list[Film]], definition: Definition
) -> None:
    """And so no value, whatever its letters, is ever anything but a value."""
    warehouse, films = random_home
    plan = compiled(definition, resolve(warehouse).commit_number)
    found = warehouse.sql(plan.select(statement("cohort_rows")), **plan.parameters)
    wanted = expected(definition, films)
    assert {row["study_id"] for row in found} == {film["study_id"] for film in wanted}
    assert len(found) == len(wanted)
    index = {film["study_id"]: film["index_date"] for film in wanted}
    assert all(row["index_date"] == index[row["study_id"]] for row in found)
