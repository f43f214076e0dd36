"""Copying objects into a session."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError, SAWarning

from ormsession import Session, deferred, exc, inspect
from ormsession.testing import assert_sql, recorded_sql

from .conftest import notes, users


@pytest.fixture
def ed(session, User, stored):
    stored("ed", "wendy")
    return session.get(User, 1)


class TestLoading:
    def test_the_values_go_onto_the_object_that_is_there(self, session, User, ed):
        given = User(id=1, name="changed")
        merged = session.merge(given)
        assert merged is ed
        assert ed.name == "changed"
        assert given not in session
        assert ed in session.dirty

    def test_an_object_that_is_not_there_is_loaded(self, session, User, stored):
        stored("ed")
        merged = session.merge(User(id=1, name="changed"))
        assert inspect(merged).persistent
        session.commit()
        assert merged.name == "changed"

    def test_without_a_row_a_new_object_is_pending(self, session, User):
        merged = session.merge(User(id=9, name="new"))
        assert merged in session.new
        assert (merged.id, merged.name) == (9, "new")

    def test_without_a_key_nothing_is_asked_of_the_database(self, session, User):
        with recorded_sql(session) as recorded:
            merged = session.merge(User(name="new"))
        assert_sql(recorded, [])
        assert merged in session.new

    def test_equal_values_leave_nothing_to_flush(self, session, User, ed):
        session.merge(User(id=1, name="ed"))
        assert not session.dirty

    def test_equal_values_of_an_expired_object_leave_nothing_to_flush_either(self, session, User, ed):
        session.expire(ed)
        session.merge(User(id=1, name="ed"))
        assert not session.dirty

    def test_attributes_that_were_never_set_are_left_alone(self, session, User, ed):
        ed.age = 5
        session.merge(User(id=1, name="changed"))
        assert ed.age == 5

    def test_a_none_overwrites(self, session, User, ed):
        ed.age = 5
        session.flush()
        session.merge(User(id=1, name="ed", age=None))
        assert ed.age is None

    def test_an_object_of_this_session_is_its_own_merge(self, session, ed):
        assert session.merge(ed) is ed

    def test_a_detached_object_keeps_out(self, engine, session, User, ed):
        session.expunge(ed)
        ed.name = "outside"
        merged = session.merge(ed)
        assert merged is not ed
        assert merged.name == "outside"
        assert inspect(ed).detached

    def test_two_given_objects_of_one_key_become_one(self, session, User):
        first, second = session.merge_all([User(id=9, name="first"), User(id=9, name="second")])
        assert first is second
        assert first.name == "second"

    def test_an_object_given_twice_is_merged_once(self, session, User):
        given = User(name="new")
        first, second = session.merge_all([given, given])
        assert first is second
        assert len(session.new) == 1

    def test_merging_a_pending_object_again_is_warned_of(self, session, User):
        session.autoflush = False
        user = User(name="ed")
        session.add(user)
        with pytest.warns(SAWarning, match="is already pending in this Session yet is being merged again"):
            session.merge(user)

    def test_a_new_object_tells_its_load_listeners(self, session, User):
        loaded = []
        event.listen(User, "load", lambda target, context: loaded.append(target))
        merged = session.merge(User(id=9, name="new"))
        assert loaded == [merged]

    def test_merging_flushes_before_and_not_while(self, session, User, ed):
        ed.name = "pending change"
        flushes = []
        event.listen(session, "after_flush", lambda session, context: flushes.append(context))
        session.merge(User(id=2, name="x"))
        assert len(flushes) == 1


class TestVersions:
    @pytest.fixture
    def Note(self, mappings):
        class Note:
            pass

        mappings.map_imperatively(Note, notes, version_id_col=notes.c.version)
        return Note

    def test_an_object_older_than_its_row_is_refused(self, session, Note):
        note = Note(id=1, text="first")
        session.add(note)
        session.commit()
        with pytest.raises(exc.StaleDataError, match=r"Version id '0' .* does not match existing version '1'"):
            session.merge(Note(id=1, text="x", version=0))
        assert session.merge(Note(id=1, text="second")).text == "second"


class TestWithoutLoading:
    def test_a_detached_object_is_taken_for_its_row(self, engine, User, ed, session):
        session.expunge(ed)
        other = Session(engine)
        with recorded_sql(other) as recorded:
            merged = other.merge(ed, load=False)
            assert merged.name == "ed"
        assert_sql(recorded, [])
        assert inspect(merged).persistent
        assert not other.dirty
        other.close()

    def test_what_was_expired_is_loaded_later(self, engine, User, ed, session):
        session.expire(ed, ["name"])
        session.expunge(ed)
        with Session(engine) as other:
            merged = other.merge(ed, load=False)
            assert "name" not in merged.__dict__
            assert merged.name == "ed"

    def test_a_deferred_attribute_stays_deferred(self, engine, mappings, stored):
        class Person:
            pass

        mappings.map_imperatively(Person, users, properties={"name": deferred(users.c.name)})
        stored("ed")
        with Session(engine) as first:
            person = first.get(Person, 1)
        with Session(engine) as second:
            merged = second.merge(person, load=False)
            assert "name" not in merged.__dict__
            assert merged.name == "ed"

    def test_an_object_without_a_row_is_refused(self, session, User):
        with pytest.raises(InvalidRequestError, match="does not support objects transient"):
            session.merge(User(id=1), load=False)

    def test_a_changed_object_is_refused(self, session, ed):
        session.expunge(ed)
        ed.name = "changed"
        with pytest.raises(InvalidRequestError, match="objects marked as 'dirty'"):
            session.merge(ed, load=False)
