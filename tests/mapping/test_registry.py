"""Registries: what they know of, and how they depend on each other."""

from __future__ import annotations

import gc
import weakref

import pytest
from sqlalchemy import MetaData
from sqlalchemy.exc import InvalidRequestError

from ormsession import registry


class One:
    """Mapped anew by each test."""


class Two:
    """Mapped anew by each test."""


@pytest.fixture
def chain(users, emails):
    """Two registries with a mapped class each; a class of the first refers to one of the second."""
    first, second = registry(), registry()
    mappers = first.map_imperatively(One, users), second.map_imperatively(Two, emails)
    first.add_dependency(second)
    yield first, second, *mappers
    second.dispose(cascade=True)
    first.dispose(cascade=True)


def test_it_has_metadata_of_its_own_or_that_which_it_is_given():
    metadata = MetaData()
    assert registry(metadata=metadata).metadata is metadata
    assert isinstance(registry().metadata, MetaData)


def test_it_keeps_what_annotations_mean():
    assert registry(type_annotation_map={int: "x"}).type_annotation_map == {int: "x"}


def test_it_knows_its_mappers(mapping, users, emails):
    assert not mapping.has_mappers
    mappers = {mapping.map_imperatively(One, users), mapping.map_imperatively(Two, emails)}
    assert mapping.mappers == mappers
    assert mapping.has_mappers


def test_a_mapped_class_lives_only_as_long_as_somebody_uses_it_once_disposed(users):
    def map_and_dispose():
        class Passing:
            pass

        made = registry()
        made.map_imperatively(Passing, users)
        Passing(name="ed")
        made.dispose()
        return weakref.ref(Passing)

    dead = map_and_dispose()
    gc.collect()
    assert dead() is None


class TestConfigure:
    def test_includes_what_it_depends_on_when_told_to(self, chain):
        first, second, one, two = chain
        first.configure(cascade=True)
        assert (one.configured, two.configured) == (True, True)
        assert (first.has_new_mappers, second.has_new_mappers) == (False, False)

    def test_says_so_when_not_told_to(self, chain):
        first, _, _, two = chain
        with pytest.raises(InvalidRequestError, match="configure was called with cascade=False but additional"):
            first.configure()
        assert not two.configured

    @pytest.mark.parametrize("cascade", [True, False])
    def test_leaves_those_alone_that_depend_on_it(self, chain, cascade):
        first, second, one, two = chain
        second.configure(cascade=cascade)
        assert (one.configured, two.configured) == (False, True)
        assert (first.has_new_mappers, second.has_new_mappers) == (True, False)

    def test_a_new_class_makes_those_wait_that_depend_on_it(self, chain, metadata):
        first, second, _, _ = chain
        first.configure(cascade=True)

        class Three:
            pass

        second.map_imperatively(Three, metadata.tables["users"])
        assert first.has_new_mappers
        One()
        assert not first.has_new_mappers
        assert not second.has_new_mappers


class TestDispose:
    @pytest.mark.parametrize("cascade", [True, False])
    def test_leaves_alone_what_it_depends_on(self, chain, cascade):
        first, second, one, two = chain
        first.dispose(cascade=cascade)
        assert (one.is_disposed, two.is_disposed) == (True, False)
        assert second.mappers == {two}
        second.dispose()

    def test_takes_along_those_that_depend_on_it_when_told_to(self, chain):
        first, second, one, two = chain
        second.dispose(cascade=True)
        assert (one.is_disposed, two.is_disposed) == (True, True)
        assert first.mappers == second.mappers == frozenset()

    def test_says_so_when_not_told_to(self, chain):
        _, second, one, two = chain
        with pytest.raises(InvalidRequestError, match="Registry has dependent registries that are not disposed"):
            second.dispose()
        assert (one.is_disposed, two.is_disposed) == (False, False)
        assert One(name="ed").name == "ed"

    def test_a_registry_does_not_depend_on_itself(self, mapping, users):
        mapping.map_imperatively(One, users)
        mapping.add_dependency(mapping)
        mapping.dispose()
        assert not mapping.has_mappers


def test_it_finds_classes_by_name_for_as_long_as_they_are_mapped(users, emails):
    made = registry()
    made.map_imperatively(One, users)
    other = type("One", (), {})
    made.map_imperatively(other, emails)
    assert made.classes_named("One") == {One, other}
    assert made.classes_named("Two") == set()
    made.dispose()
    assert made.classes_named("One") == set()
