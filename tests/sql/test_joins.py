"""Joins along relationships, and the ``join()`` that stands by itself."""

from __future__ import annotations

import pytest
from sqlalchemy import exists, func, literal_column, select, union
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import Query, Session, aliased, join, outerjoin, relationship

from .conftest import sql


def froms(statement):
    """The FROM clause and what follows."""
    return sql(statement).partition(" FROM ")[2]


class TestAlongARelationship:
    def test_the_target_and_the_condition_come_from_it(self, model):
        assert froms(select(model.User).join(model.User.addresses)) == (
            "users JOIN addresses ON users.id = addresses.user_id"
        )

    def test_many_to_one(self, model):
        assert froms(select(model.Address).join(model.Address.user)) == (
            "addresses JOIN users ON users.id = addresses.user_id"
        )

    def test_the_table_between_gets_an_alias(self, model):
        assert froms(select(model.User).join(model.User.items)) == (
            "users JOIN owned AS owned_1 ON users.id = owned_1.user_id JOIN items ON items.id = owned_1.item_id"
        )

    def test_an_outer_join_keeps_both_tables_on_its_right(self, model):
        assert froms(select(model.User).outerjoin(model.User.items)) == (
            "users LEFT OUTER JOIN (owned AS owned_1 JOIN items ON items.id = owned_1.item_id) "
            "ON users.id = owned_1.user_id"
        )

    def test_outer_and_full(self, model):
        assert "users LEFT OUTER JOIN addresses" in sql(select(model.User).join(model.User.addresses, isouter=True))
        assert "users FULL OUTER JOIN addresses" in sql(select(model.User).join(model.User.addresses, full=True))

    def test_a_target_of_its_own(self, model):
        assert froms(select(model.User).join(model.Address, model.User.addresses)) == (
            "users JOIN addresses ON users.id = addresses.user_id"
        )

    def test_an_alias_as_the_target(self, model):
        child = aliased(model.Node)
        expected = "nodes JOIN nodes AS nodes_1 ON nodes.id = nodes_1.parent_id"
        assert froms(select(model.Node).join(child, model.Node.children)) == expected
        assert froms(select(model.Node).join(model.Node.children.of_type(child))) == expected

    def test_from_an_alias(self, model):
        user = aliased(model.User)
        assert froms(select(user).join(user.addresses)) == (
            "users AS users_1 JOIN addresses ON users_1.id = addresses.user_id"
        )

    def test_from_an_alias_to_an_alias_through_a_table_between(self, model):
        user, item = aliased(model.User), aliased(model.Item)
        assert froms(select(user.id).join(user.items.of_type(item))) == (
            "users AS users_1 JOIN owned AS owned_1 ON users_1.id = owned_1.user_id "
            "JOIN items AS items_1 ON items_1.id = owned_1.item_id"
        )

    def test_a_chain_along_a_tree(self, model):
        child, grandchild = aliased(model.Node), aliased(model.Node)
        statement = select(model.Node.id).join(model.Node.children.of_type(child))
        assert froms(statement.join(child.children.of_type(grandchild))) == (
            "nodes JOIN nodes AS nodes_1 ON nodes.id = nodes_1.parent_id "
            "JOIN nodes AS nodes_2 ON nodes_1.id = nodes_2.parent_id"
        )

    def test_a_subquery_as_the_target(self, model):
        subquery = select(model.Address).where(model.Address.email == "x").subquery("a")
        assert froms(select(model.User.id).join(subquery, model.User.addresses)).endswith(
            "AS a ON users.id = a.user_id"
        )

    def test_an_alias_of_a_subquery_as_the_left_side(self, model):
        user = aliased(model.User, select(model.User).limit(1).subquery("u"))
        assert froms(select(user.id).join(user.addresses)).endswith("AS u JOIN addresses ON u.id = addresses.user_id")

    def test_more_criteria_follow_the_alias(self, model):
        address = aliased(model.Address)
        statement = select(model.User).join(model.User.addresses.of_type(address).and_(model.Address.email == "x"))
        assert froms(statement) == (
            "users JOIN addresses AS addresses_1 ON users.id = addresses_1.user_id AND addresses_1.email = :email_1"
        )

    def test_more_criteria_through_a_table_between(self, model):
        assert froms(select(model.User).join(model.User.items.and_(model.Item.name == "x"))).endswith(
            "JOIN items ON items.id = owned_1.item_id AND items.name = :name_1"
        )

    def test_a_synonym_of_a_relationship(self, model):
        assert "JOIN addresses ON users.id" in sql(select(model.User).join(model.User.mails))
        assert "JOIN addresses ON users.id" in sql(select(model.User).join(model.Address, model.User.mails))

    def test_the_same_relationship_twice_is_joined_once(self, model):
        statement = select(model.User).join(model.User.addresses).join(model.User.addresses)
        assert sql(statement).count("JOIN") == 1

    def test_to_two_aliases_it_is_joined_twice(self, model):
        statement = select(model.User)
        for _ in range(2):
            statement = statement.join(model.User.addresses.of_type(aliased(model.Address)))
        assert sql(statement).count("JOIN") == 2

    def test_backwards_the_parent_becomes_the_left_side(self, model):
        assert froms(select(model.User).join(model.Address.user)) == (
            "addresses JOIN users ON users.id = addresses.user_id"
        )

    def test_a_statement_of_plain_columns_becomes_an_entity_statement(self, model, users):
        assert froms(select(users.c.id).join(model.User.addresses)) == (
            "users JOIN addresses ON users.id = addresses.user_id"
        )

    def test_a_relationship_to_an_alias(self, model, mapping):
        recent = aliased(model.Address, select(model.Address).limit(1).subquery("recent"))
        model.User.__mapper__.add_property("recent", relationship(recent, viewonly=True))
        assert froms(select(model.User.id).join(model.User.recent)).endswith("AS recent ON users.id = recent.user_id")


