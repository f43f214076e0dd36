"""Kept results brought back into a session."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from ormsession.loading import merge_frozen_result
from ormsession.session.session import Session


@pytest.fixture
def session(engine, connection):
    connection.commit()
    with Session(engine) as session:
        yield session


def test_objects_of_a_kept_result_become_the_sessions_own(session, Book, by_id):
    frozen = session.execute(by_id).freeze()
    before = frozen().scalars().all()
    session.expunge_all()

    merged = merge_frozen_result(session, by_id, frozen, load=False)

    books = merged().scalars().all()
    assert [book.title for book in books] == ["Emma", "Middlemarch", "Ulysses"]
    assert all(book in session for book in books)
    assert not any(book in session for book in before)
    assert merged().scalars().all() == books


def test_values_beside_the_objects_stay(session, Book):
    statement = select(Book, Book.year).order_by(Book.id)
    frozen = session.execute(statement).freeze()

    rows = merge_frozen_result(session, statement, frozen)().all()

    assert [(row.Book.title, row.year) for row in rows] == [("Emma", 1815), ("Middlemarch", 1871), ("Ulysses", 1922)]
