"""New objects made from rows."""

from __future__ import annotations

import gc
import uuid
from dataclasses import dataclass

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, Uuid, event, null, select, union_all

from ormsession.tracking.identity import IdentityMap
from ormsession.tracking.instrumentation import instance_state

from .conftest import BOOKS


def test_a_row_becomes_an_object_with_its_values_and_key(reader, Book):
    book = reader.get(Book, 2)

    assert (book.id, book.title, book.year, book.notes) == (2, "Middlemarch", 1871, "M")
    state = instance_state(book)
    assert state.key == (Book, (2,), None)
    assert (state.session_id, state.modified, state.incomplete) == (reader.hash_key, False, False)
    assert reader.identity_map[state.key] is book


def test_a_loaded_object_costs_two_things_that_the_garbage_collector_visits(connection, reader, Book, by_id):
    many = [{"title": "t", "year": 1, "notes": None} for _ in range(1000)]
    connection.execute(BOOKS.insert(), many)
    reader.all(by_id)
    reader.forget_all()
    gc.collect()
    before = len(gc.get_objects())

    books = reader.all(by_id)

    gc.collect()
    assert len(gc.get_objects()) - before < 2.1 * len(books)


def test_two_rows_of_one_key_give_the_same_object(reader, Book):
    both = union_all(select(BOOKS).where(BOOKS.c.id == 1), select(BOOKS).where(BOOKS.c.id == 1))

    first, second = reader.all(select(Book).from_statement(both))

    assert first is second


def test_an_object_that_the_session_knows_is_returned_as_it_is(connection, reader, Book, by_id):
    book = reader.get(Book, 1)
    book.title = "changed here"
    connection.execute(BOOKS.update().values(year=1))

    assert reader.all(by_id)[0] is book
    assert (book.title, book.year) == ("changed here", 1815)


def test_an_object_that_nobody_holds_is_made_anew(reader, Book):
    reader.get(Book, 1)
    gc.collect()

    assert len(reader.identity_map) == 0
    assert reader.get(Book, 1).title == "Emma"


def test_a_row_whose_key_is_null_gives_none(reader, Book):
    with_nulls = select(null().label("id"), null().label("title"), null().label("year"), null().label("notes"))

    assert reader.all(select(Book).from_statement(with_nulls)) == [None]


class Part:
    pass


@pytest.fixture
def parts(reader, registry):
    """A table with a key of two columns, rows of which may be NULL in an outer join."""

    def map_it(**options):
        table = Table(
            "parts",
            MetaData(),
            Column("a", Integer, primary_key=True),
            Column("b", String, primary_key=True),
            Column("c", Integer),
        )
        table.create(reader.connection)
        reader.connection.execute(table.insert(), [{"a": 1, "b": "x", "c": 5}, {"a": 1, "b": "y", "c": 6}])
        registry.map_imperatively(Part, table, **options)
        return table

    return map_it


def test_a_key_of_two_columns_is_a_tuple(reader, parts):
    parts()

    first, second = reader.all(select(Part).order_by(Part.b))

    assert instance_state(first).pk == (1, "x")
    assert reader.get(Part, (1, "y")) is second
    assert reader.get(Part, {"b": "x", "a": 1}) is first


@pytest.mark.parametrize(("allow_partial_pks", "is_object"), [(True, True), (False, False)])
def test_a_partly_null_key_makes_an_object_only_when_that_is_allowed(reader, parts, allow_partial_pks, is_object):
    table = parts(allow_partial_pks=allow_partial_pks)
    half = select(table.c.a, null().label("b"), table.c.c).limit(1)

    (found,) = reader.all(select(Part).from_statement(half))

    assert (found is not None) == is_object


def test_a_fully_null_key_of_two_columns_gives_none(reader, parts):
    parts()
    nothing = select(null().label("a"), null().label("b"), null().label("c"))

    assert reader.all(select(Part).from_statement(nothing)) == [None]


