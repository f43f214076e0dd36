"""Which attribute stands for which column."""

from __future__ import annotations

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, join, select
from sqlalchemy.exc import ArgumentError, InvalidRequestError

from ormsession import ColumnProperty, column_property, inspect, synonym


class Thing:
    """Mapped anew by each test."""


def keys(mapper):
    return [prop.key for prop in mapper.iterate_properties]


def test_each_column_gets_an_attribute_of_its_name_in_the_order_of_the_table(mapping, users):
    assert keys(mapping.map_imperatively(Thing, users)) == ["id", "name", "age"]


def test_a_column_named_in_properties_is_mapped_under_that_name_only(mapping, users):
    mapper = mapping.map_imperatively(Thing, users, properties={"login": users.c.name})
    assert keys(mapper) == ["id", "login", "age"]
    assert mapper.key_of(users.c.name) == "login"
    assert not hasattr(Thing, "name")


def test_expressions_and_other_names_come_before_the_columns(mapping, users):
    mapper = mapping.map_imperatively(
        Thing,
        users,
        properties={"age": users.c.age, "lower": column_property(func.lower(users.c.name)), "nick": synonym("name")},
    )
    assert keys(mapper) == ["lower", "nick", "id", "name", "age"]


def test_one_column_may_have_two_attributes_and_the_last_one_is_written(mapping, users):
    mapper = mapping.map_imperatively(Thing, users, properties={"name": users.c.name, "title": users.c.name})
    assert keys(mapper) == ["id", "name", "title", "age"]
    assert mapper.key_of(users.c.name) == "title"
    assert [prop.key for prop in mapper.column_props if prop.is_writable] == ["id", "title", "age"]


def test_a_prefix_stands_before_names_that_are_not_written_out(mapping, users):
    mapper = mapping.map_imperatively(Thing, users, column_prefix="c_", properties={"login": users.c.name})
    assert keys(mapper) == ["c_id", "login", "c_age"]


@pytest.mark.parametrize("as_names", [True, False])
def test_only_included_columns_are_mapped(mapping, users, as_names):
    wanted = ["id", "name"] if as_names else [users.c.id, users.c.name]
    assert keys(mapping.map_imperatively(Thing, users, include_properties=wanted)) == ["id", "name"]


@pytest.mark.parametrize("as_names", [True, False])
def test_excluded_columns_are_not_mapped(mapping, users, as_names):
    unwanted = ["age"] if as_names else [users.c.age]
    assert keys(mapping.map_imperatively(Thing, users, exclude_properties=unwanted)) == ["id", "name"]


def test_including_nothing_leaves_what_properties_say(mapping, users):
    mapper = mapping.map_imperatively(Thing, users, include_properties=[], properties={"number": users.c.id})
    assert keys(mapper) == ["number"]


class TestWhatTheClassDefines:
    @pytest.mark.parametrize("value", ["text", 5, {"a": 1}, lambda self: 1, property(lambda self: "own")])
    def test_hides_the_column_of_that_name(self, mapping, users, value):
        class User:
            name = value

        mapper = mapping.map_imperatively(User, users)
        assert keys(mapper) == ["id", "age"]
        assert User.__dict__["name"] is value

    @pytest.mark.parametrize("value", [None, "", 0])
    def test_does_not_when_it_is_an_empty_default(self, mapping, users, value):
        class User:
            name = value

        assert keys(mapping.map_imperatively(User, users)) == ["id", "name", "age"]

    def test_does_not_when_it_is_the_column_itself(self, mapping, users):
        class User:
            name = users.c.name

        assert keys(mapping.map_imperatively(User, users)) == ["id", "name", "age"]

    def test_does_not_when_properties_name_it(self, mapping, users):
        class User:
            name = "text"

        mapper = mapping.map_imperatively(User, users, properties={"name": users.c.name})
        assert keys(mapper) == ["id", "name", "age"]
        assert User(name="ed").name == "ed"

    def test_does_not_when_the_prefix_makes_another_name(self, mapping, users):
        class User:
            def name(self):
                return "method"

        assert keys(mapping.map_imperatively(User, users, column_prefix="p_")) == ["p_id", "p_name", "p_age"]


