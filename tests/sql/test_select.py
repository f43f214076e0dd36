"""Entities, attributes and Core expressions side by side in ``select()``."""

from __future__ import annotations

import pytest
from sqlalchemy import (
    Column,
    Integer,
    Table,
    column,
    exists,
    func,
    lambda_stmt,
    literal,
    literal_column,
    or_,
    select,
    text,
    union,
    union_all,
)
from sqlalchemy.exc import InvalidRequestError

from ormsession import aliased, column_property, deferred

from .conftest import layout_of, sql


def test_an_entity_is_selected_as_its_columns(User):
    assert sql(select(User)) == "SELECT users.id, users.name, users.age_int FROM users"
    assert layout_of(select(User)) == [("User", {"age": 2, "id": 0, "name": 1})]


def test_the_mapper_can_be_given_for_the_class(User):
    assert sql(select(User.__mapper__)) == sql(select(User))


def test_attributes_are_selected_under_their_own_names(User):
    statement = select(User.id, User.age)
    assert sql(statement) == "SELECT users.id, users.age_int FROM users"
    assert layout_of(statement) == [("id", 0), ("age", 1)]


def test_entities_attributes_functions_and_literals_mix(User):
    statement = select(User.name, func.count(User.id), User, literal(5).label("five"))
    assert sql(statement) == (
        "SELECT users.name, count(users.id) AS count_1, users.id, users.age_int, :param_1 AS five FROM users"
    )
    assert layout_of(statement) == [("name", 0), ("count", 1), ("User", {"age": 3, "id": 2, "name": 0}), ("five", 4)]


def test_an_entity_shares_columns_that_are_in_the_row_and_a_column_does_not(User):
    assert layout_of(select(User.id, User)) == [("id", 0), ("User", {"age": 2, "id": 0, "name": 1})]
    assert layout_of(select(User, User.id)) == [("User", {"age": 2, "id": 0, "name": 1}), ("id", 3)]
    assert sql(select(User, User)) == sql(select(User))


def test_a_plain_table_beside_an_entity_stays_columns(User, addresses):
    statement = select(User.id, addresses).where(addresses.c.user_id == User.id)
    assert [name for name, _ in layout_of(statement)] == ["id", "id_1", "user_id", "email"]


def test_two_entities_are_two_objects_per_row(User, Address):
    statement = select(User, Address).join(Address)
    assert sql(statement) == (
        "SELECT users.id, users.name, users.age_int, addresses.id AS id_1, addresses.user_id, addresses.email "
        "FROM users JOIN addresses ON users.id = addresses.user_id"
    )
    assert [name for name, _ in layout_of(statement)] == ["User", "Address"]


def test_text_in_the_columns_clause_takes_one_place(User):
    assert layout_of(select(text("users.id"), User.name)) == [(None, 0), ("name", 1)]


class TestCriteria:
    def test_attributes_have_the_operators_of_columns(self, User):
        criteria = or_(User.name.like("e%"), User.age + 1 > 18, User.id.in_([1, 2]), User.name.is_(None))
        assert sql(select(User.id).where(criteria)) == (
            "SELECT users.id FROM users WHERE users.name LIKE :name_1 OR users.age_int + :age_int_1 > :param_1 "
            "OR users.id IN (__[POSTCOMPILE_id_1]) OR users.name IS NULL"
        )

    def test_an_attribute_on_the_right_of_an_operator(self, User):
        assert sql(select(5 + User.id)) == "SELECT :id_1 + users.id AS anon_1 FROM users"

    def test_filter_by_uses_the_names_of_attributes(self, User):
        assert sql(select(User.id).filter_by(age=3)) == "SELECT users.id FROM users WHERE users.age_int = :age_int_1"

    def test_filter_by_finds_the_entity_inside_an_expression(self, User):
        assert sql(select(func.count(User.id)).filter_by(age=3)) == (
            "SELECT count(users.id) AS count_1 FROM users WHERE users.age_int = :age_int_1"
        )

    def test_filter_by_reaches_the_entity_that_was_joined(self, User, Address):
        assert sql(select(User.id).join(Address).filter_by(email="e")).endswith("WHERE addresses.email = :email_1")

    def test_filter_by_reaches_the_entity_named_in_select_from(self, User):
        assert sql(select(func.count()).select_from(User).filter_by(age=3)) == (
            "SELECT count(*) AS count_1 FROM users WHERE users.age_int = :age_int_1"
        )

    def test_filter_by_refuses_a_name_that_is_no_attribute(self, User):
        with pytest.raises(InvalidRequestError, match="age_int"):
            select(User).filter_by(age_int=3)

    def test_order_by_and_group_by_take_attributes_and_names_of_columns(self, User):
        statement = select(User.name, func.max(User.age)).group_by(User.name).order_by(User.name.desc(), "name")
        assert sql(statement) == (
            "SELECT users.name, max(users.age_int) AS max_1 FROM users "
            "GROUP BY users.name ORDER BY users.name DESC, users.name"
        )

    def test_distinct_limit_and_offset_stay_core(self, User):
        assert sql(select(User.id).distinct().limit(2).offset(1)) == (
            "SELECT DISTINCT users.id FROM users LIMIT :param_1 OFFSET :param_2"
        )

    def test_a_statement_that_only_mentions_an_entity_in_its_criteria(self, User):
        assert sql(select(func.count()).where(User.age == 1)) == (
            "SELECT count(*) AS count_1 FROM users WHERE users.age_int = :age_int_1"
        )


