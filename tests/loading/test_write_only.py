"""Collections with ``lazy="write_only"``: written and selected from, never loaded."""

from __future__ import annotations

import pytest

from ormsession import Session, WriteOnlyCollection, exc, inspect, relationship
from ormsession.testing import recorded_sql

from .blog import Blog


@pytest.fixture
def blog(engine):
    made = Blog(engine)
    made.map(
        writer={
            "posts": relationship(
                "Post",
                lazy="write_only",
                back_populates="writer",
                order_by=made.tables["posts"].c.title,
                cascade="all, delete-orphan",
                passive_deletes=True,
            )
        },
        post={
            "writer": relationship("Writer", back_populates="posts"),
            "topics": relationship("Topic", secondary="post_topics", lazy="write_only", passive_deletes=True),
        },
    )
    yield made
    made.registry.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session


def titles(session, collection):
    return [post.title for post in session.scalars(collection.select())]


def writer_with(blog, session, *names):
    writer = blog.Writer(name="Ann")
    writer.posts.add_all(blog.Post(title=name) for name in names)
    session.add(writer)
    session.commit()
    return writer


class TestWriting:
    def test_added_elements_are_written_with_their_object(self, blog, session):
        writer = blog.Writer(name="Ann")
        first, second = blog.Post(title="first"), blog.Post(title="second")
        writer.posts.add(first)
        writer.posts.add_all([second])
        session.add(writer)
        assert first in session
        assert first.writer is writer

        session.commit()

        assert blog.rows(session, "posts") == [(1, writer.id, "first"), (2, writer.id, "second")]

    def test_adding_to_a_persistent_object_loads_nothing(self, blog, session):
        writer = writer_with(blog, session, "old")
        assert writer.id == 1

        with recorded_sql(blog.engine) as sent:
            writer.posts.add(blog.Post(title="new"))
            session.flush()

        assert len(sent) == 1
        assert sent.starting_with("INSERT INTO posts")
        assert titles(session, writer.posts) == ["new", "old"]

    def test_a_removed_element_is_deleted_when_its_parent_owns_it(self, blog, session):
        writer = writer_with(blog, session, "keep", "leave")
        leave = session.scalars(writer.posts.select().where(blog.Post.title == "leave")).one()

        writer.posts.remove(leave)
        session.flush()

        assert [row[2] for row in blog.rows(session, "posts")] == ["keep"]
        assert inspect(leave).deleted

    def test_an_element_added_and_removed_again_is_no_change(self, blog, session):
        writer = writer_with(blog, session)
        post = blog.Post(title="undecided")

        writer.posts.add(post)
        writer.posts.remove(post)

        assert not inspect(writer).attrs.posts.history.has_changes()

    def test_the_other_side_of_the_relationship_adds_too(self, blog, session):
        writer = writer_with(blog, session)

        session.add(blog.Post(title="from below", writer=writer))

        assert titles(session, writer.posts) == ["from below"]

    def test_rows_of_a_table_between_are_written_and_removed(self, blog, session):
        red, blue = blog.Topic(name="red"), blog.Topic(name="blue")
        post = blog.Post(title="colours", writer=blog.Writer(name="Ann"))
        post.topics.add_all([red, blue])
        session.add(post)
        session.flush()
        assert len(blog.rows(session, "post_topics")) == 2

        post.topics.remove(red)
        session.flush()

        assert blog.rows(session, "post_topics") == [(post.id, blue.id)]
        assert session.scalars(post.topics.select()).all() == [blue]

    def test_a_rollback_forgets_what_was_added(self, blog, session):
        writer = writer_with(blog, session, "kept")
        post = blog.Post(title="forgotten")
        writer.posts.add(post)

        session.rollback()

        assert post not in session
        assert inspect(writer).attrs.posts.history.added == []
        assert titles(session, writer.posts) == ["kept"]


class TestAssignment:
    def test_a_new_object_takes_a_list_and_another_one_replaces_it(self, blog, session):
        first, second, third = (blog.Post(title=title) for title in ("a", "b", "c"))
        writer = blog.Writer(name="Ann", posts=[first, second])

        writer.posts = [second, third]
        session.add(writer)
        session.flush()

        assert [title for _, _, title in blog.rows(session, "posts")] == ["b", "c"]
        assert first not in session

    def test_assigning_the_collection_to_itself_changes_nothing(self, blog):
        post = blog.Post(title="a")
        writer = blog.Writer(name="Ann", posts=[post])

        writer.posts = writer.posts

        assert inspect(writer).attrs.posts.history.added == [post]

    def test_a_persistent_object_refuses_as_its_elements_would_have_to_be_loaded(self, blog, session):
        writer = writer_with(blog, session, "old")

        with pytest.raises(exc.InvalidRequestError, match=r"Writer\.posts.*does not support implicit iteration"):
            writer.posts = [blog.Post(title="new")]

        session.rollback()
        assert titles(session, writer.posts) == ["old"]

    def test_what_is_no_collection_is_refused(self, blog):
        with pytest.raises(TypeError, match="Incompatible collection type: int is not list-like"):
            blog.Writer(posts=3)

    def test_the_values_of_a_dictionary_are_its_elements(self, blog):
        post = blog.Post(title="a")

        assert inspect(blog.Writer(posts={"a": post})).attrs.posts.history.added == [post]

    def test_deleting_the_attribute_is_refused(self, blog):
        writer = blog.Writer(name="Ann")

        with pytest.raises(NotImplementedError, match="remove its elements"):
            del writer.posts


