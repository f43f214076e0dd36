"""The identity map holds one object per key, weakly, and changed objects strongly."""

from __future__ import annotations

import gc

import pytest

from ormsession import exc
from ormsession.tracking.instrumentation import instance_state

from .tracked import Holder, make_user


def test_a_clean_object_leaves_the_map_when_nobody_uses_it():
    holder = Holder()
    user = make_user()()
    holder.take(user, 1)
    assert len(holder.identity_map) == 1
    del user
    gc.collect()
    assert len(holder.identity_map) == 0
    assert not holder.identity_map


def test_a_changed_object_is_held_until_its_changes_are_gone():
    holder = Holder()
    user = make_user()()
    state = holder.take(user, 1)
    user.name = "ed"
    holder.told.clear()
    del user
    gc.collect()
    assert state() is not None
    assert holder.identity_map.check_modified()
    state.commit_all(state.dict)
    gc.collect()
    assert state() is None
    assert len(holder.identity_map) == 0


def test_objects_are_found_by_public_key():
    holder = Holder()
    user = make_user()()
    holder.take(user, 1)
    key = (type(user), (1,), None)
    assert holder.identity_map[key] is user
    assert key in holder.identity_map
    assert list(holder.identity_map) == [key]
    assert holder.identity_map.values() == [user]
    assert holder.identity_map.items() == [(key, user)]
    assert holder.identity_map.get((type(user), (2,), None)) is None


@pytest.mark.parametrize("key", ["nonsense", (1,), None, 5, (int, ([],), None)])
def test_what_is_no_key_is_not_in_the_map(key):
    assert key not in Holder().identity_map
    with pytest.raises(KeyError):
        Holder().identity_map[key]


def test_tokens_separate_equal_keys():
    holder = Holder()
    User = make_user()
    one, two = User(), User()
    instance_state(two).identity_token = "east"
    holder.take(one, 1)
    holder.take(two, 1)
    assert holder.identity_map[(User, (1,), None)] is one
    assert holder.identity_map[(User, (1,), "east")] is two


def test_a_second_object_with_the_same_key_is_refused_and_may_replace():
    holder = Holder()
    User = make_user()
    one, two = User(), User()
    first = holder.take(one, 1)
    second = instance_state(two)
    second.pk, second.session_id = 1, holder.hash_key
    with pytest.raises(exc.InvalidRequestError, match="another instance with key"):
        holder.identity_map.add(second)
    assert holder.identity_map.replace(second) is first
    assert holder.identity_map.contains_state(second)
    assert not holder.identity_map.contains_state(first)
    assert holder.identity_map.replace(second) is None


def test_adding_twice_is_told():
    holder = Holder()
    user = make_user()()
    state = holder.take(user, 1)
    assert holder.identity_map.add(state) is False


def test_discarding_another_object_of_the_same_key_keeps_the_one_that_is_there():
    holder = Holder()
    User = make_user()
    one, two = User(), User()
    holder.take(one, 1)
    other = instance_state(two)
    other.pk = 1
    holder.identity_map.discard(other)
    assert holder.identity_map[(User, (1,), None)] is one


def test_a_dead_object_that_shares_the_key_of_a_living_one_does_not_take_it_along():
    holder = Holder()
    User = make_user()
    one = User()
    holder.take(one, 1)
    two = User()
    state = instance_state(two)
    state.pk, state.session_id = 1, holder.hash_key
    holder.identity_map.replace(state)
    del one
    gc.collect()
    assert holder.identity_map[(User, (1,), None)] is two


def test_clear_forgets_everything():
    holder = Holder()
    user = make_user()()
    holder.take(user, 1)
    user.name = "x"
    holder.identity_map.clear()
    assert not holder.identity_map
    assert not holder.identity_map.check_modified()
    assert repr(holder.identity_map) == "<IdentityMap of 0 objects, 0 modified>"
