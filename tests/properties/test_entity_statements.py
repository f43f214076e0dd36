"""UPDATE and DELETE of entities with any criteria: afterwards the objects in the session say what the database says.

Whether an object is hit may be decided in Python or by the database; NULL, expired attributes and objects that
the session does not have must make no difference to what is seen.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Column, Integer, MetaData, String, Table, and_, create_engine, delete, not_, or_, select, update

from ormsession import Session, inspect, registry
from ormsession.testing import check_invariants

metadata = MetaData()
thing_table = Table(
    "thing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("number", Integer),
    Column("text", String(10)),
)


class Thing:
    """What the statements change."""


@pytest.fixture(autouse=True, scope="module")
def mapped():
    mappings = registry()
    mappings.map_imperatively(Thing, thing_table)
    yield
    mappings.dispose()


# Everything below is made when an example is: the class has no attributes before it is mapped.
numbers = some.one_of(some.none(), some.integers(-2, 3))
texts = some.one_of(some.none(), some.sampled_from(["", "a", "A", "ab", "b%", "_"]))
rows = some.lists(some.tuples(numbers, texts), min_size=1, max_size=6)

leaves = some.one_of(
    some.builds(lambda n: Thing.number == n, numbers),
    some.builds(lambda n: Thing.number != n, numbers),
    some.builds(lambda n: Thing.number < n, some.integers(-2, 3)),
    some.builds(lambda n: Thing.number >= n, some.integers(-2, 3)),
    some.builds(lambda n: Thing.number + 1 > n, some.integers(-2, 3)),
    some.builds(lambda ns: Thing.number.in_(ns), some.lists(some.integers(-2, 3), max_size=3)),
    some.builds(lambda ns: Thing.number.not_in(ns), some.lists(some.integers(-2, 3), max_size=3)),
    some.builds(lambda low, high: Thing.number.between(low, high), some.integers(-2, 3), some.integers(-2, 3)),
    some.builds(lambda t: Thing.text == t, texts),
    some.builds(lambda t: Thing.text > t, some.sampled_from(["", "a", "b"])),
    some.builds(lambda t: Thing.text.like(t), some.sampled_from(["a%", "%b", "_", "%"])),
    some.builds(lambda t: Thing.text.startswith(t), some.sampled_from(["a", ""])),
    some.builds(lambda: Thing.number.is_(None)),
    some.builds(lambda: Thing.text.is_not(None)),
)
criteria = some.recursive(
    leaves,
    lambda inner: some.one_of(
        some.builds(and_, inner, inner), some.builds(or_, inner, inner), some.builds(not_, inner)
    ),
    max_leaves=4,
)
new_values = some.fixed_dictionaries(
    {},
    optional={
        "number": some.one_of(numbers, some.builds(lambda: Thing.number + 1), some.builds(lambda: Thing.id * 2)),
        "text": some.one_of(texts, some.builds(lambda: Thing.text + "x")),
    },
).filter(bool)
strategies = some.sampled_from(["auto", "fetch"])
loads = some.lists(some.sampled_from(["loaded", "expired", "number expired", "not loaded"]), min_size=6, max_size=6)


@pytest.fixture(scope="module")
def engine():
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    yield engine
    engine.dispose()


def session_with(engine, rows, loads) -> tuple[Session, list[Thing]]:
    """A session with these rows in its transaction, some of them as objects."""
    session = Session(engine)
    for number, (value, text) in enumerate(rows, 1):
        session.execute(thing_table.insert().values(id=number, number=value, text=text))
    things = []
    for key, load in zip(range(1, len(rows) + 1), loads, strict=False):
        if load != "not loaded":
            things.append(session.get(Thing, key))
        if load == "expired":
            session.expire(things[-1])
        elif load == "number expired":
            session.expire(things[-1], ["number"])
    return session, things


def in_database(session) -> dict[int, tuple]:
    return {row.id: (row.number, row.text) for row in session.connection().execute(select(thing_table))}


@given(rows, loads, criteria, new_values, strategies)
def test_after_an_update_objects_say_what_the_database_says(engine, rows, loads, criterion, values, strategy):
    session, things = session_with(engine, rows, loads)
    with session:
        session.execute(
            update(Thing).where(criterion).values(values), execution_options={"synchronize_session": strategy}
        )
        check_invariants(session)
        expected = in_database(session)
        assert {thing.id: (thing.number, thing.text) for thing in things} == {
            thing.id: expected[thing.id] for thing in things
        }
        assert not session.dirty


@given(rows, loads, criteria, strategies)
def test_after_a_delete_exactly_the_objects_without_a_row_are_deleted(engine, rows, loads, criterion, strategy):
    session, things = session_with(engine, rows, loads)
    with session:
        keys = {id(thing): inspect(thing).identity[0] for thing in things}
        session.execute(delete(Thing).where(criterion), execution_options={"synchronize_session": strategy})
        check_invariants(session)
        left = in_database(session)
        for thing in things:
            # an object that could not be judged finds out at its next access, without having shown anything wrong
            found = session.get(Thing, keys[id(thing)])
            assert (found is thing) == (keys[id(thing)] in left)
        session.rollback()


@given(rows, loads, criteria, new_values)
def test_a_rollback_takes_back_what_an_update_wrote_on_objects(engine, rows, loads, criterion, values):
    session, things = session_with(engine, rows, loads)
    with session:
        before = in_database(session)
        savepoint = session.begin_nested()
        session.execute(update(Thing).where(criterion).values(values))
        savepoint.rollback()
        check_invariants(session)
        assert {thing.id: (thing.number, thing.text) for thing in things} == {
            thing.id: before[thing.id] for thing in things
        }
