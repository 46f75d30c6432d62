"""Cohort expressions: text to tree and back, precedence, and mistakes that are told."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.errors import UserError
from tests.warehouse.cohort_trees import definitions
from warehouse.cohorts.fields import FIELDS
from warehouse.cohorts.grammar import DEEPEST, parse
from warehouse.cohorts.tree import (
    Both,
    Comparison,
    Definition,
    Either,
    FollowUp,
    Index,
    Not,
    Spacing,
    Studies,
)


def age(operator: str, value: float) -> Comparison:
    return Comparison("age", operator, (value,))


def test_every_kind_of_criterion() -> None:
    text = (
        'AGE >= 18 and sex = f and region in (R1, "R ""2""") and acquired between 2026-01-01 and '
        "2026-03-31 and not site = B and view is known and in_scope = TRUE and studies >= 2 and "
        "spacing >= 7 days and follow_up = -30..90 days from last qualifying positive"
    )
    assert parse(text) == Definition(
        (
            age(">=", 18.0),
            Comparison("sex", "=", ("F",)),
            Comparison("region", "in", ("R1", 'R "2"')),
            Comparison("acquired", "between", (date(2026, 1, 1), date(2026, 3, 31))),
            Not(Comparison("site", "=", ("B",))),
            Comparison("view", "known"),
            Comparison("in_scope", "=", (True,)),
            Studies(">=", 2),
            Spacing(">=", 7),
            Index(last=True, qualifying=True, kind="positive"),
            FollowUp(-30, 90),
        )
    )


def test_not_binds_closer_than_and_and_and_closer_than_or() -> None:
    one, two, three = age("=", 1.0), age("=", 2.0), age("=", 3.0)
    assert parse("age=1 or age=2 and age=3").criteria == (Either((one, Both((two, three)))),)
    assert parse("age=1 and age=2 or age=3").criteria == (Either((Both((one, two)), three)),)
    assert parse("(age=1 or age=2) and age=3").criteria == (Either((one, two)), three)
    assert parse("not age=1 and age=2").criteria == (Not(one), two)
    assert parse("not (age=1 and age=2)").criteria == (Not(Both((one, two))),)
    assert parse("age not in (1) and not not age=2").criteria == (
        Not(Comparison("age", "in", (1.0,))),
        Not(Not(two)),
    )


def test_parentheses_make_one_criterion_of_two() -> None:
    assert len(parse("age > 1 and age < 9").criteria) == 2
    assert len(parse("(age > 1 and age < 9)").criteria) == 1


@settings(max_examples=80, deadline=None)
@given(definitions())
def test_the_canonical_text_means_the_same_tree(definition: Definition) -> None:
    assert parse(definition.text()) == definition


@settings(max_examples=80, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_a_cohort_or_a_mistake_that_is_told(text: str) -> None:
    try:
        found = parse(text)
    except UserError:
        return  # any other exception fails the test
    assert parse(found.text()) == found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "character 1: the end; expected a field (age, sex, site"),
        ("weight = 3", "character 1: 'weight'; expected a field (age, sex"),
        ("age > 18 and patient_key = 3", "character 14: 'patient_key'; expected a field"),
        ("age > old", "character 7: 'old'; expected a number such as 0.5 (age)"),
        ("age > 1e999", "character 7: '1e999'; expected a number"),
        ("age > nan", "character 7: 'nan'; expected a number"),
        ("age between 9 and 3", "character 19: '3'; expected a value not below the first one"),
        ("acquired > 2026-02-30", "character 12: '2026-02-30'; expected a date such as 2026-05-14"),
        ("sex = female", "character 7: 'female'; expected one of F, M, O (sex)"),
        ("synthetic = perhaps", "character 13: 'perhaps'; expected yes or no (synthetic)"),
        ("site < B", "character 6: '<'; expected =, !=, is, in"),
        ("site not = B", "character 10: '='; expected in"),
        ("site = and", "character 8: 'and'; expected a word such as R1"),
        ("site is B", "character 9: 'B'; expected known or unknown"),
        ("(age > 1", "character 9: the end; expected ')'"),
        ("age > 1)", "character 8: ')'; expected and, or, or the end"),
        ("age in ()", "character 9: ')'; expected a number"),
        ("age in (1 2)", "character 11: '2'; expected ',' or ')'"),
        ("site = 'B", "character 8: a quote that is not closed"),
        ("site = 'a\nb'", "character 8: an unprintable character"),
        ("studies >= many", "character 12: 'many'; expected a whole number of X-rays"),
        ("spacing > 7 days", "character 9: '>'; expected >= or <="),
        ("spacing >= 7", "character 13: the end; expected days"),
        ("not studies >= 2", "stands beside the others"),
        ("age > 1 or studies >= 2", "stands beside the others"),
        ("(studies >= 2)", "stands beside the others"),
        ("follow_up = 0..9 days", "expected `follow_up = … from first`"),
        ("follow_up = 9..0 days from first", "character 16: '0'; expected a day not before"),
        ("index = first and index = last", "expected one index date"),
        ("index = third", "character 9: 'third'; expected first or last"),
        ("(" * 99 + "age=1" + ")" * 99, f"expected at most {DEEPEST} parentheses"),
        ("age = 1 " * 2_000, "an expression has at most 10000"),
    ],
)
def test_a_mistake_names_its_place_and_what_could_stand_there(text: str, said: str) -> None:
    with pytest.raises(UserError) as raised:
        parse(text)
    assert said in str(raised.value)


def test_an_unknown_field_lists_the_known_ones() -> None:
    with pytest.raises(UserError) as raised:
        parse("colour = red")
    assert all(name in str(raised.value) for name in FIELDS)
