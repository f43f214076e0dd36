"""The operators of a relationship attribute."""

from __future__ import annotations

import pytest
from sqlalchemy import and_, null, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import Query, RelationshipProperty, Session, aliased, inspect, relationship

from .conftest import sql


def criteria(entity, clause):
    """The WHERE clause of a statement on an entity."""
    return sql(select(entity).where(clause)).partition(" WHERE ")[2]


class TestAsAnExpression:
    def test_it_is_the_join_condition(self, model):
        assert sql(model.User.addresses.expression) == "users.id = addresses.user_id"
        assert sql(model.User.items.expression) == "users.id = owned_1.user_id AND items.id = owned_1.item_id"

    def test_of_an_alias_it_has_the_columns_of_the_alias(self, model):
        assert sql(aliased(model.User).addresses.expression) == "users_1.id = addresses.user_id"

    def test_it_knows_the_relationship_and_where_it_leads(self, model):
        attribute = model.User.addresses
        assert isinstance(attribute.property, RelationshipProperty)
        assert attribute.property.key == "addresses"
        assert attribute.entity is attribute.mapper is inspect(model.Address)
        assert attribute.comparator.parent is inspect(model.User)
        assert str(attribute) == "User.addresses"
        assert str(aliased(model.User).addresses) == "aliased(User).addresses"

    def test_a_name_it_does_not_have_is_an_error_that_names_it(self, model):
        with pytest.raises(AttributeError, match=r"associated with User\.addresses has an attribute 'nonsense'"):
            _ = model.User.addresses.nonsense

    def test_asking_for_the_property_configures_the_mappers(self, mapping, users, addresses):
        User, Address = type("User", (), {}), type("Address", (), {})
        mapping.map_imperatively(User, users, properties={"addresses": relationship(lambda: Address)})
        mapping.map_imperatively(Address, addresses)
        assert User.addresses.property.mapper is inspect(Address)

    def test_operators_of_a_user_are_used(self, mapping, users, addresses):
        class ByEmail(RelationshipProperty.Comparator):
            def mailed(self, email):
                return self.any(email=email)

        User, Address = type("User", (), {}), type("Address", (), {})
        mapping.map_imperatively(
            User, users, properties={"addresses": relationship(Address, comparator_factory=ByEmail)}
        )
        mapping.map_imperatively(Address, addresses)
        assert criteria(User, User.addresses.mailed("x")).endswith("addresses.email = :email_1)")
        assert "users_1.id" in sql(select(aliased(User).addresses.mailed("x")))


class TestAnyAndHas:
    def test_any_of_a_collection(self, model):
        assert criteria(model.User, model.User.addresses.any()) == (
            "EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id)"
        )
        assert criteria(model.User, model.User.addresses.any(model.Address.email == "x", id=5)) == (
            "EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id "
            "AND addresses.email = :email_1 AND addresses.id = :id_1)"
        )

    def test_has_of_one_object(self, model):
        assert criteria(model.Address, model.Address.user.has(name="x")) == (
            "EXISTS (SELECT 1 FROM users WHERE users.id = addresses.user_id AND users.name = :name_1)"
        )

    def test_through_a_table_between(self, model):
        assert criteria(model.User, model.User.items.any(model.Item.id == 3)) == (
            "EXISTS (SELECT 1 FROM items, owned WHERE users.id = owned.user_id "
            "AND items.id = owned.item_id AND items.id = :id_1)"
        )

    def test_the_related_rows_of_a_tree_have_a_name_of_their_own(self, model):
        assert criteria(model.Node, model.Node.children.any(model.Node.name == "x")) == (
            "EXISTS (SELECT 1 FROM nodes AS nodes_1 WHERE nodes.id = nodes_1.parent_id AND nodes_1.name = :name_1)"
        )
        assert criteria(model.Node, model.Node.parent.has(name="x")) == (
            "EXISTS (SELECT 1 FROM nodes AS nodes_1 WHERE nodes_1.id = nodes.parent_id AND nodes_1.name = :name_1)"
        )

    def test_of_an_alias_of_a_tree_the_related_rows_are_those_of_the_class(self, model):
        node = aliased(model.Node)
        assert criteria(node, node.children.any(model.Node.name == "x")) == (
            "EXISTS (SELECT 1 FROM nodes WHERE nodes_1.id = nodes.parent_id AND nodes.name = :name_1)"
        )

    def test_an_alias_may_stand_for_the_related_rows(self, model):
        address = aliased(model.Address)
        assert criteria(model.User, model.User.addresses.of_type(address).any(address.email == "x")) == (
            "EXISTS (SELECT 1 FROM addresses AS addresses_1 WHERE users.id = addresses_1.user_id "
            "AND addresses_1.email = :email_1)"
        )

    def test_more_criteria(self, model):
        attribute = model.User.addresses.and_(model.Address.email == "x")
        assert criteria(model.User, attribute.any()) == (
            "EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id AND addresses.email = :email_1)"
        )

    def test_a_statement_that_joins_the_related_entity_too_does_not_correlate_it(self, model):
        statement = select(model.User.id).join(model.User.addresses).where(model.User.addresses.any(email="x"))
        assert "EXISTS (SELECT 1 FROM addresses WHERE" in sql(statement)

    def test_nested(self, model):
        clause = model.Address.user.has(model.User.addresses.any(email="x"))
        assert criteria(model.Address, clause) == (
            "EXISTS (SELECT 1 FROM users WHERE users.id = addresses.user_id AND "
            "(EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id AND addresses.email = :email_1)))"
        )

    def test_on_a_union_only_the_outer_columns_are_those_of_the_union(self, model):
        query = Query(model.Node).union(Query(model.Node)).filter(model.Node.children.any(name="x"))
        assert str(query).endswith(
            "WHERE EXISTS (SELECT 1 \nFROM nodes AS nodes_1 \n"
            "WHERE anon_1.nodes_id = nodes_1.parent_id AND nodes_1.name = :name_1)"
        )

    def test_plain_tables_can_be_filtered_by_them(self, model, users):
        assert sql(select(users.c.id).where(model.User.addresses.any())) == (
            "SELECT users.id FROM users WHERE EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id)"
        )

    def test_an_unknown_name_is_an_error(self, model):
        with pytest.raises(InvalidRequestError, match="nonsense"):
            model.User.addresses.any(nonsense=1)

    def test_each_is_refused_on_the_other_kind(self, model):
        with pytest.raises(InvalidRequestError, match=r"not implemented for scalar attributes. Use has"):
            model.Address.user.any()
        with pytest.raises(InvalidRequestError, match=r"not implemented for collections. Use any"):
            model.User.addresses.has()


