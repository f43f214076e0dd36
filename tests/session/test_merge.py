"""Copying objects into a session."""

from __future__ import annotations

import pytest
from sqlalchemy import event
from sqlalchemy.exc import InvalidRequestError, SAWarning

from ormsession import Session, attribute_keyed_dict, deferred, exc, inspect, relationship
from ormsession.testing import assert_sql, recorded_sql

from .conftest import notes, posts, users


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


class TestRelatedObjects:
    @pytest.fixture
    def classes(self, mappings):
        class Author:
            pass

        class Post:
            pass

        mappings.map_imperatively(
            Author,
            users,
            properties={
                "posts": relationship(Post, back_populates="author", order_by=posts.c.id),
                "by_title": relationship(Post, viewonly=True, collection_class=attribute_keyed_dict("title")),
            },
        )
        mappings.map_imperatively(Post, posts, properties={"author": relationship(Author, back_populates="posts")})
        return Author, Post

    @pytest.fixture
    def ed(self, engine, classes):
        """An author with two posts, all stored and detached."""
        Author, Post = classes
        with Session(engine, expire_on_commit=False) as session:
            ed = Author(id=1, name="ed", posts=[Post(id=1, title="one"), Post(id=2, title="two")])
            session.add(ed)
            session.commit()
            assert list(ed.by_title) == ["one", "two"]
        return ed

    def test_they_follow_with_their_own_values(self, session, classes, ed):
        Author, Post = classes
        given = Author(id=1, name="ed", posts=[Post(id=2, title="changed"), Post(title="new")])
        merged = session.merge(given)
        assert [post.title for post in merged.posts] == ["changed", "new"]
        assert all(post in session and post.author is merged for post in merged.posts)
        assert not any(post in session for post in given.posts)
        session.commit()
        assert [(post.id, post.title) for post in merged.posts] == [(2, "changed"), (3, "new")]
        assert session.get(Post, 1).author is None

    def test_a_collection_is_loaded_at_once_and_unchanged_objects_leave_nothing_to_flush(self, session, ed):
        with recorded_sql(session) as recorded:
            merged = session.merge(ed)
        assert len(recorded) == 3  # the author, the posts and the dictionary of posts
        assert [post.title for post in merged.posts] == ["one", "two"]
        assert merged.by_title["two"] is merged.posts[1]
        with recorded_sql(session) as recorded:
            session.flush()
        assert_sql(recorded, [])

    def test_what_is_not_loaded_is_left_alone(self, session, classes, ed):
        Author, _ = classes
        merged = session.merge(Author(id=1, name="changed"))
        assert "posts" not in merged.__dict__
        assert len(merged.posts) == 2

    def test_from_the_many_side(self, session, classes, ed):
        Author, Post = classes
        merged = session.merge(Post(id=1, title="one", author=Author(id=9, name="wendy")))
        assert merged.author.name == "wendy"
        assert merged.author in session.new
        session.commit()
        assert merged.author.id == 9

    def test_without_loading_both_sides_are_there_and_no_sql_is_sent(self, engine, ed):
        with Session(engine) as session, recorded_sql(session) as recorded:
            merged = session.merge(ed, load=False)
            assert [post.author for post in merged.posts] == [merged, merged]
            assert sorted(merged.by_title) == ["one", "two"]
            session.flush()
            assert_sql(recorded, [])

    def test_two_related_objects_of_one_key_become_one(self, session, classes):
        _, Post = classes
        given = [Post(id=7, title="first"), Post(id=7, title="second")]
        one, other = session.merge_all(given)
        assert one is other
        assert one.title == "second"

    def test_a_long_chain_is_followed_to_its_end(self, session, mappings):
        class Node:
            pass

        following = relationship(
            Node,
            primaryjoin=posts.c.user_id == posts.c.id,
            remote_side=posts.c.id,
            foreign_keys=posts.c.user_id,
        )
        mappings.map_imperatively(Node, posts, properties={"next": following})
        first = last = Node(title="0")
        for number in range(1, 3000):
            last.next = Node(title=str(number))
            last = last.next
        session.merge(first)
        assert len(session.new) == 3000
        session.expunge_all()