class TestJoins:
    def test_two_columns_of_one_name_are_not_merged_by_accident(self, mapping, users, emails):
        with pytest.raises(InvalidRequestError, match="Implicitly combining column users.id with column emails.id"):
            mapping.map_imperatively(Thing, join(users, emails))

    def test_columns_of_equal_value_share_an_attribute_when_both_are_named(self, mapping, users, emails):
        mapper = mapping.map_imperatively(
            Thing,
            join(users, emails),
            properties={"id": column_property(users.c.id, emails.c.user_id), "email_id": emails.c.id},
        )
        assert keys(mapper) == ["id", "name", "age", "email_id", "address"]
        assert mapper.get_property("id").columns == [users.c.id, emails.c.user_id]
        assert mapper.key_of(emails.c.user_id) == "id"
        assert mapper.primary_key == (users.c.id, emails.c.id)
        assert mapper.tables == (users, emails)

    def test_a_list_of_columns_means_the_same(self, mapping, users, emails):
        mapper = mapping.map_imperatively(
            Thing, join(users, emails), properties={"id": [users.c.id, emails.c.user_id], "email_id": emails.c.id}
        )
        assert mapper.key_of(emails.c.user_id) == mapper.key_of(users.c.id) == "id"

    def test_the_tables_are_in_the_order_of_their_foreign_keys(self, mapping, users, emails):
        mapper = mapping.map_imperatively(Thing, join(emails, users), properties={"email_id": emails.c.id})
        assert mapper.tables == (users, emails)

    def test_an_excluded_column_makes_no_conflict(self, mapping, users, emails):
        mapper = mapping.map_imperatively(
            Thing, join(users, emails), primary_key=[users.c.id], exclude_properties=[emails.c.id]
        )
        assert keys(mapper) == ["id", "name", "age", "user_id", "address"]


class TestSubqueries:
    def test_their_columns_stand_for_those_of_the_table(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, select(users.c.id, users.c.name).subquery())
        assert keys(mapper) == ["id", "name"]
        assert mapper.key_of(users.c.name) == "name"
        assert mapper.tables == (users,)
        assert all(prop.is_writable for prop in mapper.column_props)

    def test_a_computed_column_is_only_read(self, mapping, users):
        counted = select(users.c.id, func.length(users.c.name).label("length")).subquery()
        mapper = mapping.map_imperatively(Thing, counted)
        assert {prop.key: prop.is_writable for prop in mapper.column_props} == {"id": True, "length": False}

    def test_a_column_of_the_table_in_properties_means_that_of_the_subquery(self, mapping, users):
        subquery = select(users).subquery()
        mapper = mapping.map_imperatively(
            Thing, subquery, properties={"login": users.c.name, "years": column_property(users.c.age)}
        )
        assert mapper.get_property("login").columns == [subquery.c.name]
        assert mapper.get_property("years").columns == [subquery.c.age]


class TestRefusals:
    def test_a_column_of_another_table_names_the_cure(self, mapping, users, emails):
        with pytest.raises(ArgumentError, match=r"column 'emails.address' is not represented.*column_property\(\)"):
            mapping.map_imperatively(Thing, users, properties={"address": emails.c.address})

    @pytest.mark.parametrize("value", ["name", 5, None, [], ["name"], object()])
    def test_what_is_neither_column_nor_property(self, mapping, users, value):
        with pytest.raises(ArgumentError, match=r"Property 'a' of Mapper\[Thing\(users\)\] expects a column"):
            mapping.map_imperatively(Thing, users, properties={"a": value})

    def test_another_kind_of_property_under_the_name_of_a_column(self, mapping, users):
        with pytest.raises(ArgumentError, match=r"column 'users.name' conflicts with property.*another name"):
            mapping.map_imperatively(Thing, users, properties={"name": synonym("age")})

    def test_a_column_under_the_name_of_an_unrelated_one(self, mapping, users):
        with pytest.raises(InvalidRequestError, match="Implicitly combining column users.age with column users.name"):
            mapping.map_imperatively(Thing, users, properties={"name": users.c.age})

    def test_a_property_of_another_mapper(self, mapping, users):
        class Other:
            pass

        prop = column_property(users.c.name)
        mapping.map_imperatively(Thing, users, properties={"name": prop})
        with pytest.raises(ArgumentError, match=r"belongs to Mapper\[Thing\(users\)\] already"):
            mapping.map_imperatively(Other, users, properties={"name": prop})


class TestAddProperty:
    def test_a_mapped_class_gets_one_more_attribute(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users, exclude_properties=["age"])
        mapper.add_property("age", users.c.age)
        assert keys(mapper) == ["id", "name", "age"]
        assert Thing(age=5).age == 5
        assert mapper.key_of(users.c.age) == "age"

    def test_a_column_added_to_the_table_can_be_mapped(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users)
        thing = Thing(name="ed")
        users.append_column(Column("city", String(20)))
        mapper.add_property("city", users.c.city)
        thing.city = "Rome"
        assert inspect(thing).attrs.city.history.added == ["Rome"]

    def test_a_column_attribute_may_be_replaced_by_a_synonym(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users)
        mapper.add_property("title", users.c.name)
        mapper.add_property("name", synonym("title"))
        thing = Thing(name="ed")
        assert thing.title == "ed"
        assert mapper.key_of(users.c.name) == "title"

    def test_a_synonym_that_maps_the_column_moves_it(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users)
        mapper.add_property("name", synonym("title", map_column=True))
        assert mapper.key_of(users.c.name) == "title"
        assert Thing(name="ed").title == "ed"

    def test_what_the_rooms_above_derived_is_dropped(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users)
        mapper.memo["statement"] = object()
        mapper.add_property("lower", column_property(func.lower(users.c.name)))
        assert mapper.memo == {}
        assert not mapper.get_property("lower").is_writable

    def test_a_refused_one_leaves_the_mapper_as_it_was(self, mapping, users, emails):
        mapper = mapping.map_imperatively(Thing, users)
        with pytest.raises(ArgumentError):
            mapper.add_property("address", emails.c.address)
        assert keys(mapper) == ["id", "name", "age"]
        assert not hasattr(Thing, "address")


