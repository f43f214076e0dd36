"""Rows of objects that the session knows already."""

from __future__ import annotations

import pytest
from sqlalchemy import event, select

from ormsession import exc, load_only, registry
from ormsession.tracking.instrumentation import instance_state

from .conftest import BOOKS


def test_a_row_fills_what_is_expired_and_keeps_what_was_set_since(connection, reader, Book, by_id):
    book = reader.get(Book, 1)
    reader.expire(book)
    book.title = "set after expiry"
    connection.execute(BOOKS.update().values(title="theirs", year=1900))

    reader.all(by_id)

    assert (book.title, book.__dict__["year"]) == ("set after expiry", 1900)
    state = instance_state(book)
    assert not state.expired
    assert "year" not in state.expired_attributes


def test_a_row_completes_an_object_that_was_loaded_in_part(reader, Book, by_id):
    (book, *_) = reader.all(by_id.options(load_only(Book.title)))
    assert "year" not in book.__dict__

    held = reader.all(by_id)

    assert held[0] is book
    assert book.__dict__["year"] == 1815
    assert not instance_state(book).incomplete
    assert reader.sent_since(lambda: book.year) == []


def test_a_row_does_not_bring_back_a_deleted_value(reader, Book, by_id):
    book = reader.get(Book, 1)
    del book.notes
    reader.expire(book, "year")

    reader.all(by_id)

    assert "notes" not in book.__dict__
    assert book.year == 1815


def test_populate_existing_overwrites_values_and_changes(connection, reader, Book, by_id):
    book = reader.get(Book, 1)
    book.title = "mine"
    connection.execute(BOOKS.update().values(year=1900))

    reader.all(by_id, populate_existing=True)

    assert (book.title, book.year) == ("Emma", 1900)
    assert not instance_state(book).modified
    assert not reader.identity_map.modified


def test_populate_existing_unloads_what_the_row_does_not_hold(reader, Book, by_id):
    book = reader.get(Book, 1)
    book.notes = "mine"

    reader.all(by_id.options(load_only(Book.title)), populate_existing=True)

    assert "notes" not in book.__dict__
    assert book.notes == "E"


def test_a_mapper_that_always_refreshes_overwrites_without_being_asked(connection, reader, registry: registry):
    class Live:
        pass

    registry.map_imperatively(Live, BOOKS, always_refresh=True)
    book = reader.get(Live, 1)
    connection.execute(BOOKS.update().values(year=1900))

    assert reader.all(select(Live).where(Live.id == 1)) == [book]
    assert book.year == 1900


def test_a_refresh_listener_hears_which_attributes_a_row_filled(reader, Book, by_id):
    heard = []
    event.listen(Book, "refresh", lambda book, context, keys: heard.append((book.id, keys)))
    book = reader.get(Book, 1)
    reader.expire(book, "year")

    reader.all(by_id)

    assert heard == [(1, {"year"})]


def test_a_refresh_listener_hears_once_per_result_of_an_overwritten_object(reader, Book):
    heard = []
    event.listen(Book, "refresh", lambda book, context, keys: heard.append(keys))
    book = reader.get(Book, 1)

    reader.execute(select(Book, Book).where(Book.id == 1), populate_existing=True).all()

    assert heard == [None]
    assert book.title == "Emma"


@pytest.fixture
def Versioned(registry: registry):
    class Versioned:
        pass

    registry.map_imperatively(Versioned, BOOKS, version_id_col=BOOKS.c.year)
    return Versioned


def test_locking_an_object_that_is_out_of_date_is_refused(connection, reader, Versioned):
    book = reader.get(Versioned, 1)
    connection.execute(BOOKS.update().values(year=1816))

    with pytest.raises(
        exc.StaleDataError, match="has version id '1815' which does not match database-loaded version id '1816'"
    ):
        reader.get(Versioned, 1, with_for_update=True)
    assert book.year == 1815


def test_locking_an_object_that_is_up_to_date_gives_it(reader, Versioned):
    book = reader.get(Versioned, 1)

    assert reader.get(Versioned, 1, with_for_update={"read": True}) is book


def test_a_change_of_the_version_that_was_not_flushed_is_not_compared(reader, Versioned):
    book = reader.get(Versioned, 1)
    book.year = 5

    assert reader.get(Versioned, 1, with_for_update=True) is book
