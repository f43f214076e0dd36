"""``scoped_session``: one session per scope."""

from __future__ import annotations

import inspect as python_inspect
import threading

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError, SAWarning

from ormsession import Session, object_session, scoped_session, sessionmaker


@pytest.fixture
def scoped(engine):
    scoped = scoped_session(sessionmaker(engine))
    yield scoped
    scoped.remove()


def test_the_same_session_within_a_thread_another_in_another(scoped):
    mine, theirs = scoped(), []
    thread = threading.Thread(target=lambda: theirs.append(scoped()))
    thread.start()
    thread.join()
    assert scoped() is mine
    assert theirs[0] is not mine


def test_a_function_may_say_what_the_scope_is(engine):
    scope = "a"
    scoped = scoped_session(sessionmaker(engine), lambda: scope)
    first = scoped()
    scope = "b"
    assert scoped() is not first
    scoped.remove()
    scope = "a"
    assert scoped() is first
    scoped.remove()
    assert scoped.registry.registry == {}


def test_remove_closes_and_forgets(scoped, User):
    user = User(name="ed")
    scoped.add(user)
    session = scoped()
    scoped.remove()
    assert object_session(user) is None
    assert scoped() is not session
    scoped.remove()
    scoped.remove()


def test_arguments_are_for_a_new_session_only(engine):
    scoped = scoped_session(sessionmaker(engine))
    assert not scoped(autoflush=False).autoflush
    with pytest.raises(InvalidRequestError, match="Scoped session is already present"):
        scoped(autoflush=False)
    with pytest.warns(SAWarning, match="already present"):
        scoped.configure(autoflush=True)
    scoped.remove()
    assert scoped().autoflush
    scoped.remove()


def test_it_does_what_its_session_does(scoped, User, names_in_database):
    user = User(name="ed")
    scoped.add(user)
    assert user in scoped
    assert list(scoped) == [user]
    assert list(scoped.new) == [user]
    scoped.commit()
    assert scoped.scalars(select(User)).one() is user
    assert scoped.get(User, 1) is user
    assert scoped.object_session(user) is scoped()
    assert scoped.identity_key(User, 1) == (User, (1,), None)
    assert names_in_database() == ["ed"]
    with scoped.begin_nested():
        user.name = "changed"
    assert scoped.is_modified(user) is False


def test_attributes_of_the_session_are_read_and_written(scoped, engine):
    assert scoped.bind is engine
    assert scoped.hash_key == scoped().hash_key
    scoped.autoflush = False
    assert not scoped().autoflush
    assert scoped.info is scoped().info


def test_a_query_property_gives_a_query_for_its_class(scoped, User, stored):
    stored("ed")
    User.query = scoped.query_property()
    assert User.query.filter_by(name="ed").one().id == 1

    class Mine(type(User.query)):
        pass

    User.mine = scoped.query_property(Mine)
    assert isinstance(User.mine, Mine)
    assert User.mine.count() == 1


def test_everything_public_of_a_session_is_there_with_its_signature_and_documentation():
    for name in dir(Session):
        if name.startswith("_") or name == "dispatch":
            continue
        assert hasattr(scoped_session, name), name
        theirs, mine = getattr(Session, name), getattr(scoped_session, name)
        if python_inspect.isfunction(theirs) and mine.__module__ == theirs.__module__:
            assert python_inspect.signature(mine) == python_inspect.signature(theirs), name
            assert mine.__doc__ == theirs.__doc__, name


def test_listening_to_it_reaches_its_sessions(engine):
    told = []
    scoped = scoped_session(sessionmaker(engine))
    event.listen(scoped, "after_transaction_create", lambda session, transaction: told.append(session))
    scoped.begin()
    assert told == [scoped()]
    scoped.remove()


def test_listening_needs_a_factory_of_sessions():
    for factory in (lambda: None, object):
        with pytest.raises(ArgumentError, match="creation callable is associated with the Session class"):
            event.listen(scoped_session(factory), "before_flush", print)


def test_a_factory_that_is_the_session_class_itself(engine):
    scoped = scoped_session(Session)
    assert type(scoped()) is Session
    scoped.remove()
