"""``sessionmaker``."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from ormsession import Session, close_all_sessions, object_session, sessionmaker


def test_its_sessions_have_its_arguments(engine):
    make_session = sessionmaker(engine, autoflush=False, expire_on_commit=False, twophase=True)
    session = make_session()
    assert isinstance(session, Session)
    assert (session.bind, session.autoflush, session.expire_on_commit, session.twophase) == (engine, False, False, True)


def test_arguments_of_the_call_win_and_info_is_merged(engine):
    make_session = sessionmaker(engine, info={"a": 1, "b": 1})
    session = make_session(autoflush=False, info={"b": 2, "c": 2})
    assert not session.autoflush
    assert session.info == {"a": 1, "b": 2, "c": 2}
    session.info["a"] = "changed"
    assert make_session().info == {"a": 1, "b": 1}


def test_configure_is_for_sessions_to_come(engine):
    make_session = sessionmaker()
    before = make_session()
    make_session.configure(bind=engine)
    assert (before.bind, make_session().bind) == (None, engine)


def test_begin_commits_and_closes(engine, User, names_in_database):
    make_session = sessionmaker(engine)
    with make_session.begin() as session:
        user = User(name="ed")
        session.add(user)
    assert names_in_database() == ["ed"]
    assert object_session(user) is None
    with pytest.raises(ZeroDivisionError), make_session.begin() as session:
        session.add(User(name="lost"))
        raise ZeroDivisionError
    assert names_in_database() == ["ed"]


def test_its_session_class_may_be_ones_own(engine):
    class Mine(Session):
        """A session of my own."""

    assert isinstance(sessionmaker(engine, class_=Mine)(), Mine)


def test_listening_to_one_factory_reaches_its_sessions_only():
    told = []
    event.listen(Session, "after_transaction_create", on_all := lambda session, transaction: told.append("all"))
    one, other = sessionmaker(), sessionmaker()
    event.listen(one, "after_transaction_create", lambda session, transaction: told.append("one"))
    one().begin()
    other().begin()
    event.remove(Session, "after_transaction_create", on_all)
    assert told == ["all", "one", "all"]
    close_all_sessions()


def test_its_repr_shows_the_arguments():
    assert repr(sessionmaker(autoflush=False)).startswith("sessionmaker(class_='Session', bind=None, autoflush=False")


def test_it_answers_for_keys_and_owners_without_a_session(engine, User):
    session = Session(engine)
    user = User(name="ed")
    session.add(user)
    make_session = sessionmaker()
    assert make_session.object_session(user) is session
    assert make_session.identity_key(User, 5) == Session.identity_key(User, 5) == (User, (5,), None)
    session.close()