class TestFroms:
    def test_joins_are_made_from_foreign_keys(self, User, Address):
        assert sql(select(User.id).join(Address)) == (
            "SELECT users.id FROM users JOIN addresses ON users.id = addresses.user_id"
        )

    def test_joins_take_an_on_clause(self, User, Address):
        assert sql(select(User.id).outerjoin(Address, Address.email == User.name)) == (
            "SELECT users.id FROM users LEFT OUTER JOIN addresses ON addresses.email = users.name"
        )

    def test_join_from_names_its_left_side(self, User, Address):
        assert sql(select(Address.email).join_from(User, Address)) == (
            "SELECT addresses.email FROM users JOIN addresses ON users.id = addresses.user_id"
        )

    def test_select_from_sets_the_order(self, User, Address):
        statement = select(User.id).select_from(Address, User)
        assert sql(statement) == "SELECT users.id FROM addresses, users"

    def test_the_columns_clause_sets_the_order_otherwise(self, User, Address):
        assert sql(select(User.id, Address)).endswith("FROM users, addresses")
        assert sql(select(Address.id, User)).endswith("FROM addresses, users")

    def test_the_final_froms_are_those_of_core(self, User, users):
        assert select(User).filter_by(name="ed").get_final_froms() == [users]

    def test_a_class_mapped_to_a_join_is_selected_from_the_join(self, mapping, users, addresses):
        class UserWithAddress:
            pass

        mapping.map_imperatively(
            UserWithAddress,
            users.join(addresses),
            properties={"id": [users.c.id, addresses.c.user_id], "address_id": addresses.c.id},
        )
        assert sql(select(UserWithAddress.id, UserWithAddress.email).select_from(UserWithAddress)) == (
            "SELECT users.id, addresses.email FROM users JOIN addresses ON users.id = addresses.user_id"
        )
        assert sql(select(UserWithAddress)).endswith("FROM users JOIN addresses ON users.id = addresses.user_id")

    def test_with_only_columns_keeps_the_entity_in_the_from_list(self, User):
        statement = select(User).with_only_columns(func.count(), maintain_column_froms=True)
        assert sql(statement) == "SELECT count(*) AS count_1 FROM users"

    def test_with_only_columns_keeps_joins(self, User, Address):
        statement = select(User).join(Address).with_only_columns(Address.email)
        assert sql(statement) == "SELECT addresses.email FROM users JOIN addresses ON users.id = addresses.user_id"

    def test_a_join_that_nothing_leads_to_is_refused(self, User, mapping, metadata):
        class Loner:
            pass

        mapping.map_imperatively(Loner, Table("loners", metadata, Column("id", Integer, primary_key=True)))
        with pytest.raises(InvalidRequestError, match="join"):
            sql(select(User).join(Loner))


