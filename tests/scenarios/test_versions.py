"""Versioned rows and two sessions that write them."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Integer, String, Table

from ormsession import Session, exc, registry


class Doc:
    def __init__(self, name: str) -> None:
        self.name = name


@pytest.fixture
def engine_with_docs(engine):
    mappers = registry()
    docs = Table(
        "docs",
        mappers.metadata,
        Column("id", Integer, primary_key=True),
        Column("version", Integer, nullable=False),
        Column("name", String(20)),
    )
    mappers.map_imperatively(Doc, docs, version_id_col=docs.c.version)
    mappers.metadata.create_all(engine)
    yield engine
    mappers.dispose()


def test_an_expired_version_is_loaded_before_its_row_is_updated(engine_with_docs) -> None:
    with Session(engine_with_docs) as session:
        doc = Doc("a")
        session.add(doc)
        session.commit()
        doc.name = "b"  # writes without loading: the version is still expired
        session.commit()
        assert (doc.name, doc.version) == ("b", 2)


def test_an_expired_version_is_loaded_before_its_row_is_deleted(engine_with_docs) -> None:
    with Session(engine_with_docs) as session:
        doc: Any = Doc("a")
        session.add(doc)
        session.commit()
        session.delete(doc)
        session.commit()
        assert session.query(Doc).count() == 0


def test_the_session_that_read_first_and_writes_last_is_told(engine_with_docs) -> None:
    with Session(engine_with_docs) as session:
        session.add(Doc("a"))
        session.commit()
    with Session(engine_with_docs) as first, Session(engine_with_docs) as second:
        one, two = first.get(Doc, 1), second.get(Doc, 1)
        two.name = "second"
        second.commit()
        one.name = "first"
        with pytest.raises(exc.StaleDataError, match=r"expected to update 1 row\(s\); 0 were matched"):
            first.commit()
        first.rollback()
        assert (one.name, one.version) == ("second", 2)
