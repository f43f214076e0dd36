"""The scenarios with nothing but the database driver.

There are no objects to track here: "read" and "write" are those of a plain Python class, and scenarios that
are about an identity map are left out.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from scenarios import MERGED_AGE
from schema import Setting, row, rows

Steps = Generator[None, None, Any]
TABLE = "performance_person"
COLUMNS = "id, name, email, age, score"


class Person:
    """A plain class, as one writes it by hand."""

    def __init__(self, *, id: int, name: str, email: str, age: int, score: float) -> None:
        self.id = id
        self.name = name
        self.email = email
        self.age = age
        self.score = score


def people(size: int) -> list[Person]:
    return [Person(id=key, name=name, email=email, age=age, score=score) for key, name, email, age, score in rows(size)]


def as_row(someone: Person) -> tuple[Any, ...]:
    return someone.id, someone.name, someone.email, someone.age, someone.score


@contextmanager
def cursor_of(setting: Setting) -> Iterator[tuple[Any, Any, str]]:
    """A driver connection, a cursor of it, and how the driver writes a parameter."""
    pooled = setting.engine.raw_connection()
    try:
        connection: Any = pooled.driver_connection
        mark = "?" if setting.engine.dialect.paramstyle == "qmark" else "%s"
        yield connection, connection.cursor(), mark
    finally:
        pooled.close()


def load(setting: Setting) -> Steps:
    with cursor_of(setting) as (_, cursor, _mark):
        yield
        found = cursor.execute(f"SELECT {COLUMNS} FROM {TABLE}").fetchall()
        yield
        return found


def stream(setting: Setting) -> Steps:
    with cursor_of(setting) as (_, cursor, _mark):
        found = []
        yield
        cursor.execute(f"SELECT {COLUMNS} FROM {TABLE}")
        while batch := cursor.fetchmany(1000):
            found.extend(key for key, *_others in batch)
        yield
        return found


def tuples(setting: Setting) -> Steps:
    with cursor_of(setting) as (_, cursor, _mark):
        yield
        found = cursor.execute(f"SELECT id, name, email FROM {TABLE}").fetchall()
        yield
        return found


def get_cold(setting: Setting) -> Steps:
    with cursor_of(setting) as (_, cursor, mark):
        sql = f"SELECT {COLUMNS} FROM {TABLE} WHERE id = {mark}"
        yield
        found = [cursor.execute(sql, (key,)).fetchone() for key in range(1, setting.size + 1)]
        yield
        return found


def read(setting: Setting) -> Steps:
    everyone = people(setting.size)
    total = 0
    yield
    for _ in range(5):
        for someone in everyone:
            someone.name, someone.email, someone.age, someone.score  # noqa: B018
            total += someone.id
    yield
    return total


def write(setting: Setting) -> Steps:
    everyone = people(setting.size)
    yield
    for name, age, score in (("once", 1, 1.5), ("again", 2, 2.5)):
        for someone in everyone:
            someone.name = name
            someone.age = age
            someone.score = score
    yield
    return [as_row(someone) for someone in everyone]


def construct(setting: Setting) -> Steps:
    wanted = rows(setting.size)
    yield
    everyone = [Person(id=key, name=name, email=email, age=age, score=score) for key, name, email, age, score in wanted]
    yield
    return [as_row(someone) for someone in everyone]


def insert_generated(setting: Setting) -> Steps:
    with cursor_of(setting) as (connection, cursor, mark):
        wanted = [found[1:] for found in rows(setting.size)]
        sql = f"INSERT INTO {TABLE} (name, email, age, score) VALUES ({mark}, {mark}, {mark}, {mark}) RETURNING id"
        yield
        if setting.engine.dialect.driver == "psycopg":
            cursor.executemany(sql, wanted, returning=True)
            keys = [cursor.fetchone()[0]]
            while cursor.nextset():
                keys += cursor.fetchone()
        else:
            keys = [cursor.execute(sql, parameters).fetchone()[0] for parameters in wanted]
        yield
        connection.commit()
        return [(key, *found) for key, found in zip(keys, wanted, strict=True)]


def insert_given(setting: Setting) -> Steps:
    with cursor_of(setting) as (connection, cursor, mark):
        wanted = rows(setting.size)
        yield
        cursor.executemany(f"INSERT INTO {TABLE} ({COLUMNS}) VALUES ({mark}, {mark}, {mark}, {mark}, {mark})", wanted)
        yield
        connection.commit()
        return wanted


def insert_bulk(setting: Setting) -> Steps:
    with cursor_of(setting) as (connection, cursor, mark):
        wanted = [found[1:] for found in rows(setting.size)]
        sql = f"INSERT INTO {TABLE} (name, email, age, score) VALUES ({mark}, {mark}, {mark}, {mark})"
        yield
        cursor.executemany(sql, wanted)
        yield
        connection.commit()


def update(setting: Setting) -> Steps:
    with cursor_of(setting) as (connection, cursor, mark):
        everyone = people(setting.size)
        yield
        for someone in everyone:
            someone.age = MERGED_AGE
        parameters = [(someone.age, someone.id) for someone in everyone]
        cursor.executemany(f"UPDATE {TABLE} SET age = {mark} WHERE id = {mark}", parameters)
        yield
        connection.commit()
        return [as_row(someone) for someone in everyone]


def update_alternating(setting: Setting) -> Steps:
    with cursor_of(setting) as (connection, cursor, mark):
        everyone = people(setting.size)
        yield
        for someone in everyone:
            if someone.id % 2 == 0:
                someone.age = MERGED_AGE
            else:
                someone.name = "changed"
        ages = [(someone.age, someone.id) for someone in everyone if someone.id % 2 == 0]
        names = [(someone.name, someone.id) for someone in everyone if someone.id % 2]
        cursor.executemany(f"UPDATE {TABLE} SET age = {mark} WHERE id = {mark}", ages)
        cursor.executemany(f"UPDATE {TABLE} SET name = {mark} WHERE id = {mark}", names)
        yield
        connection.commit()
        return [as_row(someone) for someone in everyone]


def delete(setting: Setting) -> Steps:
    with cursor_of(setting) as (connection, cursor, mark):
        keys = [(key,) for key in range(1, setting.size + 1)]
        yield
        cursor.executemany(f"DELETE FROM {TABLE} WHERE id = {mark}", keys)
        yield
        connection.commit()


def merge(setting: Setting) -> Steps:
    with cursor_of(setting) as (connection, cursor, mark):
        given = [(*found[:3], MERGED_AGE, found[4]) for found in rows(setting.size)]
        select_one = f"SELECT {COLUMNS} FROM {TABLE} WHERE id = {mark}"
        yield
        changes = [
            (wanted[3], wanted[0]) for wanted in given if cursor.execute(select_one, wanted[:1]).fetchone() != wanted
        ]
        cursor.executemany(f"UPDATE {TABLE} SET age = {mark} WHERE id = {mark}", changes)
        yield
        connection.commit()
        return given


def transactions(setting: Setting) -> Steps:
    select_one = f"SELECT {COLUMNS} FROM {TABLE} WHERE id = "
    yield
    for key in range(1, setting.size + 1):
        with cursor_of(setting) as (connection, cursor, mark):
            found = cursor.execute(select_one + mark, (key,)).fetchone()
            assert found == row(key)
            cursor.execute(f"UPDATE {TABLE} SET age = {mark} WHERE id = {mark}", (MERGED_AGE, found[0]))
            connection.commit()
    yield


SCENARIOS = {
    function.__name__: function
    for function in (
        load, stream, tuples, get_cold, read, write, construct, insert_generated, insert_given, insert_bulk, update,
        update_alternating, delete, merge, transactions,
    )
}  # fmt: skip
SCENARIOS |= {"reload": load, "refresh": get_cold, "memory": load}
