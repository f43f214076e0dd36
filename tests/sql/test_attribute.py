"""``User.name`` as something that can stand in SQL."""

from __future__ import annotations

import pytest
from sqlalchemy import Integer, func, select

from ormsession import PropComparator, column_property, inspect, synonym
from ormsession.mapping.properties import ColumnProperty

from .conftest import sql


def test_it_knows_where_it_belongs(User, users):
    attribute = User.age
    assert attribute.key == "age"
    assert attribute.class_ is User
    assert attribute.parent is inspect(User)
    assert attribute.property is inspect(User).attrs.age
    assert attribute.prop is attribute.property
    assert str(attribute) == "User.age"


def test_its_expression_is_the_column_annotated(User, users):
    expression = User.age.expression
    assert expression is User.age.__clause_element__()
    assert hash(expression) == hash(users.c.age_int)
    assert expression._annotations["parententity"] is inspect(User)


def test_it_answers_for_its_column(User, users):
    assert isinstance(User.age.type, Integer)
    assert User.age.info is users.c.age_int.info


def test_it_can_be_labelled(User):
    assert sql(select(User.age.label("years"))) == "SELECT users.age_int AS years FROM users"


def test_it_can_be_a_key(User):
    assert {User.id: 1, User.name: 2}[User.name] == 2


def test_a_name_that_nobody_knows_is_an_attribute_error(User):
    with pytest.raises(AttributeError, match=r"User\.age has an attribute 'nonsense'"):
        _ = User.age.nonsense


def test_an_unmapped_subclass_shares_it(User):
    class Admin(User):
        pass

    assert Admin.name is User.name


def test_a_synonym_speaks_of_its_target(mapping, users):
    class Person:
        pass

    mapping.map_imperatively(Person, users, properties={"title": synonym("name")})
    assert sql(select(Person.id).where(Person.title == "x")) == "SELECT users.id FROM users WHERE users.name = :name_1"
    assert sql(select(Person.title)) == "SELECT users.name FROM users"


class TestComparators:
    def test_a_comparator_of_the_user_overrides_operators(self, mapping, users):
        class Insensitive(ColumnProperty.Comparator):
            def __eq__(self, other):
                return func.lower(self.__clause_element__()) == func.lower(other)

            __hash__ = ColumnProperty.Comparator.__hash__

        class Person:
            pass

        prop = column_property(users.c.name, comparator_factory=Insensitive)
        mapping.map_imperatively(Person, users, properties={"name": prop})
        assert sql(select(Person.id).where(Person.name == "Ed")) == (
            "SELECT users.id FROM users WHERE lower(users.name) = lower(:lower_1)"
        )
        assert sql(select(Person.id).where(Person.name > "Ed")).endswith("WHERE users.name > :name_1")

    def test_a_comparator_may_override_all_operators_at_once(self, mapping, users):
        class Doubled(ColumnProperty.Comparator):
            def operate(self, op, *other, **kwargs):
                return op(self.__clause_element__() * 2, *other, **kwargs)

        class Person:
            pass

        prop = column_property(users.c.age_int, comparator_factory=Doubled)
        mapping.map_imperatively(Person, users, properties={"age": prop})
        assert sql(select(Person.id).where(Person.age == 4)).endswith("WHERE users.age_int * :age_int_1 = :param_1")

    def test_one_without_an_expression_says_so(self, User):
        comparator = PropComparator(User.age.property, inspect(User))
        assert comparator.property is User.age.property
        assert comparator.parent is inspect(User)
        with pytest.raises(NotImplementedError):
            comparator == 5  # noqa: B015
