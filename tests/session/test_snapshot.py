"""What a rollback gives back, at each level."""

from __future__ import annotations

import gc

import pytest
from sqlalchemy import event, update
from sqlalchemy.exc import IntegrityError

from ormsession import Session, get_history, identity_key, inspect, was_deleted
from ormsession.session.snapshot import Snapshot
from ormsession.testing import check_invariants, recorded_sql

from .conftest import users


@pytest.fixture
def ed(session, User, stored):
    stored("ed", "wendy")
    return session.get(User, 1)


class TestNewObjects:
    def test_a_pending_object_leaves(self, session, User):
        user = User(name="ed")
        session.add(user)
        session.rollback()
        assert inspect(user).transient
        assert user.name == "ed"

    def test_an_inserted_object_leaves_and_loses_the_key_that_was_made_for_it(self, session, User):
        user = User(name="ed")
        session.add(user)
        session.flush()
        assert user.id == 1
        session.rollback()
        assert inspect(user).transient
        assert user.__dict__.get("id") is None
        check_invariants(session)

    def test_a_key_that_the_program_gave_stays(self, session, User):
        user = User(id=7, name="ed")
        session.add(user)
        session.flush()
        session.rollback()
        assert user.id == 7

    def test_it_can_be_added_again_and_is_inserted_anew(self, session, User, names_in_database):
        user = User(name="ed")
        session.add(user)
        session.flush()
        session.rollback()
        session.add(user)
        session.commit()
        assert user.id == 1
        assert names_in_database() == ["ed"]

    def test_one_that_was_expunged_after_the_flush_has_lost_its_row_too(self, session, User):
        user = User(name="ed")
        session.add(user)
        session.flush()
        session.expunge(user)
        session.rollback()
        assert inspect(user).transient
        assert session.identity_map == {}

    def test_one_that_another_session_has_taken_over_is_left_to_it(self, engine, session, User):
        user = User(id=5, name="ed")
        session.add(user)
        session.flush()
        session.expunge(user)
        other = Session(engine)
        other.add(user)
        session.rollback()
        assert user in other
        assert inspect(user).persistent
        other.close()

    def test_one_that_is_gone_is_no_obstacle(self, session, User, names_in_database):
        session.add(User(name="ed"))
        session.flush()
        gc.collect()
        session.rollback()
        assert names_in_database() == []

    def test_the_states_of_many_objects_that_are_gone_are_not_kept(self, session, User, monkeypatch):
        monkeypatch.setattr("ormsession.session.snapshot._PRUNE_AT_LEAST", 3)
        session.begin()
        session._transaction._snapshot = Snapshot()
        for number in range(10):
            session.add(User(name=f"user {number}"))
            session.flush()
            gc.collect()
        assert len(session._transaction._snapshot.new) <= 4
        assert len(session._transaction._snapshot.undos) <= 4


class TestDeletedObjects:
    def test_one_that_is_marked_is_no_longer(self, session, ed):
        session.delete(ed)
        session.rollback()
        assert ed in session
        assert not session.deleted

    def test_one_that_was_deleted_returns(self, session, ed):
        session.delete(ed)
        session.flush()
        assert ed not in session
        assert was_deleted(ed)
        session.rollback()
        assert ed in session
        assert not was_deleted(ed)
        assert ed.name == "ed"

    def test_one_that_was_expunged_meanwhile_does_not(self, session, ed):
        session.delete(ed)
        session.flush()
        session.expunge(ed)
        session.rollback()
        assert ed not in session
        assert was_deleted(ed)

    def test_it_takes_its_place_back_from_an_object_loaded_meanwhile(self, session, User, ed):
        session.delete(ed)
        session.flush()
        session.execute(users.insert().values(id=1, name="usurper"))
        usurper = session.get(User, 1)
        session.rollback()
        assert ed in session
        assert usurper not in session
        assert session.identity_map[identity_key(User, 1)] is ed

    def test_after_a_commit_it_is_detached_for_good(self, session, ed):
        session.delete(ed)
        session.commit()
        assert inspect(ed).detached
        assert was_deleted(ed)
        session.rollback()
        assert ed not in session

    def test_its_values_can_still_be_read_after_the_commit(self, session, ed):
        session.commit()
        session.delete(ed)
        session.commit()
        assert ed.name == "ed"


