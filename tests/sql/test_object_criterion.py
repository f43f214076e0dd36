"""Relationships compared with objects."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, ForeignKeyConstraint, Integer, Table, and_, exc, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import Query, Session, aliased, relationship, with_parent

from .conftest import sql


def criteria(entity, clause):
    """The WHERE clause of a statement on an entity."""
    return sql(select(entity).where(clause)).partition(" WHERE ")[2]


@pytest.fixture
def session(model, metadata, engine):
    """A session with two users, ed with two addresses and an item, wendy with one address."""
    metadata.create_all(engine)
    with Session(engine) as session:
        ed = model.User(id=1, name="ed", addresses=[model.Address(id=1), model.Address(id=2)])
        ed.items.append(model.Item(id=1))
        session.add_all([ed, model.User(id=2, name="wendy", addresses=[model.Address(id=3)])])
        session.add_all([model.Address(id=4), model.Item(id=2)])
        session.commit()
        yield session


class TestEquality:
    def test_the_foreign_key_is_compared_with_the_key_of_the_object(self, model):
        assert criteria(model.Address, model.Address.user == model.User(id=1)) == ":param_1 = addresses.user_id"

    def test_of_an_alias(self, model):
        address = aliased(model.Address)
        assert criteria(address, address.user == model.User(id=1)) == ":param_1 = addresses_1.user_id"

    def test_inequality_holds_of_rows_without_an_object_too(self, model, session):
        assert criteria(model.Address, model.Address.user != model.User(id=1)) == (
            "addresses.user_id != :user_id_1 OR addresses.user_id IS NULL"
        )
        ed = session.get(model.User, 1)
        assert session.scalars(select(model.Address.id).where(model.Address.user == ed)).all() == [1, 2]
        assert session.scalars(select(model.Address.id).where(model.Address.user != ed)).all() == [3, 4]
        address = aliased(model.Address)
        assert session.scalars(select(address.id).where(address.user != ed)).all() == [3, 4]

    def test_inequality_by_a_condition_that_is_more_than_the_key_looks_at_the_rows(self, mapping, model, session):
        Address, User = model.Address, model.User
        condition = and_(User.id == Address.user_id, User.name == "ed")
        Address.__mapper__.add_property("ed", relationship(User, primaryjoin=condition, viewonly=True))
        assert criteria(Address, Address.ed != session.get(User, 1)) == (
            "NOT (EXISTS (SELECT 1 FROM users WHERE users.id = addresses.user_id AND users.name = :name_1 "
            "AND users.id = :id_1))"
        )

    def test_inequality_with_a_key_of_several_columns_holds_when_one_differs(self, mapping, metadata, engine):
        parents = Table(
            "parents", metadata, Column("a", Integer, primary_key=True), Column("b", Integer, primary_key=True)
        )
        children = Table(
            "children",
            metadata,
            Column("id", Integer, primary_key=True),
            Column("a", Integer),
            Column("b", Integer),
            ForeignKeyConstraint(["a", "b"], ["parents.a", "parents.b"]),
        )
        Parent, Child = type("Parent", (), {}), type("Child", (), {})
        mapping.map_imperatively(Parent, parents)
        mapping.map_imperatively(Child, children, properties={"parent": relationship(Parent)})
        metadata.create_all(engine)
        with Session(engine) as session:
            first, second = Parent(a=1, b=1), Parent(a=1, b=2)
            session.add_all([Child(id=1, parent=first), Child(id=2, parent=second), Child(id=3)])
            session.flush()
            assert session.scalars(select(Child.id).where(Child.parent != first)).all() == [2, 3]
            assert session.scalars(select(Child.id).where(Child.parent == first)).all() == [1]
            assert session.scalars(select(Child.id).where(Child.parent == None)).all() == [3]  # noqa: E711


class TestContains:
    def test_one_to_many_looks_at_the_foreign_key_of_the_object(self, model, session):
        assert criteria(model.User, model.User.addresses.contains(model.Address(user_id=1))) == "users.id = :param_1"
        address = session.get(model.Address, 3)
        assert session.scalars(select(model.User.name).where(model.User.addresses.contains(address))).all() == ["wendy"]

    def test_many_to_many_looks_at_the_table_between(self, model, session):
        item = session.get(model.Item, 1)
        has_it = model.User.items.contains(item)
        assert criteria(model.User, has_it) == "users.id = owned_1.user_id AND :param_1 = owned_1.item_id"
        assert session.scalars(select(model.User.name).where(has_it)).all() == ["ed"]
        assert session.scalars(select(model.User.name).where(~has_it)).all() == ["wendy"]

    def test_two_of_them_in_one_statement(self, model, session):
        ed = session.get(model.User, 1)
        ed.items.append(session.get(model.Item, 2))
        session.flush()
        both = [model.User.items.contains(item) for item in ed.items]
        assert session.scalars(select(model.User.id).where(*both)).all() == [1]


class TestTheValue:
    def test_it_is_looked_up_when_the_statement_is_executed(self, model, session):
        new = model.User(name="new", addresses=[model.Address(id=9)])
        session.add(new)
        statement = select(model.Address.id).where(model.Address.user == new)
        assert session.scalars(statement).all() == [9]  # executing flushes, which gives the key

    def test_of_an_expired_object_it_is_loaded(self, model, session):
        ed = session.get(model.User, 1)
        session.expire(ed)
        assert session.scalars(select(model.Address.id).where(model.Address.user == ed)).all() == [1, 2]

    def test_of_an_object_that_left_its_session_it_is_the_last_known(self, model, session):
        ed = session.get(model.User, 1)
        assert ed.name == "ed"
        statement = select(model.Address.id).where(model.Address.user == ed)
        session.expire(ed)
        session.expunge(ed)
        assert session.scalars(statement).all() == [1, 2]

    def test_never_set_it_is_an_error_that_names_column_and_object(self, model, session):
        statement = select(model.Address).where(model.Address.user == model.User())
        with pytest.raises(exc.StatementError, match=r"column users\.id on object <User at .*no value has been set"):
            session.execute(statement)

    def test_expired_before_it_was_asked_for_it_is_an_error(self, model, session):
        ed = session.get(model.User, 1)
        session.expire(ed)
        session.expunge(ed)
        with pytest.raises(exc.StatementError, match="the object is detached and the value was expired"):
            session.execute(select(model.Address).where(model.Address.user == ed))

    def test_none_finds_nothing_and_is_warned_of(self, model, session):
        statement = select(model.Address).where(model.Address.user == model.User(id=None))
        with pytest.warns(exc.SAWarning, match=r"Got None for value of column users\.id"):
            assert session.scalars(statement).all() == []


class TestWithParent:
    def test_each_direction(self, model, session):
        ed, address = session.get(model.User, 1), session.get(model.Address, 3)
        assert session.scalars(select(model.Address.id).where(with_parent(ed, model.User.addresses))).all() == [1, 2]
        assert session.scalars(select(model.Item.id).where(with_parent(ed, model.User.items))).all() == [1]
        assert session.scalars(select(model.User.name).where(with_parent(address, model.Address.user))).all() == [
            "wendy"
        ]

    def test_without_a_parent(self, model, session):
        assert session.scalars(select(model.Address.id).where(with_parent(None, model.User.addresses))).all() == [4]

    def test_an_alias_stands_for_the_related_entity(self, model):
        address, user = aliased(model.Address), model.User(id=1)
        expected = ":param_1 = addresses_1.user_id"
        assert criteria(address, with_parent(user, model.User.addresses.of_type(address))) == expected
        assert criteria(address, with_parent(user, model.User.addresses, from_entity=address)) == expected

    def test_a_synonym_of_a_relationship(self, model):
        assert criteria(model.Address, with_parent(model.User(id=1), model.User.mails)) == (
            ":param_1 = addresses.user_id"
        )

    def test_as_a_method_of_a_query_it_finds_the_relationship(self, model, session):
        ed = session.get(model.User, 1)
        with pytest.warns(exc.LegacyAPIWarning, match=r"with_parent\(\) function"):
            assert len(session.query(model.Address).with_parent(ed).all()) == 2
        with pytest.warns(exc.LegacyAPIWarning):
            assert len(session.query(model.Address).with_parent(ed, model.User.addresses).all()) == 2
        with (
            pytest.warns(exc.LegacyAPIWarning),
            pytest.raises(InvalidRequestError, match="instances of class 'Node' to instances of class 'User'"),
        ):
            session.query(model.Node).with_parent(ed)

    def test_what_is_no_relationship_attribute_is_refused(self, model):
        with pytest.raises(ArgumentError, match="class-bound mapped attributes, not strings"):
            with_parent(model.User(id=1), "addresses")
        with pytest.raises(ArgumentError, match=r"Expected relationship property for with_parent\(\), got User.name"):
            with_parent(model.User(id=1), model.User.name)


class TestWhatIsRefused:
    @pytest.mark.parametrize("value", ["x", 5, select(1)])
    def test_what_is_no_object(self, model, value):
        with pytest.raises(ArgumentError, match="Mapped instance expected for relationship comparison to object"):
            _ = model.Address.user == value

    def test_a_query(self, model):
        with pytest.raises(ArgumentError, match="Mapped instance expected"):
            _ = model.Address.user == Query(model.User)

    def test_an_object_of_another_class(self, model):
        with pytest.raises(ArgumentError, match=r"Address.user cannot be compared with .*Item"):
            _ = model.Address.user == model.Item()