class TestTheLeftSide:
    def test_join_from(self, model):
        statement = select(literal_column("1")).join_from(model.User, model.Address, model.User.addresses)
        assert froms(statement) == "users JOIN addresses ON users.id = addresses.user_id"

    def test_join_from_without_a_condition_in_a_join(self, model):
        statement = select(model.User.id).join(model.User.items).join_from(model.User, model.Address)
        assert froms(statement).endswith("JOIN addresses ON users.id = addresses.user_id")

    def test_each_of_several_froms_gets_its_joins(self, model):
        child = aliased(model.Node)
        statement = select(model.User.id, model.Node.id).join(model.User.addresses).join(child, model.Node.children)
        assert froms(statement) == (
            "users JOIN addresses ON users.id = addresses.user_id, "
            "nodes JOIN nodes AS nodes_1 ON nodes.id = nodes_1.parent_id"
        )

    def test_a_join_named_by_select_from_is_gone_on_from(self, model):
        user = aliased(model.User)
        statement = select(func.count()).select_from(model.User, user).join(user.addresses)
        assert froms(statement) == "users, users AS users_1 JOIN addresses ON users_1.id = addresses.user_id"

    def test_columns_replaced_later_do_not_change_it(self, model):
        statement = select(model.User).join(model.User.addresses).with_only_columns(model.Address.id)
        assert froms(statement) == "users JOIN addresses ON users.id = addresses.user_id"

    def test_a_query_on_a_union_joins_from_its_subquery(self, model):
        query = Query(model.User).union(Query(model.User))
        assert str(query.join(model.User.addresses)).endswith(
            "AS anon_1 JOIN addresses ON anon_1.users_id = addresses.user_id"
        )

    def test_an_alias_selected_by_name_of_the_class_is_found(self, model):
        user = aliased(model.User)
        assert froms(select(user.id).select_from(user).join(model.User.addresses)) == (
            "users AS users_1 JOIN addresses ON users_1.id = addresses.user_id"
        )


