"""The life cycle is one table; everything derived from it agrees with it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ormsession.events import SessionEvents
from ormsession.tracking.lifecycle import (
    EVENT_NAMES,
    TRANSITIONS,
    Call,
    ObjectState,
    after,
    diagram,
    state_of,
    transition_event,
)


@pytest.mark.parametrize(
    ("has_key", "is_attached", "is_deleted", "expected"),
    [
        (False, False, False, ObjectState.TRANSIENT),
        (False, True, False, ObjectState.PENDING),
        (True, True, False, ObjectState.PERSISTENT),
        (True, True, True, ObjectState.DELETED),
        (True, False, False, ObjectState.DETACHED),
        (True, False, True, ObjectState.DETACHED),
    ],
)
def test_three_facts_decide_the_state(has_key, is_attached, is_deleted, expected):
    assert state_of(has_key=has_key, is_attached=is_attached, is_deleted=is_deleted) is expected


def test_every_state_can_be_reached_and_left():
    assert {now for _, now in [(k, v) for k, v in TRANSITIONS.items()]} == set(ObjectState)
    assert {before for before, _ in TRANSITIONS} == set(ObjectState)


def test_every_event_name_is_an_event_that_listeners_can_ask_for():
    assert [name for name in EVENT_NAMES if not hasattr(SessionEvents, name)] == []


def test_every_move_between_attached_states_has_an_event():
    silent = {
        (before, now)
        for (before, _), now in TRANSITIONS.items()
        if before is not now and transition_event(before, now) is None
    }
    # objects that belong to no session afterwards or before, where no session can tell
    assert silent == {
        (ObjectState.TRANSIENT, ObjectState.PERSISTENT),
        (ObjectState.TRANSIENT, ObjectState.DETACHED),
        (ObjectState.DETACHED, ObjectState.TRANSIENT),
        (ObjectState.DELETED, ObjectState.TRANSIENT),
    }


def test_a_loaded_object_has_an_event_of_its_own():
    assert transition_event(ObjectState.TRANSIENT, ObjectState.PERSISTENT, loaded=True) == "loaded_as_persistent"


def test_an_illegal_call_has_no_next_state():
    assert after(ObjectState.TRANSIENT, Call.DELETE) is None
    assert after(ObjectState.TRANSIENT, Call.ADD) is ObjectState.PENDING


@given(st.lists(st.sampled_from(Call)))
def test_no_sequence_of_legal_calls_leaves_the_table(calls):
    state = ObjectState.TRANSIENT
    for call in calls:
        state = after(state, call) or state
        assert state in ObjectState


def test_the_diagram_draws_each_move_once():
    moves = {(before, call) for (before, call), now in TRANSITIONS.items() if before is not now}
    lines = [line for line in diagram().splitlines() if ":" in line]
    assert len(lines) == len(moves)
    assert "    pending --> persistent: flush of an insert" in lines
