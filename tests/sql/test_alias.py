"""``aliased()``: a second name for an entity."""

from __future__ import annotations

import pytest
import sqlalchemy
from sqlalchemy import func, literal, select, union
from sqlalchemy.exc import ArgumentError, SAWarning

from ormsession import aliased, exc, inspect

from .conftest import layout_of, sql


def test_it_renders_as_an_alias_of_the_table(User):
    assert sql(select(aliased(User))) == "SELECT users_1.id, users_1.name, users_1.age_int FROM users AS users_1"


def test_its_name_is_rendered_and_names_the_element_of_the_row(User):
    statement = select(aliased(User, name="boss"))
    assert sql(statement) == "SELECT boss.id, boss.name, boss.age_int FROM users AS boss"
    assert [name for name, _ in layout_of(statement)] == ["boss"]


def test_without_a_name_the_element_of_the_row_has_none(User):
    assert [name for name, _ in layout_of(select(aliased(User)))] == [None]


def test_its_attributes_have_its_columns(User):
    boss = aliased(User, name="boss")
    assert sql(select(User.id).join(boss, boss.age == User.age)) == (
        "SELECT users.id FROM users JOIN users AS boss ON boss.age_int = users.age_int"
    )


def test_the_entity_and_its_alias_are_two_objects_per_row(User):
    boss = aliased(User, name="boss")
    assert layout_of(select(User, boss).where(boss.id == User.id)) == [
        ("User", {"age": 2, "id": 0, "name": 1}),
        ("boss", {"age": 5, "id": 3, "name": 4}),
    ]


def test_an_attribute_of_an_alias_is_made_once(User):
    alias = aliased(User)
    assert alias.name is alias.name
    assert alias.name is not User.name
    assert str(alias.name) == "aliased(User).name"


def test_filter_by_on_an_alias_uses_its_attributes(User):
    boss = aliased(User, name="boss")
    assert sql(select(boss.id).filter_by(age=3)) == "SELECT boss.id FROM users AS boss WHERE boss.age_int = :age_int_1"


class TestOfSubqueries:
    def test_a_subquery_takes_the_place_of_the_table(self, User):
        young = aliased(User, select(User).where(User.age < 30).subquery("young"))
        assert sql(select(young.name)) == (
            "SELECT young.name FROM (SELECT users.id AS id, users.name AS name, users.age_int AS age_int "
            "FROM users WHERE users.age_int < :age_int_1) AS young"
        )

    def test_a_cte_takes_the_place_of_the_table(self, User):
        young = aliased(User, select(User).where(User.age < 30).cte("young"))
        assert sql(select(young)).endswith("SELECT young.id, young.name, young.age_int FROM young")

    def test_a_union_takes_the_place_of_the_table(self, User):
        both = union(select(User).where(User.id == 1), select(User).where(User.id == 2)).subquery("u")
        assert sql(select(aliased(User, both))).startswith("SELECT u.id, u.name, u.age_int FROM (SELECT users.id")

    def test_what_the_subquery_lacks_is_absent(self, User):
        lean = aliased(User, select(User.id, User.name).subquery("lean"))
        assert sql(select(lean)) == (
            "SELECT lean.id, lean.name FROM (SELECT users.id AS id, users.name AS name FROM users) AS lean"
        )

    def test_columns_can_be_found_by_name(self, User, Address):
        names = select(Address.id, Address.email.label("name")).subquery("names")
        assert sql(select(aliased(User, names, adapt_on_names=True).name)) == (
            "SELECT names.name FROM (SELECT addresses.id AS id, addresses.email AS name FROM addresses) AS names"
        )


class TestOfAliases:
    def test_an_alias_of_an_alias_of_the_table_is_an_alias_of_the_table(self, User):
        assert sql(select(aliased(aliased(User), name="u").id)) == "SELECT u.id FROM users AS u"

    def test_an_alias_of_an_alias_of_a_subquery_has_the_same_rows(self, User):
        adults = aliased(User, select(User.id).where(User.age > 17).subquery())
        assert sql(select(aliased(adults, name="a").id)) == (
            "SELECT a.id FROM (SELECT users.id AS id FROM users WHERE users.age_int > :age_int_1) AS a"
        )

    def test_an_alias_looked_for_in_a_subquery_is_found_there(self, User):
        other = aliased(User)
        pairs = select(User.id, other.id).where(User.id > other.id).subquery("pairs")
        assert sql(select(aliased(other, pairs).id)).startswith("SELECT pairs.id_1 FROM")


class TestOfTables:
    def test_a_table_gets_cores_own_alias(self, users):
        alias = aliased(users, name="u")
        assert isinstance(alias, sqlalchemy.Alias)
        assert sql(select(alias.c.id)) == "SELECT u.id FROM users AS u"

    def test_names_cannot_be_adapted_there(self, users):
        with pytest.raises(ArgumentError, match="adapt_on_names"):
            aliased(users, adapt_on_names=True)

    def test_what_is_not_mapped_is_refused(self):
        class Plain:
            pass

        with pytest.raises((exc.UnmappedClassError, ArgumentError), match="Plain"):
            aliased(Plain)


class TestInspection:
    def test_it_tells_the_mapper_and_the_selectable(self, User):
        alias = aliased(User, name="u")
        insp = inspect(alias)
        assert insp is sqlalchemy.inspect(alias)
        assert (insp.mapper, insp.class_, insp.entity, insp.name) == (inspect(User), User, alias, "u")
        assert insp.is_aliased_class
        assert not insp.is_mapper

    def test_methods_of_the_class_see_the_alias(self, mapping, users):
        class Person:
            @classmethod
            def adult(cls):
                return cls.age_int > 17

            def label_of(self):
                return self.name

            limit = 5

        mapping.map_imperatively(Person, users)
        alias = aliased(Person, name="p")
        assert sql(select(alias.id).where(alias.adult())).endswith("WHERE p.age_int > :age_int_1")
        assert alias.label_of() is alias.name
        assert alias.limit == 5

    def test_an_unknown_name_is_an_attribute_error(self, User):
        with pytest.raises(AttributeError):
            _ = aliased(User).nonsense

    def test_it_says_what_it_is(self, User):
        alias = aliased(User)
        assert repr(alias).endswith("; User>")
        assert str(inspect(alias)) == "aliased(User)"
        assert "AS u" in repr(inspect(aliased(User, name="u")))


def test_two_aliases_of_one_shape_share_a_cache_key(User):
    def statement():
        alias = aliased(User)
        return select(alias, func.count(alias.id)).where(alias.age == 5)

    assert statement()._generate_cache_key() == statement()._generate_cache_key()
    assert statement()._generate_cache_key() != select(User)._generate_cache_key()


@pytest.mark.parametrize(("by_name", "cure"), [(False, "adapt_on_names"), (True, "ensure name is correct")])
def test_an_attribute_that_its_subquery_lacks_warns(User, by_name, cure):
    lean = aliased(User, select(User.id, func.upper(User.name).label("loud")).subquery(), adapt_on_names=by_name)
    with pytest.warns(SAWarning, match=f"'name'; .*{cure}"):
        _ = lean.name.expression


@pytest.mark.parametrize("make", [lambda: select(literal(1)), lambda: select(literal(1)).union(select(literal(2)))])
def test_a_select_has_to_become_a_subquery_first(make):
    with pytest.raises(ArgumentError, match=r"use the \.subquery\(\) method"):
        aliased(make())
