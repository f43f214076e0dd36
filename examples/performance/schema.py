"""What every library works on: one table of five columns, the rows in it, and the setting of one measurement."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Engine, Float, Integer, MetaData, String, Table, create_engine, insert, select

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

Row = tuple[int, str, str, int, float]


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


@contextmanager
def database(url: str, filled: int) -> Iterator[Engine]:
    """A database with the table holding *filled* rows; the table is dropped at the end."""
    engine = create_engine(url)
    metadata.drop_all(engine)
    metadata.create_all(engine)
    try:
        if filled:
            with engine.begin() as connection:
                connection.execute(insert(person), values(filled, with_key=True))
        yield engine
    finally:
        metadata.drop_all(engine)
        engine.dispose()