class TestChangedObjects:
    def test_values_are_those_of_the_database_again(self, session, ed):
        ed.name = "changed"
        session.flush()
        ed.age = 5
        session.rollback()
        assert (ed.name, ed.age) == ("ed", None)
        assert not session.dirty

    def test_another_primary_key_goes_back(self, session, Tag):
        session.add_all([Tag(word="a"), Tag(word="b")])
        session.commit()
        a, b = session.get(Tag, "a"), session.get(Tag, "b")
        session.delete(a)
        session.flush()
        b.word = "a"
        session.flush()
        assert session.identity_map[identity_key(Tag, "a")] is b
        session.rollback()
        assert session.identity_map[identity_key(Tag, "a")] is a
        assert session.identity_map[identity_key(Tag, "b")] is b
        assert b.word == "b"

    def test_two_objects_that_swapped_keys_swap_back(self, session, Tag):
        session.add_all([Tag(word="a"), Tag(word="b")])
        session.commit()
        a, b = session.get(Tag, "a"), session.get(Tag, "b")
        a.word = "c"
        session.flush()
        b.word = "a"
        session.flush()
        a.word = "b"
        session.flush()
        check_invariants(session)
        session.rollback()
        assert session.identity_map[identity_key(Tag, "a")] is a
        assert session.identity_map[identity_key(Tag, "b")] is b

    def test_the_history_of_a_change_is_gone(self, session, ed):
        ed.name = "changed"
        session.rollback()
        assert ed.name == "ed"
        assert not get_history(ed, "name").has_changes()

    def test_what_is_expired_already_is_not_expired_twice(self, session, User, ed):
        told = []
        event.listen(User, "expire", lambda target, names: told.append(target))
        session.expire(ed)
        session.rollback()
        assert told == [ed]


class TestSavepoints:
    def test_only_what_was_changed_inside_is_loaded_again(self, session, User, ed):
        wendy = session.get(User, 2)
        savepoint = session.begin_nested()
        ed.name = "changed"
        session.flush()
        savepoint.rollback()
        assert "name" in wendy.__dict__
        assert "name" not in ed.__dict__
        assert ed.name == "ed"

    def test_what_a_statement_changed_inside_is_loaded_again(self, session, User, ed):
        savepoint = session.begin_nested()
        session.execute(update(User).where(User.id == 1).values(name="changed"))
        assert ed.name == "changed"
        savepoint.rollback()
        assert ed.name == "ed"

    def test_a_change_from_before_survives(self, session, ed):
        ed.name = "before"
        savepoint = session.begin_nested()
        ed.name = "inside"
        savepoint.rollback()
        assert ed.name == "before"

    def test_a_released_savepoint_is_undone_with_its_parent(self, session, User, ed):
        outer = session.begin_nested()
        inner = session.begin_nested()
        new = User(name="new")
        session.add(new)
        ed.name = "inside"
        session.flush()
        gone = session.get(User, 2)
        session.delete(gone)
        inner.commit()
        assert "id" in new.__dict__
        outer.rollback()
        assert new not in session
        assert "id" not in new.__dict__
        assert gone in session
        assert ed.name == "ed"
        check_invariants(session)

    def test_a_key_that_moved_twice_goes_back_to_the_first(self, session, Tag):
        tag = Tag(word="a")
        session.add(tag)
        session.commit()
        tag.word = "b"
        session.flush()
        with session.begin_nested():
            tag.word = "c"
        session.rollback()
        assert session.identity_map[identity_key(Tag, "a")] is tag


def test_a_failing_flush_leaves_no_trace_on_any_object(session, User, ed):
    new, wrong = User(name="new"), User(name="refused")
    session.add_all([new, wrong])
    ed.name = "changed"
    with pytest.raises(IntegrityError):
        session.flush()
    assert "id" not in new.__dict__
    assert "id" not in wrong.__dict__
    assert inspect(new).transient
    session.rollback()
    with recorded_sql(session) as recorded:
        assert ed.name == "ed"
    assert len(recorded) == 1
