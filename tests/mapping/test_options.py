"""The options of a mapping: which exist, and what their values may be."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import ArgumentError

from ormsession.mapping.options import OPTION_NAMES


class Thing:
    """Mapped anew by each test."""


def test_an_unknown_one_is_refused_with_those_that_exist(mapping, users):
    with pytest.raises(ArgumentError) as caught:
        mapping.map_imperatively(Thing, users, exclude_propertys=["age"])
    assert "'exclude_propertys' is no option for mapping class" in str(caught.value)
    assert all(name in str(caught.value) for name in OPTION_NAMES)


@pytest.mark.parametrize(
    ("name", "cure"), [("order_by", "on the statement"), ("non_primary", "aliased"), ("extension", "mapper events")]
)
def test_one_of_old_releases_is_refused_with_what_to_write_today(mapping, users, name, cure):
    with pytest.raises(ArgumentError, match=cure):
        mapping.map_imperatively(Thing, users, **{name: users.c.id})


def test_those_of_class_hierarchies_are_refused_unless_they_say_nothing(mapping, users):
    with pytest.raises(ArgumentError, match="can't be mapped with 'inherits'"):
        mapping.map_imperatively(Thing, users, inherits=object)
    mapper = mapping.map_imperatively(Thing, users, inherits=None, concrete=False, polymorphic_on=None)
    assert (mapper.inherits, mapper.concrete, mapper.single, mapper.polymorphic_on) == (None, False, False, None)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("include_properties", "name", "a collection of column names"),
        ("exclude_properties", 5, "a collection of column names"),
        ("properties", 5, "a dictionary"),
        ("properties", {5: None}, "names of attributes as keys"),
        ("eager_defaults", "always", '"auto"'),
        ("version_id_generator", 5, "a function of the last version"),
    ],
)
def test_a_value_of_the_wrong_form_is_refused(mapping, users, name, value, expected):
    with pytest.raises(ArgumentError, match=f"Option {name!r}.*{expected}"):
        mapping.map_imperatively(Thing, users, **{name: value})


def test_the_defaults(mapping, users):
    mapper = mapping.map_imperatively(Thing, users)
    assert mapper.eager_defaults == "auto"
    assert mapper.batch
    assert mapper.confirm_deleted_rows
    assert mapper.passive_updates
    assert mapper.allow_partial_pks
    assert not mapper.passive_deletes
    assert not mapper.always_refresh
    assert mapper.version_id_col is None
    assert mapper.version_id_key is None


class TestVersions:
    def test_the_column_is_found_with_its_attribute(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users, version_id_col=users.c.age, properties={"version": users.c.age})
        assert (mapper.version_id_col, mapper.version_id_key) == (users.c.age, "version")
        assert mapper.version_id_generator(None) == 1
        assert mapper.version_id_generator(7) == 8

    def test_another_generator_or_none_at_all(self, mapping, users):
        mapper = mapping.map_imperatively(Thing, users, version_id_col="age", version_id_generator=False)
        assert mapper.version_id_generator is False

    def test_a_column_that_is_left_out_is_refused(self, mapping, users):
        with pytest.raises(ArgumentError, match="'version_id_col' of .* names column 'users.age', which is not mapped"):
            mapping.map_imperatively(Thing, users, version_id_col=users.c.age, exclude_properties=["age"])

    def test_a_column_of_another_table_is_refused(self, mapping, users, emails):
        with pytest.raises(ArgumentError, match="column 'emails.id' is not represented"):
            mapping.map_imperatively(Thing, users, version_id_col=emails.c.id)


def test_a_column_as_discriminator_is_refused_like_the_other_options_of_hierarchies(mapping, users):
    with pytest.raises(ArgumentError, match="can't be mapped with 'polymorphic_on'"):
        mapping.map_imperatively(Thing, users, polymorphic_on=users.c.name)


def test_no_names_at_all_leave_everything_mapped(mapping, users):
    mapper = mapping.map_imperatively(Thing, users, include_properties=None, exclude_properties=None, properties=None)
    assert [prop.key for prop in mapper.iterate_properties] == ["id", "name", "age"]
