"""How connections take part in a session's transaction."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError

from ormsession import Session
from ormsession.session import enlistment
from ormsession.session.enlistment import Enlistment


class Part:
    """Stands for a connection and its transaction, and remembers what it was told."""

    is_active = True

    def __init__(self, told, name, failing=()):
        self.told, self.name, self.failing = told, name, failing

    def __getattr__(self, call):
        def tell():
            self.told.append(f"{call} {self.name}")
            if call in self.failing:
                raise RuntimeError(f"{call} {self.name}")

        return tell


def enlisted(told, name, *, is_controlled=True, is_own=True, failing=()):
    return Enlistment(
        Part(told, f"connection {name}", failing), Part(told, f"transaction {name}", failing), is_controlled, is_own
    )


def test_all_are_rolled_back_also_when_one_fails():
    told = []
    failure = enlistment.roll_back([enlisted(told, "a", failing=("rollback",)), enlisted(told, "b")])
    assert str(failure) == "rollback transaction a"
    assert told == ["rollback transaction a", "rollback transaction b"]


def test_only_what_the_session_controls_is_committed():
    told = []
    enlistment.commit([enlisted(told, "a", is_controlled=False), enlisted(told, "b")])
    assert told == ["commit transaction b"]


def test_all_are_released_also_when_some_fail_and_the_first_failure_is_raised():
    told = []
    parts = [
        enlisted(told, "a", failing=("close",)),
        enlisted(told, "b", is_own=False),
        enlisted(told, "c", is_controlled=False),
    ]
    with pytest.raises(RuntimeError, match="close transaction a"):
        enlistment.release(parts, invalidate=True)
    assert told == [
        "invalidate connection a",
        "close transaction a",
        "close connection a",
        "close transaction b",
        "invalidate connection c",
        "close connection c",
    ]


def test_a_connection_that_a_listener_of_the_engine_has_begun_is_the_sessions_all_the_same(engine):
    ended = []
    event.listen(engine, "engine_connect", lambda connection: connection.begin())
    event.listen(engine, "commit", lambda connection: ended.append("commit"))
    for mode in enlistment.JOIN_MODES:
        session = Session(engine, join_transaction_mode=mode)
        connection = session.connection()
        session.commit()
        assert connection.closed
    assert ended == ["commit"] * 4


def test_a_connection_that_refuses_its_options_is_given_back(engine):
    opened = []
    event.listen(engine, "engine_connect", opened.append)
    with pytest.raises(ArgumentError):
        enlistment.enlist_root(engine, mode="rollback_only", is_twophase=False, options={"isolation_level": "nonsense"})
    assert opened[0].closed


def test_a_connection_of_the_user_is_never_closed(engine):
    with engine.connect() as connection:
        with pytest.raises(ArgumentError):
            enlistment.enlist_root(
                connection, mode="rollback_only", is_twophase=False, options={"isolation_level": "x"}
            )
        assert not connection.closed
        part = enlistment.enlist_root(connection, mode="rollback_only", is_twophase=False, options={})
        enlistment.release([part])
        assert not connection.closed
        assert not connection.in_transaction()