class TestNone:
    def test_many_to_one_looks_at_the_foreign_key(self, model):
        assert criteria(model.Address, model.Address.user == None) == "addresses.user_id IS NULL"  # noqa: E711
        assert criteria(model.Address, model.Address.user != None) == "addresses.user_id IS NOT NULL"  # noqa: E711
        assert criteria(model.Address, ~(model.Address.user == null())) == "addresses.user_id IS NOT NULL"

    def test_of_an_alias(self, model):
        address = aliased(model.Address)
        assert criteria(address, address.user == None) == "addresses_1.user_id IS NULL"  # noqa: E711

    def test_a_collection_is_none_when_it_is_empty(self, model):
        exists = "EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id)"
        assert criteria(model.User, model.User.addresses == None) == f"NOT ({exists})"  # noqa: E711
        assert criteria(model.User, model.User.addresses != None) == exists  # noqa: E711
        assert sql(select(model.User.id).filter_by(addresses=None)).endswith(f"NOT ({exists})")


class TestWhatIsRefused:
    def test_other_operators(self, model):
        for operator in (model.User.addresses.like, model.User.addresses.__lt__, model.User.addresses.__gt__):
            with pytest.raises(NotImplementedError, match=r"User\.addresses"):
                operator("x")
        with pytest.raises(NotImplementedError):
            5 + model.User.addresses

    def test_in(self, model):
        with pytest.raises(NotImplementedError, match="not yet supported for relationships"):
            model.Address.user.in_([model.User()])

    def test_a_collection_compared_with_an_object(self, model):
        for compare in (lambda a, b: a == b, lambda a, b: a != b):
            with pytest.raises(InvalidRequestError, match=r"use contains\(\)"):
                compare(model.User.addresses, model.Address())

    def test_contains_of_one_object(self, model):
        with pytest.raises(InvalidRequestError, match="Use =="):
            model.Address.user.contains(model.User())

    def test_something_else_as_the_related_entity(self, model):
        with pytest.raises(ArgumentError, match="A mapped class or an alias of one was expected"):
            model.User.addresses.of_type(5)


class TestCaching:
    @pytest.mark.parametrize(
        "make",
        [
            lambda m: select(m.User).join(m.User.addresses),
            lambda m: select(m.User).join(m.User.addresses.of_type(aliased(m.Address))),
            lambda m: select(m.User).join(m.User.addresses.and_(m.Address.email == "x")),
            lambda m: select(m.User).join(m.Address, m.User.mails),
            lambda m: select(m.User).where(m.User.addresses.any(email="x")),
            lambda m: select(m.Node).where(m.Node.children.any(name="x")),
            lambda m: select(m.User).where(m.User.items.contains(m.Item(id=4))),
            lambda m: select(m.Address).where(m.Address.user == m.User(id=4)),
            lambda m: select(m.Address).where(m.Address.user != m.User(id=4)),
            lambda m: select(m.Address).where(m.Address.user == None),  # noqa: E711
        ],
    )
    def test_statements_with_relationships_are_compiled_once(self, model, metadata, engine, make):
        metadata.create_all(engine)
        with engine.connect() as connection:
            for _ in range(2):
                result = connection.execute(make(model))
            assert result.context.cache_hit.name == "CACHE_HIT"

    def test_different_relationships_have_different_keys(self, model):
        keys = {
            str(select(model.User).join(target)._generate_cache_key())
            for target in (
                model.User.addresses,
                model.User.items,
                model.User.addresses.of_type(aliased(model.Address)),
                model.User.addresses.and_(model.Address.id == 1),
                model.User.addresses.and_(model.Address.email == "x"),
            )
        }
        assert len(keys) == 5

    def test_the_value_of_another_criterion_is_no_part_of_the_shape(self, model, metadata, engine):
        metadata.create_all(engine)
        with Session(engine) as session:
            session.add_all([model.User(id=1, addresses=[model.Address(email="x")]), model.User(id=2)])
            session.flush()
            for email, expected in (("x", [1]), ("y", [])):
                joined = model.User.addresses.and_(model.Address.email == email)
                assert session.scalars(select(model.User.id).join(joined)).all() == expected


def test_criteria_of_two_relationships_go_together(model):
    clause = and_(model.User.addresses.any(), ~model.User.items.any())
    assert criteria(model.User, clause) == (
        "(EXISTS (SELECT 1 FROM addresses WHERE users.id = addresses.user_id)) AND "
        "NOT (EXISTS (SELECT 1 FROM items, owned WHERE users.id = owned.user_id AND items.id = owned.item_id))"
    )