def test_values_pass_through_the_processors_of_their_types(reader, registry):
    table = Table("tagged", MetaData(), Column("id", Uuid, primary_key=True), Column("other", Uuid))
    table.create(reader.connection)
    key, other = uuid.uuid4(), uuid.uuid4()
    reader.connection.execute(table.insert(), [{"id": key, "other": other}])

    class Tagged:
        pass

    registry.map_imperatively(Tagged, table)

    (found,) = reader.all(select(Tagged))
    assert (found.id, found.other) == (key, other)
    assert reader.get(Tagged, key) is found


def test_a_class_with_many_attributes_is_filled(reader, registry):
    names = [f"c{number}" for number in range(40)]
    table = Table(
        "wide", MetaData(), Column("id", Integer, primary_key=True), *[Column(name, Integer) for name in names]
    )
    table.create(reader.connection)
    reader.connection.execute(table.insert(), [dict.fromkeys(names, 7) | {"id": 1}])

    class Wide:
        pass

    registry.map_imperatively(Wide, table)

    found = reader.get(Wide, 1)
    assert [getattr(found, name) for name in names] == [7] * 40
    assert found.__dict__["_sa_instance_state"] is instance_state(found)


def test_a_class_with_its_own_setattr_does_not_see_the_load(reader, registry):
    class Guarded:
        def __setattr__(self, name, value):
            raise AssertionError("the load went through __setattr__")

    registry.map_imperatively(Guarded, BOOKS)

    book = reader.get(Guarded, 1)
    assert book.title == "Emma"
    assert not instance_state(book).modified


def test_a_property_put_over_an_attribute_does_not_see_the_load(reader, Book):
    Book.title = property(lambda book: book.__dict__["title"].upper())

    assert reader.get(Book, 1).title == "EMMA"


def test_constructors_are_not_called_but_new_is(reader, registry):
    class Made:
        def __new__(cls, *args):
            made = super().__new__(cls)
            object.__setattr__(made, "by_new", True)
            return made

        def __init__(self):
            raise AssertionError("the load called the constructor")

    registry.map_imperatively(Made, BOOKS)

    assert reader.get(Made, 1).by_new


def test_dataclasses_that_compare_by_value_are_still_objects_of_their_own(reader, registry):
    @dataclass
    class Record:
        id: int
        title: str
        year: int
        notes: str

    registry.map_imperatively(Record, BOOKS)

    first, second, _ = reader.all(select(Record).order_by(Record.id))
    assert first == Record(1, "Emma", 1815, "E")
    assert first != second


def test_a_load_listener_hears_of_each_new_object_once(reader, Book, by_id):
    heard = []
    event.listen(Book, "load", lambda book, context: heard.append((book.title, context.session)))
    reader.all(by_id)
    held = reader.all(by_id)

    assert [title for title, _ in heard] == ["Emma", "Middlemarch", "Ulysses"] * 2
    heard.clear()
    reader.all(by_id)
    assert heard == []
    assert len(held) == 3


def test_a_session_that_listens_hears_of_each_new_object(reader, Book):
    reader.dispatch.loaded_as_persistent = True

    book = reader.get(Book, 1)

    assert reader.announced == [book]


def test_the_identity_token_keeps_equal_keys_of_two_databases_apart(reader, Book):
    here = reader.get(Book, 1, identity_token="here")
    there = reader.get(Book, 1, identity_token="there")

    assert here is not there
    assert instance_state(there).key == (Book, (1,), "there")
    assert reader.get(Book, 1, identity_token="here") is here


def test_rows_fetched_after_the_session_was_emptied_are_refused(reader, Book, by_id):
    from ormsession import exc

    result = reader.execute(by_id)
    reader.identity_map = IdentityMap()

    with pytest.raises(exc.InvalidRequestError, match="Object Book cannot be converted to 'persistent' state"):
        result.all()


def test_a_load_listener_learns_how_the_statement_was_executed(reader, Book):
    heard = []
    event.listen(Book, "load", lambda book, context: heard.append(dict(context.execution_options)))

    reader.get(Book, 1, execution_options={"mine": 1})

    assert heard == [{"mine": 1}]
