"""Primary keys that mean something may change, and what refers to them follows."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, String, Table, create_engine, select

from ormsession import Session, backref, inspect, registry, relationship
from ormsession.testing import check_invariants, recorded_sql


class Users:
    """Users with a name as their key; the database does nothing about changes of keys."""

    def __init__(self):
        self.engine = create_engine("sqlite://")  # foreign keys are not enforced
        self.registry = registry()
        metadata = self.registry.metadata
        self.users = Table("users", metadata, Column("name", String(30), primary_key=True))
        self.addresses = Table(
            "addresses",
            metadata,
            Column("email", String(30), primary_key=True),
            Column("user_name", ForeignKey("users.name")),
        )
        self.nicknames = Table(
            "nicknames",
            metadata,
            Column("user_name", ForeignKey("users.name"), primary_key=True),
            Column("nickname", String(30), primary_key=True),
            Column("note", String(30)),
        )
        self.groups = Table("groups", metadata, Column("title", String(30), primary_key=True))
        self.members = Table(
            "members",
            metadata,
            Column("user_name", ForeignKey("users.name"), primary_key=True),
            Column("group_title", ForeignKey("groups.title"), primary_key=True),
        )
        metadata.create_all(self.engine)
        self.User, self.Address, self.Nickname, self.Group = (
            type(name, (), {}) for name in ("User", "Address", "Nickname", "Group")
        )

    def map(self, user=None, address=None, nickname=None):
        for class_, table, properties in (
            (self.User, self.users, user),
            (self.Address, self.addresses, address),
            (self.Nickname, self.nicknames, nickname),
            (self.Group, self.groups, None),
        ):
            self.registry.map_imperatively(class_, table, properties=properties or {})

    def column(self, session, column):
        return sorted(session.scalars(select(column)).all())


@pytest.fixture
def world():
    made = Users()
    yield made
    made.registry.dispose()
    made.engine.dispose()


@pytest.fixture
def session(world):
    with Session(world.engine) as made:
        yield made
        check_invariants(made)


def test_children_that_are_not_loaded_follow_the_new_key_of_their_parent(world, session):
    world.map(user={"addresses": relationship(world.Address, passive_updates=False)})
    user = world.User(name="ed", addresses=[world.Address(email="a"), world.Address(email="b")])
    session.add(user)
    session.commit()
    user.name = "jack"
    session.commit()
    assert world.column(session, world.addresses.c.user_name) == ["jack", "jack"]
    assert session.get(world.User, "jack") is user


@pytest.mark.parametrize("is_loaded", [True, False])
def test_objects_of_the_session_follow_what_they_refer_to(world, session, is_loaded):
    world.map(address={"user": relationship(world.User, passive_updates=False)})
    user, address = world.User(name="ed"), world.Address(email="a")
    other = world.Address(email="b")
    address.user = user
    session.add_all([user, address, other])
    session.commit()
    assert (user.name, address.user_name, other.user_name) == ("ed", "ed", None)
    if is_loaded:
        assert address.user is user
    user.name = "jack"
    with recorded_sql(session) as sql:
        session.flush()
    assert sql.sql == [
        "UPDATE users SET name=? WHERE users.name = ?",
        "UPDATE addresses SET user_name=? WHERE addresses.email = ?",
    ]
    assert address.user_name == "jack"


def test_nothing_is_sent_for_references_that_the_database_updates(world, session):
    world.map(address={"user": relationship(world.User, passive_updates=True)})
    user = world.User(name="ed")
    session.add(world.Address(email="a", user=user))
    session.commit()
    assert user.name == "ed"
    user.name = "jack"
    with recorded_sql(session) as sql:
        session.flush()
    assert len(sql.sql) == 1


def test_a_key_that_contains_another_one_changes_with_it(world, session):
    world.map(nickname={"user": relationship(world.User, passive_updates=False)})
    user = world.User(name="ed")
    nickname = world.Nickname(user=user, nickname="eddie")
    session.add(nickname)
    session.commit()
    assert (user.name, nickname.user) == ("ed", user)
    user.name = "jack"
    session.flush()
    assert inspect(nickname).identity == ("jack", "eddie")
    assert session.get(world.Nickname, ("jack", "eddie")) is nickname
    session.rollback()
    assert inspect(nickname).identity == ("ed", "eddie")


def test_rows_of_a_secondary_table_follow(world, session):
    world.map(
        user={
            "groups": relationship(
                world.Group, secondary=world.members, passive_updates=False, backref=backref("users")
            )
        }
    )
    user = world.User(name="ed", groups=[world.Group(title="x"), world.Group(title="y")])
    session.add(user)
    session.commit()
    user.name = "jack"
    session.commit()
    assert world.column(session, world.members.c.user_name) == ["jack", "jack"]


def test_a_new_object_takes_over_a_row_whose_key_comes_from_its_parent(world, session):
    world.map(nickname={"user": relationship(world.User)})
    user = world.User(name="ed")
    nickname = world.Nickname(user=user, nickname="eddie", note="old")
    session.add(nickname)
    session.commit()
    session.delete(nickname)
    session.add(world.Nickname(user=user, nickname="eddie", note="new"))
    with recorded_sql(session) as sql:
        session.flush()
    assert sql.starting_with("INSERT", "UPDATE", "DELETE") == [
        "UPDATE nicknames SET note=? WHERE nicknames.user_name = ? AND nicknames.nickname = ?"
    ]
