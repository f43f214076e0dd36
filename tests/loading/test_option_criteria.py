"""Options that want only some of the related rows: ``selectinload(User.addresses.and_(...))``."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from ormsession import Session, immediateload, joinedload, lazyload, selectinload, subqueryload

STRATEGIES = pytest.mark.parametrize("option", [lazyload, selectinload, subqueryload, immediateload, joinedload])


def titles(reader, Author, option):
    statement = select(Author).order_by(Author.id).options(option)
    authors = reader.execute(statement, propagated=(option,)).scalars().unique().all()
    return [[work.title for work in author.works] for author in authors]


@STRATEGIES
def test_only_rows_that_fulfil_the_criteria_are_loaded(reader, library, option):
    mapped = library()

    found = titles(reader, mapped.Author, option(mapped.Author.works.and_(mapped.Work.title != "Emma")))

    assert found == [["Persuasion"], ["Orlando"], []]


@STRATEGIES
def test_another_value_is_not_mistaken_for_the_first_one(reader, library, option):
    mapped = library()

    found = []
    for title in ("Emma", "Persuasion"):
        reader.forget_all()
        found.append(titles(reader, mapped.Author, option(mapped.Author.works.and_(mapped.Work.title != title))))

    assert found == [[["Persuasion"], ["Orlando"], []], [["Emma"], ["Orlando"], []]]


@STRATEGIES
def test_an_object_found_by_key_must_fulfil_them_too(reader, library, option):
    mapped = library()
    statement = select(mapped.Work).order_by(mapped.Work.id)
    chosen = option(mapped.Work.author.and_(mapped.Author.name == "Woolf"))

    works = reader.execute(statement.options(chosen), propagated=(chosen,)).scalars().unique().all()

    assert [work.author and work.author.name for work in works] == [None, None, "Woolf", None]


def test_criteria_hold_for_peers(reader, library):
    mapped = library()
    session = Session(reader.connection, fetch="peers")
    option = lazyload(mapped.Author.works.and_(mapped.Work.title != "Emma"))

    authors = session.scalars(select(mapped.Author).order_by(mapped.Author.id).options(option)).all()

    assert [[work.title for work in author.works] for author in authors] == [["Persuasion"], ["Orlando"], []]
    session.close()
