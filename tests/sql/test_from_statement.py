"""Entities from statements that somebody else wrote."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, select, text, union
from sqlalchemy.exc import NoSuchColumnError

from ormsession import Session, deferred

from .conftest import sql


@pytest.fixture
def session(engine, metadata, User):
    metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(id=1, name="ed", age=20), User(id=2, name="wendy", age=30)])
        session.commit()
        yield session


def names(session, statement):
    return [user.name for user in session.scalars(statement)]


def test_text_is_sent_as_it_is(User):
    assert sql(select(User).from_statement(text("SELECT * FROM users"))) == "SELECT * FROM users"


def test_columns_are_found_by_name_in_any_order(session, User):
    statement = select(User).from_statement(text("SELECT age_int, name, id FROM users ORDER BY id DESC"))
    assert names(session, statement) == ["wendy", "ed"]


def test_labels_with_the_tables_name_are_found(session, User):
    statement = select(User).from_statement(text("SELECT name AS users_name, id AS users_id FROM users ORDER BY id"))
    assert names(session, statement) == ["ed", "wendy"]


def test_attributes_that_the_text_lacks_are_loaded_when_asked_for(session, User):
    [user] = session.scalars(select(User).from_statement(text("SELECT id, name FROM users WHERE id = 2")))
    assert "age" not in user.__dict__
    assert user.age == 30


def test_a_text_without_the_primary_key_is_refused(session, User):
    with pytest.raises(NoSuchColumnError, match=r"users\.id"):
        names(session, select(User).from_statement(text("SELECT name FROM users")))


def test_a_text_without_a_column_that_was_asked_for_is_refused(session, User):
    with pytest.raises(NoSuchColumnError, match="age"):
        session.execute(select(User.id, User.age).from_statement(text("SELECT id FROM users"))).all()


def test_positional_columns_say_what_a_text_returns(session, User):
    statement = text("SELECT name, id FROM users ORDER BY id").columns(User.name, User.id)
    assert names(session, select(User).from_statement(statement)) == ["ed", "wendy"]


def test_a_union_of_entities_gives_objects(session, User):
    statement = union(select(User).where(User.id == 1), select(User).where(User.id == 2)).order_by("id")
    assert names(session, select(User).from_statement(statement)) == ["ed", "wendy"]


def test_entities_and_columns_mix(session, User):
    statement = select(User.age, User).from_statement(text("SELECT * FROM users ORDER BY id"))
    assert [(age, user.name) for age, user in session.execute(statement)] == [(20, "ed"), (30, "wendy")]


def test_what_an_insert_returns_becomes_objects(session, User):
    statement = insert(User).values(id=3, name="mary").returning(User)
    assert names(session, select(User).from_statement(statement)) == ["mary"]


def test_several_inserted_rows_become_objects(session, User):
    statement = select(User).from_statement(insert(User).returning(User))
    users = session.scalars(statement, [{"id": 3, "name": "a"}, {"id": 4, "name": "b"}]).all()
    assert sorted(user.name for user in users) == ["a", "b"]


def test_parameters_of_the_text_are_given_at_execution(session, User):
    statement = select(User).from_statement(text("SELECT * FROM users WHERE id = :id"))
    assert [user.name for user in session.scalars(statement, {"id": 2})] == ["wendy"]


def test_parameters_can_be_given_to_the_statement(session, User):
    statement = select(User).from_statement(text("SELECT * FROM users WHERE id = :id")).params(id=2)
    assert names(session, statement) == ["wendy"]


def test_it_describes_its_columns_like_a_select(User):
    statement = select(User, User.age).from_statement(text("x"))
    assert [each["name"] for each in statement.column_descriptions] == ["User", "age"]


def test_deferred_attributes_stay_absent(session, mapping, users):
    class Lean:
        pass

    mapping.map_imperatively(Lean, users, properties={"name": deferred(users.c.name)})
    [lean] = session.scalars(select(Lean).from_statement(text("SELECT * FROM users WHERE id = 1")))
    assert "name" not in lean.__dict__
    assert lean.name == "ed"


def test_it_says_what_kind_of_statement_it_sends(User):
    assert select(User).from_statement(text("x")).is_select
    written = select(User).from_statement(insert(User).returning(User))
    assert written.is_insert
    assert written.is_dml
    assert not any((written.is_select, written.is_update, written.is_delete, written.is_text))
    assert select(User).from_statement(text("x")).is_text
    with pytest.raises(AttributeError):
        _ = select(User).from_statement(text("x"))._nonsense
