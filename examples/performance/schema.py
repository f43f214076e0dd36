"""What every library works on: tables, the rows in them, and the setting of one measurement.

``person`` has five columns and stands alone.  ``parent`` and ``child`` are for relationships: each parent has
``CHILDREN`` children.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Column,
    Engine,
    Float,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Table,
    create_engine,
    insert,
    select,
)

metadata = MetaData()
person = Table(
    "performance_person",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(50), nullable=False),
    Column("email", String(80), nullable=False),
    Column("age", Integer, nullable=False),
    Column("score", Float, nullable=False),
)
parent = Table(
    "performance_parent", metadata, Column("id", Integer, primary_key=True), Column("name", String(50), nullable=False)
)
child = Table(
    "performance_child",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("parent_id", ForeignKey(parent.c.id), nullable=False, index=True),
    Column("name", String(50), nullable=False),
)

CHILDREN = 4
Row = tuple[int, str, str, int, float]
FamilyRow = tuple[int, str, int, str]


@dataclass(frozen=True, slots=True)
class Setting:
    """Where one scenario runs: a database and how many rows or objects it is about."""

    engine: Engine
    size: int


def row(key: int) -> Row:
    """The row of one key, as it is before any scenario changed it."""
    return key, f"name {key}", f"person{key}@example.org", key % 90, key * 0.5


def rows(size: int) -> list[Row]:
    """The rows of the keys 1 to *size*."""
    return [row(key) for key in range(1, size + 1)]


def values(size: int, *, with_key: bool) -> list[dict[str, Any]]:
    """The same rows as dictionaries, with or without the primary key."""
    columns = person.c.keys() if with_key else person.c.keys()[1:]
    start = 0 if with_key else 1
    return [dict(zip(columns, found[start:], strict=True)) for found in rows(size)]


def stored(engine: Engine) -> list[Row]:
    """What the table holds now, by key."""
    with engine.connect() as connection:
        return [tuple(found) for found in connection.execute(select(person).order_by(person.c.id))]  # type: ignore[misc]


def families(size: int) -> list[FamilyRow]:
    """Parent and child side by side, for *size* parents: key and name of the parent, key and name of the child."""
    return [
        (key, f"parent {key}", (key - 1) * CHILDREN + number, f"child {number}")
        for key in range(1, size + 1)
        for number in range(1, CHILDREN + 1)
    ]


def stored_families(engine: Engine) -> list[FamilyRow]:
    """What the tables of families hold now, by the keys of the children."""
    joined = select(parent.c.id, parent.c.name, child.c.id, child.c.name).join_from(child, parent).order_by(child.c.id)
    with engine.connect() as connection:
        return [tuple(found) for found in connection.execute(joined)]  # type: ignore[misc]


@contextmanager
def database(url: str, filled: int, *, parents: int = 0) -> Iterator[Engine]:
    """A database with *filled* persons and *parents* families; the tables are dropped at the end."""
    engine = create_engine(url)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    try:
        if filled:
            with engine.begin() as connection:
                connection.execute(insert(person), values(filled, with_key=True))
        if parents:
            rows_of_both = families(parents)
            names = {key: name for key, name, _, _ in rows_of_both}
            with engine.begin() as connection:
                connection.execute(insert(parent), [{"id": key, "name": name} for key, name in names.items()])
                connection.execute(
                    insert(child), [{"id": key, "parent_id": of, "name": name} for of, _, key, name in rows_of_both]
                )
        yield engine
    finally:
        metadata.drop_all(engine)
        engine.dispose()
