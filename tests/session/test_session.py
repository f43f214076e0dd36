"""The session's own answers: what it holds, what is modified, refresh and expire, closing."""

from __future__ import annotations

import gc

import pytest
from sqlalchemy import text
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import Query, Session, inspect, object_session, relationship
from ormsession.testing import recorded_sql
from ormsession.tracking.ownership import owners

from .conftest import posts, users


@pytest.fixture
def ed(session, User, stored):
    stored("ed", "wendy")
    return session.get(User, 1)


class TestHolding:
    def test_what_is_new_changed_and_deleted(self, session, User, ed):
        wendy, new = session.get(User, 2), User(name="new")
        session.add(new)
        ed.name = "changed"
        session.delete(wendy)
        assert list(session.new) == [new]
        assert list(session.dirty) == [ed]
        assert list(session.deleted) == [wendy]
        assert set(session) == {ed, wendy, new}
        assert len(session.identity_map) == 2

    def test_an_object_to_delete_is_not_among_the_changed(self, session, ed):
        ed.name = "changed"
        session.delete(ed)
        assert not session.dirty

    def test_info_is_the_users_own(self, session):
        session.info["a"] = 1
        assert session.info == {"a": 1}
        given = {"b": 2}
        assert Session(info=given).info == given
        assert Session(info=given).info is not given

    def test_each_session_has_a_number_of_its_own_until_it_is_gone(self, engine):
        session = Session(engine)
        number = session.hash_key
        assert owners[number] is session
        del session
        gc.collect()
        assert number not in owners


class TestModified:
    def test_a_value_that_differs(self, session, ed):
        assert not session.is_modified(ed)
        ed.name = "ed"
        assert not session.is_modified(ed)
        ed.name = "changed"
        assert session.is_modified(ed)
        session.flush()
        assert not session.is_modified(ed)

    def test_a_new_object_with_values(self, session, User):
        assert session.is_modified(User(name="ed"))
        assert not session.is_modified(User())


class TestExpiring:
    def test_everything_of_an_object(self, session, ed):
        ed.name = "changed"
        session.expire(ed)
        assert "name" not in ed.__dict__
        assert not session.dirty
        assert ed.name == "ed"

    def test_some_attributes_only(self, session, ed):
        ed.age = 5
        session.expire(ed, ["name"])
        assert "name" not in ed.__dict__
        assert ed.age == 5
        assert ed in session.dirty

    def test_all_objects(self, session, User, ed):
        wendy = session.get(User, 2)
        session.expire_all()
        assert not {"name"} & (ed.__dict__.keys() | wendy.__dict__.keys())

    def test_an_object_that_is_not_persistent_here_is_refused(self, session, User):
        pending = User(name="x")
        session.add(pending)
        for user in (pending, User()):
            for method in (session.expire, session.refresh):
                with pytest.raises(InvalidRequestError, match="is not persistent within this Session"):
                    method(user)


class TestExpiringRelatedObjects:
    @pytest.mark.parametrize("method", ["expire", "refresh"])
    @pytest.mark.parametrize(("cascade", "stays"), [("all", True), ("all, delete-orphan", False)])
    def test_a_pending_child_that_cannot_be_without_its_parent_leaves(
        self, session, mappings, stored, method, cascade, stays
    ):
        class Author:
            pass

        class Post:
            pass

        mappings.map_imperatively(Author, users, properties={"posts": relationship(Post, cascade=cascade)})
        mappings.map_imperatively(Post, posts)
        stored("ed")
        session.autoflush = False
        ed, post = session.get(Author, 1), Post(title="new")
        ed.posts.append(post)
        assert post in session
        getattr(session, method)(ed)
        assert (post in session) is stays
        assert post not in ed.posts


class TestRefreshing:
    def test_changes_of_others_are_seen(self, session, ed):
        session.execute(text("UPDATE users SET name = 'changed', age = 5"))
        session.refresh(ed)
        assert (ed.name, ed.age) == ("changed", 5)

    def test_only_what_is_named(self, session, ed):
        session.execute(text("UPDATE users SET name = 'changed', age = 5"))
        session.refresh(ed, ["age"])
        assert (ed.name, ed.age) == ("ed", 5)

    def test_a_row_that_is_gone_is_an_error(self, session, ed):
        session.execute(users.delete())
        with pytest.raises(InvalidRequestError, match="Could not refresh instance"):
            session.refresh(ed)

    def test_an_empty_lock_is_ambiguous(self, session, ed):
        with pytest.raises(ArgumentError, match="A blank dictionary is ambiguous"):
            session.refresh(ed, with_for_update={})

    @pytest.mark.parametrize("lock", [True, {"read": True}, False, None])
    def test_with_and_without_a_lock_it_is_one_select(self, session, ed, lock):
        with recorded_sql(session) as recorded:
            session.refresh(ed, with_for_update=lock)
        assert len(recorded.starting_with("SELECT")) == len(recorded) == 1


class TestClosing:
    def test_a_closed_session_is_as_good_as_new(self, session, User, ed):
        session.add(User(name="new"))
        session.close()
        assert list(session) == []
        assert inspect(ed).detached
        assert session.get(User, 1) is not ed

    def test_unless_it_was_to_be_closed_for_good(self, engine, User):
        session = Session(engine, close_resets_only=False)
        session.add(User(name="ed"))
        session.reset()
        session.add(User(name="ed"))
        session.close()
        for use in (lambda: session.add(User()), session.begin, lambda: session.execute(text("SELECT 1"))):
            with pytest.raises(InvalidRequestError, match="permanently closed"):
                use()

    def test_an_object_that_waits_for_its_session_is_told_that_it_has_none(self, session, ed):
        session.expire(ed)
        session.close()
        assert object_session(ed) is None
        with pytest.raises(Exception, match="is not bound to a Session"):
            _ = ed.name


def test_a_query_class_of_ones_own(engine, User):
    class Mine(Query):
        """A query of my own."""

    with Session(engine, query_cls=Mine) as session:
        assert isinstance(session.query(User), Mine)
