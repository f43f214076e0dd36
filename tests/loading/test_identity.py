"""One object by its primary key."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table
from sqlalchemy.exc import SAWarning

from ormsession import defer, exc, inspect, synonym
from ormsession.loading.identity import primary_key
from ormsession.tracking.instrumentation import instance_state

from .conftest import BOOKS


def test_an_object_in_the_identity_map_is_given_without_sql(reader, Book):
    book = reader.get(Book, 1)

    assert reader.sent_since(lambda: reader.get(Book, 1)) == []
    assert reader.get(Book, (1,)) is reader.get(Book, {"id": 1}) is book


def test_the_statement_is_built_once_per_mapper(reader, Book):
    reader.get(Book, 1)
    kept = dict(inspect(Book).memo)
    reader.get(Book, 2)

    assert all(inspect(Book).memo[key] is statement for key, statement in kept.items())
    assert {statement for statement, _ in reader.sent} == {
        "SELECT books.id, books.title, books.year, books.notes FROM books WHERE books.id = ?"
    }


def test_no_row_gives_none(reader, Book):
    assert reader.get(Book, 99) is None


def test_an_expired_object_is_loaded_again(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)

    assert reader.get(Book, 1) is book
    assert book.__dict__["title"] == "Emma"
    assert reader.sent_since(lambda: reader.get(Book, 1)) == []


def test_an_expired_object_whose_row_is_gone_leaves_the_session(connection, reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)
    connection.execute(BOOKS.delete())

    assert reader.get(Book, 1) is None
    assert reader.gone == [instance_state(book)]


def test_an_object_of_another_class_under_the_same_key_is_not_given(reader, Book, registry):
    mapper = inspect(Book)

    class Other:
        pass

    registry.map_imperatively(Other, BOOKS)
    intruder = Other()
    reader.identity_map.space(mapper.class_manager.identity_class)[1] = instance_state(intruder)

    assert reader.get(Book, 1) is None


def test_populate_existing_loads_over_what_is_there(connection, reader, Book):
    book = reader.get(Book, 1)
    book.title = "mine"

    assert reader.get(Book, 1, populate_existing=True) is book
    assert book.title == "Emma"


def test_options_apply_to_the_object(reader, Book):
    book = reader.get(Book, 1, options=[defer(Book.notes)])

    assert "notes" not in book.__dict__


@pytest.fixture
def Pair(registry):
    class Pair:
        pass

    table = Table("pairs", MetaData(), Column("a", Integer, primary_key=True), Column("b", String, primary_key=True))
    registry.map_imperatively(Pair, table, properties={"second": table.c.b, "other": synonym("second")})
    return Pair


def test_a_key_is_given_as_value_sequence_or_names(Book, Pair):
    assert primary_key(inspect(Book), 5) == 5
    assert primary_key(inspect(Book), [5]) == 5
    assert primary_key(inspect(Book), "five") == "five"
    assert primary_key(inspect(Pair), [5, "x"]) == (5, "x")
    assert primary_key(inspect(Pair), {"second": "x", "a": 5}) == (5, "x")
    assert primary_key(inspect(Pair), {"other": "x", "a": 5}) == (5, "x")


@pytest.mark.parametrize("ident", [5, (5,), (5, "x", 7), "ab"])
def test_a_key_with_the_wrong_number_of_values_is_refused(Pair, ident):
    with pytest.raises(
        exc.InvalidRequestError, match="Incorrect number of values in identifier to formulate primary key"
    ):
        primary_key(inspect(Pair), ident)


@pytest.mark.parametrize("names", [{"a": 1}, {"a": 1, "b": "x"}, {"a": 1, "second": "x", "c": 2}])
def test_a_key_with_other_names_than_the_attributes_is_refused(Pair, names):
    with pytest.raises(exc.InvalidRequestError, match="Incorrect names of values in identifier .* 'a', 'second'"):
        primary_key(inspect(Pair), names)


def test_a_key_that_is_null_warns_and_finds_nothing(reader, Book):
    with pytest.warns(SAWarning, match="fully NULL primary key identity cannot load any object"):
        assert reader.get(Book, None) is None


def test_a_null_part_of_a_key_is_searched_as_null(reader, registry):
    owners = Table("owners", MetaData(), Column("id", Integer, primary_key=True), Column("name", String))
    pets = Table("pets", owners.metadata, Column("id", Integer, primary_key=True), Column("owner", Integer))
    owners.metadata.create_all(reader.connection)
    reader.connection.execute(owners.insert(), [{"id": 1, "name": "ann"}])

    class Pet:
        pass

    registry.map_imperatively(
        Pet,
        owners.outerjoin(pets, owners.c.id == pets.c.owner),
        primary_key=[owners.c.id, pets.c.id],
        properties={"owner_id": owners.c.id, "id": pets.c.id},
    )

    assert reader.get(Pet, (1, None)).name == "ann"
    assert "pets.id IS NULL" in reader.sent[-1][0]
