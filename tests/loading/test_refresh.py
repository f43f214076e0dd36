"""Objects that are loaded again on request."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from sqlalchemy.dialects import postgresql

from ormsession import deferred, exc, synonym
from ormsession.tracking.instrumentation import instance_state

from .conftest import BOOKS


def test_refresh_drops_changes_and_loads_all_attributes(connection, reader, Book):
    book = reader.get(Book, 1)
    book.title = "mine"
    connection.execute(BOOKS.update().values(year=1900))

    sent = reader.sent_since(lambda: reader.refresh(book))

    assert [statement for statement, _ in sent] == [
        "SELECT books.id, books.title, books.year, books.notes FROM books WHERE books.id = ?"
    ]
    assert (book.title, book.year) == ("Emma", 1900)
    assert not instance_state(book).modified
    assert not instance_state(book).incomplete


def test_refreshing_named_attributes_leaves_the_others(connection, reader, Book):
    book = reader.get(Book, 1)
    book.title = book.notes = "mine"

    sent = reader.sent_since(lambda: reader.refresh(book, ["title"]))

    assert sent == [("SELECT books.title FROM books WHERE books.id = ?", (1,))]
    assert (book.title, book.notes) == ("Emma", "mine")
    assert set(instance_state(book).committed_state) == {"notes"}


def test_refresh_leaves_deferred_attributes_until_they_are_used_or_named(reader, registry):
    class Lazy:
        pass

    registry.map_imperatively(Lazy, BOOKS, properties={"notes": deferred(BOOKS.c.notes), "remarks": synonym("notes")})
    book = reader.get(Lazy, 1)

    reader.refresh(book)
    assert "notes" not in book.__dict__
    reader.refresh(book, ["remarks"])
    assert book.__dict__["notes"] == "E"


def test_refresh_of_a_row_that_is_gone_says_so(connection, reader, Book):
    book = reader.get(Book, 1)
    connection.execute(BOOKS.delete())

    with pytest.raises(exc.InvalidRequestError, match="Could not refresh instance '<Book at"):
        reader.refresh(book)


def test_refresh_drops_its_changes_before_the_session_flushes(reader, Book):
    book = reader.get(Book, 1)
    book.title = "never written"
    pending = []
    reader.flush_if_due = lambda: pending.append(dict(instance_state(book).committed_state))

    reader.refresh(book, ["title"])

    assert pending == [{}]


def test_part_of_an_object_whose_key_has_a_pending_change_cannot_be_refreshed(reader, Book):
    book = reader.get(Book, 1)
    book.id = 25

    with pytest.raises(
        exc.InvalidRequestError, match=r"Please flush pending primary key changes on attributes \{'id'\}"
    ):
        reader.refresh(book, ["title"])
    assert book.id == 25


LOCKS = {
    "FOR UPDATE": True,
    "FOR SHARE": {"read": True},
    "FOR UPDATE NOWAIT": SimpleNamespace(read=False, nowait=True, of=None, skip_locked=False, key_share=False),
    "": None,
}


@pytest.mark.parametrize("clause", LOCKS)
def test_refresh_locks_the_row_when_told_to(reader, Book, clause):
    book = reader.get(Book, 1)
    statements = []
    run = reader.run
    reader.run = lambda statement, *args, **options: (statements.append(statement), run(statement, *args, **options))[1]

    reader.refresh(book, with_for_update=LOCKS[clause])

    text = " ".join(str(statements[0].compile(dialect=postgresql.dialect())).split())
    assert text[text.find("FOR") :] == clause if clause else "FOR" not in text
