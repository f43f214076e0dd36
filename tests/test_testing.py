"""The tools for tests find what is wrong, and say so."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, literal, text

from ormsession import Session, inspect, registry
from ormsession.testing import assert_sql, check_invariants, recorded_sql

metadata = MetaData()
users = Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", String(30)))


@pytest.fixture
def User():
    class User:
        pass

    mappings = registry()
    mappings.map_imperatively(User, users)
    yield User
    mappings.dispose()


@pytest.fixture
def session(engine, User):
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(name="ed"), User(name="wendy")])
        session.commit()
        yield session


class TestRecordedSQL:
    @pytest.mark.parametrize("source", ["engine", "session", "connection"])
    def test_statements_are_recorded_with_their_parameters(self, engine, session, source):
        sources = {"engine": engine, "session": session, "connection": session.connection()}
        with recorded_sql(sources[source]) as recorded:
            session.execute(text("SELECT  name\nFROM users WHERE id = :id"), {"id": 1})
        assert_sql(recorded, ["SELECT name FROM users WHERE id = ?"])
        assert_sql(recorded, [("SELECT name FROM users WHERE id = ?", (1,))])
        session.execute(text("SELECT 1"))
        assert len(recorded) == 1

    def test_a_session_bound_to_a_connection_is_recorded_too(self, engine):
        with engine.connect() as connection, Session(connection) as session, recorded_sql(session) as recorded:
            session.execute(text("SELECT 1"))
        assert recorded.sql == ["SELECT 1"]

    def test_recording_can_begin_anew(self, session):
        with recorded_sql(session) as recorded:
            session.execute(text("SELECT 1"))
            recorded.clear()
            session.execute(text("SELECT 2"))
        assert recorded.sql == ["SELECT 2"]
        assert recorded.starting_with("insert", "update") == []
        assert recorded.starting_with("select") == ["SELECT 2"]

    @pytest.mark.parametrize("expected", [[], ["SELECT 2"], ["SELECT 1", "SELECT 1"], [("SELECT 1", {"a": 1})]])
    def test_any_difference_fails_with_both_lists(self, session, expected):
        with recorded_sql(session) as recorded:
            session.execute(text("SELECT 1"))
        with pytest.raises(AssertionError, match="(?s)expected these statements:.*but sent were:\nSELECT 1"):
            assert_sql(recorded, expected)


class TestInvariants:
    """Each test breaks one thing by hand, as no public call does, and is told what it broke."""

    @pytest.fixture
    def ed(self, session, User):
        check_invariants(session)
        return session.get(User, 1)

    def assert_found(self, session, *texts):
        with pytest.raises(AssertionError) as found:
            check_invariants(session)
        for wanted in texts:
            assert wanted in str(found.value)

    def test_a_key_that_differs_from_its_place(self, session, ed):
        inspect(ed).pk = 99
        self.assert_found(session, "has the key", "stands under 1")
        inspect(ed).pk = 1

    def test_an_object_that_is_gone(self, session, User, ed):
        session.identity_map.space(User)[77] = inspect(User())
        self.assert_found(session, "leads to an object that is gone")
        del session.identity_map.space(User)[77]

    def test_a_deleted_object_in_the_map(self, session, ed):
        inspect(ed).is_deleted = True
        self.assert_found(session, "is deleted")
        inspect(ed).is_deleted = False

    def test_a_mapper_without_an_attribute_for_its_key(self, session, User, ed):
        mapper = inspect(User)
        before = mapper.primary_key
        mapper.primary_key = (literal(1),)
        self.assert_found(session, "Mapper[User", "has no attribute")
        mapper.primary_key = before

    def test_a_property_without_an_attribute(self, session, User, ed):
        mapper = inspect(User)
        before = mapper.props
        mapper.props = {**before, "lost": before["name"]}
        self.assert_found(session, "the property 'lost' has no attribute on the class")
        mapper.props = before

    def test_another_owner(self, session, ed):
        inspect(ed).session_id = -1
        self.assert_found(session, "has the session number -1")
        inspect(ed).session_id = session.hash_key

    def test_a_changed_object_that_is_not_held(self, session, ed):
        ed.name = "changed"
        held = session.identity_map.modified.pop(inspect(ed))
        self.assert_found(session, "is modified and not held")
        session.identity_map.modified[inspect(ed)] = held

    def test_an_unchanged_object_that_is_held(self, session, ed):
        session.identity_map.modified[inspect(ed)] = None
        self.assert_found(session, "is not modified", "is held with another object")
        session.identity_map.modified.clear()

    def test_a_held_object_that_is_not_in_the_map(self, session, User, ed):
        stranger = User(name="x")
        session.identity_map.modified[inspect(stranger)] = stranger
        self.assert_found(session, "is not in the identity map")
        session.identity_map.modified.clear()

    def test_a_change_of_an_attribute_that_is_not_mapped(self, session, ed):
        state = inspect(ed)
        state.changes = {"nonsense": 1}
        self.assert_found(session, "not mapped: ['nonsense']", "is not modified")
        state.changes = None

    def test_a_value_that_is_there_and_expired(self, session, ed):
        state = inspect(ed)
        assert ed.name == "ed"
        state.expired_keys = {"name"}
        self.assert_found(session, "has values for the expired attributes ['name']", "counts as complete")
        state.expired_keys = frozenset()

    def test_another_state_in_the_objects_dictionary(self, session, User, ed):
        state = inspect(ed)
        ed.__dict__["_sa_instance_state"] = inspect(User())
        self.assert_found(session, "is not the state in its object's dictionary")
        ed.__dict__["_sa_instance_state"] = state

    def test_a_new_object_with_a_key_that_is_also_to_be_deleted(self, session, User, ed):
        state = inspect(ed)
        session._new[state] = ed
        session._deleted[state] = ed
        self.assert_found(session, "new objects:", "has the key", "is marked for deletion")
        session._new.clear()
        session._deleted.clear()

    def test_wrong_objects_held(self, session, User, ed):
        stranger = User()
        session._new[inspect(stranger)] = None
        session._deleted[inspect(ed)] = None
        self.assert_found(session, "new objects:", "objects to delete:", "is held with another object")
        session._new.clear()
        session._deleted.clear()

    def test_an_object_to_delete_that_is_not_in_the_map(self, session, User, ed):
        stranger = User()
        session._deleted[inspect(stranger)] = stranger
        self.assert_found(session, "objects to delete:", "is not in the identity map")
        session._deleted.clear()

    def test_a_deleted_object_that_is_back_in_the_map(self, session, ed):
        state = inspect(ed)
        session.delete(ed)
        session.flush()
        session.identity_map.replace(state)
        self.assert_found(session, "was deleted and is in the identity map")
        session.identity_map.discard(state)

    def test_a_closed_transaction_that_is_still_the_sessions(self, session):
        transaction = session.begin()
        session.rollback()
        session._transaction = session._nested_transaction = transaction
        self.assert_found(session, "is closed and still the session's")
        session._transaction = None
        self.assert_found(session, "is not among the open ones")
        session._nested_transaction = None

    def test_a_flush_that_never_ended(self, session):
        session._flushing = True
        self.assert_found(session, "a flush seems to be in progress")
        session._flushing = False

    def test_an_object_of_two_sessions(self, engine, session, User, ed):
        other = Session(engine)
        other.identity_map.space(User)[1] = inspect(ed)
        self.assert_found(session, "belongs to the sessions")
        other.identity_map.clear()
