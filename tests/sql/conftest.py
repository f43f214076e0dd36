"""Two mapped classes and a way to see SQL, for the tests of the SQL room.

Most tests here only compile.  ``sql`` gives a statement as one line; ``layout_of`` what its rows hold.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from ormsession import registry, relationship, synonym


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


@pytest.fixture
def model(metadata: MetaData, users: Table, addresses: Table, mapping: registry) -> types.SimpleNamespace:
    """Classes with relationships of all directions: User - Address, User - Item by a table between, a tree of Node."""
    items = Table("items", metadata, Column("id", Integer, primary_key=True), Column("name", String(50)))
    owned = Table(
        "owned", metadata, Column("user_id", ForeignKey("users.id")), Column("item_id", ForeignKey("items.id"))
    )
    nodes = Table(
        "nodes",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("parent_id", ForeignKey("nodes.id")),
        Column("name", String(50)),
    )
    found = types.SimpleNamespace(**{name: types.new_class(name) for name in ("User", "Address", "Item", "Node")})
    mapping.map_imperatively(
        found.User,
        users,
        properties={
            "age": users.c.age_int,
            "addresses": relationship(found.Address, back_populates="user"),
            "items": relationship(found.Item, secondary=owned, back_populates="owners"),
            "mails": synonym("addresses"),
        },
    )
    mapping.map_imperatively(
        found.Address, addresses, properties={"user": relationship(found.User, back_populates="addresses")}
    )
    mapping.map_imperatively(
        found.Item, items, properties={"owners": relationship(found.User, secondary=owned, back_populates="items")}
    )
    mapping.map_imperatively(
        found.Node,
        nodes,
        properties={
            "children": relationship(found.Node, back_populates="parent"),
            "parent": relationship(found.Node, remote_side=[nodes.c.id], back_populates="children"),
        },
    )
    return found


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
