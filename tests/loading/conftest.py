"""A session reduced to what loading asks of one, and a mapped table with something of everything."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, Integer, MetaData, String, Table, event, select

from ormsession import registry as Registry
from ormsession.loading.context import LoadOptions
from ormsession.loading.identity import get_by_key, primary_key
from ormsession.loading.refresh import refresh
from ormsession.loading.result import load_result
from ormsession.mapping.lookup import mapper_of
from ormsession.tracking.identity import IdentityMap
from ormsession.tracking.instrumentation import instance_state
from ormsession.tracking.ownership import new_owner_number


class Reader:
    """Objects that are loaded over one connection; its statements are recorded."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.identity_map = IdentityMap()
        self.hash_key = new_owner_number(self)
        self.dispatch = SimpleNamespace(loaded_as_persistent=False)
        self.no_autoflush = nullcontext()
        self.sent: list[tuple[str, Any]] = []
        self.announced: list[Any] = []
        self.gone: list[Any] = []
        self.autoflushes = 0
        event.listen(connection, "before_cursor_execute", self._record)

    def _record(self, conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        self.sent.append((" ".join(statement.split()), parameters))

    # ---- what an owner answers
    def note_modified(self, state: Any, obj: Any) -> None:
        self.identity_map.modified[state] = obj

    def run(
        self, statement: Any, params: Any = None, *, mapper: Any, execution_options: Any = None, autoflush: bool = False
    ) -> Any:
        self.autoflushes += autoflush
        return self.connection.execute(statement, params, execution_options=execution_options)

    def flush_if_due(self) -> None:
        self.autoflushes += 1

    def row_is_gone(self, state: Any) -> None:
        self.gone.append(state)

    def loaded(self, states: Any) -> None:
        self.announced.extend(state() for state in states)

    # ---- what a session does
    def execute(self, statement: Any, **options: Any) -> Any:
        result = self.connection.execute(statement)
        return load_result(self, result, result.context.compiled.compile_state, options=LoadOptions(**options))

    def all(self, statement: Any, **options: Any) -> list[Any]:
        return self.execute(statement, **options).scalars().all()

    def get(self, entity: Any, ident: Any, **options: Any) -> Any:
        mapper = mapper_of(entity)
        return get_by_key(self, mapper, primary_key(mapper, ident), **options)

    def refresh(self, instance: Any, keys: Any = None, **options: Any) -> None:
        refresh(self, instance_state(instance), keys, **options)

    def expire(self, instance: Any, *keys: str) -> None:
        state = instance_state(instance)
        if keys:
            state.expire_attributes(instance.__dict__, keys)
        else:
            state.expire(instance.__dict__)

    def forget_all(self) -> None:
        self.identity_map = IdentityMap()

    def sent_since(self, action: Any) -> list[tuple[str, Any]]:
        """The statements that *action* sends."""
        self.sent.clear()
        action()
        return list(self.sent)


BOOKS = Table(
    "books",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("title", String),
    Column("year", Integer),
    Column("notes", String),
)


@pytest.fixture
def registry() -> Iterator[Registry]:
    made = Registry()
    yield made
    made.dispose()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    BOOKS.metadata.create_all(engine)
    with engine.connect() as connection:
        connection.execute(
            BOOKS.insert(),
            [
                {"id": 1, "title": "Emma", "year": 1815, "notes": "E"},
                {"id": 2, "title": "Middlemarch", "year": 1871, "notes": "M"},
                {"id": 3, "title": "Ulysses", "year": 1922, "notes": "U"},
            ],
        )
        yield connection


@pytest.fixture
def reader(connection: Connection) -> Reader:
    return Reader(connection)


@pytest.fixture
def Book(registry: Registry) -> type:
    class Book:
        pass

    registry.map_imperatively(Book, BOOKS)
    return Book


@pytest.fixture
def by_id(Book: type) -> Any:
    """All books in order."""
    return select(Book).order_by(Book.id)
