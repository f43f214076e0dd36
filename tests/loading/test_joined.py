"""Related objects that stand in the rows of their objects: ``lazy="joined"``, ``joinedload``, ``contains_eager``."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import SAWarning

from ormsession import (
    Session,
    aliased,
    contains_eager,
    defer,
    exc,
    joinedload,
    lazyload,
    relationship,
    selectinload,
)
from ormsession.testing import recorded_sql

from .blog import Blog


@pytest.fixture
def blog(engine):
    made = Blog(engine)
    made.insert("writers", {"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}, {"id": 3, "name": "Cy"})
    made.insert(
        "posts",
        {"id": 1, "writer_id": 1, "title": "b"},
        {"id": 2, "writer_id": 1, "title": "a"},
        {"id": 3, "writer_id": 2, "title": "c"},
        {"id": 4, "writer_id": None, "title": "d"},
    )
    made.insert("topics", {"id": 1, "name": "x"}, {"id": 2, "name": "y"})
    made.insert("post_topics", {"post_id": 1, "topic_id": 2}, {"post_id": 1, "topic_id": 1})
    yield made
    made.registry.dispose()


@pytest.fixture
def session(engine):
    with Session(engine) as session:
        yield session


def mapped(blog, *, posts=None, writer=None, topics=None):
    return blog.map(
        writer={
            "posts": relationship(
                "Post", back_populates="writer", order_by=blog.tables["posts"].c.title, **(posts or {})
            )
        },
        post={
            "writer": relationship("Writer", back_populates="posts", **(writer or {})),
            "topics": relationship(
                "Topic", secondary="post_topics", order_by=blog.tables["topics"].c.name, **(topics or {})
            ),
        },
    )


def read(blog, action):
    """What *action* returns, and the statements that it sends."""
    with recorded_sql(blog.engine) as sent:
        found = action()
    return found, [" ".join(text.split()) for text in sent.sql]


def shown(writers):
    return [(writer.name, [post.title for post in writer.posts]) for writer in writers]


ALL = [("Ann", ["a", "b"]), ("Bob", ["c"]), ("Cy", [])]


class TestOneStatement:
    def test_a_collection_comes_with_its_objects_each_of_them_once_and_in_order(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        statement = select(blog.Writer).order_by(blog.Writer.id)

        found, sent = read(blog, lambda: shown(session.scalars(statement).unique().all()))

        assert found == ALL
        assert len(sent) == 1
        assert "LEFT OUTER JOIN posts AS posts_1 ON writers.id = posts_1.writer_id" in sent[0]
        assert sent[0].endswith("ORDER BY writers.id, posts_1.title")

    def test_a_scalar_is_none_where_there_is_no_related_row(self, blog, session):
        mapped(blog, writer={"lazy": "joined"})
        statement = select(blog.Post).order_by(blog.Post.id)

        def names():
            return [post.writer and post.writer.name for post in session.scalars(statement)]

        found, sent = read(blog, names)

        assert found == ["Ann", "Ann", "Bob", None]
        assert len(sent) == 1

    def test_several_levels_are_joined_from_each_other(self, blog, session):
        mapped(blog)
        option = joinedload(blog.Writer.posts).joinedload(blog.Post.topics)
        statement = select(blog.Writer).options(option).order_by(blog.Writer.id)

        def topics():
            writers = session.scalars(statement).unique().all()
            return [[topic.name for topic in post.topics] for writer in writers for post in writer.posts]

        found, sent = read(blog, topics)

        assert found == [[], ["x", "y"], []]
        assert len(sent) == 1

    def test_two_relationships_side_by_side_do_not_double_each_other(self, blog, session):
        mapped(blog, writer={"lazy": "joined"}, topics={"lazy": "joined"})
        statement = select(blog.Post).where(blog.Post.id == 1)

        def one():
            post = session.scalars(statement).unique().one()
            return post.writer.name, [topic.name for topic in post.topics]

        found, sent = read(blog, one)

        assert found == ("Ann", ["x", "y"])
        assert len(sent) == 1

    def test_get_joins_too_and_limits_nothing(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})

        found, sent = read(blog, lambda: shown([session.get(blog.Writer, 1)]))

        assert found == ALL[:1]
        assert len(sent) == 1

    def test_an_option_makes_a_joined_relationship_lazy(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        statement = select(blog.Writer).options(lazyload(blog.Writer.posts))

        writers, sent = read(blog, lambda: session.scalars(statement).all())

        assert "JOIN" not in sent[0]
        assert "posts" not in writers[0].__dict__

    def test_another_strategy_below_a_joined_one_asks_once_for_all(self, blog, session):
        mapped(blog)
        option = joinedload(blog.Writer.posts).selectinload(blog.Post.topics)

        def topics():
            writers = session.scalars(select(blog.Writer).options(option)).unique().all()
            return {post.title: len(post.topics) for writer in writers for post in writer.posts}

        found, sent = read(blog, topics)

        assert found == {"a": 0, "b": 2, "c": 0}
        assert len(sent) == 2

    def test_columns_of_joined_objects_can_be_deferred(self, blog, session):
        mapped(blog)
        option = joinedload(blog.Post.writer).options(defer(blog.Writer.name))

        post = session.scalars(select(blog.Post).where(blog.Post.id == 1).options(option)).one()

        assert "name" not in post.writer.__dict__
        assert post.writer.name == "Ann"

    def test_an_alias_has_its_own_joins(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        other = aliased(blog.Writer)
        statement = select(other).where(other.name == "Ann")

        found, sent = read(blog, lambda: shown(session.scalars(statement).unique()))

        assert found == ALL[:1]
        assert len(sent) == 1


class TestWhatTheProgramSaid:
    def test_a_condition_about_the_same_table_does_not_speak_of_the_joined_rows(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        statement = select(blog.Writer).join(blog.Writer.posts).where(blog.Post.title == "a")

        assert shown(session.scalars(statement).unique()) == ALL[:1]

    def test_a_limit_counts_objects_and_not_joined_rows(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        statement = select(blog.Writer).order_by(blog.Writer.id).limit(2)

        found, sent = read(blog, lambda: shown(session.scalars(statement).unique()))

        assert found == ALL[:2]
        assert len(sent) == 1

    def test_an_offset_counts_objects_and_not_joined_rows(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        statement = select(blog.Writer).order_by(blog.Writer.name.desc()).limit(5).offset(1)

        assert shown(session.scalars(statement).unique()) == [ALL[1], ALL[0]]

    def test_a_limit_over_many_to_many_counts_objects(self, blog, session):
        mapped(blog, topics={"lazy": "joined"})
        statement = select(blog.Post).order_by(blog.Post.id).limit(1)

        (post,) = session.scalars(statement).unique()

        assert [topic.name for topic in post.topics] == ["x", "y"]

    def test_a_limit_needs_no_subquery_where_joins_multiply_nothing(self, blog, session):
        mapped(blog, writer={"lazy": "joined"})
        statement = select(blog.Post).order_by(blog.Post.id).limit(1)

        found, (sent,) = read(blog, lambda: session.scalars(statement).one().writer.name)

        assert found == "Ann"
        assert sent.count("SELECT") == 1

    def test_distinct_speaks_of_the_program_s_columns(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        statement = select(blog.Writer).join(blog.Writer.posts).distinct().order_by(blog.Writer.id)

        assert shown(session.scalars(statement).unique()) == ALL[:2]

    def test_group_by_groups_the_program_s_columns(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        counted = func.count(blog.Post.id)
        statement = (
            select(blog.Writer, counted).join(blog.Writer.posts).group_by(blog.Writer.id).order_by(counted.desc())
        )

        rows = session.execute(statement).unique().all()

        assert [(row[0].name, row[1], len(row[0].posts)) for row in rows] == [("Ann", 2, 2), ("Bob", 1, 1)]

    def test_a_limit_orders_by_expressions_that_are_not_selected(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        statement = select(blog.Writer).order_by(func.lower(blog.Writer.name).desc(), blog.Writer.id).limit(2)

        assert [name for name, _ in shown(session.scalars(statement).unique())] == ["Cy", "Bob"]

    def test_an_aliased_entity_with_a_limit_is_joined_from_its_subquery(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        other = aliased(blog.Writer)

        assert shown(session.scalars(select(other).order_by(other.id).limit(1)).unique()) == ALL[:1]


class TestInnerJoins:
    def test_innerjoin_leaves_out_objects_without_related_ones(self, blog, session):
        mapped(blog)
        statement = select(blog.Post).options(joinedload(blog.Post.writer, innerjoin=True)).order_by(blog.Post.id)

        found, (sent,) = read(blog, lambda: [post.title for post in session.scalars(statement)])

        assert found == ["b", "a", "c"]
        assert "OUTER" not in sent

    def test_innerjoin_over_a_table_between_joins_both(self, blog, session):
        mapped(blog)
        statement = select(blog.Post).options(joinedload(blog.Post.topics, innerjoin=True))

        found, (sent,) = read(blog, lambda: [post.title for post in session.scalars(statement).unique()])

        assert found == ["b"]
        assert "OUTER" not in sent

    def test_an_inner_join_below_an_outer_one_leaves_no_object_out(self, blog, session):
        mapped(blog)
        option = joinedload(blog.Writer.posts).joinedload(blog.Post.topics, innerjoin=True)
        statement = select(blog.Writer).options(option).order_by(blog.Writer.id)

        found = shown(session.scalars(statement).unique())

        assert found == [("Ann", ["b"]), ("Bob", []), ("Cy", [])]

    def test_unnested_makes_an_outer_join_of_an_inner_one_below_an_outer_one(self, blog, session):
        mapped(blog)
        option = joinedload(blog.Writer.posts).joinedload(blog.Post.topics, innerjoin="unnested")
        statement = select(blog.Writer).options(option).order_by(blog.Writer.id)

        assert shown(session.scalars(statement).unique()) == ALL

    def test_what_is_below_an_inner_join_inside_an_outer_one_is_joined_as_well(self, blog, session):
        mapped(blog)
        option = joinedload(blog.Writer.posts).joinedload(blog.Post.writer, innerjoin=True)
        statement = select(blog.Writer).options(option.joinedload(blog.Writer.posts)).order_by(blog.Writer.id)

        found, sent = read(blog, lambda: shown(session.scalars(statement).unique()))

        assert found == ALL
        assert len(sent) == 1


class TestContainsEager:
    def test_the_joined_rows_of_the_program_fill_the_relationship(self, blog, session):
        mapped(blog)
        statement = select(blog.Writer).join(blog.Writer.posts).where(blog.Post.title > "a").order_by(blog.Post.title)

        found, sent = read(
            blog, lambda: shown(session.scalars(statement.options(contains_eager(blog.Writer.posts))).unique())
        )

        assert found == [("Ann", ["b"]), ("Bob", ["c"])]
        assert len(sent) == 1

    def test_an_alias_is_named_by_of_type(self, blog, session):
        mapped(blog)
        other = aliased(blog.Post)
        statement = select(blog.Writer).join(blog.Writer.posts.of_type(other)).where(other.title == "c")

        found = shown(session.scalars(statement.options(contains_eager(blog.Writer.posts.of_type(other)))).unique())

        assert found == [("Bob", ["c"])]

    def test_joins_go_on_from_what_the_program_joined(self, blog, session):
        mapped(blog)
        option = contains_eager(blog.Writer.posts).joinedload(blog.Post.topics)
        statement = select(blog.Writer).join(blog.Writer.posts).where(blog.Post.title == "b").options(option)

        def topics():
            (writer,) = session.scalars(statement).unique()
            return [topic.name for topic in writer.posts[0].topics]

        found, sent = read(blog, topics)

        assert found == ["x", "y"]
        assert len(sent) == 1


class TestObjectsThatAreThere:
    def test_a_loaded_collection_is_kept(self, blog, session):
        mapped(blog)
        writer = session.get(blog.Writer, 1)
        before = writer.posts
        before.append(blog.Post(title="pending"))

        with session.no_autoflush:
            session.scalars(select(blog.Writer).options(joinedload(blog.Writer.posts))).unique().all()

        assert writer.posts is before
        assert len(before) == 3

    def test_several_rows_for_one_object_warn(self, blog, session):
        mapped(blog, posts={"lazy": "joined", "uselist": False})

        with pytest.warns(SAWarning, match=r"Writer\.posts"):
            writer = session.scalars(select(blog.Writer).where(blog.Writer.id == 1)).unique().one()

        assert writer.posts.writer is writer

    def test_an_expired_object_gets_joined_relationships_with_its_columns(self, blog, session):
        mapped(blog, writer={"lazy": "joined"})
        post = session.get(blog.Post, 1)
        session.expire_all()

        found, sent = read(blog, lambda: (post.title, post.writer.name))

        assert found == ("b", "Ann")
        assert len(sent) == 1

    def test_refresh_brings_joined_collections_up_to_date(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        writer = session.get(blog.Writer, 3)
        assert writer.posts == []
        session.execute(blog.tables["posts"].insert().values(writer_id=3, title="new"))

        session.refresh(writer)

        assert [post.title for post in writer.posts] == ["new"]

    def test_refresh_of_a_joined_relationship_alone_leaves_pending_changes(self, blog, session):
        mapped(blog, posts={"lazy": "joined"}, topics={"lazy": "selectin"})
        writer = session.get(blog.Writer, 3)
        session.execute(blog.tables["posts"].insert().values(writer_id=3, title="new"))
        with session.no_autoflush:
            writer.name = "mine"
            _, sent = read(blog, lambda: session.refresh(writer, ["posts"]))

        assert "writers.name" not in sent[0].partition("FROM")[0]
        assert [post.title for post in writer.posts] == ["new"]
        assert writer.name == "mine"

    def test_refresh_keeps_the_options_that_the_object_was_loaded_with(self, blog, session):
        mapped(blog)
        option = joinedload(blog.Writer.posts).selectinload(blog.Post.topics)
        writer = session.scalars(select(blog.Writer).where(blog.Writer.id == 1).options(option)).unique().one()

        _, sent = read(blog, lambda: session.refresh(writer, ["name", "posts"]))
        _, later = read(blog, lambda: shown([writer]))

        assert "LEFT OUTER JOIN posts" in sent[0]
        assert later == []

    def test_a_row_that_is_gone_is_reported_by_refresh(self, blog, session):
        mapped(blog, posts={"lazy": "joined"})
        writer = session.get(blog.Writer, 3)
        session.execute(blog.tables["writers"].delete().where(blog.tables["writers"].c.id == 3))

        with pytest.raises(exc.InvalidRequestError, match="Could not refresh instance '<Writer at"):
            session.refresh(writer)


class TestSelectinInSessions:
    def test_a_limit_on_the_objects_limits_what_is_asked_for(self, blog, session):
        mapped(blog)
        statement = select(blog.Writer).order_by(blog.Writer.id).limit(1).options(selectinload(blog.Writer.posts))

        found, sent = read(blog, lambda: shown(session.scalars(statement)))

        assert found == ALL[:1]
        assert len(sent) == 2
