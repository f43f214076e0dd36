"""A session reduced to what loading asks of one, a mapped table, and three that are related."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import Column, Connection, Engine, ForeignKey, Integer, MetaData, String, Table, event, select

from ormsession import registry as Registry
from ormsession import relationship
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
        self.fetch = "one"
        self.load_reports: list[Any] = []
        self.is_flushing = False
        self.is_writing = False
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
        self,
        statement: Any,
        params: Any = None,
        *,
        mapper: Any,
        execution_options: Any = None,
        autoflush: bool = False,
        for_relationship: bool = False,
        loaded_from: Any = None,
    ) -> Any:
        self.autoflushes += autoflush
        return self.connection.execute(statement, params, execution_options=execution_options)

    def flush_if_due(self) -> None:
        self.autoflushes += 1

    def close(self) -> None:
        self.identity_map = IdentityMap()

    def row_is_gone(self, state: Any) -> None:
        self.gone.append(state)

    def loaded(self, states: Any) -> None:
        self.announced.extend(state() for state in states)

    # ---- what a session does
    def execute(self, statement: Any, **options: Any) -> Any:
        result = self.connection.execute(statement)
        kept = tuple(option for option in getattr(statement, "_with_options", ()) if option.propagate_to_loaders)
        options.setdefault("propagated", kept)
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
    Column("title", String(50)),
    Column("year", Integer),
    Column("notes", String(50)),
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


METADATA = MetaData()
AUTHORS = Table("authors", METADATA, Column("id", Integer, primary_key=True), Column("name", String))
WORKS = Table(
    "works",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("author_id", ForeignKey("authors.id")),
    Column("title", String),
)
TAGS = Table("tags", METADATA, Column("id", Integer, primary_key=True), Column("word", String))
WORK_TAGS = Table(
    "work_tags", METADATA, Column("work_id", ForeignKey("works.id")), Column("tag_id", ForeignKey("tags.id"))
)


@pytest.fixture
def library(reader, registry):
    """Authors with works with tags; each relationship's lazy word can be chosen."""
    METADATA.create_all(reader.connection)
    execute = reader.connection.execute
    execute(AUTHORS.insert(), [{"id": 1, "name": "Austen"}, {"id": 2, "name": "Woolf"}, {"id": 3, "name": "nobody"}])
    execute(
        WORKS.insert(),
        [
            {"id": 1, "author_id": 1, "title": "Emma"},
            {"id": 2, "author_id": 1, "title": "Persuasion"},
            {"id": 3, "author_id": 2, "title": "Orlando"},
            {"id": 4, "author_id": None, "title": "Beowulf"},
        ],
    )
    execute(TAGS.insert(), [{"id": 1, "word": "novel"}, {"id": 2, "word": "comedy"}])
    execute(WORK_TAGS.insert(), [{"work_id": 1, "tag_id": 1}, {"work_id": 1, "tag_id": 2}, {"work_id": 2, "tag_id": 1}])

    def map_it(works="select", author="select", tags="select", **options):
        class Author:
            pass

        class Work:
            pass

        class Tag:
            pass

        registry.map_imperatively(Tag, TAGS)
        registry.map_imperatively(
            Work,
            WORKS,
            properties={
                "author": relationship(Author, back_populates="works", lazy=author),
                "tags": relationship(Tag, WORK_TAGS, order_by=TAGS.c.id, lazy=tags),
            },
        )
        registry.map_imperatively(
            Author,
            AUTHORS,
            properties={
                "works": relationship(Work, back_populates="author", order_by=WORKS.c.id, lazy=works, **options),
            },
        )
        return SimpleNamespace(Author=Author, Work=Work, Tag=Tag)

    return map_it
