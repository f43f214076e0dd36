"""From what a user holds to the mapper or state behind it."""

from __future__ import annotations

import pytest
import sqlalchemy
from sqlalchemy import create_engine, insert, select
from sqlalchemy.exc import ArgumentError, NoInspectionAvailable

from ormsession import (
    InstanceState,
    aliased,
    class_mapper,
    exc,
    identity_key,
    inspect,
    object_mapper,
    object_state,
    synonym,
)
from ormsession.mapping.lookup import mapper_of


class User:
    """Mapped by the fixture."""


class Plain:
    """Never mapped."""


@pytest.fixture
def mapper(mapping, users):
    return mapping.map_imperatively(User, users, properties={"title": synonym("name")})


class TestInspect:
    def test_a_class_gives_its_mapper(self, mapper):
        assert inspect(User) is mapper

    def test_an_object_gives_its_state(self, mapper):
        user = User()
        assert isinstance(inspect(user), InstanceState)
        assert inspect(user).object is user
        assert inspect(user).mapper is mapper

    def test_an_object_of_a_subclass_gives_its_state(self, mapper):
        class Admin(User):
            pass

        assert inspect(Admin()).is_instance

    def test_what_was_inspected_gives_itself(self, mapper):
        for found in (mapper, inspect(User()), User.name, User.title):
            assert inspect(found) is found

    def test_an_alias_gives_what_it_stands_for(self, mapper):
        assert inspect(aliased(User)).mapper is mapper

    def test_other_things_are_left_to_core(self, mapper):
        assert inspect(create_engine("sqlite://")).dialect.name == "sqlite"

    @pytest.mark.parametrize("given", [Plain, Plain(), 5, int])
    def test_what_is_not_mapped_has_nothing_to_inspect(self, given):
        with pytest.raises(NoInspectionAvailable):
            inspect(given)
        assert inspect(given, raiseerr=False) is None

    def test_core_finds_objects_too_and_nothing_about_classes(self, mapper):
        user = User()
        assert sqlalchemy.inspect(user) is inspect(user)
        assert sqlalchemy.inspect(mapper) is mapper
        with pytest.raises(NoInspectionAvailable):
            sqlalchemy.inspect(User)


class TestMappers:
    def test_are_found_by_class_mapper_and_alias(self, mapper):
        assert class_mapper(User) is mapper_of(User) is mapper_of(mapper) is mapper_of(aliased(User)) is mapper

    def test_an_object_leads_to_that_of_its_class(self, mapper):
        assert object_mapper(User()) is mapper
        assert object_state(User()).mapper is mapper

    def test_a_class_that_is_not_mapped_is_named(self):
        with pytest.raises(exc.UnmappedClassError, match=r"Class '.*Plain' is not mapped"):
            class_mapper(Plain)

    @pytest.mark.parametrize("given", [5, "User", (5, 6), None])
    def test_what_is_no_class_is_shown(self, given):
        with pytest.raises(ArgumentError) as caught:
            class_mapper(given)
        assert str(caught.value) == f"Class object expected, got '{given!r}'."

    def test_an_object_is_no_class(self, mapper):
        with pytest.raises(ArgumentError, match="Class object expected"):
            class_mapper(User())

    def test_an_object_that_is_not_mapped_is_named(self):
        for look in (object_mapper, object_state):
            with pytest.raises(exc.UnmappedInstanceError, match=r"Class '.*Plain' is not mapped"):
                look(Plain())

    def test_an_object_whose_mapping_is_gone_is_named(self, users):
        from ormsession import registry

        made = registry()
        made.map_imperatively(Plain, users)
        plain = Plain()
        made.dispose()
        with pytest.raises(exc.UnmappedInstanceError):
            object_mapper(plain)


class TestIdentityKeys:
    @pytest.mark.parametrize("ident", [7, (7,), [7]])
    def test_of_a_primary_key(self, mapper, ident):
        assert identity_key(User, ident) == (User, (7,), None)

    def test_of_text_is_not_taken_apart(self, mapper):
        assert identity_key(User, "ab") == (User, ("ab",), None)

    def test_of_an_object(self, mapper):
        user = User(id=7)
        assert identity_key(instance=user) == mapper.identity_key_from_instance(user) == (User, (7,), None)
        assert mapper.primary_key_from_instance(user) == [7]

    def test_of_a_row(self, mapper, users, metadata, engine):
        metadata.create_all(engine)
        with engine.begin() as connection:
            connection.execute(insert(users), {"id": 7, "name": "ed"})
            row = connection.execute(select(users)).one()
        assert identity_key(User, row=row) == (User, (7,), None)
        assert identity_key(User, row=row._mapping) == (User, (7,), None)
        assert identity_key(User, row=row, identity_token="shard") == (User, (7,), "shard")

    def test_carry_the_token(self, mapper):
        assert identity_key(User, 7, identity_token="shard") == (User, (7,), "shard")

    @pytest.mark.parametrize("arguments", [{}, {"class_": User}, {"class_": User, "ident": 1, "row": {}}])
    def test_need_a_class_with_a_key_or_an_object(self, mapper, arguments):
        with pytest.raises(ArgumentError, match=r"identity_key\(\) takes"):
            identity_key(**arguments)
