"""Older modes still work, and say what is written today instead."""

from __future__ import annotations

import gc

import pytest
from sqlalchemy.exc import ArgumentError, IntegrityError

from ormsession import Session
from ormsession.testing import check_invariants

from .conftest import users


@pytest.fixture
def autocommitting(engine):
    with pytest.warns(DeprecationWarning, match=r"autocommit=True\) is deprecated; use autobegin"):
        session = Session(engine, autocommit=True)
    yield session
    session.close()


class TestAutocommit:
    def test_a_statement_is_committed_at_once(self, autocommitting, names_in_database):
        autocommitting.execute(users.insert().values(name="ed"))
        assert names_in_database() == ["ed"]
        assert not autocommitting.in_transaction()

    def test_a_flush_commits_itself(self, autocommitting, User, names_in_database):
        user = User(name="ed")
        autocommitting.add(user)
        assert not autocommitting.in_transaction()
        autocommitting.flush()
        assert not autocommitting.in_transaction()
        assert names_in_database() == ["ed"]
        user.name = "changed"
        autocommitting.flush()
        assert names_in_database() == ["changed"]
        check_invariants(autocommitting)

    def test_begin_starts_a_transaction(self, autocommitting, User, names_in_database):
        autocommitting.execute(users.select()).all()
        with autocommitting.begin():
            autocommitting.add(User(name="ed"))
            autocommitting.flush()
            assert autocommitting.in_transaction()
            assert names_in_database() == []
        assert names_in_database() == ["ed"]

    def test_a_failing_flush_needs_no_rollback(self, autocommitting, User, names_in_database):
        autocommitting.add(User(name="refused"))
        with pytest.raises(IntegrityError):
            autocommitting.flush()
        autocommitting.add(User(name="ed"))
        autocommitting.flush()
        assert names_in_database() == ["ed"]

    def test_objects_load_without_a_transaction(self, autocommitting, User, stored):
        stored("ed")
        user = autocommitting.get(User, 1)
        autocommitting.expire(user)
        assert user.name == "ed"
        assert not autocommitting.in_transaction()

    def test_a_connection_given_as_bind_is_used_as_it_is(self, engine, names_in_database):
        with engine.connect() as connection:
            with pytest.warns(DeprecationWarning, match="is deprecated; use"):
                session = Session(connection, autocommit=True)
            session.execute(users.insert().values(name="ed"))
            assert connection.in_transaction()
            connection.commit()
        assert names_in_database() == ["ed"]


class TestSubtransactions:
    def test_levels_are_counted(self, session, User, names_in_database):
        with pytest.warns(DeprecationWarning, match="subtransactions=True"):
            outer = session.begin(subtransactions=True)
        with pytest.warns(DeprecationWarning, match="is deprecated; use"):
            inner = session.begin(subtransactions=True)
        session.add(User(name="ed"))
        assert inner.parent is outer
        session.commit()
        assert session.in_transaction()
        assert names_in_database() == []
        session.commit()
        assert names_in_database() == ["ed"]

    def test_a_rollback_inside_has_to_be_answered_outside(self, session, User):
        session.begin()
        with pytest.warns(DeprecationWarning, match="is deprecated; use"):
            session.begin(subtransactions=True)
        session.add(User(name="ed"))
        session.rollback()
        assert not session.is_active
        session.rollback()
        assert session.is_active
        assert not session.in_transaction()


class TestStrongIdentityMap:
    def test_objects_stay_until_they_are_pruned(self, engine, User, stored):
        stored("ed", "wendy", "jack")
        with pytest.warns(DeprecationWarning, match="weak_identity_map=False"):
            session = Session(engine, weak_identity_map=False)
        assert len(session.query(User).all()) == 3
        gc.collect()
        assert len(session.identity_map) == 3
        kept = session.get(User, 2)
        session.delete(session.get(User, 3))
        session.flush()
        with pytest.warns(DeprecationWarning, match="prune"):
            assert session.prune() == 1
        assert list(session.identity_map.values()) == [kept]
        session.add(User(name="new"))
        session.commit()
        gc.collect()
        assert len(session.identity_map) == 2
        session.close()
        assert len(session.identity_map) == 0

    def test_pruning_an_ordinary_session_finds_nothing(self, session):
        with pytest.warns(DeprecationWarning, match="is deprecated; use"):
            assert session.prune() == 0


class TestSpellings:
    def test_a_string_is_wrapped_in_text(self, session, stored):
        stored("ed")
        with pytest.warns(DeprecationWarning, match=r"use text\("):
            assert session.execute("SELECT name FROM users WHERE id = :id", {"id": 1}).scalar() == "ed"
        with pytest.warns(DeprecationWarning, match="is deprecated; use"):
            assert session.scalar("SELECT count(*) FROM users") == 1

    def test_bind_arguments_as_keywords(self, engine, other_engine, User):
        session = Session(engine)
        with pytest.warns(DeprecationWarning, match="bind_arguments"):
            session.execute(users.insert().values(name="other"), bind=other_engine)
        with pytest.warns(DeprecationWarning, match="is deprecated; use"):
            assert session.scalars(users.select(), mapper=User).all() == []
        with pytest.raises(TypeError, match="'nonsense'"):
            session.execute(users.select(), nonsense=1)
        session.close()

    def test_lockmode(self, session, User, stored):
        stored("ed")
        user = session.get(User, 1)
        with pytest.warns(DeprecationWarning, match="with_for_update"):
            session.refresh(user, lockmode="update")
        with (
            pytest.warns(DeprecationWarning, match="is deprecated; use"),
            pytest.raises(ArgumentError, match="Unknown lockmode 'x'"),
        ):
            session.refresh(user, lockmode="x")

    def test_session_transaction(self, session):
        with pytest.warns(DeprecationWarning, match="get_transaction"):
            assert session.transaction is None
        transaction = session.begin()
        with pytest.warns(DeprecationWarning, match="is deprecated; use"):
            assert session.transaction is transaction

    def test_close_all(self, session, User):
        session.add(User(name="ed"))
        with pytest.warns(DeprecationWarning, match="close_all_sessions"):
            Session.close_all()
        assert list(session) == []
