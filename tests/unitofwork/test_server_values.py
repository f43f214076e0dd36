"""What databases make themselves: keys, sequences, computed columns, defaults, on each kind that answers."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import (
    Column,
    Computed,
    FetchedValue,
    ForeignKey,
    Identity,
    Integer,
    MetaData,
    Sequence,
    String,
    Table,
    func,
    text,
)

from ormsession import exc
from ormsession.mapping.registry import registry as Registry
from ormsession.tracking.instrumentation import instance_state


class Record:
    def __init__(self, **values: Any) -> None:
        for key, value in values.items():
            setattr(self, key, value)


@pytest.fixture
def on_database(database, make_work):
    """A unit of work on each database, and a function that maps a new class to a new table there."""
    metadata = MetaData()
    registry = Registry(metadata=metadata)
    with database.connect() as connection:
        work = make_work(connection)

        def map_class(name: str, *items: Any, **options: Any) -> type[Any]:
            table = Table(name, metadata, *items)
            cls = type(name.title(), (Record,), {"table": table})
            registry.map_imperatively(cls, table, **options)
            work.create_tables(metadata)
            return cls

        yield work, map_class
        connection.rollback()
    registry.dispose()


def test_generated_keys_belong_to_their_rows(on_database) -> None:
    work, map_class = on_database
    User = map_class("users", Column("id", Integer, primary_key=True), Column("name", String(20)))
    users = [User(name=f"n{number}") for number in range(1500)]
    work.add(*users)
    work.flush()
    assert work.rows(User.table) == [(user.id, user.name) for user in users]


def test_one_row_gets_its_key(on_database) -> None:
    work, map_class = on_database
    User = map_class("users", Column("id", Integer, primary_key=True), Column("name", String(20)))
    user = User(name="ed")
    work.add(user)
    work.flush()
    assert work.rows(User.table) == [(user.id, "ed")]
    assert instance_state(user).pk == user.id


def test_server_defaults_are_known_or_marked_for_loading(on_database) -> None:
    work, map_class = on_database
    User = map_class(
        "users",
        Column("id", Integer, primary_key=True),
        Column("state", String(20), server_default="fresh"),
        Column("lower", String(20), default=func.lower("HI")),
    )
    users = [User(), User(state="given"), User()]
    work.add(*users)
    work.flush()
    for user in users:
        for attribute in ("state", "lower"):
            assert (attribute in user.__dict__) != (attribute in instance_state(user).expired_attributes)
    assert [row[1:] for row in sorted(work.rows(User.table))] in (
        [("fresh", "hi"), ("given", "hi"), ("fresh", "hi")],
        [("fresh", "hi"), ("fresh", "hi"), ("given", "hi")],
    )


def test_eager_defaults_are_known_whatever_the_database_can_return(on_database) -> None:
    work, map_class = on_database
    User = map_class(
        "users",
        Column("id", Integer, primary_key=True),
        Column("state", String(20), server_default="fresh"),
        Column("count", Integer, server_default="1", onupdate=text("5 + 3")),
        eager_defaults=True,
    )
    users = [User(), User()]
    work.add(*users)
    work.flush()
    assert [(user.__dict__["state"], user.__dict__["count"]) for user in users] == [("fresh", 1), ("fresh", 1)]
    users[0].state = users[1].state = "old"
    work.flush()
    assert [user.__dict__["count"] for user in users] == [8, 8]


def test_computed_columns_are_never_written(on_database) -> None:
    work, map_class = on_database
    Square = map_class(
        "squares",
        Column("id", Integer, primary_key=True),
        Column("side", Integer),
        Column("area", Integer, Computed("side * side", persisted=True)),
    )
    square = Square(side=3)
    work.add(square)
    work.flush()
    assert work.rows(Square.table)[0][1:] == (3, 9)
    square.side = 4
    work.flush()
    assert work.rows(Square.table)[0][1:] == (4, 16)
    assert "area" not in square.__dict__


def test_updates_that_miss_their_row_are_noticed(on_database) -> None:
    work, map_class = on_database
    User = map_class("users", Column("id", Integer, primary_key=True), Column("name", String(20)))
    user = User(name="a")
    work.add(user)
    work.flush()
    work.connection.execute(User.table.delete())
    user.name = "b"
    with pytest.raises(exc.StaleDataError, match=r"expected to update 1 row\(s\); 0 were matched"):
        work.flush()


def test_an_update_that_changes_nothing_in_the_database_still_finds_its_row(on_database) -> None:
    work, map_class = on_database
    User = map_class("users", Column("id", Integer, primary_key=True), Column("name", String(20)))
    user = User(name="a")
    work.add(user)
    work.flush()
    work.connection.execute(User.table.update().values(name="b"))
    user.name = "b"
    work.flush()
    assert work.rows(User.table) == [(user.id, "b")]


def test_versions_are_compared_in_every_update_and_delete(on_database) -> None:
    work, map_class = on_database
    version = Column("version", Integer, nullable=False)
    Doc = map_class(
        "docs", Column("id", Integer, primary_key=True), version, Column("name", String(20)), version_id_col=version
    )
    docs = [Doc(name="a"), Doc(name="b")]
    work.add(*docs)
    work.flush()
    docs[0].name = docs[1].name = "c"
    work.flush()
    assert [doc.version for doc in docs] == [2, 2]
    work.connection.execute(Doc.table.update().where(Doc.table.c.id == docs[1].id).values(version=9))
    docs[0].name = docs[1].name = "d"
    with pytest.raises(exc.StaleDataError):
        work.flush()
    assert [doc.version for doc in docs] == [2, 2]


def test_a_version_that_the_server_makes_is_known_after_the_flush(on_database) -> None:
    work, map_class = on_database
    version = Column("version", Integer, server_default="1", onupdate=text("version + 1"), nullable=False)
    Doc = map_class(
        "docs",
        Column("id", Integer, primary_key=True),
        version,
        Column("name", String(20)),
        version_id_col=version,
        version_id_generator=False,
    )
    doc = Doc(name="a")
    work.add(doc)
    work.flush()
    assert doc.__dict__["version"] == 1
    doc.name = "b"
    work.flush()
    assert doc.__dict__["version"] == 2


def test_rows_of_a_tree_are_written_parents_first(on_database) -> None:
    work, map_class = on_database
    Node = map_class(
        "nodes",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("parent_id", ForeignKey("nodes.id")),
    )
    nodes = [Node(id=number, parent_id=number - 1 or None) for number in range(20, 0, -1)]
    work.add(*nodes)
    work.flush()
    assert len(work.rows(Node.table)) == 20
    work.delete(*nodes)
    work.flush()
    assert work.rows(Node.table) == []


def test_unique_values_move_between_rows(on_database) -> None:
    work, map_class = on_database
    User = map_class("users", Column("id", Integer, primary_key=True), Column("email", String(20), unique=True))
    users = [User(id=number, email=f"e{number}") for number in (1, 2, 3)]
    work.add(*users)
    work.flush()
    work.delete(users[0])
    users[1].email, users[2].email = "e1", "e2"
    work.add(User(id=4, email="e3"))
    work.flush()
    assert work.rows(User.table) == [(2, "e1"), (3, "e2"), (4, "e3")]


# ---------------------------------------------------------------- what only PostgreSQL and MariaDB have


@pytest.fixture
def on_postgresql(postgresql, make_work):
    with postgresql.connect() as connection:
        yield make_work(connection)
        connection.rollback()


def test_sequences_and_identity_columns_make_keys(on_postgresql) -> None:
    work = on_postgresql
    metadata = MetaData()
    registry = Registry(metadata=metadata)
    by_sequence = Table(
        "by_sequence",
        metadata,
        Column("id", Integer, Sequence("numbers", start=100), primary_key=True),
        Column("n", Integer),
    )
    by_identity = Table(
        "by_identity",
        metadata,
        Column("id", Integer, Identity(always=True, start=7), primary_key=True),
        Column("n", Integer),
    )
    by_default = Table(
        "by_default",
        metadata,
        Column("id", String, server_default=text("md5(random()::text)"), primary_key=True),
        Column("n", Integer),
    )
    classes = []
    for table in (by_sequence, by_identity, by_default):
        cls = type(table.name, (Record,), {"table": table})
        registry.map_imperatively(cls, table)
        classes.append(cls)
    work.create_tables(metadata)
    try:
        for cls in classes:
            made = [cls(n=number) for number in range(3)]
            work.add(*made)
            work.add(single := cls(n=3))
            work.flush()
            stored = {row[1]: row[0] for row in work.rows(cls.table)}
            assert [stored[each.n] for each in (*made, single)] == [each.id for each in (*made, single)]
            one = cls(n=4)
            work.add(one)
            work.flush()
            assert one.id is not None
        assert work.kept[0].id == 100
    finally:
        registry.dispose()


def test_a_sequence_on_another_column_is_a_default(on_postgresql) -> None:
    work = on_postgresql
    metadata = MetaData()
    registry = Registry(metadata=metadata)
    table = Table(
        "t",
        metadata,
        Column("id", Integer, primary_key=True),
        Column("number", Integer, Sequence("other_numbers")),
        Column("made", Integer, FetchedValue()),
    )
    Thing = type("Thing", (Record,), {})
    registry.map_imperatively(Thing, table)
    work.create_tables(metadata)
    try:
        things = [Thing(), Thing()]
        work.add(*things)
        work.flush()
        assert [thing.__dict__["number"] for thing in things] == [1, 2]
    finally:
        registry.dispose()
