"""Moving objects into, out of and between sessions, and the events that tell of it."""

from __future__ import annotations

import gc
import pickle

import pytest
from sqlalchemy import event, select
from sqlalchemy.exc import InvalidRequestError, SAWarning

from ormsession import (
    Session,
    close_all_sessions,
    exc,
    inspect,
    make_transient,
    make_transient_to_detached,
    object_session,
    was_deleted,
)
from ormsession.testing import check_invariants
from ormsession.tracking.lifecycle import EVENT_NAMES

from .conftest import tags, users


@pytest.fixture
def ed(session, User, stored):
    stored("ed", "wendy")
    return session.get(User, 1)


@pytest.fixture
def moves(session):
    """The moves that the session announces, each checked against the state the object is in then."""
    announced = []
    for name in EVENT_NAMES:

        def hear(session, instance, name=name):
            state = inspect(instance)
            assert state.object_state.value == ("persistent" if name.startswith("loaded") else name.rpartition("_")[2])
            announced.append(name)

        event.listen(session, name, hear)
    return announced


class TestAdding:
    def test_a_transient_object_becomes_pending(self, session, User, moves):
        user = User(name="ed")
        session.add(user)
        assert inspect(user).pending
        assert user in session
        assert user in session.new
        assert moves == ["transient_to_pending"]

    def test_adding_twice_is_adding_once(self, session, User, moves):
        user = User(name="ed")
        session.add_all([user, user])
        assert list(session.new) == [user]
        assert moves == ["transient_to_pending"]

    def test_a_detached_object_becomes_persistent_with_its_changes(self, session, ed, moves):
        session.expunge(ed)
        ed.name = "changed outside"
        session.add(ed)
        assert ed in session.dirty
        assert moves == ["persistent_to_detached", "detached_to_persistent"]
        session.flush()
        assert not session.dirty

    def test_an_object_of_another_session_is_refused(self, engine, session, ed):
        other = Session(engine)
        with pytest.raises(InvalidRequestError, match="is already attached to session"):
            other.add(ed)
        with pytest.raises(InvalidRequestError, match="is already attached to session"):
            other.delete(ed)
        assert ed not in other
        other.close()

    def test_an_object_of_a_session_that_is_gone_is_welcome(self, engine, User, stored):
        stored("ed")
        first = Session(engine)
        user = first.get(User, 1)
        first.commit()
        del first
        gc.collect()
        second = Session(engine)
        second.add(user)
        assert user in second
        check_invariants(second)
        second.close()

    def test_a_second_object_for_a_row_is_refused(self, session, User, ed):
        session.expunge(ed)
        again = session.get(User, 1)
        with pytest.raises(InvalidRequestError, match=r"another instance with key .* is already present"):
            session.add(ed)
        assert again in session
        assert ed not in session

    def test_a_deleted_object_is_refused_with_the_way_out(self, session, ed):
        session.delete(ed)
        session.flush()
        with pytest.raises(InvalidRequestError, match=r"has been deleted.*make_transient\(\)"):
            session.add(ed)

    def test_a_mark_for_deletion_is_taken_back(self, session, ed):
        session.delete(ed)
        session.add(ed)
        assert not session.deleted

    def test_an_unpickled_object_can_join_another_session(self, engine, ed, mapped_globally):
        user = mapped_globally(name="ed")
        with Session(engine) as first, Session(engine) as second:
            first.add(user)
            copy = pickle.loads(pickle.dumps(user))
            second.add(copy)
            assert copy in second
            assert copy not in first

    def test_a_constructor_may_add_its_object(self, session, mappings):
        class Tag:
            def __init__(self):
                session.add(self)

        mappings.map_imperatively(Tag, tags)
        tag = Tag()
        assert list(session) == [tag]

    @pytest.mark.parametrize(
        "method", ["add", "delete", "expunge", "merge", "refresh", "expire", "is_modified", "__contains__"]
    )
    def test_what_is_not_mapped_is_refused_by_every_method(self, session, User, method):
        for thing in (object(), "doh", User, ("a", "tuple")):
            with pytest.raises(exc.UnmappedInstanceError):
                getattr(session, method)(thing)

    def test_adding_while_a_flush_writes_is_warned_of(self, session, User):
        @event.listens_for(User, "after_insert")
        def add_another(mapper, connection, target):
            session.add(User(name="late"))

        session.add(User(name="ed"))
        with pytest.warns(SAWarning, match=r"Usage of the 'Session.add\(\)'"):
            session.flush()


class PicklableUser:
    """A class that pickle can find."""


@pytest.fixture
def mapped_globally(mappings):
    mappings.map_imperatively(PicklableUser, users)
    return PicklableUser


