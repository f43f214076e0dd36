"""What a flush registers, what its listeners see, and that a failure anywhere leaves nothing behind."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, InvalidRequestError, SAWarning

from ormsession import get_history, inspect, relationship
from ormsession.testing import assert_sql, check_invariants, recorded_sql

from .conftest import posts, users


@pytest.fixture
def ed(session, User, stored):
    stored("ed", "wendy", "jack")
    return session.get(User, 1)


class TestRegistering:
    def test_a_new_object_is_known_by_its_key(self, session, User):
        user = User(name="ed")
        session.add(user)
        session.flush()
        assert not session.new
        assert inspect(user).persistent
        assert session.get(User, user.id) is user

    def test_an_object_with_another_primary_key_is_found_under_it(self, session, Tag):
        tag = Tag(word="a")
        session.add(tag)
        session.flush()
        tag.word = "b"
        session.flush()
        assert session.get(Tag, "b") is tag
        assert session.get(Tag, "a") is None

    def test_a_new_object_takes_the_key_of_a_deleted_one(self, session, User, ed):
        new = User(id=1, name="new ed")
        session.delete(ed)
        session.add(new)
        session.flush()
        assert session.get(User, 1) is new
        assert inspect(ed).deleted
        session.commit()
        assert inspect(ed).detached

    def test_a_stale_object_under_the_same_key_leaves_the_session(self, session, User):
        session.execute(users.insert().values(id=7, name="stale"))
        stale = session.get(User, 7)
        session.rollback()
        new = User(id=7, name="new")
        session.add(new)
        session.flush()
        assert session.get(User, 7) is new
        assert stale not in session

    def test_changes_that_come_to_nothing_send_nothing(self, session, ed):
        ed.name = "changed"
        ed.name = "ed"
        assert ed in session.dirty
        with recorded_sql(session) as recorded:
            session.flush()
        assert_sql(recorded, [])
        assert ed not in session.dirty

    def test_only_chosen_objects_are_written_when_asked_for(self, session, User, ed):
        ed.name = "changed"
        new = User(name="new")
        session.add(new)
        with pytest.warns(DeprecationWarning, match="`objects` parameter"):
            session.flush([new])
        assert ed in session.dirty
        assert new not in session.new

    def test_the_children_of_a_chosen_object_are_written_with_it(self, session, mappings):
        class Author:
            pass

        class Post:
            pass

        mappings.map_imperatively(Author, users, properties={"posts": relationship(Post, backref="author")})
        mappings.map_imperatively(Post, posts)
        author, other = Author(name="ed", posts=[Post(title="one")]), Author(name="wendy", posts=[Post(title="two")])
        session.add_all([author, other])
        with pytest.warns(DeprecationWarning, match="`objects` parameter"):
            session.flush([author])
        assert author.posts[0].user_id == author.id
        assert set(session.new) == {other, *other.posts}
        session.flush()
        assert other.posts[0].user_id == other.id

    def test_an_object_changed_by_a_listener_of_another_is_reset_with_a_warning(self, session, User, ed):
        wendy = session.get(User, 2)

        @event.listens_for(User, "after_update")
        def change_another(mapper, connection, target):
            wendy.name = "too late"

        ed.name = "changed"
        with pytest.warns(SAWarning, match="accumulated on 1 previously clean instances"):
            session.flush()
        assert not session.dirty


class TestListeners:
    def test_before_flush_may_change_what_is_written(self, session, User, ed, names_in_database):
        @event.listens_for(session, "before_flush")
        def add_and_change(session, context, objects):
            for user in session.dirty:
                session.add(User(name=f"copy of {user.name}"))
                user.age = 5

        ed.name = "changed"
        session.commit()
        assert names_in_database() == ["changed", "wendy", "jack", "copy of changed"]
        assert ed.age == 5

    def test_after_flush_still_shows_what_was_new_changed_and_deleted(self, session, User, ed):
        seen = []

        @event.listens_for(session, "after_flush")
        def look(session, context):
            seen.append(([u.name for u in session.new], [u.name for u in session.dirty], len(session.deleted)))
            seen.append(get_history(ed, "name"))

        @event.listens_for(session, "after_flush_postexec")
        def look_again(session, context):
            seen.append((len(session.new), len(session.dirty), len(session.deleted)))

        wendy = session.get(User, 2)
        session.add(User(name="new"))
        session.delete(wendy)
        ed.name = "changed"
        session.flush()
        assert seen == [(["new"], ["changed"], 1), (["changed"], (), ["ed"]), (0, 0, 0)]

    def test_the_context_holds_the_plan(self, session, User):
        contexts = []
        event.listen(session, "after_flush", lambda session, context: contexts.append(context))
        session.add(User(name="ed"))
        session.flush()
        assert "users" in str(contexts[0].plan)
        assert contexts[0].session is session

    def test_a_flush_inside_a_flush_is_refused(self, session, User):
        event.listen(session, "before_flush", lambda session, context, objects: session.flush())
        session.add(User(name="ed"))
        with pytest.raises(InvalidRequestError, match="already flushing"):
            session.flush()


class TestAutoflush:
    def test_a_query_sees_what_was_added(self, session, User):
        user = User(name="ed")
        session.add(user)
        assert session.query(User).one() is user

    def test_not_in_a_block_without_it(self, session, User):
        session.add(User(name="ed"))
        with session.no_autoflush as same:
            assert same is session
            assert session.query(User).all() == []
        assert len(session.query(User).all()) == 1

    def test_the_block_restores_it_after_an_error(self, session):
        with pytest.raises(ZeroDivisionError), session.no_autoflush:
            raise ZeroDivisionError
        assert session.autoflush

    def test_its_failure_says_that_a_query_was_the_cause(self, session, User):
        session.add(User(name="refused"))
        with pytest.raises(IntegrityError, match="Query-invoked autoflush"):
            session.query(User).all()
        session.rollback()

    def test_a_plain_core_statement_flushes_nothing(self, session, User):
        session.add(User(name="ed"))
        assert session.execute(users.select()).all() == []


class Injected(Exception):
    """A failure that the test causes."""


def fail_at_statement(engine, number):
    """Let the *number*th statement fail before it reaches the database."""
    sent = []

    def count(connection, cursor, statement, parameters, context, executemany):
        sent.append(statement)
        if len(sent) == number:
            raise Injected(statement)

    event.listen(engine, "before_cursor_execute", count)
    return lambda: event.remove(engine, "before_cursor_execute", count)


def prepare_work(session, User):
    """An insert, an insert with a key, an update, an update of another column set and a delete."""
    ed, wendy, jack = (session.get(User, key) for key in (1, 2, 3))
    new, numbered = User(name="new"), User(id=50, name="numbered")
    session.add_all([new, numbered])
    ed.name = "changed"
    wendy.age = 7
    session.delete(jack)
    return ed, wendy, jack, new, numbered


@pytest.mark.parametrize("call", ["flush", "commit"])
class TestFailures:
    def assert_as_before(self, session, objects, names_in_database):
        ed, wendy, jack, new, numbered = objects
        session.rollback()
        check_invariants(session)
        assert names_in_database() == ["ed", "wendy", "jack"]
        assert [inspect(each).object_state.value for each in objects] == ["persistent"] * 3 + ["transient"] * 2
        assert "id" not in new.__dict__
        assert (new.name, numbered.id, numbered.name) == ("new", 50, "numbered")
        assert (ed.name, wendy.age, jack.name) == ("ed", None, "jack")
        assert session._is_clean()

    @pytest.mark.parametrize("number", range(1, 6))
    def test_of_any_statement(self, engine, session, User, ed, call, number, names_in_database):
        objects = prepare_work(session, User)
        stop = fail_at_statement(engine, number)
        try:
            getattr(session, call)()
        except Injected:
            happened = True
        else:
            happened = False
        stop()
        if happened:
            self.assert_as_before(session, objects, names_in_database)
        else:  # the flush needs fewer statements than that
            assert number > 3

    @pytest.mark.parametrize(
        "name", ["before_insert", "after_insert", "before_update", "after_update", "before_delete", "after_delete"]
    )
    def test_of_any_mapper_listener(self, session, User, ed, call, name, names_in_database):
        objects = prepare_work(session, User)

        def fail(*received):
            raise Injected(name)

        event.listen(User, name, fail)
        with pytest.raises(Injected):
            getattr(session, call)()
        event.remove(User, name, fail)
        self.assert_as_before(session, objects, names_in_database)

    @pytest.mark.parametrize(
        "name", ["after_flush", "after_flush_postexec", "pending_to_persistent", "persistent_to_deleted"]
    )
    def test_of_any_session_listener(self, session, User, ed, call, name, names_in_database):
        objects = prepare_work(session, User)

        def fail(*received):
            raise Injected(name)

        event.listen(session, name, fail)
        with pytest.raises(Injected):
            getattr(session, call)()
        event.remove(session, name, fail)
        self.assert_as_before(session, objects, names_in_database)

    def test_of_a_listener_before_anything_was_sent_keeps_the_work(self, session, User, ed, call, names_in_database):
        objects = prepare_work(session, User)

        def fail(*received):
            raise Injected

        event.listen(session, "before_flush", fail)
        with pytest.raises(Injected):
            getattr(session, call)()
        event.remove(session, "before_flush", fail)
        check_invariants(session)
        assert objects[3] in session.new
        session.commit()
        assert sorted(names_in_database()) == ["changed", "new", "numbered", "wendy"]


def test_a_failing_bulk_operation_frames_itself_like_a_flush(session, User, ed, names_in_database):
    with pytest.raises(IntegrityError):
        session.bulk_insert_mappings(User, [{"name": "one"}, {"name": "refused"}])
    assert not session.is_active
    session.rollback()
    session.bulk_insert_mappings(User, [{"name": "one"}])
    session.bulk_update_mappings(User, [{"id": 1, "name": "changed"}])
    session.bulk_save_objects([User(name="two")])
    session.commit()
    assert names_in_database() == ["changed", "wendy", "jack", "one", "two"]
