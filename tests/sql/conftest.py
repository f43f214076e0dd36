"""Two mapped classes and a way to see SQL, for the tests of the SQL room.

Most tests here only compile.  ``sql`` gives a statement as one line; ``layout_of`` what its rows hold.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from ormsession import registry


@pytest.fixture
def metadata() -> MetaData:
    return MetaData()


@pytest.fixture
def users(metadata: MetaData) -> Table:
    return Table(
        "users",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("name", String(50)),
        Column("age_int", Integer),
    )


@pytest.fixture
def addresses(metadata: MetaData, users: Table) -> Table:
    return Table(
        "addresses",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("user_id", ForeignKey("users.id")),
        Column("email", String(50)),
    )


@pytest.fixture
def mapping(metadata: MetaData) -> Iterator[registry]:
    mapping = registry(metadata=metadata)
    yield mapping
    mapping.dispose()


@pytest.fixture
def User(mapping: registry, users: Table) -> type:
    """A class whose attribute ``age`` is the column ``age_int``."""
    cls = types.new_class("User")
    mapping.map_imperatively(cls, users, properties={"age": users.c.age_int})
    return cls


@pytest.fixture
def Address(mapping: registry, addresses: Table) -> type:
    cls = types.new_class("Address")
    mapping.map_imperatively(cls, addresses)
    return cls


def sql(statement: Any, dialect: Any = None) -> str:
    """The SQL of a statement on one line."""
    return " ".join(str(statement.compile(dialect=dialect)).split())


def layout_of(statement: Any) -> list[Any]:
    """What the rows hold: an entity's name with its positions by attribute, or a column's name and position."""
    layout = statement.compile().compile_state.layout
    return [
        (slot.name, {column.prop.key: column.position for column in slot.columns})
        if hasattr(slot, "columns")
        else (slot.name, slot.position)
        for slot in layout
    ]


Compile = Callable[..., str]
