"""Criteria decided in Python."""

from __future__ import annotations

import pytest
from sqlalchemy import and_, bindparam, func, not_, null, or_, select, tuple_

from ormsession import aliased
from ormsession.sql.evaluator import UNKNOWN, Evaluator, UnevaluatableError


@pytest.fixture
def decide(User):
    """``decide(criterion, name="ed")``: what the criterion is for those attribute values."""

    def decide(criterion, *, parameters=None, **values):
        return Evaluator(User.__mapper__, parameters).evaluation(criterion)(values)

    return decide


def test_comparisons(User, decide):
    assert decide(User.age < 5, age=3) is True
    assert decide(User.age >= 5, age=3) is False
    assert decide(User.name == "ed", name="ed") is True
    assert decide(User.name != "ed", name="ed") is False


def test_a_comparison_with_null_is_neither_true_nor_false(User, decide):
    assert decide(User.age < 5, age=None) is None
    assert decide(User.name == User.age, name=None, age=None) is None


def test_is_null_knows_null(User, decide):
    assert decide(User.name.is_(None), name=None) is True
    assert decide(User.name.is_not(None), name=None) is False
    assert decide(User.name == null(), name="x") is False
    assert decide(User.age.is_(True), age=1) is True


def test_an_absent_attribute_leaves_the_answer_open(User, decide):
    assert decide(User.age < 5) is UNKNOWN
    assert decide(User.age.is_(None)) is UNKNOWN
    assert decide(not_(User.age.in_([1]))) is UNKNOWN


def test_and_follows_the_three_values(User, decide):
    both = and_(User.age > 5, User.name == "ed")
    assert decide(both, age=6, name="ed") is True
    assert decide(both, age=5, name=None) is False
    assert decide(both, age=6, name=None) is None
    assert decide(both, age=6) is UNKNOWN
    assert decide(both, name="wendy") is False


def test_or_follows_the_three_values(User, decide):
    either = or_(User.age > 5, User.name == "ed")
    assert decide(either, age=6) is True
    assert decide(either, age=5, name="wendy") is False
    assert decide(either, age=5, name=None) is None
    assert decide(either, age=5) is UNKNOWN


def test_not_keeps_null(User, decide):
    assert decide(~or_(User.age > 5, User.name == "x"), age=1, name="y") is True
    assert decide(~or_(User.age > 5, User.name == "x"), age=1, name=None) is None


def test_in_and_tuples(User, decide):
    assert decide(User.name.in_(["ed", "jack"]), name="ed") is True
    assert decide(User.name.not_in(["ed"]), name="ed") is False
    assert decide(tuple_(User.name, User.age).in_([("ed", 1)]), name="ed", age=1) is True
    assert decide(tuple_(User.name, User.age).in_([("ed", 1)]), name="ed", age=None) is None


def test_arithmetic_and_strings(User, decide):
    assert decide(User.age + 1 == 3, age=2) is True
    assert decide(User.age + User.age + 1, age=2) == 5
    assert decide(User.age * 2, age=None) is None
    assert decide(User.name + "x", name="e") == "ex"
    assert decide(User.name.startswith("e"), name="ed") is True
    assert decide(User.name.endswith("e"), name="ed") is False


def test_parameters_given_at_execution_count(User, decide):
    assert decide(User.age == bindparam("years"), parameters={"years": 3}, age=3) is True
    assert decide(User.age == bindparam("years", callable_=lambda: 4), age=3) is False
    with pytest.raises(UnevaluatableError, match="years"):
        decide(User.age == bindparam("years"), age=3)


def test_columns_of_the_table_count_as_attributes(User, users, decide):
    assert decide(users.c.age_int == 3, age=3) is True


def test_all_criteria_have_to_hold(User):
    evaluator = Evaluator(User.__mapper__)
    assert evaluator.all_of([User.age > 1, User.name == "ed"])({"age": 2, "name": "ed"}) is True
    assert evaluator.all_of([])({}) is True


def test_an_operator_of_the_user_works_when_it_says_how(User, decide):
    assert decide(User.name.op("~~", python_impl=lambda a, b: a + b)("x"), name="e") == "ex"
    with pytest.raises(UnevaluatableError, match="python_impl"):
        decide(User.name.op("~~")("x"), name="e")


@pytest.mark.parametrize(
    "criterion",
    [
        lambda User, Address: User.id == Address.user_id,
        lambda User, Address: aliased(User).id == 1,
        lambda User, Address: func.lower(User.name) == "x",
        lambda User, Address: User.name.like("x%"),
        lambda User, Address: User.id.in_(select(Address.user_id)),
        lambda User, Address: User.age + "x" == 3,
        lambda User, Address: User.age.desc(),
    ],
)
def test_what_only_the_database_can_decide_is_refused(User, Address, decide, criterion):
    with pytest.raises(UnevaluatableError):
        decide(criterion(User, Address), id=1, name="x", age=1)


class TestWhatDependsOnTheCollation:
    """Text is decided only where every collation agrees; else the object is loaded again."""

    def test_texts_that_differ_in_case_accent_or_spaces_at_the_end_may_be_equal(self, User, decide):
        assert decide(User.name == "ED", name="ed") is UNKNOWN
        assert decide(User.name == "ed ", name="ed") is UNKNOWN
        assert decide(User.name != "é", name="e") is UNKNOWN
        assert decide(User.name == "wendy", name="ed") is False

    def test_which_of_two_texts_is_less_is_left_open(self, User, decide):
        assert decide(User.name < "a", name="B") is UNKNOWN
        assert decide(User.name <= "a", name="a") is True

    def test_membership_and_tuples_follow_equality(self, User, decide):
        assert decide(User.name.in_(["ED", "jack"]), name="ed") is UNKNOWN
        assert decide(User.name.in_(["ED", "ed"]), name="ed") is True
        assert decide(User.name.not_in(["ED"]), name="ed") is UNKNOWN
        both = tuple_(User.name, User.age)
        assert decide(both.in_([("ED", 1)]), name="ed", age=1) is UNKNOWN
        assert decide(both.in_([("ED", 2)]), name="ed", age=1) is False

    def test_the_beginning_and_the_end_may_ignore_case(self, User, decide):
        assert decide(User.name.startswith("E"), name="ed") is UNKNOWN
        assert decide(User.name.startswith("w"), name="ed") is False
        assert decide(User.name.endswith("d"), name="ed") is True

    def test_wildcards_in_the_pattern_are_for_the_database(self, User, decide):
        assert decide(User.name.startswith("e%d"), name="eddd") is UNKNOWN
        with pytest.raises(UnevaluatableError, match="escape"):
            decide(User.name.startswith("e%", autoescape=True), name="e%d")


def test_nothing_is_in_an_empty_collection_not_even_null(User, decide):
    assert decide(User.age.in_([]), age=None) is False
    assert decide(User.age.not_in([]), age=None) is True


def test_a_collection_with_null_never_says_not(User, decide):
    assert decide(User.age.in_([1, None]), age=1) is True
    assert decide(User.age.not_in([1, None]), age=2) is None


def test_a_remainder_has_the_sign_that_sql_gives_it(User, decide):
    assert decide(User.age % 3 == -1, age=-7) is True
    assert decide(User.age % 0 == 1, age=5) is UNKNOWN
    assert decide(User.age / 0 == 1, age=5) is UNKNOWN
