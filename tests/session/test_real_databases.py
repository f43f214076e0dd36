"""Transactions of a session on each database that answers."""

from __future__ import annotations

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from ormsession import Session, inspect, sessionmaker
from ormsession.testing import check_invariants

from .conftest import metadata, users


@pytest.fixture
def server(database):
    metadata.create_all(database)
    return database


def names(engine):
    with engine.connect() as connection:
        return list(connection.scalars(select(users.c.name).order_by(users.c.id)))


def test_commit_rollback_and_what_became_of_the_objects(server, User):
    with Session(server) as session:
        ed, wendy = User(name="ed"), User(name="wendy")
        session.add_all([ed, wendy])
        session.commit()
        ed.name = "changed"
        session.delete(wendy)
        session.add(User(name="jack"))
        session.flush()
        session.rollback()
        check_invariants(session)
        assert (ed.name, wendy.name) == ("ed", "wendy")
    assert names(server) == ["ed", "wendy"]


def test_savepoints(server, User):
    with Session(server) as session, session.begin():
        session.execute(users.insert().values(name="first"))  # SQLite's driver begins a transaction with this only
        with session.begin_nested():
            session.add(User(name="kept"))
        with pytest.raises(ZeroDivisionError), session.begin_nested():
            lost = User(name="lost")
            session.add(lost)
            session.flush()
            raise ZeroDivisionError
        assert inspect(lost).transient
        assert "id" not in lost.__dict__
    assert names(server) == ["first", "kept"]


def test_a_failed_flush_is_over_after_rollback(server, User):
    with Session(server) as session:
        session.add_all([User(id=1, name="ed"), User(id=2, name="refused")])
        with pytest.raises((IntegrityError, DBAPIError)):
            session.flush()
        session.rollback()
        session.add(User(id=1, name="ed"))
        session.commit()
    assert names(server) == ["ed"]


def test_a_lock_is_asked_for_where_the_database_has_one(server, User):
    with Session(server) as session:
        session.add(User(id=1, name="ed"))
        session.commit()
        ed = session.get(User, 1, with_for_update=True)
        session.refresh(ed, with_for_update={"nowait": True} if server.name == "postgresql" else True)
        assert ed.name == "ed"


def test_two_sessions_see_each_other_after_commit_only(server, User):
    if server.name == "sqlite":
        pytest.skip("an in-memory SQLite database has one connection")
    make_session = sessionmaker(server)
    with make_session() as one, make_session() as other:
        one.add(User(name="ed"))
        one.flush()
        assert other.scalars(select(User)).all() == []
        one.commit()
        other.rollback()
        assert other.scalars(select(User)).one().name == "ed"


def test_a_two_phase_commit(server, User):
    if server.name == "sqlite":
        pytest.skip("SQLite has no two-phase transactions")
    if server.name == "postgresql":
        with server.connect() as connection:
            if connection.scalar(text("SHOW max_prepared_transactions")) == "0":
                pytest.skip("PostgreSQL is set up without prepared transactions (max_prepared_transactions = 0)")
    with Session(server, twophase=True) as session:
        session.add(User(name="ed"))
        session.prepare()
        session.commit()
        session.add(User(name="lost"))
        session.prepare()
        session.rollback()
    assert names(server) == ["ed"]
