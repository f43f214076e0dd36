"""Graphs of objects go to the database and come back, whichever side of a relationship was changed."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, ForeignKeyConstraint, Integer, String, Table, select

from ormsession import Session, backref, exc, inspect, registry, relationship
from ormsession.testing import check_invariants, recorded_sql


class Schema:
    """A registry with its tables on a database; classes are mapped by each test."""

    def __init__(self, engine):
        self.engine = engine
        self.registry = registry()
        metadata = self.registry.metadata
        Table("users", metadata, Column("id", Integer, primary_key=True), Column("name", String(30)))
        Table(
            "addresses",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("user_id", ForeignKey("users.id")),
            Column("email", String(30)),
        )
        Table(
            "orders",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("user_id", ForeignKey("users.id"), nullable=False),
        )
        Table("tags", metadata, Column("id", Integer, primary_key=True), Column("name", String(30)))
        Table(
            "user_tags",
            metadata,
            Column("user_id", ForeignKey("users.id"), primary_key=True),
            Column("tag_id", ForeignKey("tags.id"), primary_key=True),
        )
        Table(
            "nodes",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("parent_id", ForeignKey("nodes.id")),
            Column("name", String(30)),
        )
        Table(
            "lines",
            metadata,
            Column("order_id", ForeignKey("orders.id"), primary_key=True),
            Column("number", Integer, primary_key=True, autoincrement=False),
        )
        Table("teams", metadata, Column("id", Integer, primary_key=True), Column("captain_id", Integer))
        Table("players", metadata, Column("id", Integer, primary_key=True), Column("team_id", ForeignKey("teams.id")))
        metadata.tables["teams"].append_constraint(
            ForeignKeyConstraint(["captain_id"], ["players.id"], use_alter=True, name="fk_captain")
        )
        metadata.create_all(engine)
        for name in ("User", "Address", "Order", "Tag", "Node", "Line", "Team", "Player"):
            setattr(self, name, type(name, (), {}))

    def map(self, **properties):
        tables = self.registry.metadata.tables
        names = {
            "User": "users", "Address": "addresses", "Order": "orders", "Tag": "tags", "Node": "nodes",
            "Line": "lines", "Team": "teams", "Player": "players",
        }  # fmt: skip
        for name, table in names.items():
            self.registry.map_imperatively(getattr(self, name), tables[table], properties=properties.get(name, {}))
        return self

    def rows(self, session, table):
        found = self.registry.metadata.tables[table]
        return session.execute(select(found).order_by(*found.primary_key)).all()


@pytest.fixture
def schema(database):
    made = Schema(database)
    yield made
    made.registry.dispose(cascade=True)


@pytest.fixture
def session(schema):
    with Session(schema.engine) as made:
        yield made
        check_invariants(made)


def test_children_get_the_key_of_a_new_parent(schema, session):
    schema.map(User={"addresses": relationship("Address", backref="user", order_by="Address.id")})
    user = schema.User(name="ed")
    user.addresses = [schema.Address(email="a"), schema.Address(email="b")]
    session.add(user)
    session.flush()
    assert [address.user_id for address in user.addresses] == [user.id, user.id]
    session.commit()
    assert [address.email for address in session.get(schema.User, user.id).addresses] == ["a", "b"]


def test_the_many_to_one_side_alone_is_enough(schema, session):
    schema.map(Address={"user": relationship("User")})
    address = schema.Address(user=schema.User(name="ed"))
    session.add(address)
    session.commit()
    assert address.user_id == address.user.id
    address.user = None
    session.commit()
    assert address.user_id is None


def test_a_hundred_families_are_two_inserts(schema, session):
    schema.map(User={"addresses": relationship("Address")})
    for number in range(100):
        session.add(schema.User(name=str(number), addresses=[schema.Address(email="x"), schema.Address(email="y")]))
    with recorded_sql(session) as sql:
        session.flush()
    if schema.engine.dialect.name == "postgresql":  # the others insert row by row where keys have to come back
        assert len(sql.starting_with("INSERT")) <= 4
    assert len(schema.rows(session, "addresses")) == 200


def test_a_child_that_moves_changes_its_row_once(schema, session):
    schema.map(User={"addresses": relationship("Address", backref="user")})
    one, two, address = schema.User(name="1"), schema.User(name="2"), schema.Address(email="a")
    one.addresses.append(address)
    session.add_all([one, two])
    session.commit()
    assert address.user.addresses == [address]
    with recorded_sql(session) as sql, session.no_autoflush:
        two.addresses.append(address)
        assert one.addresses == []
        session.flush()
    assert len(sql.starting_with("UPDATE")) == 1
    assert address.user_id == two.id


def test_a_child_taken_out_refers_to_nothing(schema, session):
    schema.map(User={"addresses": relationship("Address")})
    user = schema.User(addresses=[schema.Address(email="a")])
    session.add(user)
    session.commit()
    user.addresses.clear()
    session.commit()
    assert [tuple(row) for row in schema.rows(session, "addresses")] == [(1, None, "a")]


def test_an_orphan_is_deleted(schema, session):
    schema.map(User={"addresses": relationship("Address", cascade="all, delete-orphan", backref="user")})
    user = schema.User(addresses=[schema.Address(email="a"), schema.Address(email="b")])
    session.add(user)
    session.commit()
    del user.addresses[0]
    session.commit()
    assert [row.email for row in schema.rows(session, "addresses")] == ["b"]


def test_a_pending_object_that_loses_its_parent_leaves_the_session(schema, session):
    schema.map(User={"addresses": relationship("Address", cascade="all, delete-orphan")})
    user, address = schema.User(), schema.Address()
    session.add(user)
    user.addresses.append(address)
    assert address in session
    user.addresses.remove(address)
    assert address not in session


def test_deleting_a_parent_takes_its_children_along(schema, session):
    schema.map(User={"addresses": relationship("Address", cascade="all")})
    user = schema.User(addresses=[schema.Address(), schema.Address()])
    session.add(user)
    session.commit()
    session.delete(session.get(schema.User, user.id))
    session.commit()
    assert schema.rows(session, "addresses") == []
    assert schema.rows(session, "users") == []


def test_deleting_a_parent_without_cascade_lets_its_children_go(schema, session):
    schema.map(User={"addresses": relationship("Address")})
    user = schema.User(addresses=[schema.Address(email="a")])
    session.add(user)
    session.commit()
    session.delete(user)
    session.commit()
    assert [row.user_id for row in schema.rows(session, "addresses")] == [None]


def test_children_are_not_loaded_when_the_database_takes_care_of_them(schema, session):
    schema.map(User={"addresses": relationship("Address", passive_deletes="all")})
    user = schema.User(name="ed")
    session.add(user)
    session.commit()
    session.delete(user)
    with recorded_sql(session) as sql:
        session.flush()
    assert not any("addresses" in statement for statement in sql.sql)


def test_a_key_that_cannot_be_null_is_refused_before_anything_is_sent(schema, session):
    schema.map(User={"orders": relationship("Order")})
    user = schema.User(orders=[schema.Order()])
    session.add(user)
    session.commit()
    session.delete(user)
    with pytest.raises(exc.FlushError, match=r"can't lose its parent .*'orders.user_id' is not nullable. Add cascade="):
        session.flush()
    session.rollback()
    assert len(schema.rows(session, "orders")) == 1


def test_a_part_of_a_primary_key_is_not_blanked(schema, session):
    schema.map(Order={"lines": relationship("Line")}, User={"orders": relationship("Order")})
    order = schema.Order(lines=[schema.Line(number=1)])
    session.add(schema.User(orders=[order]))
    session.commit()
    assert order.lines[0].order_id == order.id
    order.lines = []
    with pytest.raises(AssertionError, match="tried to blank-out primary key column"):
        session.flush()
    session.rollback()


def test_many_to_many_rows_come_and_go(schema, session):
    schema.map(User={"tags": relationship("Tag", secondary="user_tags", backref="users", order_by="Tag.id")})
    user, other = schema.User(name="1"), schema.User(name="2")
    red, blue = schema.Tag(name="red"), schema.Tag(name="blue")
    user.tags = [red, blue]
    red.users.append(other)
    session.add_all([user, other])
    session.commit()
    assert len(schema.rows(session, "user_tags")) == 3
    user.tags.remove(red)
    session.commit()
    assert [tuple(row) for row in schema.rows(session, "user_tags")] == sorted([(user.id, blue.id), (other.id, red.id)])
    session.delete(user)
    session.commit()
    assert [tuple(row) for row in schema.rows(session, "user_tags")] == [(other.id, red.id)]


def test_the_same_pair_added_on_both_sides_is_one_row(schema, session):
    schema.map(
        User={"tags": relationship("Tag", secondary="user_tags", overlaps="users", back_populates="users")},
        Tag={"users": relationship("User", secondary="user_tags", overlaps="tags", back_populates="tags")},
    )
    user, tag = schema.User(), schema.Tag()
    user.tags.append(tag)
    assert tag.users == [user]
    session.add(user)
    session.flush()
    assert len(schema.rows(session, "user_tags")) == 1


def test_a_tree_goes_in_level_by_level(schema, session):
    schema.map(Node={"children": relationship("Node", backref=backref("parent", remote_side="Node.id"))})
    root = schema.Node(name="root")
    for number in range(3):
        child = schema.Node(name=str(number), parent=root)
        child.children = [schema.Node(name=f"{number}.{each}") for each in range(3)]
    session.add(root)
    session.flush()
    for child in root.children:
        assert child.parent_id == root.id
        assert {grandchild.parent_id for grandchild in child.children} == {child.id}
    session.commit()
    assert len(schema.rows(session, "nodes")) == 13


def test_a_tree_is_deleted_from_its_leaves(schema, session):
    schema.map(Node={"children": relationship("Node", cascade="all", backref=backref("parent", remote_side="Node.id"))})
    root = schema.Node(children=[schema.Node(children=[schema.Node()]), schema.Node()])
    session.add(root)
    session.commit()
    session.delete(root)
    session.commit()
    assert schema.rows(session, "nodes") == []


def test_an_object_may_refer_to_itself_and_two_to_each_other(schema, session):
    schema.map(Node={"parent": relationship("Node", remote_side="Node.id")})
    alone, one, two = schema.Node(), schema.Node(), schema.Node()
    alone.parent = alone
    one.parent, two.parent = two, one
    session.add_all([alone, one, two])
    session.commit()
    assert alone.parent_id == alone.id
    assert (one.parent_id, two.parent_id) == (two.id, one.id)


def test_a_circle_of_tables_is_opened_by_post_update(schema, session):
    schema.map(
        Team={
            "players": relationship("Player", primaryjoin="Team.id == Player.team_id", foreign_keys="Player.team_id"),
            "captain": relationship("Player", primaryjoin="foreign(Team.captain_id) == Player.id", post_update=True),
        }
    )
    captain = schema.Player()
    team = schema.Team(players=[captain, schema.Player()], captain=captain)
    session.add(team)
    session.commit()
    assert team.captain_id == captain.id
    assert captain.team_id == team.id


def test_a_chain_of_thousands_is_followed_without_recursion(schema, session):
    if schema.engine.dialect.name != "sqlite":
        pytest.skip("the chain is a matter of Python, not of the database")
    schema.map(Node={"parent": relationship("Node", remote_side="Node.id")})
    last = None
    for number in range(3000):
        last = schema.Node(id=number + 1, parent=last)
    session.add(last)
    assert len(session.new) == 3000
    session.flush()
    assert len(schema.rows(session, "nodes")) == 3000


def test_what_is_not_in_the_session_is_warned_about_and_left_out(schema, session):
    schema.map(User={"addresses": relationship("Address", cascade="none")})
    user = schema.User(addresses=[schema.Address()])
    session.add(user)
    with pytest.warns(exc.SAWarning, match="not in session, add operation along 'User.addresses' will not proceed"):
        session.flush()
    assert schema.rows(session, "addresses") == []


def test_none_in_a_collection_is_refused(schema, session):
    schema.map(User={"addresses": relationship("Address")})
    user = schema.User(addresses=[None])
    session.add(user)
    with pytest.raises(exc.FlushError, match="Can't flush None value found in collection User.addresses"):
        session.flush()


def test_an_object_of_another_class_is_refused(schema, session):
    schema.map(User={"addresses": relationship("Address", cascade="none")})
    user, tag = schema.User(), schema.Tag()
    user.addresses.append(tag)
    session.add_all([user, tag])
    with pytest.raises(exc.FlushError, match="Attempting to flush child of type .*Tag"):
        session.flush()


def test_a_second_parent_is_refused_where_one_is_allowed(schema, session):
    schema.map(
        User={"tags": relationship("Tag", secondary="user_tags", single_parent=True, cascade="all, delete-orphan")}
    )
    tag = schema.Tag()
    schema.User(tags=[tag])
    one = schema.User(tags=[schema.Tag()])
    with pytest.raises(exc.InvalidRequestError, match="is already associated with an instance of"):
        one.tags.append(one.tags[0] and tag)


def test_a_failed_flush_takes_back_what_it_gave(schema, session):
    schema.map(User={"addresses": relationship("Address")})
    user = schema.User(id=1, name="first")
    session.add(user)
    session.commit()
    session.expunge_all()
    twin = schema.User(id=1, addresses=[schema.Address(email="a")])
    session.add(twin)
    with pytest.raises(exc.SQLAlchemyError):
        session.flush()
    session.rollback()
    assert twin.addresses[0].user_id is None
    assert inspect(twin).transient


def test_removed_association_rows_that_are_gone_are_told(schema, session):
    schema.map(User={"tags": relationship("Tag", secondary="user_tags")})
    user, tag = schema.User(), schema.Tag()
    user.tags = [tag]
    session.add(user)
    session.commit()
    user.tags.remove(tag)
    with session.no_autoflush:
        session.execute(schema.registry.metadata.tables["user_tags"].delete())
    with pytest.raises(exc.StaleDataError, match=r"DELETE statement on table 'user_tags' expected to delete 1 row"):
        session.flush()
    session.rollback()


def test_cascades_follow_operations(schema, session):
    schema.map(User={"addresses": relationship("Address", cascade="all", backref="user")})
    user = schema.User(name="ed", addresses=[schema.Address(email="a")])
    session.add(user)
    session.commit()
    address = user.addresses[0]
    session.expunge(user)
    assert address not in session
    session.add(user)
    assert address in session
    address.email = "changed"
    session.refresh(user)
    assert address.email == "a"
    detached = schema.User(id=user.id, name="ed", addresses=[schema.Address(id=address.id, email="merged")])
    merged = session.merge(detached)
    assert merged is user
    assert [each.email for each in merged.addresses] == ["merged"]
    session.commit()
    assert [row.email for row in schema.rows(session, "addresses")] == ["merged"]
