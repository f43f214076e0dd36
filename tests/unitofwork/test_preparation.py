"""What takes part in a flush because of relationships, and what does not."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, Table, create_engine

from ormsession import Session, backref, registry, relationship
from ormsession.testing import check_invariants, recorded_sql


class Nodes:
    def __init__(self, **options):
        self.engine = create_engine("sqlite://")
        self.registry = registry()
        metadata = self.registry.metadata
        self.nodes = Table(
            "nodes",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("parent_id", ForeignKey("nodes.id")),
            Column("favourite_id", ForeignKey("nodes.id")),
        )
        self.links = Table(
            "links",
            metadata,
            Column("left_id", ForeignKey("nodes.id"), primary_key=True),
            Column("right_id", ForeignKey("nodes.id"), primary_key=True),
        )
        metadata.create_all(self.engine)
        self.Node = type("Node", (), {})
        back = backref("parent", remote_side=self.nodes.c.id)
        own = self.nodes.c.id == self.nodes.c.parent_id
        self.registry.map_imperatively(
            self.Node,
            self.nodes,
            properties={
                "children": relationship(self.Node, primaryjoin=own, backref=back, **options),
                "favourite": relationship(
                    self.Node,
                    primaryjoin=self.nodes.c.favourite_id == self.nodes.c.id,
                    remote_side=self.nodes.c.id,
                    post_update=True,
                ),
                "friends": relationship(
                    self.Node,
                    secondary=self.links,
                    primaryjoin=self.nodes.c.id == self.links.c.left_id,
                    secondaryjoin=self.nodes.c.id == self.links.c.right_id,
                    backref="friend_of",
                ),
            },
        )


@pytest.fixture
def world(request):
    made = Nodes(**getattr(request, "param", {}))
    yield made
    made.registry.dispose()
    made.engine.dispose()


@pytest.fixture
def session(world):
    with Session(world.engine, autoflush=False) as made:
        yield made
        check_invariants(made)


def test_a_deleted_child_that_is_still_in_the_collection_is_left_alone(world, session):
    child = world.Node()
    parent = world.Node(children=[child])
    session.add(parent)
    session.flush()
    session.delete(child)
    session.flush()
    session.delete(parent)
    with recorded_sql(session) as sql:
        session.flush()
    assert sql.starting_with("UPDATE", "DELETE") == ["DELETE FROM nodes WHERE nodes.id = ?"]


def test_rows_of_a_secondary_table_that_went_with_one_object_are_not_deleted_again(world, session):
    friend = world.Node()
    node = world.Node(friends=[friend])
    session.add(node)
    session.flush()
    session.delete(node)
    session.flush()
    session.delete(friend)
    with recorded_sql(session) as sql:
        session.flush()
    assert not any("links" in statement for statement in sql.starting_with("DELETE"))


def test_references_set_afterwards_are_blanked_after_the_saves_and_before_the_deletes(world, session):
    first, second = world.Node(), world.Node()
    first.favourite, second.favourite = second, first
    session.add_all([first, second])
    session.flush()
    assert (first.favourite_id, second.favourite_id) == (second.id, first.id)
    session.delete(first)
    second.parent_id = second.id
    with recorded_sql(session) as sql:
        session.flush()
    assert sql.starting_with("INSERT", "UPDATE", "DELETE") == [
        "UPDATE nodes SET parent_id=? WHERE nodes.id = ?",
        "UPDATE nodes SET favourite_id=? WHERE nodes.id = ?",
        "DELETE FROM nodes WHERE nodes.id = ?",
    ]


@pytest.mark.parametrize("world", [{"lazy": "raise"}], indirect=True)
def test_what_may_not_be_loaded_by_programs_is_loaded_by_a_flush(world, session):
    parent = world.Node(children=[world.Node()])
    session.add(parent)
    session.commit()
    child_id = parent.id + 1
    session.expunge_all()
    session.delete(session.get(world.Node, parent.id))
    session.flush()
    assert session.get(world.Node, child_id).parent_id is None


def test_new_objects_with_given_keys_may_refer_to_each_other(world, session):
    first, second = world.Node(id=1), world.Node(id=2)
    first.parent, second.parent = second, first
    session.add_all([first, second])
    with recorded_sql(session) as sql:
        session.flush()
    assert [statement.split()[0] for statement in sql.sql] == ["INSERT", "UPDATE"]
    assert (first.parent_id, second.parent_id) == (2, 1)
