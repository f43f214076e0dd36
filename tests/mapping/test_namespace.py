"""Collections whose entries have names."""

from __future__ import annotations

import copy
import pickle

import pytest

from ormsession.mapping.namespace import Namespace


@pytest.fixture
def entries():
    return Namespace({"id": 1, "name": 2})


def test_entries_are_reached_in_three_ways(entries):
    assert entries.id == entries["id"] == entries.get("id") == 1
    assert entries.get("other") is None
    assert entries.get("other", 5) == 5


def test_iterating_gives_the_entries_in_order(entries):
    assert list(entries) == list(entries.values()) == [1, 2]
    assert entries.keys() == ["id", "name"]
    assert dict(entries) == dict(entries.items()) == {"id": 1, "name": 2}
    assert len(entries) == 2
    assert "id" in entries
    assert 1 not in entries


def test_what_is_missing_is_named(entries):
    with pytest.raises(KeyError, match="other"):
        entries["other"]
    with pytest.raises(AttributeError, match="other"):
        entries.other


def test_nothing_can_be_set(entries):
    with pytest.raises(TypeError, match="read-only"):
        entries.id = 5


def test_it_shows_its_names(entries):
    assert repr(entries) == "Namespace(id, name)"
    assert {"id", "name"} <= set(dir(entries))


def test_it_can_be_copied_and_pickled(entries):
    assert dict(copy.copy(entries)) == dict(pickle.loads(pickle.dumps(entries))) == {"id": 1, "name": 2}
