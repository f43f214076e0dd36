"""A plan explains itself: as a table, as a diagram, with a reason for every operation and for the order."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, create_engine, func, select

from ormsession import Session, exc, inspect, registry, relationship
from ormsession.testing import check_invariants, recorded_sql
from ormsession.unitofwork.explanation import OrderReason

metadata = MetaData()
users = Table(
    "users",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", String(30), unique=True),
    Column("first_id", ForeignKey("addresses.id", use_alter=True, name="fk_first")),
)
addresses = Table(
    "addresses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id")),
    Column("email", String(30)),
)
tags = Table("tags", metadata, Column("id", Integer, primary_key=True))
user_tags = Table(
    "user_tags",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("tag_id", ForeignKey("tags.id"), primary_key=True),
)


class Mapped:
    def __init__(self, registry, engine):
        self.User, self.Address, self.Tag = (type(name, (), {}) for name in ("User", "Address", "Tag"))
        registry.map_imperatively(
            self.User,
            users,
            properties={
                "addresses": relationship(
                    self.Address, primaryjoin=users.c.id == addresses.c.user_id, cascade="all, delete-orphan"
                ),
                "first": relationship(
                    self.Address, primaryjoin=users.c.first_id == addresses.c.id, post_update=True, viewonly=False
                ),
                "tags": relationship(self.Tag, secondary=user_tags),
            },
        )
        registry.map_imperatively(self.Address, addresses)
        registry.map_imperatively(self.Tag, tags)
        self.engine = engine


@pytest.fixture
def mapped():
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    made = registry()
    yield Mapped(made, engine)
    made.dispose()
    engine.dispose()


@pytest.fixture
def session(mapped):
    with Session(mapped.engine, expire_on_commit=False) as made:
        yield made
        check_invariants(made)


def test_a_plan_prints_as_a_table(mapped, session):
    session.add(mapped.User(name="ed", addresses=[mapped.Address(email="a"), mapped.Address(email="b")]))
    assert str(session.plan_flush()).splitlines() == [
        "#  operation  table      rows  statement",
        "1  INSERT     users      1     INSERT INTO users (name, first_id) VALUES (:name, :first_id)",
        "2  INSERT     addresses  2     INSERT INTO addresses (user_id, email) VALUES (:user_id, :email)",
    ]


def test_a_session_without_changes_plans_nothing(session):
    plan = session.plan_flush()
    assert not plan
    assert str(plan) == "nothing to send"
    assert plan.explain() == "nothing to send\nOperations"
    assert plan.to_mermaid() == "flowchart TD"
    assert plan.to_dict() == {"batches": []}


def test_planning_sends_nothing_and_changes_nothing(mapped, session):
    kept = mapped.Address(email="a")
    user = mapped.User(name="ed", addresses=[kept, mapped.Address(email="b")])
    session.add(user)
    session.commit()
    session.expire(user, ["tags"])
    orphan = user.addresses.pop()
    session.delete(user)
    with recorded_sql(session) as sql:
        plan = session.plan_flush()
    assert sql.sql == []
    assert [str(batch).split()[:3] for batch in plan.batches] == [
        ["DELETE", "addresses", "2"],
        ["DELETE", "users", "1"],
    ]
    assert orphan not in session.deleted
    assert not inspect(kept).modified
    session.flush()
    assert session.scalars(select(func.count()).select_from(addresses)).one() == 0


def test_what_a_flush_would_load_first_is_named(mapped, session):
    user = mapped.User(name="ed", tags=[mapped.Tag()])
    session.add(user)
    session.commit()
    session.expire(user, ["tags"])
    session.delete(user)
    plan = session.plan_flush()
    assert [each.split(" of ")[0] for each in plan.loads] == ["User.first", "User.tags"]
    assert "loads first: User.tags of <User at " in str(plan)
    session.flush()
    assert session.execute(select(user_tags)).all() == []


def test_a_pending_child_of_a_parent_to_delete_stays_until_the_flush(mapped, session):
    user = mapped.User(name="ed")
    session.add(user)
    session.commit()
    pending = mapped.Address()
    user.addresses.append(pending)
    session.delete(user)
    session.plan_flush()
    assert pending in session.new


def test_every_operation_has_a_reason(mapped, session):
    user = mapped.User(name="ed", addresses=[mapped.Address(), mapped.Address()], tags=[mapped.Tag()])
    user.first = user.addresses[0]
    session.add(user)
    plan = session.plan_flush()
    texts = [each.reason for each in plan.reasons]
    assert len(texts) == len(list(plan.operations)) == 6
    assert texts[0] == texts[1] == "is new"
    assert texts[2].startswith("is new; user_id comes from id of <User at ")
    assert texts[2].endswith("(User.addresses)")
    assert texts[4].endswith("were joined in User.tags")
    assert texts[5].startswith("first_id comes from id of <Address at ")
    assert str(plan.reasons[1]).startswith("2: INSERT users for <User at ")
    session.commit()

    user.name = "jack"
    user.addresses[1].email = "x"
    del user.addresses[0]
    user.tags.clear()
    user.first = None
    texts = [each.reason for each in session.plan_flush().reasons]
    assert texts[0].endswith("were parted in User.tags")
    assert "name changed" in texts
    assert "email changed" in texts
    assert "first_id comes from nowhere any more (User.first)" in texts
    assert "has lost its parent (User.addresses, delete-orphan)" in texts

    session.commit()
    other = mapped.Address()
    session.add(other)
    session.commit()
    session.delete(other)
    assert [each.reason for each in session.plan_flush().reasons] == ["is marked for deletion"]


def test_an_object_that_takes_over_a_row_says_so(mapped, session):
    session.add(mapped.User(id=1, name="ed"))
    session.commit()
    session.delete(session.get(mapped.User, 1))
    session.add(mapped.User(id=1, name="jack"))
    assert session.plan_flush().reasons[0].reason.startswith("takes over the row of <User at ")


def test_the_order_has_reasons(mapped, session):
    user = mapped.User(name="ed", addresses=[mapped.Address()], tags=[mapped.Tag()])
    session.add(user)
    edges = list(map(str, session.plan_flush().edges))
    assert "1 before 4: user_tags refers to tags" in edges
    assert "2 before 3: addresses refers to users" in edges
    session.commit()
    session.delete(user)
    edges = list(map(str, session.plan_flush().edges))
    assert "1 before 3: user_tags refers to users" in edges
    assert "2 before 3: addresses refers to users" in edges


def test_a_value_that_moves_is_a_reason_and_a_circle_is_told(mapped, session):
    one, two = mapped.User(name="a"), mapped.User(name="b")
    session.add_all([one, two])
    session.commit()
    session.delete(one)
    session.add(mapped.User(name="a"))
    edges = session.plan_flush().edges
    assert any("gives up the unique value ('a',)" in str(edge) for edge in edges)
    assert all(edge.is_obeyed for edge in edges)
    assert str(OrderReason(2, 1, "x", is_obeyed=False)) == "2 before 1: x (part of a circle, not obeyed)"


def test_a_diagram_has_a_box_for_each_batch_and_an_arrow_for_each_edge(mapped, session):
    session.add(mapped.User(name="ed", addresses=[mapped.Address()]))
    chart = session.plan_flush().to_mermaid().splitlines()
    assert chart[0] == "flowchart TD"
    assert chart[1] == '    b1["1. INSERT users<br/>1 row"]'
    assert any(line.startswith('    b1 -->|"') and line.endswith('"| b2') for line in chart)


def test_sql_as_a_value_stands_in_the_statement(mapped, session):
    session.add(mapped.User(name=func.lower("ED")))
    assert "lower(:lower_1)" in str(session.plan_flush())


def test_what_a_flush_would_refuse_the_plan_refuses(mapped, session):
    session.add(mapped.User(addresses=[None]))
    with pytest.raises(exc.FlushError, match="Can't flush None value found in collection User.addresses"):
        session.plan_flush()


def test_the_statements_of_the_plan_are_those_that_are_sent(mapped, session):
    user = mapped.User(name="ed", addresses=[mapped.Address(), mapped.Address()], tags=[mapped.Tag()])
    session.add(user)
    session.commit()
    user.name = "jack"
    user.addresses.pop()
    user.tags.append(mapped.Tag())
    plan = session.plan_flush()
    with recorded_sql(session) as sql:
        session.flush()
    planned = [re.sub(r":\w+", "?", line.split("  ")[-1].strip()) for line in str(plan).splitlines()[1:]]
    assert planned == [statement.split(" RETURNING")[0] for statement in sql.sql]
