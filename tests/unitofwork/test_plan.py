"""Plans are data: they can be read and compared, and making one sends and changes nothing."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, create_engine, event, func
from sqlalchemy.exc import IntegrityError

from ormsession.mapping.registry import registry as Registry
from ormsession.tracking.instrumentation import instance_state
from ormsession.unitofwork.operations import OperationKind


class Record:
    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


@pytest.fixture
def classes(registry, metadata, work):
    """Parents and their children."""
    parents = Table("parents", metadata, Column("id", Integer, primary_key=True), Column("name", String))
    children = Table(
        "children", metadata, Column("id", Integer, primary_key=True), Column("parent_id", ForeignKey("parents.id"))
    )
    Parent = type("Parent", (Record,), {})
    Child = type("Child", (Record,), {})
    registry.map_imperatively(Child, children)
    registry.map_imperatively(Parent, parents)
    work.create_tables(metadata)
    return Parent, Child


def test_a_plan_lists_its_batches_in_the_order_of_the_tables(classes, work) -> None:
    Parent, Child = classes
    work.add(Child(id=1, parent_id=1), Parent(id=1), Child(id=2, parent_id=1))
    assert list(map(str, work.plan().batches)) == [
        "INSERT  parents                    1 row   name, id",
        "INSERT  children                   2 rows  parent_id, id",
    ]


def test_a_plan_is_plain_data_when_asked(classes, work) -> None:
    Parent, _ = classes
    work.add(Parent(id=1, name=func.lower("A")))
    assert work.plan().to_dict() == {
        "batches": [
            {
                "operation": "INSERT",
                "table": "parents",
                "columns": ["name", "id"],
                "rows": [{"id": 1, "name": "lower(:lower_1)"}],
            }
        ]
    }


def test_operations_are_the_rows_one_by_one(classes, work) -> None:
    Parent, _ = classes
    parents = [Parent(id=1, name="a"), Parent(id=2, name="b")]
    work.add(*parents)
    operations = list(work.plan().operations)
    assert [(o.kind, o.table, dict(o.values)) for o in operations] == [
        (OperationKind.INSERT, "parents", {"id": 1, "name": "a"}),
        (OperationKind.INSERT, "parents", {"id": 2, "name": "b"}),
    ]
    assert [o.state() for o in operations] == parents
    assert str(operations[0]).startswith("INSERT parents for <Parent at 0x")


def test_planning_sends_nothing_and_changes_nothing(classes, work) -> None:
    Parent, Child = classes
    parent = Parent(name="a")
    work.add(parent, Child(parent_id=5))
    before = dict(parent.__dict__)
    first, second = str(work.plan()), str(work.plan())
    assert first == second
    assert parent.__dict__ == before
    assert work.sent == []
    assert instance_state(parent).changes == {"name": instance_state(parent).changes["name"]}


def test_nothing_to_do_is_a_false_plan(work) -> None:
    assert not work.plan()
    assert str(work.plan()) == "nothing to send"


def test_a_stage_with_listeners_is_framed(classes, work) -> None:
    Parent, Child = classes
    event.listen(Parent._sa_class_manager.mapper, "before_insert", lambda mapper, connection, target: None)
    work.add(Parent(id=1), Child(id=1))
    assert [str(step).split()[0] for step in work.plan().steps] == ["before", "INSERT", "after", "INSERT"]


# ---------------------------------------------------------------- any set of operations that some order satisfies


@st.composite
def situations(draw: Any) -> tuple[dict, dict, dict]:
    """Rows that are there, new rows, and changes: key -> (code, parent), None for a row that goes."""
    old = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4, unique=True))
    codes = draw(st.permutations(["a", "b", "c", "d"]))
    before = {key: (code, draw(st.sampled_from([None, *old]))) for key, code in zip(old, codes, strict=False)}
    fresh = draw(st.lists(st.integers(5, 6), max_size=2, unique=True))
    after_codes = st.sampled_from([*codes, None])
    parents = st.sampled_from([None, *old, *fresh])
    new = {key: (draw(after_codes), draw(parents)) for key in fresh}
    touched = draw(st.lists(st.sampled_from(old), max_size=3, unique=True))
    changed = {key: draw(st.one_of(st.none(), st.tuples(after_codes, parents))) for key in touched}
    return before, new, changed


def statements_for(before: dict, new: dict, changed: dict) -> list[tuple[str, tuple[Any, ...]]]:
    """One statement for each operation, as somebody would write them by hand."""
    found = [
        ("INSERT INTO nodes (id, code, parent_id) VALUES (?, ?, ?)", (key, *values)) for key, values in new.items()
    ]
    for key, values in changed.items():
        if key not in before:
            continue
        if values is None:
            found.append(("DELETE FROM nodes WHERE id = ?", (key,)))
        elif values != before[key]:
            found.append(("UPDATE nodes SET code = ?, parent_id = ? WHERE id = ?", (*values, key)))
    return found


def some_order_succeeds(engine: Any, table: Table, before: dict, statements: list) -> bool:
    for order in itertools.permutations(statements):
        with engine.connect() as connection:
            fill(connection, table, before)
            try:
                for statement, parameters in order:
                    connection.exec_driver_sql(statement, parameters)
                return True
            except IntegrityError:
                pass
            finally:
                connection.rollback()
    return False


def fill(connection: Any, table: Table, before: dict) -> None:
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    for key, (code, parent) in before.items():
        connection.execute(table.insert(), {"id": key, "code": code, "parent_id": parent})
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=OFF")


@settings(max_examples=300, deadline=None)
@given(situations())
def test_a_flush_succeeds_whenever_some_order_of_its_operations_does(situation) -> None:
    before, new, changed = situation
    statements = statements_for(before, new, changed)
    engine = create_engine("sqlite://")
    event.listen(engine, "connect", lambda connection, record: connection.execute("PRAGMA foreign_keys=ON"))
    metadata = MetaData()
    table = Table(
        "nodes",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("code", String, unique=True),
        Column("parent_id", ForeignKey("nodes.id")),
    )
    metadata.create_all(engine)
    registry = Registry(metadata=metadata)
    Node = type("Node", (Record,), {})
    registry.map_imperatively(Node, table)
    try:
        if some_order_succeeds(engine, table, before, statements):
            with engine.connect() as connection:
                fill(connection, table, before)
                flush_all(connection, Node, before, new, changed)
                expected = {**before, **new, **changed}
                stored = {row[0]: tuple(row[1:]) for row in connection.execute(table.select())}
                assert stored == {key: values for key, values in expected.items() if values is not None}
                connection.rollback()
    finally:
        registry.dispose()
        engine.dispose()


def flush_all(connection: Any, Node: Any, before: dict, new: dict, changed: dict) -> None:
    work = Work(connection)
    nodes = {}
    for key, (code, parent) in before.items():
        node = nodes[key] = Node(id=key, code=code, parent_id=parent)
        state = instance_state(node)
        state.commit_all(node.__dict__)
        state.pk, state.session_id = key, work.hash_key
        work.identity_map.add(state)
    for key, values in changed.items():
        if key in nodes and values is None:
            work.delete(nodes[key])
        elif key in nodes:
            nodes[key].code, nodes[key].parent_id = values
    work.add(*(Node(id=key, code=code, parent_id=parent) for key, (code, parent) in new.items()))
    work.flush()


Work: Any = None


@pytest.fixture(autouse=True)
def work_class(make_work) -> None:
    global Work
    Work = make_work