def test_a_column_property_knows_its_column_and_documentation(mapping, users):
    mapper = mapping.map_imperatively(
        Thing, users, properties={"name": column_property(users.c.name, doc="how to call", info={"a": 1})}
    )
    prop = mapper.get_property("name")
    assert isinstance(prop, ColumnProperty)
    assert (prop.expression, prop.parent, str(prop)) == (users.c.name, mapper, "Thing.name")
    assert Thing.name.__doc__ == "how to call"
    assert Thing.id.__doc__ == "number of the user"
    assert prop.info == {"a": 1}
    assert prop.class_attribute is Thing.name
    assert "ColumnProperty" in repr(prop)


def test_an_expression_without_a_name_gets_a_label(users):
    prop = column_property(func.lower(users.c.name))
    assert prop.expression.name is not None
    assert str(prop.expression.element) == "lower(users.name)"
    assert str(prop) == "ColumnProperty of no mapper"


def test_text_is_no_expression():
    with pytest.raises(ArgumentError):
        column_property("name")


def test_a_table_without_foreign_key_order_keeps_the_order_of_the_join(mapping):
    metadata = MetaData()
    a = Table("a", metadata, Column("x", Integer, primary_key=True))
    b = Table("b", metadata, Column("y", Integer, primary_key=True))
    mapper = mapping.map_imperatively(Thing, join(a, b, a.c.x == b.c.y))
    assert set(mapper.tables) == {a, b}


def test_notes_on_an_attribute_are_those_of_its_column_or_else_its_own(mapping, users):
    mapping.map_imperatively(
        Thing, users, properties={"lower": column_property(func.lower(users.c.name), info={"a": 1})}
    )
    assert Thing.name.info is users.c.name.info
    assert Thing.lower.info == {"a": 1}


def test_an_attribute_without_documentation_has_no_docstring(mapping, users):
    mapping.map_imperatively(Thing, users)
    assert Thing.name.__doc__ is None


def test_an_added_property_that_cannot_be_instrumented_leaves_the_mapper_as_it_was(mapping, users):
    mapper = mapping.map_imperatively(Thing, users)
    with pytest.raises(KeyError, match="conflicts with instrumentation attribute"):
        mapper.add_property("_sa_instance_state", users.c.name)
    assert keys(mapper) == ["id", "name", "age"]
    assert mapper.key_of(users.c.name) == "name"
    assert Thing(name="ed").name == "ed"


def test_a_property_may_be_used_again_once_its_mapper_is_gone(mapping, users):
    finished = []

    class Noted(ColumnProperty):
        def do_init(self):
            finished.append(self.parent)

    prop = Noted(users.c.name)
    for _ in range(2):
        mapper = mapping.map_imperatively(Thing, users, properties={"name": prop})
        mapping.configure()
        assert finished.pop() is mapper
        mapping.dispose()


def test_columns_that_descend_from_one_another_share_a_name(mapping, users):
    subquery = select(users.c.id, users.c.name, users.c.name.label("other")).subquery()
    mapper = mapping.map_imperatively(Thing, subquery, properties={"name": subquery.c.other})
    assert mapper.get_property("name").columns == [subquery.c.other, subquery.c.name]


def test_an_attribute_of_another_class_stands_for_its_column(mapping, users):
    class Other:
        pass

    mapping.map_imperatively(Other, users)
    mapper = mapping.map_imperatively(Thing, users, properties={"title": Other.name})
    assert mapper.get_property("title").columns == [users.c.name]
    assert mapper.get_property("title").columns[0] is users.c.name


def test_something_that_is_no_column_after_all_is_refused(mapping, users):
    class Other:
        pass

    mapping.map_imperatively(Other, users)
    with pytest.raises(ArgumentError, match="Property 'title' of .* expects a column"):
        mapping.map_imperatively(Thing, users, properties={"title": Other})


def test_notes_start_empty_and_are_kept(mapping, users):
    mapper = mapping.map_imperatively(Thing, users)
    mapper.attrs.name.info["seen"] = True
    assert mapper.attrs.name.info == {"seen": True}
