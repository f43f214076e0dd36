"""INSERT, UPDATE and DELETE of entities, as SQL."""

from __future__ import annotations

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.dialects import sqlite

from ormsession import aliased, load_only, synonym
from ormsession.sql.dml import column_parameters

from .conftest import layout_of, sql


def test_values_are_given_by_the_names_of_attributes(User):
    assert sql(insert(User).values(name="ed", age=3)) == "INSERT INTO users (name, age_int) VALUES (:name, :age_int)"
    assert sql(update(User).values(age=3)) == "UPDATE users SET age_int=:age_int"


def test_values_are_given_by_attributes(User):
    assert sql(update(User).values({User.age: User.age + 1})) == (
        "UPDATE users SET age_int=(users.age_int + :age_int_1)"
    )


def test_the_name_of_a_column_is_understood_too(User):
    assert sql(update(User).values(age_int=3)) == "UPDATE users SET age_int=:age_int"


def test_a_synonym_means_its_target(mapping, users):
    class Person:
        pass

    mapping.map_imperatively(Person, users, properties={"title": synonym("name")})
    assert sql(update(Person).values(title="x")) == "UPDATE users SET name=:name"


def test_several_rows_are_given_by_the_names_of_attributes(User):
    assert sql(insert(User).values([{"age": 1}, {"age": 2}])) == (
        "INSERT INTO users (age_int) VALUES (:age_int_m0), (:age_int_m1)"
    )


def test_criteria_speak_of_attributes(User):
    assert sql(delete(User).where(User.age > 5)) == "DELETE FROM users WHERE users.age_int > :age_int_1"
    assert sql(delete(User).filter_by(age=5)) == "DELETE FROM users WHERE users.age_int = :age_int_1"


def test_criteria_may_speak_of_another_entity(User, Address):
    statement = update(User).where(User.id == Address.user_id).values(name="x")
    assert sql(statement, sqlite.dialect()) == (
        "UPDATE users SET name=? FROM addresses WHERE users.id = addresses.user_id"
    )


def test_an_alias_can_be_written(User):
    boss = aliased(User, name="boss")
    assert sql(update(boss).where(boss.age == 1).values(age=2)) == (
        "UPDATE users AS boss SET age_int=:age_int WHERE boss.age_int = :age_int_1"
    )


def test_an_insert_can_take_its_rows_from_entities(User, Address):
    assert sql(insert(User).from_select(["name"], select(Address.email))) == (
        "INSERT INTO users (name) SELECT addresses.email FROM addresses"
    )


def test_ordered_values_keep_their_order(User):
    statement = update(User).ordered_values((User.name, "x"), (User.age, 1))
    assert sql(statement) == "UPDATE users SET name=:name, age_int=:age_int"


class TestReturning:
    def test_an_entity_is_returned_as_its_columns(self, User):
        statement = insert(User).values(name="ed").returning(User)
        assert sql(statement).endswith("RETURNING users.id, users.name, users.age_int")
        assert layout_of(statement) == [("User", {"age": 2, "id": 0, "name": 1})]

    def test_attributes_are_returned_under_their_names(self, User):
        statement = update(User).values(age=3).returning(User.age, func.lower(User.name).label("low"))
        assert layout_of(statement) == [("age", 0), ("low", 1)]

    def test_inside_a_cte_the_rows_are_columns(self, User):
        written = delete(User).returning(User).cte("gone")
        assert sql(select(written.c.id)) == (
            "WITH gone AS (DELETE FROM users RETURNING users.id, users.name, users.age_int) SELECT gone.id FROM gone"
        )

    def test_nothing_returned_has_no_layout(self, User):
        assert layout_of(delete(User)) == []


class TestDescriptions:
    def test_of_the_entity(self, User, users):
        described = insert(User).entity_description
        assert described == {"name": "User", "type": User, "expr": User, "entity": User, "table": users}

    def test_of_a_plain_table_with_entity_criteria(self, User, users):
        assert update(users).where(User.id == 1).entity_description == {"name": "users", "table": users}

    def test_of_what_is_returned(self, User):
        [described] = update(User).returning(User.age).returning_column_descriptions
        assert (described["name"], described["expr"], described["entity"]) == ("age", User.age, User)


class TestParameters:
    def test_names_of_attributes_become_those_of_columns(self, User):
        assert column_parameters(User.__mapper__, {"age": 1, "name": "x"}) == {"age_int": 1, "name": "x"}
        assert column_parameters(User.__mapper__, [{"age": 1}]) == [{"age_int": 1}]

    def test_nothing_is_copied_when_all_names_agree(self, Address):
        rows = [{"email": "x"}]
        assert column_parameters(Address.__mapper__, rows) is rows

    def test_there_may_be_none(self, User):
        assert column_parameters(User.__mapper__, None) is None


def test_loader_options_apply_to_what_is_returned(User):
    statement = insert(User).values(name="ed").returning(User).options(load_only(User.name))
    assert sql(statement).endswith("RETURNING users.id, users.name")