class TestReading:
    def test_the_collection_cannot_be_iterated_and_the_error_names_select(self, blog, session):
        writer = writer_with(blog, session, "old")

        assert isinstance(writer.posts, WriteOnlyCollection)
        with pytest.raises(TypeError, match=r"don't support iteration in-place.*select\(\)"):
            list(writer.posts)

    def test_select_follows_the_order_of_the_relationship_and_can_be_narrowed(self, blog, session):
        writer = writer_with(blog, session, "c", "a", "b")
        writer_with(blog, session, "another's")

        assert titles(session, writer.posts) == ["a", "b", "c"]
        narrowed = writer.posts.select().where(blog.Post.title != "b").limit(1)
        assert [post.title for post in session.scalars(narrowed)] == ["a"]

    def test_a_select_made_before_the_object_was_written_finds_its_elements(self, blog, session):
        writer = blog.Writer(name="Ann", posts=[blog.Post(title="a")])
        session.add(writer)

        statement = writer.posts.select()

        assert [post.title for post in session.scalars(statement)] == ["a"]

    def test_the_history_has_the_changes_alone(self, blog, session):
        writer = writer_with(blog, session, "old")
        old, new = session.scalars(writer.posts.select()).one(), blog.Post(title="new")

        with session.no_autoflush:
            writer.posts.add(new)
            writer.posts.remove(old)
            history = inspect(writer).attrs.posts.history

        assert (history.added, history.unchanged, history.deleted) == ([new], [], [old])

    def test_the_history_of_all_elements_is_refused(self, blog, session):
        writer = writer_with(blog, session, "old")

        with pytest.raises(exc.InvalidRequestError, match="full iteration is not permitted.*passive_deletes"):
            inspect(writer).attrs.posts.load_history()

    def test_the_collection_is_good_after_its_variable_is_the_only_one_left(self, blog, session):
        key = writer_with(blog, session, "a").id
        session.expunge_all()

        collection = session.get(blog.Writer, key).posts

        assert titles(session, collection) == ["a"]


class TestStatements:
    def test_insert_fills_the_columns_that_refer_to_the_object(self, blog, session):
        writer = writer_with(blog, session)

        session.execute(writer.posts.insert(), [{"title": "x"}, {"title": "y"}])

        assert blog.rows(session, "posts") == [(1, writer.id, "x"), (2, writer.id, "y")]

    def test_update_reaches_the_elements_of_this_object_alone(self, blog, session):
        mine, other = writer_with(blog, session, "a", "b"), writer_with(blog, session, "c")

        session.execute(mine.posts.update().values(title="changed"))

        assert titles(session, mine.posts) == ["changed", "changed"]
        assert titles(session, other.posts) == ["c"]

    def test_delete_can_be_narrowed(self, blog, session):
        mine, other = writer_with(blog, session, "a", "b"), writer_with(blog, session, "a")

        session.execute(mine.posts.delete().where(blog.Post.title == "a"))

        assert titles(session, mine.posts) == ["b"]
        assert titles(session, other.posts) == ["a"]

    def test_many_to_many_statements_speak_of_the_related_rows(self, blog, session):
        post = blog.Post(title="colours", writer=blog.Writer(name="Ann"))
        post.topics.add(blog.Topic(name="red"))
        session.add_all([post, blog.Topic(name="alone")])
        session.commit()

        session.execute(post.topics.insert(), [{"name": "new"}])
        session.execute(post.topics.update().values(name="blue"))

        assert [name for _, name in blog.rows(session, "topics")] == ["blue", "alone", "new"]
        statement = str(post.topics.delete())
        assert statement.startswith("DELETE FROM topics WHERE EXISTS")


def test_a_relationship_that_holds_one_object_cannot_be_write_only(engine):
    blog = Blog(engine).map(post={"writer": relationship("Writer", lazy="write_only")})

    with pytest.raises(exc.InvalidRequestError, match=r"Post\.writer, 'write_only' loaders cannot be used"):
        blog.registry.configure()

    blog.registry.dispose()


def test_deleting_the_object_leaves_its_elements_to_the_database(blog, session):
    writer = writer_with(blog, session)
    session.delete(writer)

    session.commit()

    assert blog.rows(session, "writers") == []
