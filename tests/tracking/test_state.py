"""A state is a weak reference to its object and remembers what changed, what is expired, who owns it."""

from __future__ import annotations

import copy
import gc
import pickle

import pytest
from sqlalchemy import event

from ormsession import exc
from ormsession.tracking import symbols
from ormsession.tracking.instrumentation import instance_state, manager_of_class, register_class
from ormsession.tracking.state import new_state

from .tracked import Holder, make_user, tracked


class Portable:
    """At module level, so that it can be pickled."""


@pytest.fixture
def portable():
    from ormsession.tracking.instrumentation import unregister_class

    yield tracked(Portable, "name", "email")
    unregister_class(Portable)


def test_a_state_refers_weakly_to_its_object():
    user = make_user()()
    state = instance_state(user)
    assert state() is user
    assert state.obj() is user
    assert state.object is user
    del user
    gc.collect()
    assert state() is None
    assert state.dict == {}


def test_states_hash_and_compare_by_identity_whatever_the_object_says():
    class Odd:
        def __eq__(self, other):
            raise AssertionError("the object was compared")

        def __hash__(self):
            raise AssertionError("the object was hashed")

    register_class(Odd)
    one, two = Odd(), Odd()
    assert len({instance_state(one), instance_state(two), instance_state(one)}) == 2
    assert instance_state(one) == instance_state(one)
    assert instance_state(one) != instance_state(two)


def test_tracking_adds_one_object_for_the_collector_to_visit():
    User = make_user()
    users = [User.__new__(User) for _ in range(1000)]
    gc.collect()
    before = len(gc.get_objects())
    states = [new_state(user, manager_of_class(User)) for user in users]
    gc.collect()
    assert len(gc.get_objects()) - before <= len(states) + 10


def test_a_new_object_is_transient():
    state = instance_state(make_user()())
    assert state.transient
    assert (state.pending, state.persistent, state.deleted, state.detached) == (False,) * 4
    assert state.key is None
    assert state.identity is None
    assert not state.has_identity
    assert state.session is None


def test_an_owned_object_with_a_key_is_persistent_and_detached_when_its_owner_is_gone():
    holder, user = Holder(), make_user()()
    state = holder.take(user, 7)
    assert state.persistent
    assert state.session is holder
    assert state.key == (type(user), (7,), None)
    assert state.identity == (7,)
    del holder
    gc.collect()
    assert state.detached
    assert state.session is None


def test_a_deleted_row_makes_the_object_deleted_as_long_as_it_is_attached():
    holder, user = Holder(), make_user()()
    state = holder.take(user, 7)
    state.is_deleted = True
    assert state.deleted
    assert not state.persistent


def test_the_key_can_be_set_as_it_is_read_and_removed():
    state = instance_state(make_user()())
    state.key = (state.class_, (3,), "token")
    assert state.pk == 3
    assert state.identity_token == "token"
    del state.key
    assert state.key is None
    state.key = None
    assert state.pk is None


def test_a_composite_key_is_kept_as_the_tuple():
    user = make_user()()
    state = instance_state(user)
    state.manager.pk_arity = 2
    state.key = (type(user), (1, 2), None)
    assert state.pk == (1, 2)
    assert state.key == (type(user), (1, 2), None)


def test_the_first_change_keeps_the_old_value_and_tells_the_owner_once():
    holder, user = Holder(), make_user()()
    user.name = "ed"
    state = holder.take(user, 1)
    user.name = "jack"
    user.name = "wendy"
    user.email = "w@example.com"
    assert state.committed_state == {"name": "ed", "email": symbols.NO_VALUE}
    assert holder.told == [user]
    assert holder.identity_map.modified == {state: user}


def test_commit_all_forgets_changes_and_lets_the_owner_go():
    holder, user = Holder(), make_user()()
    state = holder.take(user, 1)
    user.name = "jack"
    state.commit_all(user.__dict__)
    assert not state.modified
    assert state.committed_state == {}
    assert not holder.identity_map.modified


def test_commit_of_some_attributes_keeps_the_changes_of_the_others():
    user = make_user()()
    state = instance_state(user)
    user.name, user.email = "ed", "e@example.com"
    state.commit(user.__dict__, ["name"])
    assert state.committed_state == {"email": symbols.NO_VALUE}


def test_expiry_drops_values_and_changes_and_marks_the_attributes():
    holder, user = Holder(), make_user()()
    state = holder.take(user, 1)
    user.name = "jack"
    user.__dict__["unmapped"] = 5
    state.expire(user.__dict__)
    assert user.__dict__ == {"_sa_instance_state": state, "unmapped": 5}
    assert state.expired
    assert state.expired_attributes == {"name", "email"}
    assert not state.modified
    assert not holder.identity_map.modified


def test_an_expired_attribute_is_loaded_with_all_others_at_its_next_access():
    User = make_user()
    asked = []

    def load(state, keys, passive):
        asked.append(set(keys))
        state.dict.update(dict.fromkeys(keys, "loaded"))

    manager_of_class(User).expired_attribute_loader = load
    user = User()
    state = instance_state(user)
    state.expire(user.__dict__)
    user.email = "changed"
    assert user.name == "loaded"
    assert user.email == "changed"
    assert asked == [{"name"}]
    assert not state.expired_keys


def test_expiry_of_some_attributes_leaves_the_others():
    user = make_user()()
    user.name, user.email = "ed", "e"
    state = instance_state(user)
    state.expire_attributes(user.__dict__, ["name"])
    assert "name" not in user.__dict__
    assert user.email == "e"
    assert state.expired_attributes == {"name"}
    assert state.incomplete


