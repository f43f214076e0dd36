"""A session reduced to what a unit of work needs, so that the room is tested without the rooms above it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, MetaData, event

from ormsession.mapping.registry import registry as Registry
from ormsession.tracking.identity import IdentityMap
from ormsession.tracking.instrumentation import instance_state
from ormsession.tracking.ownership import new_owner_number
from ormsession.unitofwork.execution import FlushOutcome, execute
from ormsession.unitofwork.plan import FlushInput, Plan, make_plan


class Work:
    """Objects that are flushed over one connection; its statements are recorded."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.identity_map = IdentityMap()
        self.hash_key = new_owner_number(self)
        self.dispatch = None
        self.no_autoflush = nullcontext()
        self.new: dict[Any, Any] = {}
        self.deleted: dict[Any, Any] = {}
        self.sent: list[str] = []
        self.parameters: list[Any] = []
        event.listen(connection, "before_cursor_execute", self._record)

    def _record(self, conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool) -> None:
        self.sent.append(" ".join(statement.split()))
        self.parameters.append(parameters)

    # ---- what an owner answers
    def connection_for(self, mapper: Any, **kw: Any) -> Connection:
        return self.connection

    def note_modified(self, state: Any, obj: Any) -> None:
        self.identity_map.modified[state] = obj

    # ---- what a session does
    def add(self, *objects: Any) -> None:
        for obj in objects:
            state = instance_state(obj)
            state.session_id = self.hash_key
            self.new[state] = obj

    def delete(self, *objects: Any) -> None:
        for obj in objects:
            self.deleted[instance_state(obj)] = obj

    def input(self) -> FlushInput:
        dirty = [state for state in self.identity_map.modified if state not in self.deleted]
        return FlushInput(tuple(self.new), tuple(dirty), tuple(self.deleted))

    def plan(self) -> Plan:
        return make_plan(self.input())

    def execute(self) -> FlushOutcome:
        """Send everything, and leave the objects as they are then."""
        self.sent.clear()
        self.parameters.clear()
        return execute(self.plan(), self)

    def flush(self) -> FlushOutcome:
        outcome = self.execute()
        outcome.finish(self.identity_map)
        for state in outcome.deleted:
            self.identity_map.discard(state)
        for state, old_pk in outcome.rekeyed:
            new_pk, state.pk = state.pk, old_pk
            self.identity_map.discard(state)
            state.pk = new_pk
            self.identity_map.replace(state)
        for state in outcome.inserted:
            self.identity_map.replace(state)
        self.kept = [*getattr(self, "kept", ()), *self.new.values()]
        self.new.clear()
        self.deleted.clear()
        return outcome

    def create_tables(self, metadata: MetaData) -> None:
        metadata.create_all(self.connection)
        self.sent.clear()
        self.parameters.clear()

    def rows(self, table: Any) -> list[tuple[Any, ...]]:
        found = [tuple(row) for row in self.connection.execute(table.select().order_by(*table.primary_key))]
        self.sent.pop()
        self.parameters.pop()
        return found


@pytest.fixture
def metadata() -> MetaData:
    return MetaData()


@pytest.fixture
def registry(metadata: MetaData) -> Iterator[Registry]:
    registry = Registry(metadata=metadata)
    yield registry
    registry.dispose()


@pytest.fixture
def work(engine: Engine, metadata: MetaData) -> Iterator[Work]:
    """A unit of work on an empty SQLite database; the tables of `metadata` are made at the first use."""
    with engine.connect() as connection:
        yield Work(connection)


@pytest.fixture
def make_work() -> type[Work]:
    """For tests that bring their own connection."""
    return Work
