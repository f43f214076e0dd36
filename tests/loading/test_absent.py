"""Attributes that are loaded when they are used: expired and deferred ones."""

from __future__ import annotations

import pytest
from sqlalchemy import event, func, select

from ormsession import column_property, defer, deferred, exc, load_only, undefer, undefer_group
from ormsession.tracking.instrumentation import instance_state
from ormsession.tracking.symbols import NO_RAISE, PASSIVE_NO_FETCH, PASSIVE_NO_RESULT, PASSIVE_OFF

from .conftest import BOOKS

EMMA = "SELECT books.id, books.title, books.year, books.notes FROM books WHERE books.id = ?"


def test_expired_attributes_are_loaded_together_in_one_select(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)

    assert reader.sent_since(lambda: (book.title, book.year, book.notes)) == [(EMMA, (1,))]
    assert not instance_state(book).expired


def test_only_the_expired_attributes_are_selected(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book, "year", "notes")

    assert reader.sent_since(lambda: book.year) == [
        ("SELECT books.year, books.notes FROM books WHERE books.id = ?", (1,))
    ]
    assert book.__dict__["notes"] == "E"


def test_loading_what_is_expired_flushes_first(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)
    before = reader.autoflushes

    book.title

    assert reader.autoflushes == before + 1


def test_loading_keeps_what_was_set_since_the_expiry(connection, reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)
    book.title = "mine"

    assert book.year == 1815
    assert book.title == "mine"
    assert instance_state(book).modified


def test_an_expired_object_without_a_session_says_so(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)
    instance_state(book).session_id = None

    with pytest.raises(
        exc.DetachedInstanceError, match="is not bound to a Session; attribute refresh operation cannot proceed"
    ):
        book.title


def test_an_expired_object_whose_row_is_gone_says_so(connection, reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)
    connection.execute(BOOKS.delete())

    with pytest.raises(exc.ObjectDeletedError, match="has been deleted, or its row is otherwise not present"):
        book.title


def test_an_object_just_inserted_is_loaded_by_the_key_among_its_values(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book, "title")
    instance_state(book).pk = None

    assert book.title == "Emma"


def test_an_object_without_any_key_cannot_be_loaded(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book, "title", "id")
    instance_state(book).pk = None

    with pytest.raises(exc.InvalidRequestError, match="does not contain a full primary key"):
        book.title


def test_a_refresh_listener_hears_what_was_loaded(reader, Book):
    heard = []
    event.listen(Book, "refresh", lambda book, context, keys: heard.append((context.session is reader, sorted(keys))))
    book = reader.get(Book, 1)
    reader.expire(book, "title", "year")

    assert book.title == "Emma"
    assert heard == [(True, ["title", "year"])]


@pytest.fixture
def Lazy(registry):
    """Books with deferred attributes: one alone, two in a group, one that refuses."""

    class Lazy:
        pass

    registry.map_imperatively(
        Lazy,
        BOOKS,
        properties={
            "title": deferred(BOOKS.c.title, raiseload=True),
            "year": deferred(BOOKS.c.year, group="details"),
            "notes": deferred(BOOKS.c.notes, group="details"),
            "shout": column_property(func.upper(BOOKS.c.title), deferred=True),
        },
    )
    return Lazy


def test_deferred_attributes_are_not_selected_with_their_object(reader, Lazy):
    sent = reader.sent_since(lambda: reader.all(select(Lazy).where(Lazy.id == 1)))

    assert sent == [("SELECT books.id FROM books WHERE books.id = ?", (1,))]


def test_a_deferred_attribute_is_loaded_at_its_first_use(reader, Lazy):
    book = reader.get(Lazy, 1)

    assert reader.sent_since(lambda: book.shout) == [
        ("SELECT upper(books.title) AS upper_1 FROM books WHERE books.id = ?", (1,))
    ]
    assert book.shout == "EMMA"
    assert reader.sent_since(lambda: book.shout) == []


def test_the_attributes_of_a_group_are_loaded_together(reader, Lazy):
    book = reader.get(Lazy, 1)

    sent = reader.sent_since(lambda: (book.notes, book.year))

    assert sent == [("SELECT books.year, books.notes FROM books WHERE books.id = ?", (1,))]


