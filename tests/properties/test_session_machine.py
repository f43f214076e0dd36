"""Random work with one session, compared after each step with a model made of three dictionaries.

The model knows nothing of objects: `committed` is what the database holds after a rollback, `flushed` what it
holds now, `wanted` what it will hold after the next flush; a stack remembers `flushed` at each savepoint.
Objects are deliberately not kept by the machine: what the session does not hold itself is gone.
"""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import CheckConstraint, Column, Integer, MetaData, String, Table, create_engine, event, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.pool import StaticPool

from ormsession import Session, inspect, registry
from ormsession.testing import check_invariants

metadata = MetaData()
thing_table = Table(
    "thing",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("text", String(10), CheckConstraint("text <> 'refused'"), nullable=False),
    Column("note", String(10)),
)


class Thing:
    """What the machine stores."""


keys = some.integers(1, 4)
texts = some.sampled_from(["red", "green", "blue"])


@pytest.fixture(autouse=True, scope="module")
def mapped():
    mappings = registry()
    mappings.map_imperatively(Thing, thing_table)
    yield
    mappings.dispose()


def empty_database():
    """SQLite whose transactions begin when SQLAlchemy says so: needed for savepoints."""
    engine = create_engine("sqlite://", poolclass=StaticPool)

    @event.listens_for(engine, "connect")
    def leave_transactions_to_us(connection, record):
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def begin(connection):
        connection.exec_driver_sql("BEGIN")

    metadata.create_all(engine)
    return engine


class SessionMachine(RuleBasedStateMachine):
    """The steps that the session and the model take side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = empty_database()
        self.session = Session(self.engine)
        self.committed: dict[int, str] = {}
        self.flushed: dict[int, str] = {}
        self.wanted: dict[int, str] = {}
        self.savepoints: list[tuple[object, dict[int, str]]] = []

    @initialize(keys=some.sets(keys), expire_on_commit=some.booleans(), autoflush=some.booleans())
    def begin_with_some_rows(self, keys, expire_on_commit, autoflush):
        with self.engine.begin() as connection:
            for key in keys:
                connection.execute(thing_table.insert().values(id=key, text="first"))
        self.committed = dict.fromkeys(keys, "first")
        self.flushed, self.wanted = dict(self.committed), dict(self.committed)
        self.session = Session(self.engine, expire_on_commit=expire_on_commit, autoflush=autoflush)

    def pending(self, key: int) -> Thing | None:
        return next((thing for thing in self.session.new if thing.id == key), None)

    def held(self, key: int) -> Thing:
        """The object for a key that is wanted, without a flush on the way."""
        with self.session.no_autoflush:
            return self.pending(key) or self.session.get(Thing, key)

    def back_to(self, rows: dict[int, str]) -> None:
        self.flushed, self.wanted = dict(rows), dict(rows)

    @rule(key=keys, text=texts)
    def add(self, key, text):
        if key not in self.wanted:
            self.session.add(Thing(id=key, text=text))
            self.wanted[key] = text

    @rule(key=keys, text=texts)
    def change(self, key, text):
        if key in self.wanted:
            self.held(key).text = text
            self.wanted[key] = text

    @rule(key=keys)
    def delete(self, key):
        if key in self.wanted:
            thing = self.held(key)
            if thing in self.session.new:
                self.session.expunge(thing)
            else:
                self.session.delete(thing)
            del self.wanted[key]

    @rule(key=keys, text=texts)
    def merge(self, key, text):
        self.flush()
        merged = self.session.merge(Thing(id=key, text=text))
        assert (merged.id, merged.text) == (key, text)
        self.wanted[key] = text

    @rule(key=keys)
    def get(self, key):
        self.flush()
        thing = self.session.get(Thing, key)
        assert (None if thing is None else thing.text) == self.wanted.get(key)
        assert self.session.get(Thing, key) is thing

    @rule()
    def query(self):
        self.flush()
        things = self.session.scalars(select(Thing).order_by(Thing.id)).all()
        assert {thing.id: thing.text for thing in things} == self.wanted

    @rule(key=keys)
    def let_go_and_load_again(self, key):
        self.flush()
        thing = self.session.get(Thing, key)
        if thing is not None:
            self.session.expunge(thing)
            assert inspect(thing).detached
            assert self.session.get(Thing, key) is not thing

    @rule()
    def expire_everything(self):
        self.flush()
        self.session.expire_all()

    @rule()
    def flush(self):
        self.session.flush()
        self.flushed = dict(self.wanted)

    @rule()
    def commit(self):
        self.session.commit()
        self.flushed = dict(self.wanted)
        self.committed = dict(self.wanted)
        self.savepoints.clear()

    @rule()
    def roll_back(self):
        self.session.rollback()
        self.back_to(self.committed)
        self.savepoints.clear()

    @precondition(lambda self: len(self.savepoints) < 3)
    @rule()
    def begin_a_savepoint(self):
        nested = self.session.begin_nested()
        self.flushed = dict(self.wanted)
        self.savepoints.append((nested, dict(self.flushed)))

    @precondition(lambda self: self.savepoints)
    @rule()
    def release_the_savepoint(self):
        nested, _ = self.savepoints.pop()
        nested.commit()
        self.flushed = dict(self.wanted)

    @precondition(lambda self: self.savepoints)
    @rule()
    def roll_back_to_the_savepoint(self):
        nested, rows = self.savepoints.pop()
        nested.rollback()
        self.back_to(rows)

    @rule(key=keys)
    def a_flush_that_fails_and_a_rollback(self, key):
        if key in self.wanted:
            self.held(key).text = "refused"
        else:
            self.session.add(Thing(id=key, text="refused"))
        with pytest.raises(IntegrityError):
            self.session.flush()
        self.roll_back()

    @invariant()
    def the_session_keeps_its_promises(self):
        check_invariants(self.session)

    @invariant()
    def the_database_holds_what_was_flushed(self):
        rows = self.session.connection().execute(select(thing_table.c.id, thing_table.c.text))
        assert dict(map(tuple, rows)) == self.flushed

    @invariant()
    def the_session_knows_what_will_change(self):
        assert {thing.id for thing in self.session.new} <= set(self.wanted)
        if not self.session.new and not self.session.dirty and not self.session.deleted:
            assert self.flushed == self.wanted

    def teardown(self) -> None:
        self.session.close()
        with self.engine.connect() as connection:
            assert dict(map(tuple, connection.execute(select(thing_table.c.id, thing_table.c.text)))) == self.committed
        self.engine.dispose()


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(max_examples=150, stateful_step_count=25)