class TestDeleting:
    def test_a_flush_deletes_and_the_object_stays_attached_until_commit(self, session, ed, moves):
        session.delete(ed)
        assert ed in session
        assert ed in session.deleted
        session.flush()
        assert ed not in session
        assert object_session(ed) is session
        assert inspect(ed).deleted
        session.commit()
        assert object_session(ed) is None
        assert moves == ["persistent_to_deleted", "deleted_to_detached"]

    def test_a_detached_object_is_taken_in_first(self, session, ed, moves):
        session.expunge(ed)
        session.delete(ed)
        assert ed in session.deleted
        assert moves[-1] == "detached_to_persistent"

    def test_what_has_no_row_cannot_be_deleted(self, session, User):
        user = User(name="ed")
        for _ in range(2):
            with pytest.raises(InvalidRequestError, match="is not persisted"):
                session.delete(user)
            session.add(user)

    def test_the_rollback_of_a_deletion_is_announced(self, session, ed, moves):
        session.delete(ed)
        session.flush()
        session.rollback()
        assert moves == ["persistent_to_deleted", "deleted_to_persistent"]

    def test_several_at_once(self, session, User, ed, names_in_database):
        session.delete_all([ed, session.get(User, 2)])
        session.commit()
        assert names_in_database() == []

    def test_an_object_nobody_holds_is_alive_for_its_listeners(self, session, User, ed, moves):
        session.delete(session.get(User, 2))
        gc.collect()
        session.flush()
        assert moves[-1] == "persistent_to_deleted"


class TestExpunging:
    def test_a_pending_object_is_transient_again(self, session, User, moves):
        user = User(name="ed")
        session.add(user)
        session.expunge(user)
        assert inspect(user).transient
        assert moves == ["transient_to_pending", "pending_to_transient"]

    def test_a_persistent_one_is_detached_and_keeps_its_changes(self, session, ed):
        ed.name = "changed"
        session.expunge(ed)
        assert inspect(ed).detached
        assert inspect(ed).modified
        assert not session.dirty

    def test_a_deleted_one_is_detached(self, session, ed, moves):
        session.delete(ed)
        session.flush()
        session.expunge(ed)
        assert inspect(ed).detached
        assert was_deleted(ed)
        assert moves[-1] == "deleted_to_detached"

    def test_an_object_that_is_not_there_is_refused(self, session, User):
        with pytest.raises(InvalidRequestError, match="is not present in this Session"):
            session.expunge(User())

    def test_all_at_once(self, session, User, ed, moves):
        session.add(User(name="new"))
        gone = session.get(User, 2)
        session.delete(gone)
        session.flush()
        session.add(User(name="pending"))
        session.expunge_all()
        assert list(session) == []
        assert inspect(ed).detached
        assert inspect(gone).detached
        assert {"pending_to_transient", "persistent_to_detached", "deleted_to_detached"} <= set(moves)

    def test_rows_that_are_fetched_afterwards_have_nowhere_to_go(self, session, User, ed):
        result = session.execute(select(User))
        session.expunge_all()
        with pytest.raises(InvalidRequestError, match="identity map is no longer valid"):
            result.all()


class TestWithoutASession:
    def test_make_transient_forgets_the_row(self, session, ed):
        make_transient(ed)
        assert inspect(ed).transient
        assert ed not in session
        ed.id = None
        session.add(ed)
        session.flush()
        assert ed.id == 3

    def test_make_transient_of_an_expired_object_leaves_nothing_to_load(self, session, ed):
        session.expire(ed)
        make_transient(ed)
        assert ed.name is None

    def test_make_transient_of_a_deleted_object_is_not_undone_by_a_rollback(self, session, ed):
        session.delete(ed)
        session.flush()
        make_transient(ed)
        session.rollback()
        assert inspect(ed).transient
        assert not was_deleted(ed)

    def test_make_transient_to_detached_stands_for_a_row(self, session, User, stored):
        stored("ed")
        user = User(id=1)
        make_transient_to_detached(user)
        assert inspect(user).detached
        session.add(user)
        assert user.name == "ed"

    def test_only_a_transient_object_can_be_made_detached(self, session, User, ed):
        pending = User(id=9, name="x")
        session.add(pending)
        for user in (ed, pending):
            with pytest.raises(InvalidRequestError, match="Given object must be transient"):
                make_transient_to_detached(user)

    def test_close_all_sessions_closes_all(self, engine, User):
        sessions = [Session(engine), Session(engine)]
        for session in sessions:
            session.add(User(name="ed"))
        close_all_sessions()
        assert [list(session) for session in sessions] == [[], []]


class TestHolding:
    def test_a_clean_object_that_nobody_uses_is_gone(self, session, User, stored):
        stored("ed")
        assert session.get(User, 1).name == "ed"
        gc.collect()
        assert len(session.identity_map) == 0

    def test_a_changed_one_is_held_until_the_flush(self, session, User, stored, names_in_database):
        stored("ed")
        session.get(User, 1).name = "changed"
        gc.collect()
        assert len(session.dirty) == 1
        session.commit()
        gc.collect()
        assert len(session.identity_map) == 0
        assert names_in_database() == ["changed"]

    def test_a_pending_one_is_held_until_the_flush(self, session, User, names_in_database):
        session.add(User(name="ed"))
        gc.collect()
        session.commit()
        assert names_in_database() == ["ed"]


def test_loading_is_announced(session, User, stored, moves):
    stored("ed")
    user = session.get(User, 1)
    session.expire(user)
    assert user.name == "ed"
    assert moves == ["loaded_as_persistent"]


def test_a_listener_of_attach_sees_the_object_outside_and_then_inside(session, User):
    told = []
    event.listen(session, "before_attach", lambda session, user: told.append(user in session))
    event.listen(session, "after_attach", lambda session, user: told.append(user in session))
    session.add(User(name="ed"))
    assert told == [False, True]


def test_enable_relationship_loading_attaches_without_membership(session, User):
    user = User(id=1)
    session.enable_relationship_loading(user)
    assert object_session(user) is session
    assert user not in session
    session.expunge(user)
    assert object_session(user) is None
