"""Where ormsession does otherwise than SQLAlchemy's ORM, on purpose.

The README names these tests in its section "Differences".
"""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, event, select

from ormsession import Session, inspect, registry

metadata = MetaData()
publisher_table = Table("publisher", metadata, Column("code", String(10), primary_key=True))
book_table = Table(
    "book",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("publisher", ForeignKey("publisher.code")),
    Column("title", String(50)),
    Column("subtitle", String(50)),
    Column("isbn", String(20), unique=True),
)


class Publisher:
    pass


class Book:
    pass


@pytest.fixture(autouse=True)
def mapped():
    mappings = registry()
    # the child's class first: the order of mapping must not be what orders the flush
    mappings.map_imperatively(Book, book_table)
    mappings.map_imperatively(Publisher, publisher_table)
    yield
    mappings.dispose()


@pytest.fixture
def session(database):
    metadata.create_all(database)
    with Session(database) as session:
        yield session


@pytest.fixture
def statements(session):
    sent: list[str] = []
    event.listen(
        session.get_bind(),
        "before_cursor_execute",
        lambda connection, cursor, statement, *rest: sent.append(statement),
    )
    return sent


def first_words(statements: list[str]) -> list[str]:
    return [statement.split(" ", 1)[0] for statement in statements]


def test_foreign_keys_order_inserts_and_deletes_without_any_relationship(session):
    book = Book(publisher="ace", title="The Dispossessed")
    publisher = Publisher(code="ace")
    session.add_all([book, publisher])
    session.commit()
    session.delete(publisher)
    session.delete(book)
    session.commit()
    assert session.scalars(select(Publisher)).all() == []


def test_a_row_that_frees_a_unique_value_goes_before_the_row_that_takes_it(session):
    first, second = Book(isbn="978-1"), Book(isbn="978-2")
    session.add_all([first, second])
    session.commit()
    session.add(Book(title="new", isbn="978-1"))
    session.delete(first)
    session.flush()
    second.isbn = "978-3"
    session.add(Book(title="newer", isbn="978-2"))
    session.commit()
    assert sorted(session.scalars(select(Book.isbn))) == ["978-1", "978-2", "978-3"]


def test_a_new_object_that_is_rolled_back_gets_back_the_key_it_had(session):
    generated, given = Book(title="Solaris"), Book(id=7, title="Eden")
    session.add_all([generated, given])
    session.flush()
    assert generated.id is not None
    session.rollback()
    assert inspect(generated).transient
    assert generated.id is None
    assert given.id == 7


def test_objects_that_change_in_turn_different_columns_are_one_update_for_each_set(session, statements):
    books = [Book(title="old", subtitle="old") for _ in range(10)]
    session.add_all(books)
    session.commit()
    assert [book.title for book in books] == ["old"] * 10
    statements.clear()
    for number, book in enumerate(books):
        setattr(book, "title" if number % 2 else "subtitle", "new")
    session.flush()
    assert first_words(statements) == ["UPDATE", "UPDATE"]


def test_settings_of_older_code_bases_are_understood_with_a_deprecation_warning(database):
    with pytest.warns(DeprecationWarning, match="autocommit"):
        session = Session(database, autocommit=True)
    assert not session.in_transaction()
    session.close()


def test_a_loaded_value_lies_in_the_dictionary_of_its_object(session):
    session.add(Book(title="Solaris"))
    session.commit()
    book = session.scalars(select(Book)).one()
    assert vars(book)["title"] == "Solaris"
    assert not hasattr(type(book).__dict__["title"], "__set__")
