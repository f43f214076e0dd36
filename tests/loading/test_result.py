"""Results: scalars, rows, several entities, streaming."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy import event, func, literal, select, text
from sqlalchemy.exc import NoSuchColumnError

from ormsession import aliased
from ormsession.exc import StaleDataError

from .conftest import BOOKS, Reader


def test_scalars_of_one_entity_are_its_objects(reader, Book, by_id):
    assert [book.title for book in reader.execute(by_id).scalars()] == ["Emma", "Middlemarch", "Ulysses"]


def test_rows_of_one_entity_are_rows_named_after_the_class(reader, Book, by_id):
    row = reader.execute(by_id).first()

    assert row.Book is row[0] is row._mapping[Book]
    assert row._fields == ("Book",)


def test_plain_columns_are_rows_as_core_makes_them(reader, Book):
    row = reader.execute(select(Book.id, Book.title).order_by(Book.id)).first()

    assert (tuple(row), row.title) == ((1, "Emma"), "Emma")
    assert row._mapping[Book.title] == row._mapping[BOOKS.c.title] == "Emma"


def test_entities_columns_and_expressions_mix(reader, Book):
    other = aliased(Book, name="other")
    statement = (
        select(Book, func.upper(Book.title).label("shout"), other, literal(5))
        .join(other, other.id == Book.id + 1)
        .order_by(Book.id)
    )

    rows = reader.execute(statement).all()

    assert [(row.Book.id, row.shout, row.other.id, row[3]) for row in rows] == [
        (1, "EMMA", 2, 5),
        (2, "MIDDLEMARCH", 3, 5),
    ]
    assert rows[0].other is rows[1].Book
    assert rows[0]._mapping[other] is rows[0].other


def test_another_alias_of_the_same_shape_is_found_in_its_own_rows(reader, Book):
    for _ in range(2):
        other = aliased(Book)
        row = reader.execute(select(other, other.id).where(other.id == 2)).one()
        assert row._mapping[other].id == row._mapping[other.id] == 2


def test_the_row_loop_is_made_once_per_compiled_statement(reader, Book, by_id):
    states = []
    for _ in range(2):
        result = reader.connection.execute(by_id)
        states.append(result.context.compiled.compile_state)
        result.close()
        reader.all(by_id)

    assert states[0] is states[1]
    loader = states[0].loader
    reader.all(by_id)
    assert states[0].loader is loader is not None


def test_unique_compares_entities_by_identity(reader, Book):
    statement = select(Book).join(aliased(Book), literal(True)).order_by(Book.id)

    assert len(reader.execute(statement).scalars().all()) == 9
    assert len(reader.execute(statement).scalars().unique().all()) == 3
    assert len(reader.execute(select(Book, Book.year).join(aliased(Book), literal(True))).unique().all()) == 3


def test_streaming_loads_so_many_rows_at_a_time(reader, Book, by_id):
    loaded = []
    event.listen(Book, "load", lambda book, context: loaded.append(book.id))

    result = reader.execute(by_id, yield_per=2).scalars()

    assert next(result).id == 1
    assert loaded == [1, 2]
    assert [book.id for book in result] == [2, 3]
    assert loaded == [1, 2, 3]


def test_partitions_are_lists_of_so_many(reader, Book, by_id):
    parts = [[book.id for book in part] for part in reader.execute(by_id).scalars().partitions(2)]

    assert parts == [[1, 2], [3]]


def test_without_streaming_everything_is_loaded_at_the_first_fetch(reader, Book, by_id):
    result = reader.execute(by_id).scalars()

    first = next(result)
    assert first.id == 1
    assert len(reader.identity_map) == 3


def test_a_prebuffered_result_needs_the_session_no_more(reader, Book, by_id):
    result = reader.execute(by_id, prebuffer_rows=True)
    reader.forget_all()

    assert [book.id for book in result.scalars()] == [1, 2, 3]


def test_rows_that_are_logged_are_loaded_all_the_same(reader, Book, by_id, caplog):
    caplog.set_level(logging.DEBUG, logger="sqlalchemy.engine.Engine")
    reader.connection.engine.echo = "debug"
    try:
        with reader.connection.engine.connect() as connection:
            connection.execute(BOOKS.insert(), [{"id": 9, "title": "logged"}])
            reader.connection = connection
            assert [book.title for book in reader.all(by_id)][-1] == "logged"
    finally:
        reader.connection.engine.echo = False
    assert "logged" in caplog.text


def test_a_failing_listener_closes_the_cursor(reader, Book, by_id):
    @event.listens_for(Book, "load")
    def fail(book, context):
        raise ValueError("no")

    result = reader.execute(by_id)

    with pytest.raises(ValueError, match="no"):
        result.all()
    assert result.raw.closed


def test_text_fills_attributes_by_the_names_of_its_columns(reader, Book):
    for columns in ("title, id", "id, year, title"):
        reader.forget_all()
        book = reader.all(select(Book).from_statement(text(f"SELECT {columns} FROM books ORDER BY id")))[0]
        assert (book.__dict__["id"], book.__dict__["title"]) == (1, "Emma")


def test_a_statement_that_does_not_return_the_key_is_refused(reader, Book):
    with pytest.raises(NoSuchColumnError, match="Could not locate column in row for column"):
        reader.all(select(Book).from_statement(select(BOOKS.c.title)))


def test_rows_are_streamed_from_every_database(database, registry):
    BOOKS.metadata.create_all(database)

    class Book:
        pass

    registry.map_imperatively(Book, BOOKS)
    with database.connect() as connection:
        connection.execute(BOOKS.insert(), [{"title": f"t{number}", "year": number} for number in range(25)])
        statement = select(Book, Book.year).order_by(Book.year).execution_options(stream_results=True)

        rows = [
            (row.Book.title, row.year)
            for part in Reader(connection).execute(statement, yield_per=10).partitions()
            for row in part
        ]

    assert rows == [(f"t{number}", number) for number in range(25)]


def test_a_row_is_locked_on_every_database(database, registry):
    BOOKS.metadata.create_all(database)

    class Book:
        pass

    registry.map_imperatively(Book, BOOKS, version_id_col=BOOKS.c.year)
    with database.connect() as connection:
        connection.execute(BOOKS.insert(), [{"id": 1, "title": "Emma", "year": 1}])
        reader = Reader(connection)
        book = reader.get(Book, 1, with_for_update=True)
        connection.execute(BOOKS.update().values(year=2))

        with pytest.raises(StaleDataError):
            reader.get(Book, 1, with_for_update={"read": True})
        reader.refresh(book, with_for_update=True)
        assert book.year == 2