def test_an_expired_attribute_without_a_loader_says_that_there_is_no_session():
    user = make_user()()
    instance_state(user).expire(user.__dict__)
    with pytest.raises(exc.DetachedInstanceError, match="is not bound to a Session; attribute refresh operation"):
        _ = user.name


def test_expiry_tells_listeners_which_attributes():
    User = make_user()
    heard = []
    event.listen(User, "expire", lambda target, attrs: heard.append((target, attrs)))
    user = User()
    state = instance_state(user)
    state.expire(user.__dict__)
    state.expire_attributes(user.__dict__, ["name"])
    assert heard == [(user, None), (user, ["name"])]


def test_the_last_known_value_survives_expiry_when_it_is_tracked():
    user = make_user()()
    user.name = "ed"
    state = instance_state(user)
    state.track_last_known_value("name")
    state.expire_attributes(user.__dict__, ["name"])
    assert state.last_known == {"name": "ed"}
    user.name = "jack"
    assert state.last_known == {"name": symbols.NO_VALUE}
    state.expire(user.__dict__)
    assert state.last_known == {"name": "jack"}


def test_unloaded_and_unmodified_name_the_attributes():
    user = make_user()()
    user.name = "ed"
    state = instance_state(user)
    assert state.unloaded == {"email"}
    assert state.unloaded_expirable == {"email"}
    assert state.unmodified == {"email"}


def test_attrs_give_value_loaded_value_and_history():
    user = make_user()()
    user.name = "ed"
    attrs = instance_state(user).attrs
    assert attrs.name.value == "ed"
    assert attrs.email.loaded_value is symbols.NO_VALUE
    assert attrs.email.value is None
    assert attrs.name.history.added == ["ed"]
    assert attrs["name"].load_history().added == ["ed"]
    assert sorted(attrs) == ["email", "name"]
    assert len(attrs) == 2
    with pytest.raises(AttributeError, match="no mapped attribute 'nope'"):
        _ = attrs.nope
    with pytest.raises(KeyError):
        attrs["nope"]


def test_notes_of_the_user_stay_with_the_state():
    state = instance_state(make_user()())
    state.info["x"] = 1
    assert state.info == {"x": 1}


def test_reset_drops_value_change_and_own_loader():
    user = make_user()()
    user.name = "ed"
    state = instance_state(user)
    state.callables["name"] = lambda state, passive: "own"
    state.reset(user.__dict__, "name")
    assert "name" not in user.__dict__
    assert state.committed_state == {}
    assert user.name is None


def test_a_loader_of_the_object_is_asked_for_an_absent_value():
    user = make_user()()
    instance_state(user).callables["name"] = lambda state, passive: "own"
    assert user.name == "own"


def test_pickling_keeps_values_key_and_changes_but_not_the_session(portable):
    holder, user = Holder(), portable()
    user.name = "ed"
    state = holder.take(user, 5)
    state.is_deleted = True
    user.name = "jack"
    restored = pickle.loads(pickle.dumps(user))
    other = instance_state(restored)
    assert other is not state
    assert other() is restored
    assert (restored.name, other.key, other.committed_state) == ("jack", (portable, (5,), None), {"name": "ed"})
    assert other.detached
    assert not other.is_deleted


def test_pickling_keeps_what_is_expired(portable):
    user = portable()
    instance_state(user).expire(user.__dict__)
    restored = pickle.loads(pickle.dumps(user))
    assert instance_state(restored).expired_keys == {"name", "email"}


def test_a_state_can_be_pickled_before_its_object(portable):
    user = portable()
    user.name = "ed"
    state, restored = pickle.loads(pickle.dumps((instance_state(user), user)))
    assert state() is restored
    assert restored.name == "ed"


def test_listeners_see_pickling_and_unpickling(portable):
    heard = []
    event.listen(portable, "pickle", lambda target, state_dict: heard.append("pickle"))
    event.listen(portable, "unpickle", lambda target, state_dict: heard.append("unpickle"))
    pickle.loads(pickle.dumps(portable()))
    assert heard == ["pickle", "unpickle"]


def test_unpickling_an_object_of_a_class_that_is_not_mapped_is_refused(portable):
    from ormsession.tracking.instrumentation import unregister_class

    data = pickle.dumps(portable())
    unregister_class(portable)
    with pytest.raises(exc.UnmappedInstanceError, match="Cannot deserialize object of type"):
        pickle.loads(data)


@pytest.mark.parametrize("copier", [copy.copy, copy.deepcopy])
def test_a_copy_is_a_new_transient_object_with_the_same_values(copier):
    holder, user = Holder(), make_user()()
    user.name = "ed"
    state = holder.take(user, 5)
    copied = copier(user)
    assert copied.name == "ed"
    assert instance_state(copied) is not state
    assert instance_state(copied)() is copied
    assert instance_state(copied).transient
    copied.name = "jack"
    assert user.name == "ed"


def test_a_changed_object_that_is_gone_cannot_tell_its_owner():
    holder, user = Holder(), make_user()()
    state = holder.take(user, 5)
    del user
    gc.collect()
    with pytest.raises(exc.ObjectDereferencedError, match="has been garbage collected"):
        state.mark_modified()


def test_a_state_names_its_object():
    user = make_user()()
    assert repr(instance_state(user)) == f"<InstanceState of <User at 0x{id(user):x}>>"