class TestFilterBy:
    def test_it_means_the_target(self, model):
        statement = select(model.User).join(model.User.addresses).filter_by(email="x")
        assert sql(statement).endswith("WHERE addresses.email = :email_1")

    def test_it_means_the_alias_that_stands_for_the_target(self, model):
        address = aliased(model.Address)
        for joined in (
            select(model.User).join(model.User.addresses.of_type(address)),
            select(model.User).join(address, model.User.addresses),
        ):
            assert sql(joined.filter_by(email="x")).endswith("WHERE addresses_1.email = :email_1")

    def test_of_a_query_it_means_the_target_until_the_joinpoint_is_reset(self, model):
        query = Query(model.User).join(model.User.addresses)
        assert str(query.filter_by(email="x")).endswith("WHERE addresses.email = :email_1")
        assert str(query.reset_joinpoint().filter_by(name="x")).endswith("WHERE users.name = :name_1")


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        ("statement", "error", "message"),
        [
            (
                lambda m: select(m.User).join(m.User.addresses, m.User.id == 1),
                InvalidRequestError,
                "No 'on clause' argument may be passed",
            ),
            (
                lambda m: select(m.User).join(m.Address.user_id),
                ArgumentError,
                r"Join target Address.user_id does not refer to a mapped entity",
            ),
            (
                lambda m: select(m.User).join(m.Address, m.Address.user),
                InvalidRequestError,
                r"Join target .*Address.* does not correspond to the right side of join condition Address.user",
            ),
            (
                lambda m: select(m.User).join_from(m.User, m.Node, m.Node.children),
                InvalidRequestError,
                r"explicit from clause .*User.* does not match left side of relationship attribute Node.children",
            ),
            (
                lambda m: select(aliased(m.User)).join_from(aliased(m.User), m.Address, m.User.addresses),
                InvalidRequestError,
                r"explicit from clause aliased\(User\) does not match",
            ),
            (
                lambda m: select(m.Node).join(m.Node.children),
                InvalidRequestError,
                r"Can't construct a join from .*Node.* to .*Node.*, they are the same entity",
            ),
            (
                lambda m: select(m.Address).join(m.Item),
                InvalidRequestError,
                r"Don't know how to join to .*Item.*select_from\(\)",
            ),
            (
                lambda m: select(m.User, aliased(m.User)).join(m.Address),
                InvalidRequestError,
                "Can't determine which FROM clause to join from",
            ),
            (
                lambda m: select(func.count()).select_from(aliased(m.User), aliased(m.User)).join(m.User.addresses),
                InvalidRequestError,
                "Can't identify which entity in which to assign the left side",
            ),
        ],
    )
    def test_a_join_that_cannot_be_meant_names_its_sides(self, model, statement, error, message):
        with pytest.raises(error, match=message):
            statement(model).compile()

    def test_nothing_to_join_from(self, model):
        with pytest.raises(InvalidRequestError, match="No entities to join from"):
            Query([], None).join(model.Address)._compile_state()


class TestStandaloneJoins:
    def test_along_a_relationship(self, model):
        assert sql(join(model.User, model.Address, model.User.addresses)) == (
            "users JOIN addresses ON users.id = addresses.user_id"
        )

    def test_by_foreign_key_and_by_condition(self, model):
        assert sql(join(model.User, model.Address)) == "users JOIN addresses ON users.id = addresses.user_id"
        assert sql(outerjoin(model.User, model.Address, model.Address.email == "x")) == (
            "users LEFT OUTER JOIN addresses ON addresses.email = :email_1"
        )
        assert sql(join(model.User, model.Address, model.User.name)) == "users JOIN addresses ON users.name"

    def test_a_chain(self, model):
        chain = join(model.User, model.Address).join(model.Item, model.User.items)
        assert sql(chain) == (
            "users JOIN addresses ON users.id = addresses.user_id "
            "JOIN owned AS owned_1 ON users.id = owned_1.user_id JOIN items ON items.id = owned_1.item_id"
        )
        assert sql(join(model.Item, model.Node, literal_column("1")).outerjoin(model.User, literal_column("2"))) == (
            "items JOIN nodes ON 1 LEFT OUTER JOIN users ON 2"
        )

    def test_the_parent_on_the_right_means_the_left(self, model):
        child = aliased(model.Node)
        assert sql(join(model.Node, child, child.children)) == (
            "nodes JOIN nodes AS nodes_1 ON nodes.id = nodes_1.parent_id"
        )

    def test_entities_are_selected_from_it(self, model):
        statement = select(model.User.id).select_from(outerjoin(model.User, model.Address, model.User.addresses))
        assert froms(statement) == "users LEFT OUTER JOIN addresses ON users.id = addresses.user_id"

    def test_plain_tables_join_as_ever(self, users, addresses):
        assert sql(join(users, addresses)) == "users JOIN addresses ON users.id = addresses.user_id"


class TestInsideOtherStatements:
    def test_subquery_exists_and_union(self, model):
        joined = select(model.User.id).join(model.User.addresses)
        expected = "FROM users JOIN addresses ON users.id = addresses.user_id"
        assert expected in sql(select(joined.subquery()))
        assert expected in sql(select(func.count()).where(exists(joined.correlate(None).subquery())))
        assert sql(union(joined, joined)).count(expected) == 2

    def test_rows_of_a_join_become_objects(self, model, metadata, engine):
        metadata.create_all(engine)
        with Session(engine) as session:
            user, address = model.User(name="ed"), model.Address(email="x")
            user.addresses.append(address)
            session.add_all([user, model.User(name="wendy")])
            session.flush()
            statement = select(model.User, model.Address).join(model.User.addresses)
            assert [tuple(row) for row in session.execute(statement)] == [(user, address)]
