"""A registry and tables of their own for each test of the room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from ormsession import registry


@pytest.fixture
def mapping() -> Iterator[registry]:
    """An empty registry, disposed of afterwards."""
    made = registry()
    yield made
    made.dispose(cascade=True)


@pytest.fixture
def metadata() -> MetaData:
    return MetaData()


@pytest.fixture
def users(metadata: MetaData) -> Table:
    return Table(
        "users",
        metadata,
        Column("id", Integer, primary_key=True, doc="number of the user"),
        Column("name", String(30)),
        Column("age", Integer),
    )


@pytest.fixture
def emails(metadata: MetaData, users: Table) -> Table:
    return Table(
        "emails",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("user_id", Integer, ForeignKey("users.id")),
        Column("address", String(80)),
    )
