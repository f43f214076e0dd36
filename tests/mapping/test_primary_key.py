"""What tells the rows of a mapping apart."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table, join, literal_column, select, table
from sqlalchemy import column as plain_column
from sqlalchemy.exc import ArgumentError

from ormsession import Session, column_property, deferred


class Thing:
    """Mapped anew by each test."""


def test_it_is_that_of_the_table(mapping, users):
    mapper = mapping.map_imperatively(Thing, users, properties={"number": users.c.id})
    assert mapper.primary_key == (users.c.id,)
    assert mapper.pk_keys == ("number",)
    assert mapper.pks_by_table == {users: (users.c.id,)}
    assert mapper.class_manager.pk_arity == 1


def test_a_composite_one_keeps_the_order_of_the_table(mapping):
    parts = Table("parts", MetaData(), Column("b", Integer, primary_key=True), Column("a", String, primary_key=True))
    mapper = mapping.map_imperatively(Thing, parts)
    assert mapper.pk_keys == ("b", "a")
    assert mapper.class_manager.pk_arity == 2
    assert mapper.identity_key_from_primary_key([1, "x"]) == (Thing, (1, "x"), None)


def test_a_view_needs_it_spelled_out(mapping):
    view = table("view", plain_column("code"), plain_column("total"))
    with pytest.raises(ArgumentError, match=r"primary key columns for mapped table 'view'; name"):
        mapping.map_imperatively(Thing, view)
    mapper = mapping.map_imperatively(Thing, view, primary_key=[view.c.code])
    assert mapper.primary_key == (view.c.code,)


@pytest.mark.parametrize("spelled", ["tuple", "list", "column", "name", "key"])
def test_it_may_be_given_in_several_forms(mapping, users, spelled):
    given = {
        "tuple": (users.c.name,),
        "list": [users.c.name],
        "column": users.c.name,
        "name": "name",
        "key": ["name"],
    }[spelled]
    assert mapping.map_imperatively(Thing, users, primary_key=given).primary_key == (users.c.name,)


def test_a_column_from_elsewhere_is_refused(mapping, users, emails):
    with pytest.raises(ArgumentError, match=r"'primary_key' on Mapper\[Thing\(users\)\], column 'emails.id'"):
        mapping.map_imperatively(Thing, users, primary_key=[emails.c.id])
    with pytest.raises(ArgumentError, match="column 'nothing' is not represented"):
        mapping.map_imperatively(Thing, users, primary_key=["nothing"])


def test_it_cannot_be_left_out(mapping, users):
    with pytest.raises(ArgumentError, match="could not assemble any primary key"):
        mapping.map_imperatively(Thing, users, exclude_properties=["id"])
    with pytest.raises(ArgumentError, match="column 'users.name' is not mapped"):
        mapping.map_imperatively(Thing, users, primary_key=["name"], exclude_properties=["name"])


def test_of_two_columns_joined_by_a_foreign_key_one_is_enough(mapping):
    metadata = MetaData()
    people = Table("people", metadata, Column("id", Integer, primary_key=True))
    staff = Table(
        "staff", metadata, Column("person_id", ForeignKey("people.id"), primary_key=True), Column("pay", Integer)
    )
    mapper = mapping.map_imperatively(
        Thing, join(people, staff), properties={"id": column_property(people.c.id, staff.c.person_id)}
    )
    assert mapper.primary_key == (people.c.id,)
    assert mapper.pks_by_table[people] == (people.c.id,)
    assert mapper.pks_by_table[staff] == (staff.c.person_id,)


def test_a_table_of_a_join_without_its_key_is_only_read(mapping, users):
    notes = Table("notes", MetaData(), Column("user_id", Integer), Column("text", String))
    mapper = mapping.map_imperatively(Thing, join(users, notes, users.c.id == notes.c.user_id))
    assert notes not in mapper.pks_by_table
    assert {prop.key for prop in mapper.column_props if not prop.is_writable} == {"user_id", "text"}


def test_a_subquery_has_that_of_its_table(mapping, users):
    subquery = select(users).subquery()
    mapper = mapping.map_imperatively(Thing, subquery)
    assert mapper.primary_key == (subquery.c.id,)
    assert mapper.pks_by_table[users] == (users.c.id,)


def test_a_select_over_nothing_needs_it_spelled_out(mapping):
    subquery = select(literal_column("1").label("x"), literal_column("2").label("y")).subquery()
    mapper = mapping.map_imperatively(Thing, subquery, primary_key=[subquery.c.x])
    assert (mapper.tables, mapper.pk_keys) == ((), ("x",))


def test_a_deferred_one_is_selected_all_the_same(mapping, users, engine):
    mapping.map_imperatively(Thing, users, properties={"id": deferred(users.c.id)})
    users.metadata.create_all(engine)
    with Session(engine) as session:
        session.add(Thing(name="ed"))
        session.commit()
        session.expunge_all()
        thing = session.scalars(select(Thing)).one()
        assert vars(thing)["id"] == 1
