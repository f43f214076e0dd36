"""One relationship of many objects by one statement per 500 of them."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, MetaData, Table, and_, select
from sqlalchemy.exc import SAWarning

from ormsession import exc, immediateload, joinedload, lazyload, relationship, selectinload, subqueryload

from .conftest import AUTHORS, WORKS


def texts(reader, action):
    return [text for text, _ in reader.sent_since(action)]


def by_id(entity, *options):
    return select(entity).order_by(entity.id).options(*options)


def test_a_collection_is_selected_by_the_foreign_key(reader, library):
    Author = library().Author

    sent = reader.sent_since(lambda: reader.all(by_id(Author, selectinload(Author.works))))

    assert sent[1:] == [
        (
            (
                "SELECT works.author_id, works.id, works.title FROM works WHERE works.author_id IN (?, ?, ?) "
                "ORDER BY works.id"
            ),
            (1, 2, 3),
        )
    ]


def test_many_to_one_is_selected_by_its_key_and_asks_for_no_null(reader, library):
    Work = library().Work

    sent = reader.sent_since(lambda: reader.all(by_id(Work, selectinload(Work.author))))

    assert sent[1:] == [("SELECT authors.id, authors.name FROM authors WHERE authors.id IN (?, ?)", (1, 2))]
    assert [work.author and work.author.name for work in reader.all(by_id(Work))] == ["Austen", "Austen", "Woolf", None]


def test_many_to_one_that_the_session_knows_costs_no_sql(reader, library):
    mapped = library()
    authors = reader.all(by_id(mapped.Author))

    sent = reader.sent_since(lambda: reader.all(by_id(mapped.Work, selectinload(mapped.Work.author))))

    assert len(sent) == 1
    assert reader.get(mapped.Work, 1).author is authors[0]


def test_many_to_many_is_selected_through_the_secondary_table(reader, library):
    Work = library().Work
    works = []

    sent = texts(reader, lambda: works.extend(reader.all(by_id(Work, selectinload(Work.tags)))))

    assert [[tag.word for tag in work.tags] for work in works] == [["novel", "comedy"], ["novel"], [], []]
    assert sent[1:] == [
        (
            "SELECT work_tags.work_id, tags.id, tags.word FROM work_tags JOIN tags ON tags.id = work_tags.tag_id "
            "WHERE work_tags.work_id IN (?, ?, ?, ?) ORDER BY tags.id"
        )
    ]


def test_a_condition_of_its_own_joins_the_table_of_the_objects(reader, library, registry):
    mapped = library()

    class Writer:
        pass

    short = relationship(
        mapped.Work,
        primaryjoin=and_(AUTHORS.c.id == WORKS.c.author_id, WORKS.c.title.like("E%")),
        viewonly=True,
        order_by=WORKS.c.id,
    )
    registry.map_imperatively(Writer, AUTHORS, properties={"e_works": short})
    writers = []

    sent = texts(reader, lambda: writers.extend(reader.all(by_id(Writer, selectinload(Writer.e_works)))))

    assert [[work.title for work in writer.e_works] for writer in writers] == [["Emma"], [], []]
    assert "FROM authors AS authors_1 JOIN works ON authors_1.id = works.author_id AND" in sent[1]


def test_a_foreign_key_that_is_not_loaded_is_looked_up_by_a_join(reader, library):
    from ormsession import defer

    Work = library().Work
    works = []
    statement = by_id(Work, defer(Work.author_id), selectinload(Work.author))

    sent = texts(reader, lambda: works.extend(reader.all(statement)))

    assert len(sent) == 2
    assert "JOIN authors" in sent[1]
    assert works[0].author.name == "Austen"


def test_keys_of_several_columns(reader, registry):
    metadata = MetaData()
    boxes = Table("boxes", metadata, Column("a", Integer, primary_key=True), Column("b", Integer, primary_key=True))
    things = Table(
        "things",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("a", Integer),
        Column("b", Integer),
        ForeignKeyConstraint(["a", "b"], ["boxes.a", "boxes.b"]),
    )

    class Box:
        pass

    class Thing:
        pass

    registry.map_imperatively(Thing, things, properties={"box": relationship(Box, back_populates="things")})
    registry.map_imperatively(Box, boxes, properties={"things": relationship(Thing, back_populates="box")})
    metadata.create_all(reader.connection)
    reader.connection.execute(boxes.insert(), [{"a": 1, "b": 1}, {"a": 1, "b": 2}])
    reader.connection.execute(things.insert(), [{"id": 1, "a": 1, "b": 1}, {"id": 2, "a": 1, "b": None}])

    found = reader.all(select(Box).order_by(Box.b).options(selectinload(Box.things)))
    reader.forget_all()
    back = reader.all(by_id(Thing, selectinload(Thing.box)))

    assert [[thing.id for thing in box.things] for box in found] == [[1], []]
    assert [thing.box and (thing.box.a, thing.box.b) for thing in back] == [(1, 1), None]


def test_more_keys_than_a_statement_takes_make_several(reader, library):
    Author = library().Author

    sent = reader.sent_since(lambda: reader.all(by_id(Author, selectinload(Author.works, chunksize=2))))

    assert [parameters for _, parameters in sent[1:]] == [(1, 2), (3,)]


@pytest.mark.parametrize("size", [0, -1, "a"])
def test_a_chunk_size_must_be_a_number_of_objects(library, size):
    with pytest.raises(exc.ArgumentError, match="positive non-zero integer"):
        selectinload(library().Author.works, chunksize=size)


@pytest.mark.parametrize("option", [selectinload, subqueryload, immediateload])
def test_levels_below_are_loaded_too(reader, library, option):
    mapped = library()
    statement = by_id(mapped.Author, option(mapped.Author.works).selectinload(mapped.Work.tags))
    authors = []

    sent = texts(reader, lambda: authors.extend(reader.all(statement)))

    assert len(sent) == 3
    assert texts(reader, lambda: [work.tags for author in authors for work in author.works]) == []


def test_objects_that_have_the_attribute_keep_it_and_levels_below_are_still_loaded(reader, library):
    mapped = library()
    author = reader.get(mapped.Author, 1)
    kept = author.works

    reader.all(by_id(mapped.Author, selectinload(mapped.Author.works).selectinload(mapped.Work.tags)))

    assert author.works is kept
    assert "tags" in kept[0].__dict__


def test_two_sides_that_load_each_other_come_to_an_end(reader, library):
    mapped = library(works="selectin", author="selectin")

    sent = texts(reader, lambda: reader.all(by_id(mapped.Author)))

    assert len(sent) == 2


def test_an_immediate_way_back_is_followed_to_what_the_session_has(reader, library):
    mapped = library(works="selectin", author="immediate")
    authors = []

    sent = texts(reader, lambda: authors.extend(reader.all(by_id(mapped.Author))))

    assert len(sent) == 2
    assert authors[0].works[0].__dict__["author"] is authors[0]


@pytest.mark.parametrize(("depth", "statements"), [(None, 1), (1, 2), (2, 3)])
def test_a_tree_is_loaded_as_deep_as_its_mapping_says(reader, registry, depth, statements):
    nodes = Table("nodes", MetaData(), Column("id", Integer, primary_key=True), Column("up", ForeignKey("nodes.id")))

    class Node:
        pass

    children = relationship(Node, lazy="selectin", join_depth=depth)
    registry.map_imperatively(Node, nodes, properties={"children": children})
    nodes.metadata.create_all(reader.connection)
    rows = [{"id": n, "up": n - 1 if n > 1 else None} for n in range(1, 6)]
    reader.connection.execute(nodes.insert(), rows)

    sent = texts(reader, lambda: reader.all(select(Node).where(Node.id == 1)))

    assert len(sent) == statements


def test_a_lazy_load_does_not_lead_straight_back(reader, library):
    mapped = library(author="joined")
    author = reader.get(mapped.Author, 1)

    (sent,) = texts(reader, lambda: author.works)

    assert "JOIN" not in sent


def test_several_rows_for_one_object_are_warned_about(reader, library):
    Author = library(uselist=False).Author

    with pytest.warns(SAWarning, match=r"uselist=False for eagerly-loaded attribute 'Author\.works'"):
        authors = reader.all(by_id(Author, selectinload(Author.works)))

    assert authors[0].works.title == "Emma"


def test_rows_overwrite_related_objects_when_that_is_asked_for(reader, library):
    mapped = library()
    work = reader.get(mapped.Work, 1)
    work.title = "changed"

    reader.all(by_id(mapped.Author, selectinload(mapped.Author.works)), populate_existing=True)

    assert work.title == "Emma"


@pytest.mark.parametrize("option", [selectinload, joinedload, subqueryload, immediateload])
def test_all_strategies_load_the_same(reader, library, option):
    mapped = library()
    Author, Work = mapped.Author, mapped.Work

    def page():
        return [
            (author.name, [(work.title, [tag.word for tag in work.tags]) for work in author.works])
            for author in reader.execute(statement).scalars().unique().all()
        ]

    statement = by_id(Author, lazyload(Author.works))
    lazily = page()
    reader.forget_all()
    statement = by_id(Author, option(Author.works).options(option(Work.tags)))

    assert page() == lazily
