"""Collections with ``lazy="dynamic"``: queries that can be added to."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import SAWarning

from ormsession import AppenderQuery, Query, Session, exc, inspect, relationship

from .blog import Blog


class TitledQuery(Query):
    """A query with a method of the program's."""

    def titles(self):
        return [post.title for post in self]


@pytest.fixture
def blog(engine):
    made = Blog(engine)
    made.map(
        writer={
            "posts": relationship(
                "Post", lazy="dynamic", back_populates="writer", order_by=made.tables["posts"].c.title
            )
        },
        post={
            "writer": relationship("Writer", back_populates="posts"),
            "topics": relationship("Topic", secondary="post_topics", lazy="dynamic"),
        },
    )
    yield made
    made.registry.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session


def titles(posts):
    return [post.title for post in posts]


def writer_with(blog, session, *names):
    writer = blog.Writer(name="Ann")
    writer.posts.extend(blog.Post(title=name) for name in names)
    session.add(writer)
    session.commit()
    return writer


class TestReading:
    def test_iterating_asks_the_database_each_time(self, blog, session):
        writer = writer_with(blog, session, "b", "a")
        assert isinstance(writer.posts, AppenderQuery)
        assert titles(writer.posts) == ["a", "b"]

        session.execute(blog.tables["posts"].insert().values(writer_id=writer.id, title="c"))

        assert titles(writer.posts) == ["a", "b", "c"]

    def test_it_can_be_counted_indexed_sliced_and_asked_for_its_first(self, blog, session):
        writer = writer_with(blog, session, "a", "b", "c")

        assert writer.posts.count() == 3
        assert writer.posts[1].title == "b"
        assert titles(writer.posts[1:]) == ["b", "c"]
        assert writer.posts.first().title == "a"
        assert titles(writer.posts.all()) == ["a", "b", "c"]

    def test_it_can_be_narrowed_like_any_query(self, blog, session):
        writer = writer_with(blog, session, "a", "b", "c")
        writer_with(blog, session, "a")

        query = writer.posts.filter(blog.Post.title < "c")

        assert type(query) is Query
        assert titles(query) == ["a", "b"]
        assert writer.posts.filter_by(title="a").one().writer is writer

    def test_pending_elements_are_flushed_before_they_are_asked_for(self, blog, session):
        writer = writer_with(blog, session, "a")

        writer.posts.append(blog.Post(title="b"))

        assert titles(writer.posts) == ["a", "b"]

    def test_without_autoflush_pending_elements_are_not_seen(self, blog, session):
        writer = writer_with(blog, session, "a")

        with session.no_autoflush:
            writer.posts.append(blog.Post(title="b"))
            assert titles(writer.posts) == ["a"]

        assert titles(writer.posts) == ["a", "b"]

    def test_a_transient_object_has_what_was_added(self, blog):
        writer = blog.Writer(name="Ann")
        post = blog.Post(title="a")
        assert writer.posts.first() is None

        writer.posts.append(post)

        assert list(writer.posts) == [post]
        assert writer.posts.all() == [post]
        assert writer.posts[0] is writer.posts.first() is post
        assert writer.posts.count() == 1

    def test_a_transient_object_cannot_be_queried_for_its_elements(self, blog):
        with pytest.raises(exc.DetachedInstanceError, match=r"Writer at .* not bound to a Session.*'posts'"):
            blog.Writer(name="Ann").posts.filter_by(title="a")

    def test_a_detached_object_seems_empty_and_a_warning_says_so(self, blog, session):
        writer = writer_with(blog, session, "a")
        assert writer.id
        session.expunge_all()

        with pytest.warns(SAWarning, match="is detached, dynamic relationship"):
            assert list(writer.posts) == []

    def test_elements_over_a_table_between_are_found(self, blog, session):
        post = blog.Post(title="colours")
        post.topics.append(blog.Topic(name="red"))
        session.add_all([post, blog.Topic(name="alone")])
        session.commit()

        assert [topic.name for topic in post.topics] == ["red"]
        assert post.topics.count() == 1

    def test_the_program_s_query_class_lends_its_methods(self, engine, session):
        blog = Blog(engine).map(
            writer={"posts": relationship("Post", lazy="dynamic", query_class=TitledQuery)},
        )
        writer = writer_with(blog, session, "a", "b")

        assert writer.posts.filter(blog.Post.title > "a").titles() == ["b"]
        assert sorted(writer.posts.titles()) == ["a", "b"]
        blog.registry.dispose()


class TestWriting:
    def test_removed_elements_lose_their_object(self, blog, session):
        writer = writer_with(blog, session, "a", "b")

        writer.posts.remove(writer.posts[0])
        session.commit()

        assert blog.rows(session, "posts") == [(1, None, "a"), (2, writer.id, "b")]

    def test_add_and_add_all_are_other_names(self, blog, session):
        writer = writer_with(blog, session)

        writer.posts.add(blog.Post(title="a"))
        writer.posts.add_all([blog.Post(title="b")])

        assert titles(writer.posts) == ["a", "b"]

    def test_assignment_replaces_what_the_database_has(self, blog, session):
        writer = writer_with(blog, session, "a", "b")
        (first, second), third = writer.posts, blog.Post(title="c")

        writer.posts = [second, third]
        history = inspect(writer).attrs.posts.history
        session.commit()

        assert (history.added, history.deleted) == ([third], [first])
        assert titles(writer.posts) == ["b", "c"]
        assert first.writer is None

    def test_the_loaded_history_has_the_unchanged_elements(self, blog, session):
        writer = writer_with(blog, session, "a", "b")
        (first, second), third = writer.posts, blog.Post(title="c")

        with session.no_autoflush:
            writer.posts.append(third)
            writer.posts.remove(first)
            history = inspect(writer).attrs.posts.load_history()

        assert (history.added, history.unchanged, history.deleted) == ([third], [second], [first])

    def test_deleting_the_object_lets_its_elements_go(self, blog, session):
        writer = writer_with(blog, session, "a")

        session.delete(writer)
        session.commit()

        assert blog.rows(session, "posts") == [(1, None, "a")]

    def test_a_change_from_the_other_side_is_a_change_here(self, blog, session):
        mine, other = writer_with(blog, session, "a"), writer_with(blog, session)
        (post,) = mine.posts

        post.writer = other

        assert list(mine.posts) == []
        assert list(other.posts) == [post]

    def test_merge_takes_the_elements_along(self, blog, session):
        writer = writer_with(blog, session, "a")
        given = blog.Writer(id=writer.id, name="Ann", posts=[blog.Post(id=1, title="changed")])

        merged = session.merge(given)
        session.flush()

        assert merged is writer
        assert titles(writer.posts) == ["changed"]


def test_a_relationship_that_holds_one_object_cannot_be_dynamic(engine):
    blog = Blog(engine).map(post={"writer": relationship("Writer", lazy="dynamic")})

    with pytest.raises(exc.InvalidRequestError, match=r"Post\.writer, 'dynamic' loaders cannot be used"):
        blog.registry.configure()

    blog.registry.dispose()
