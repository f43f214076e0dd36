"""What a finished flush leaves on the objects."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Column, Integer, String, Table, literal

from ormsession import exc
from ormsession.mapping.properties import column_property
from ormsession.tracking.instrumentation import instance_state


class Record:
    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


@pytest.fixture
def table(metadata):
    return Table("users", metadata, Column("id", Integer, primary_key=True), Column("age", Integer))


def mapped(registry, metadata, work, table, **options) -> type[Any]:
    User = type("User", (Record,), {})
    registry.map_imperatively(User, table, **options)
    work.create_tables(metadata)
    return User


def flushed(work, *objects: Any) -> None:
    work.add(*objects)
    work.flush()


def test_a_computed_attribute_is_stale_after_its_row_was_written(registry, metadata, work, table) -> None:
    User = mapped(registry, metadata, work, table, properties={"next": column_property(table.c.age + 1)})
    user = User(id=1, age=4)
    flushed(work, user)
    assert "next" in instance_state(user).expired_attributes
    user.__dict__["next"] = 5
    instance_state(user).expired_attributes.clear()
    user.age = 7
    work.flush()
    assert "next" not in user.__dict__
    assert "next" in instance_state(user).expired_attributes


def test_a_computed_attribute_set_by_hand_keeps_its_value(registry, metadata, work, table) -> None:
    User = mapped(registry, metadata, work, table, properties={"next": column_property(table.c.age + 1)})
    user = User(id=1, age=4)
    flushed(work, user)
    user.next, user.age = "mine", 5
    work.flush()
    assert user.__dict__["next"] == "mine"


def test_a_computed_attribute_that_does_not_expire_keeps_its_value(registry, metadata, work, table) -> None:
    computed = column_property(table.c.age + 1, expire_on_flush=False)
    User = mapped(registry, metadata, work, table, properties={"next": computed})
    user = User(id=1, age=4)
    flushed(work, user)
    user.__dict__["next"] = 5
    user.age = 7
    work.flush()
    assert user.__dict__["next"] == 5


def test_a_deferred_computed_attribute_is_only_stale_when_it_was_loaded(registry, metadata, work, table) -> None:
    computed = column_property(table.c.age + 1, deferred=True)
    User = mapped(registry, metadata, work, table, properties={"next": computed})
    user = User(id=1, age=4)
    flushed(work, user)
    assert "next" not in instance_state(user).expired_attributes
    user.__dict__["next"] = 5
    user.age = 7
    work.flush()
    assert "next" not in user.__dict__


def test_a_flush_that_is_taken_back_leaves_no_key(registry, metadata, work, table) -> None:
    User = mapped(registry, metadata, work, table)
    user = User(age=4)
    work.add(user)
    outcome = work.execute()
    assert user.id == 1
    outcome.take_back()
    assert "id" not in user.__dict__
    assert instance_state(user).pk is None
    assert instance_state(user).modified


def test_until_it_is_finished_a_flush_leaves_the_histories(registry, metadata, work, table) -> None:
    User = mapped(registry, metadata, work, table)
    user = User(id=1, age=4)
    flushed(work, user)
    user.age = 5
    outcome = work.execute()
    assert instance_state(user).changes == {"age": 4}
    outcome.finish(work.identity_map)
    assert instance_state(user).changes is None
    assert not work.identity_map.modified


def test_a_changed_key_in_sql_is_known_after_the_flush(registry, metadata, work, table) -> None:
    User = mapped(registry, metadata, work, table)
    user = User(id=1, age=4)
    flushed(work, user)
    user.id = literal(4) + 5
    outcome = work.flush()
    assert user.id == 9
    assert outcome.rekeyed == [(instance_state(user), 1)]


def test_composite_keys_move_with_a_changed_part(registry, metadata, work) -> None:
    pairs = Table(
        "pairs",
        metadata,
        Column("a", Integer, primary_key=True),
        Column("b", Integer, primary_key=True),
        Column("c", String),
    )
    Pair = mapped(registry, metadata, work, pairs)
    pair = Pair(a=1, b=2, c="x")
    flushed(work, pair)
    pair.b = 3
    pair.c = "y"
    work.flush()
    assert work.parameters == [(3, "y", 1, 2)]
    assert instance_state(pair).pk == (1, 3)


def test_partly_null_keys_are_refused_when_the_mapper_says_so(registry, metadata, work) -> None:
    pairs = Table(
        "pairs",
        metadata,
        Column("a", String, primary_key=True, nullable=True),
        Column("b", String, primary_key=True, nullable=True),
    )
    Pair = mapped(registry, metadata, work, pairs, allow_partial_pks=False)
    work.add(Pair(a="x", b=None))
    with pytest.raises(exc.FlushError, match="has a NULL identity key"):
        work.flush()
