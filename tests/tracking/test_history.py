"""History is a pure function of the value before and the value now."""

from __future__ import annotations

import operator
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ormsession.tracking.history import UNCHANGED, History, scalar_history
from ormsession.tracking.symbols import NO_VALUE

from .tracked import make_user


@pytest.mark.parametrize(
    ("before", "current", "expected"),
    [
        (UNCHANGED, NO_VALUE, ((), (), ())),
        (UNCHANGED, 5, ((), [5], ())),
        (5, 5, ((), [5], ())),
        (5, NO_VALUE, ((), (), [5])),
        (NO_VALUE, NO_VALUE, ([None], (), ())),
        (NO_VALUE, 5, ([5], (), ())),
        (None, 5, ([5], (), [None])),
        (5, None, ([None], (), [5])),
        (5, 6, ([6], (), [5])),
    ],
)
def test_each_row_of_the_table_gives_its_history(before, current, expected):
    assert scalar_history(before, current, operator.eq) == expected


def test_equality_is_asked_of_the_given_function():
    assert scalar_history("A", "a", lambda a, b: a.lower() == b.lower()) == ((), ["a"], ())


def test_an_answer_that_is_no_boolean_counts_as_different():
    class Vector:
        def __eq__(self, other):
            return [True, False]

        __hash__ = None

    before, current = Vector(), Vector()
    history = scalar_history(before, current, operator.eq)
    assert history.added[0] is current
    assert history.deleted[0] is before


def test_an_object_that_is_the_same_is_unchanged_even_if_it_is_not_equal_to_itself():
    nan = float("nan")
    assert scalar_history(nan, nan, operator.eq).unchanged == [nan]


@given(st.one_of(st.none(), st.integers(), st.just(NO_VALUE)), st.one_of(st.none(), st.integers(), st.just(NO_VALUE)))
def test_no_element_is_in_two_sequences(before, current):
    history = scalar_history(before, current, operator.eq)
    elements = history.sum()
    assert len(elements) == len(set(elements))


def test_questions_about_a_change_are_answered_from_the_sequences():
    history = History(["new"], ["same"], ["old"])
    assert history.has_changes()
    assert not history.empty()
    assert history.sum() == ["new", "same", "old"]
    assert history.non_deleted() == ["new", "same"]
    assert history.non_added() == ["same", "old"]
    assert bool(history)


def test_an_empty_history_is_false_and_empty():
    history = History((), (), ())
    assert history.empty()
    assert not history.has_changes()
    assert not history


def test_unchanged_values_are_no_change_but_not_empty():
    history = History((), [None], ())
    assert not history.empty()
    assert not history.has_changes()


def test_as_state_replaces_objects_by_their_states_and_keeps_the_rest():
    user = make_user()()
    history = History([user], ["x"], ()).as_state()
    assert history == ([user._sa_instance_state], ["x"], [])


def test_symbols_are_the_same_after_pickling_and_false():
    assert pickle.loads(pickle.dumps(NO_VALUE)) is NO_VALUE
    assert not NO_VALUE