class TestInsideOtherStatements:
    def test_a_subquery_has_the_columns_under_their_names(self, User):
        subquery = select(User).subquery()
        assert set(subquery.c.keys()) == {"id", "name", "age_int"}
        assert sql(select(subquery.c.id)) == (
            "SELECT anon_1.id FROM "
            "(SELECT users.id AS id, users.name AS name, users.age_int AS age_int FROM users) AS anon_1"
        )

    def test_a_selected_attribute_is_found_in_a_subquery_under_its_own_name(self, User):
        assert select(User.age).subquery().c.keys() == ["age"]

    def test_a_scalar_subquery_correlates(self, User, Address):
        count = select(func.count(Address.id)).where(Address.user_id == User.id).scalar_subquery()
        assert sql(select(User.id, count.label("n"))) == (
            "SELECT users.id, (SELECT count(addresses.id) AS count_1 FROM addresses "
            "WHERE addresses.user_id = users.id) AS n FROM users"
        )

    def test_exists_of_entities(self, User, Address):
        assert sql(select(User.id).where(exists().where(Address.user_id == User.id))) == (
            "SELECT users.id FROM users WHERE EXISTS (SELECT * FROM addresses WHERE addresses.user_id = users.id)"
        )
        assert sql(select(User).exists()).startswith("EXISTS (SELECT users.id")

    def test_in_takes_a_select_of_an_attribute(self, User, Address):
        assert sql(select(User.id).where(User.id.in_(select(Address.user_id)))) == (
            "SELECT users.id FROM users WHERE users.id IN (SELECT addresses.user_id FROM addresses)"
        )

    def test_a_recursive_cte_joins_an_entity_to_itself(self, User):
        tree = select(User.id).where(User.name == "root").cte("tree", recursive=True)
        tree = tree.union_all(select(User.id).join(tree, tree.c.id == User.age))
        assert sql(select(tree)) == (
            "WITH RECURSIVE tree(id) AS (SELECT users.id AS id FROM users WHERE users.name = :name_1 "
            "UNION ALL SELECT users.id AS id FROM users JOIN tree ON tree.id = users.age_int) SELECT tree.id FROM tree"
        )

    def test_set_operations_of_entities_give_rows_of_columns(self, User):
        statement = union_all(select(User.id, User.name), select(User.age, User.name))
        assert sql(statement) == (
            "SELECT users.id, users.name FROM users UNION ALL SELECT users.age_int, users.name FROM users"
        )
        assert not hasattr(union(select(User), select(User)).compile().compile_state, "layout")

    def test_the_layout_is_that_of_the_outermost_statement_only(self, User):
        inner = select(User).subquery()
        assert layout_of(select(inner.c.id, User.name).where(inner.c.id == User.id)) == [("id", 0), ("name", 1)]

    def test_correlation_can_name_the_entity(self, User, Address):
        inner = select(Address.id).where(Address.user_id == User.id).correlate(User).scalar_subquery()
        assert "FROM addresses WHERE" in sql(select(User.id).where(inner == 1))


class TestDeferredColumns:
    @pytest.fixture
    def Lean(self, mapping, users):
        class Lean:
            pass

        mapping.map_imperatively(
            Lean,
            users,
            properties={
                "name": deferred(users.c.name),
                "shout": column_property(func.upper(users.c.name), deferred=True),
                "whisper": column_property(func.lower(users.c.name)),
            },
        )
        return Lean

    def test_they_are_not_selected(self, Lean):
        assert sql(select(Lean)) == "SELECT lower(users.name) AS lower_1, users.id, users.age_int FROM users"
        [slot] = select(Lean).compile().compile_state.layout
        assert {prop.key for prop in slot.absent} == {"name", "shout"}

    def test_they_can_be_selected_by_themselves(self, Lean):
        assert sql(select(Lean.id, Lean.shout)) == "SELECT users.id, upper(users.name) AS upper_1 FROM users"

    def test_a_subquery_has_deferred_columns_but_no_deferred_expressions(self, Lean):
        assert set(select(Lean).subquery().c.keys()) == {"whisper", "id", "name", "age_int"}

    def test_an_expression_is_found_in_a_subquery_under_the_name_of_its_attribute(self, Lean):
        assert select(Lean.id, Lean.shout).subquery().c.keys() == ["id", "shout"]

    def test_an_alias_computes_expressions_from_its_own_columns(self, Lean):
        lean = aliased(Lean, name="l")
        assert sql(select(lean)) == "SELECT lower(l.name) AS lower_1, l.id, l.age_int FROM users AS l"


class TestColumnDescriptions:
    def test_they_tell_entities_from_attributes_and_expressions(self, User):
        alias = aliased(User)
        described = select(User, alias, User.age, alias.id, func.count(User.id)).column_descriptions
        assert [each["name"] for each in described] == ["User", None, "age", "id", "count"]
        assert [each["entity"] for each in described] == [User, alias, User, alias, User]
        assert [each["aliased"] for each in described] == [False, True, False, True, False]
        assert described[0]["type"] is User
        assert described[0]["expr"] is User
        assert described[2]["expr"] is User.age
        assert described[3]["expr"] is alias.id

    def test_an_expression_without_a_name_has_none(self, User):
        [described] = select(User.id + 1).column_descriptions
        assert described["name"] is None

    def test_text_has_neither_name_nor_entity(self, User):
        described = select(User.id, text("now")).column_descriptions[1]
        assert (described["name"], described["entity"]) == (None, None)


def test_a_lambda_statement_may_speak_of_entities(User):
    def by_name(name):
        return lambda_stmt(lambda: select(User.id).where(User.name == name))

    assert sql(by_name("ed")) == "SELECT users.id FROM users WHERE users.name = :name_1"


def test_core_columns_alone_do_not_call_the_plugin(users):
    assert type(select(users.c.id, literal_column("1"), column("x")).compile().compile_state).__name__ == "SelectState"