def test_a_group_does_not_overwrite_what_was_set(reader, Lazy):
    book = reader.get(Lazy, 1)
    book.year = 2000

    assert book.notes == "E"
    assert book.year == 2000


def test_a_deferred_attribute_that_refuses_is_not_loaded(reader, Lazy):
    book = reader.get(Lazy, 1)

    with pytest.raises(exc.InvalidRequestError, match=r"'Lazy\.title' is not available due to raiseload=True"):
        book.title
    reader.expire(book)
    with pytest.raises(exc.InvalidRequestError, match="raiseload=True"):
        book.title


def test_a_deferred_attribute_without_a_session_names_object_and_attribute(reader, Lazy):
    book = reader.get(Lazy, 1)
    instance_state(book).session_id = None

    with pytest.raises(
        exc.DetachedInstanceError,
        match="Parent instance <Lazy at .*> is not bound to a Session; "
        "deferred load operation of attribute 'notes' cannot proceed",
    ):
        book.notes


def test_a_deferred_attribute_of_a_row_that_is_gone_says_so(connection, reader, Lazy):
    book = reader.get(Lazy, 1)
    connection.execute(BOOKS.delete())

    with pytest.raises(exc.ObjectDeletedError):
        book.notes


def test_a_deferred_attribute_of_a_new_object_is_none(Lazy):
    assert Lazy().notes is None


def test_expiring_an_object_does_not_load_its_deferred_attributes_with_the_rest(reader, Lazy):
    book = reader.get(Lazy, 1)
    reader.expire(book)

    assert book.id == 1
    assert "notes" not in book.__dict__
    assert book.notes == "E"


def test_a_passive_access_does_not_load(reader, Lazy):
    book = reader.get(Lazy, 1)
    state, notes, title = instance_state(book), Lazy.notes.impl, Lazy.title.impl

    def ask():
        assert notes.get(state, book.__dict__, PASSIVE_NO_FETCH) is PASSIVE_NO_RESULT
        assert title.get(state, book.__dict__, PASSIVE_OFF | NO_RAISE) is PASSIVE_NO_RESULT

    assert reader.sent_since(ask) == []


def test_an_option_defers_an_attribute_for_the_objects_of_one_statement(reader, Book, by_id):
    book, *_ = reader.all(by_id.options(defer(Book.notes)))

    assert reader.sent_since(lambda: book.notes) == [("SELECT books.notes FROM books WHERE books.id = ?", (1,))]


def test_expiry_ends_what_an_option_deferred(reader, Book, by_id):
    book, *_ = reader.all(by_id.options(defer(Book.notes, raiseload=True)))
    reader.expire(book)

    assert book.title == "Emma"
    assert book.__dict__["notes"] == "E"


def test_options_load_what_is_deferred(reader, Lazy):
    statement = select(Lazy).order_by(Lazy.id).options(undefer_group("details"), undefer(Lazy.title))

    book, *_ = reader.all(statement)

    assert {"year", "notes", "title"} <= set(book.__dict__)
    assert "shout" not in book.__dict__


def test_an_option_lifts_the_refusal(reader, Lazy):
    book, *_ = reader.all(select(Lazy).options(defer(Lazy.title)))

    assert book.title == "Emma"


def test_attributes_that_load_only_leaves_out_refuse_when_told_to(reader, Book, by_id):
    book, *_ = reader.all(by_id.options(load_only(Book.title, raiseload=True)))

    with pytest.raises(exc.InvalidRequestError, match="raiseload=True"):
        book.year


def test_columns_that_a_statement_of_ones_own_leaves_out_are_loaded_when_used(reader, Book):
    book, *_ = reader.all(select(Book).from_statement(select(BOOKS.c.id, BOOKS.c.title).order_by(BOOKS.c.id)))
    assert instance_state(book).expired_attributes == {"year", "notes"}

    assert reader.sent_since(lambda: (book.year, book.notes)) == [
        ("SELECT books.year, books.notes FROM books WHERE books.id = ?", (1,))
    ]


def test_an_expired_object_of_which_everything_was_set_since_needs_no_sql(reader, Book):
    book = reader.get(Book, 1)
    reader.expire(book)
    book.id, book.title, book.year, book.notes = 1, "t", 2, "n"

    assert reader.sent_since(lambda: reader.get(Book, 1)) == []
