"""What a mapper answers."""

from __future__ import annotations

import pytest
from sqlalchemy import func
from sqlalchemy.exc import InvalidRequestError

from ormsession import Mapper, column_property, deferred, exc, inspect, synonym, undeferred
from ormsession.mapping.inspection import InspectionAttr


class User:
    """Mapped by the fixture."""


@pytest.fixture
def mapper(mapping, users):
    return mapping.map_imperatively(
        User,
        users,
        properties={
            "lower": column_property(func.lower(users.c.name)),
            "title": synonym("name"),
            "age": deferred(users.c.age, group="details", raiseload=True),
        },
    )


def test_it_is_not_made_directly(users):
    with pytest.raises(InvalidRequestError, match=r"Mapper\(\) constructor may not be invoked directly"):
        Mapper(User, users)


def test_it_names_its_class_and_table(mapper):
    assert str(mapper) == "Mapper[User(users)]"
    assert repr(mapper).endswith("; User>")


def test_it_is_alone_in_its_hierarchy(mapper):
    assert mapper.mapper is mapper.base_mapper is mapper
    assert mapper.entity is mapper.class_ is User
    assert mapper.self_and_descendants == {mapper}
    assert list(mapper.iterate_to_root()) == list(mapper.polymorphic_iterator()) == [mapper]
    assert mapper.isa(mapper)
    assert mapper.common_parent(mapper)
    assert mapper.polymorphic_map == {}
    assert mapper.with_polymorphic_mappers == []
    assert (mapper.is_mapper, mapper.is_selectable, mapper.is_aliased_class) == (True, False, False)


def test_it_is_mapped_to_its_table(mapper, users):
    assert mapper.local_table is mapper.persist_selectable is mapper.selectable is users


def test_its_properties_come_by_kind(mapper):
    assert mapper.attrs.keys() == ["lower", "title", "id", "name", "age"]
    assert mapper.column_attrs.keys() == ["lower", "id", "name", "age"]
    assert mapper.synonyms.keys() == ["title"]
    assert list(mapper.relationships) == list(mapper.composites) == []
    assert mapper.attrs.name is mapper.get_property("name") is mapper.props["name"]


def test_its_columns_come_by_attribute(mapper, users):
    assert mapper.columns.id is mapper.c["id"] is users.c.id
    assert mapper.columns.contains_column(users.c.age)
    assert not mapper.columns.contains_column(users.c.id + 1)


def test_a_property_that_does_not_exist_is_named(mapper):
    assert mapper.has_property("name")
    assert not mapper.has_property("nam")
    with pytest.raises(InvalidRequestError, match=r"Mapper 'Mapper\[User\(users\)\]' has no property 'nam'"):
        mapper.get_property("nam")
    with pytest.raises(AttributeError):
        mapper.attrs.nam


def test_asking_for_a_property_may_configure_first(mapper):
    mapper.get_property("name", _configure_mappers=True)
    assert mapper.configured


def test_a_property_is_found_by_its_column(mapper, users, emails):
    assert mapper.get_property_by_column(users.c.name).key == "name"
    assert mapper.key_of(emails.c.id) is None
    with pytest.raises(exc.UnmappedColumnError, match=r"No column emails.id is configured on mapper Mapper\[User"):
        mapper.get_property_by_column(emails.c.id)


def test_deferred_columns_say_so(mapper, users):
    age = mapper.attrs.age
    assert (age.deferred, age.group, age.raiseload) == (True, "details", True)
    assert not mapper.attrs.name.deferred
    assert not undeferred(users.c.age, group="details").deferred


def test_everything_that_takes_part_in_mapping_is_listed(mapping, users):
    class Extension(InspectionAttr):
        pass

    class Base:
        inherited = Extension()
        __hidden__ = Extension()

    class Thing(Base):
        other = "plain"
        own = Extension()

    mapper = mapping.map_imperatively(Thing, users)
    assert mapper.all_orm_descriptors.keys() == ["own", "id", "name", "age", "inherited"]
    Thing.later = Extension()
    assert inspect(Thing).all_orm_descriptors.later is Thing.later


def test_identity_keys_from_rows_may_be_translated(mapper, users):
    class Adapter:
        columns = {users.c.id: "translated"}

    assert mapper.identity_key_from_row({"translated": 5}, adapter=Adapter) == (User, (5,), None)


def test_its_facts_are_equal_as_a_cache_key_only_to_its_own(mapper):
    assert mapper._generate_cache_key() == mapper._generate_cache_key()
    assert mapper._generate_cache_key() is not None


def test_an_object_without_a_state_is_refused(mapper):
    with pytest.raises(exc.UnmappedInstanceError):
        mapper.primary_key_from_instance(object())
