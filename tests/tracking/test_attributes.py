"""Attributes keep the old value, tell their listeners, and load what is absent through one path."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from ormsession import (
    del_attribute,
    exc,
    flag_dirty,
    flag_modified,
    get_attribute,
    get_history,
    init_collection,
    set_attribute,
    set_committed_value,
    was_deleted,
)
from ormsession.tracking import access, symbols
from ormsession.tracking.attributes import AttributeEventToken
from ormsession.tracking.instrumentation import instance_dict, instance_state, manager_of_class
from ormsession.tracking.symbols import NO_VALUE, OP_MODIFIED, OP_REPLACE

from .tracked import make_user, tracked


def committed(obj):
    instance_state(obj).commit_all(instance_dict(obj))
    return obj


def test_setting_back_the_old_value_is_no_change():
    user = make_user()()
    user.name = "ed"
    committed(user)
    user.name = "jack"
    user.name = "ed"
    assert get_history(user, "name") == ((), ["ed"], ())


def test_a_value_that_was_never_set_is_none_and_stays_absent():
    user = make_user()()
    assert user.name is None
    assert "name" not in user.__dict__
    assert get_history(user, "name") == ((), (), ())


def test_deleting_a_value_is_a_change_and_deleting_nothing_an_error():
    user = make_user()()
    user.name = "ed"
    committed(user)
    del user.name
    assert get_history(user, "name") == ((), (), ["ed"])
    assert user.name is None
    with pytest.raises(AttributeError, match="User.email object does not have a value"):
        del user.email
    assert "email" not in instance_state(user).committed_state


def test_listeners_see_the_change_and_may_replace_the_value():
    User = make_user()
    heard = []

    @event.listens_for(User.name, "set", retval=True)
    def shout(target, value, oldvalue, initiator):
        heard.append((target, value, oldvalue, initiator))
        return value.upper()

    user = User()
    user.name = "ed"
    assert user.name == "ED"
    assert heard == [(user, "ed", NO_VALUE, AttributeEventToken(User.name.impl, OP_REPLACE))]
    assert heard[0][3].parent_token is User.name
    assert "name" not in manager_of_class(User).plain


def test_a_listener_that_is_removed_is_not_called_again():
    User = make_user()
    heard = []

    def listener(target, value, oldvalue, initiator):
        heard.append(value)

    event.listen(User.name, "set", listener)
    event.remove(User.name, "set", listener)
    User().name = "ed"
    assert heard == []


def test_raw_listeners_receive_the_state():
    User = make_user()
    heard = []
    event.listen(User.name, "set", lambda target, value, oldvalue, initiator: heard.append(target), raw=True)
    user = User()
    user.name = "x"
    assert heard == [instance_state(user)]


def test_listeners_with_active_history_get_the_loaded_old_value():
    User = tracked(type("User", (), {}), "name", callable_=lambda state, passive: "from the database")
    heard = []
    event.listen(
        User.name, "set", lambda target, value, oldvalue, initiator: heard.append(oldvalue), active_history=True
    )
    User().name = "new"
    assert heard == ["from the database"]


def test_propagated_listeners_reach_subclasses_that_exist_and_that_come():
    User = make_user()

    class Early(User):
        pass

    tracked(Early, "name")
    heard = []
    event.listen(
        User.name, "set", lambda target, value, oldvalue, initiator: heard.append(type(target)), propagate=True
    )

    class Late(User):
        pass

    tracked(Late, "name")
    Early().name = "x"
    Late().name = "y"
    assert heard == [Early, Late]


def test_a_removal_is_told():
    User = make_user()
    heard = []
    event.listen(User.name, "remove", lambda target, value, initiator: heard.append(value))
    user = User()
    user.name = "ed"
    del user.name
    assert heard == ["ed"]


def test_the_value_of_an_empty_attribute_can_be_chosen():
    User = make_user()
    event.listen(User.name, "init_scalar", lambda target, value, dict_: "default", retval=True)
    assert User().name == "default"


def test_a_loader_is_asked_for_an_absent_value_only_as_far_as_allowed():
    asked = []

    def load(state, passive):
        asked.append(passive)
        return "loaded"

    User = tracked(type("User", (), {}), "name", callable_=load)
    user = User()
    state, dict_ = instance_state(user), instance_dict(user)
    assert User.name.impl.get(state, dict_, symbols.PASSIVE_NO_INITIALIZE) is symbols.PASSIVE_NO_RESULT
    assert asked == []
    assert user.name == "loaded"
    assert get_history(user, "name") == ((), ["loaded"], ())


def test_a_loader_that_lies_is_an_error():
    User = tracked(type("User", (), {}), "name", callable_=lambda state, passive: symbols.ATTR_WAS_SET)
    with pytest.raises(KeyError, match="failed to populate correctly"):
        _ = User().name


def test_an_attribute_of_one_object_compares_by_identity():
    class Parent:
        pass

    class Equal:
        def __eq__(self, other):
            return True

        __hash__ = object.__hash__

    tracked(Parent, "child", useobject=True)
    parent, one, two = Parent(), Equal(), Equal()
    parent.child = one
    committed(parent)
    parent.child = two
    history = get_history(parent, "child")
    assert history.added[0] is two
    assert history.deleted[0] is one


def test_removing_another_object_than_the_one_held_is_refused():
    class Parent:
        pass

    tracked(Parent, "child", useobject=True)
    parent, one, two = Parent(), object(), object()
    parent.child = one
    state, dict_, impl = instance_state(parent), instance_dict(parent), Parent.child.impl
    with pytest.raises(ValueError, match="not associated with <Parent"):
        impl.remove(state, dict_, two, None)
    impl.pop(state, dict_, two, None)
    assert parent.child is one
    impl.pop(state, dict_, one, None)
    assert parent.child is None
    impl.append(state, dict_, two, None)
    assert parent.child is two
    del parent.child
    assert parent.child is None


def test_functions_by_name_do_what_attribute_access_does():
    user = make_user()()
    set_attribute(user, "name", "ed")
    assert get_attribute(user, "name") == "ed"
    assert instance_state(user).committed_state == {"name": NO_VALUE}
    del_attribute(user, "name")
    assert get_attribute(user, "name") is None


def test_a_committed_value_leaves_no_trace():
    user = make_user()()
    user.name = "changed"
    set_committed_value(user, "name", "loaded")
    assert user.name == "loaded"
    assert get_history(user, "name") == ((), ["loaded"], ())


def test_flag_modified_makes_the_value_count_as_added():
    user = make_user()()
    user.name = "ed"
    committed(user)
    flag_modified(user, "name")
    assert get_history(user, "name") == (["ed"], (), ())
    assert instance_state(user).modified


def test_flag_modified_tells_listeners():
    User = make_user()
    heard = []
    event.listen(User.name, "modified", lambda target, initiator: heard.append(initiator.op))
    user = User()
    user.name = "x"
    flag_modified(user, "name")
    assert heard == [OP_MODIFIED]


def test_flag_modified_of_an_absent_value_is_refused():
    with pytest.raises(exc.InvalidRequestError, match="Can't flag attribute 'name' modified"):
        flag_modified(make_user()(), "name")


def test_flag_dirty_marks_the_object_only():
    user = make_user()()
    flag_dirty(user)
    flag_dirty(user)
    assert instance_state(user).modified
    assert instance_state(user).committed_state == {}


@pytest.mark.parametrize("function", [flag_dirty, was_deleted])
def test_objects_that_are_not_tracked_are_refused(function):
    with pytest.raises(exc.UnmappedInstanceError):
        function(object())


def test_an_unknown_attribute_or_object_is_named():
    with pytest.raises(exc.InvalidRequestError, match="has no mapped attribute named 'nope'"):
        get_attribute(make_user()(), "nope")
    with pytest.raises(exc.UnmappedInstanceError, match="Class 'builtins.object' is not mapped"):
        get_attribute(object(), "name")
    with pytest.raises(exc.UnmappedInstanceError, match="was a class .* supplied where an instance"):
        get_attribute(make_user(), "name")


def test_passive_as_a_boolean_is_refused():
    with pytest.raises(exc.ArgumentError, match="PASSIVE_"):
        get_history(make_user()(), "name", True)


def test_a_column_holds_no_collection():
    with pytest.raises(exc.ArgumentError, match="does not hold a collection"):
        init_collection(make_user()(), "name")


def test_the_committed_value_is_the_one_before_the_first_change():
    User = make_user()
    user = User()
    user.name = "ed"
    state, dict_ = instance_state(user), instance_dict(user)
    assert User.name.impl.get_committed_value(state, dict_) is None
    committed(user)
    user.name = "jack"
    assert User.name.impl.get_committed_value(state, dict_) == "ed"
    assert User.email.impl.get_committed_value(state, dict_) is None


def test_parents_of_plain_values_are_not_tracked():
    User = make_user()
    with pytest.raises(AssertionError, match="not configured to track parents"):
        access.has_parent(User, User(), "name")


def test_a_descriptor_taken_to_an_untracked_class_says_so():
    User = make_user()

    class Blog:
        name = User.__dict__["name"]

    with pytest.raises(exc.UnmappedInstanceError, match="Blog' is not mapped"):
        _ = Blog().name


def test_was_deleted_knows_both_kinds():
    user = make_user()()
    assert not was_deleted(user)
    instance_state(user).is_deleted = True
    assert was_deleted(user)
