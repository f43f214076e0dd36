"""Whatever table and options there are, each column has the attribute that a simple model says, and no trace stays."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Column, Integer, MetaData, Table, select

from ormsession import column_property, registry, synonym

NAMES = ["id", "name", "age", "city", "code", "note"]


@dataclass
class Mapping:
    """A table, and what a user says about its columns."""

    columns: list[str]
    renamed: dict[str, str]
    excluded: list[str]
    included: list[str] | None
    prefix: str
    defined_by_class: list[str]
    as_subquery: bool
    extra: list[str]


@st.composite
def mappings(draw):
    columns = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    some = st.lists(st.sampled_from(columns), unique=True)
    renamed = {name: f"other_{name}" for name in draw(some)}
    return Mapping(
        columns,
        renamed,
        draw(some),
        draw(st.none() | some),
        draw(st.sampled_from(["", "c_"])),
        draw(some),
        draw(st.booleans()),
        draw(st.lists(st.sampled_from(["twice", "nick"]), unique=True)),
    )


def expected_keys(given_mapping):
    """Column name to attribute name, by the rules as a reader would say them."""
    expected = {}
    for name in given_mapping.columns:
        if name in given_mapping.renamed:
            expected[name] = given_mapping.renamed[name]
            continue
        key = given_mapping.prefix + name
        is_wanted = given_mapping.included is None or name in given_mapping.included
        if is_wanted and name not in given_mapping.excluded and key not in given_mapping.defined_by_class:
            expected[name] = key
    return expected


@given(mappings())
def test_each_column_has_the_attribute_that_the_rules_say(given_mapping):
    table = Table("t", MetaData(), *[Column(name, Integer, primary_key=True) for name in given_mapping.columns])
    selectable = select(table).subquery() if given_mapping.as_subquery else table
    expected = expected_keys(given_mapping)
    Thing = type("Thing", (), dict.fromkeys(given_mapping.defined_by_class, "own"))
    before = dict(vars(Thing))
    properties = {key: selectable.c[name] for name, key in given_mapping.renamed.items()}
    extras = {"twice": column_property(selectable.c[given_mapping.columns[0]] * 2), "nick": synonym("anything")}
    properties.update({key: extras[key] for key in given_mapping.extra})

    made = registry()
    if expected:
        mapper = made.map_imperatively(
            Thing,
            selectable,
            properties=properties,
            primary_key=[selectable.c[next(iter(expected))]],
            exclude_properties=given_mapping.excluded,
            include_properties=given_mapping.included,
            column_prefix=given_mapping.prefix,
        )
        assert [prop.key for prop in mapper.iterate_properties] == [*given_mapping.extra, *expected.values()]
        for name in given_mapping.columns:
            assert mapper.key_of(selectable.c[name]) == mapper.key_of(table.c[name]) == expected.get(name)
        assert [prop.key for prop in mapper.column_props if prop.is_writable] == (
            list(expected.values()) if len(expected) == len(given_mapping.columns) else []
        )
        thing = Thing(**dict.fromkeys(expected.values(), 7))
        assert [getattr(thing, key) for key in expected.values()] == [7] * len(expected)
        made.dispose()
    assert dict(vars(Thing)) == before
