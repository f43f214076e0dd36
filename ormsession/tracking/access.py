"""Attribute access by name: the functions for those who have a key instead of writing ``obj.key``.

Each takes an object, finds its state and hands on to the implementation of the attribute; what differs
from plain access is said in its docstring.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from .. import exc
from .attributes import AttributeEventToken, ScalarAttributeImpl
from .history import History
from .state import STATE_KEY, InstanceState
from .symbols import NO_VALUE, OP_MODIFIED, PASSIVE_OFF

if TYPE_CHECKING:
    from .related import CollectionAttributeImpl


def _parts(instance: Any, key: str) -> tuple[InstanceState, dict[str, Any], ScalarAttributeImpl]:
    try:
        state: InstanceState = instance._sa_instance_state
        dict_: dict[str, Any] = instance.__dict__
    except exc.NO_STATE:
        raise exc.unmapped_instance(instance) from None
    attribute = state.manager.get(key)
    if attribute is None:
        raise exc.unknown_attribute(type(instance), key)
    return state, dict_, attribute.impl


def get_attribute(instance: Any, key: str) -> Any:
    """The value of an attribute, loaded if need be, as ``instance.key`` gives it.

    :param instance: an instance of a mapped class.
    :param key: the name of a mapped attribute.
    :raises InvalidRequestError: when the class has no such attribute.
    """
    state, dict_, impl = _parts(instance, key)
    return impl.get(state, dict_)


def set_attribute(instance: Any, key: str, value: Any, initiator: Any = None) -> None:
    """Set an attribute with events and history, as ``instance.key = value`` does.

    :param initiator: the token of the event that led here; listeners receive it and can break a circle.
    :raises InvalidRequestError: when the class has no such attribute.
    """
    state, dict_, impl = _parts(instance, key)
    impl.set(state, dict_, value, initiator)


def del_attribute(instance: Any, key: str) -> None:
    """Delete the value of an attribute with events and history, as ``del instance.key`` does.

    :raises AttributeError: when it has no value.
    """
    state, dict_, impl = _parts(instance, key)
    impl.delete(state, dict_)


def set_committed_value(instance: Any, key: str, value: Any) -> None:
    """Put a value as if it had been loaded: no events, no history.

    :param value: what the attribute holds from now on, in step with the database.
    """
    state, dict_, impl = _parts(instance, key)
    impl.set_committed_value(state, dict_, value)


def get_history(obj: Any, key: str, passive: int = PASSIVE_OFF) -> History:
    """The :class:`.History` of an attribute.

    :param obj: an instance of a mapped class.
    :param key: the name of a mapped attribute.
    :param passive: what may be done when the value is not loaded; by default it is loaded.
    """
    if passive is True:
        raise exc.boolean_passive()
    state, dict_, impl = _parts(obj, key)
    return impl.get_history(state, dict_, passive)


def get_state_history(state: InstanceState, key: str, passive: int = PASSIVE_OFF) -> History:
    """The :class:`.History` of an attribute of the object of *state*."""
    return state.get_history(key, passive)


def init_collection(obj: Any, key: str) -> Any:
    """Give an attribute an empty collection as if it had been loaded, and return its adapter.

    :raises ArgumentError: when the attribute holds no collection.
    """
    state, dict_, impl = _parts(obj, key)
    if not impl.collection:
        raise exc.not_a_collection(type(obj), key)
    return cast("CollectionAttributeImpl", impl).initialize_collection(state, dict_)


def init_state_collection(state: InstanceState, dict_: dict[str, Any], key: str) -> Any:
    """The same as :func:`init_collection`, for a state."""
    return cast("CollectionAttributeImpl", state.manager[key].impl).initialize_collection(state, dict_)


def flag_modified(instance: Any, key: str) -> None:
    """Mark an attribute as changed although it was not set: its column goes into the next UPDATE.

    For values that were changed in place.

    :raises InvalidRequestError: when the attribute is not loaded.
    """
    state, dict_, impl = _parts(instance, key)
    if key not in dict_:
        raise exc.cannot_flag_modified(key)
    for listener in impl.dispatch.modified:
        listener(state, AttributeEventToken(impl, OP_MODIFIED))
    # NO_VALUE as the value before: whatever the value is now, it counts as added
    state.note_change(dict_, key, NO_VALUE)
    assert state.changes is not None
    state.changes[key] = NO_VALUE


def flag_dirty(instance: Any) -> None:
    """Mark an object as changed without naming an attribute: flush events will see it."""
    state = getattr(instance, STATE_KEY, None)
    if state is None:
        raise exc.unmapped_instance(instance)
    if not state.modified:
        state.mark_modified()


def has_parent(cls: type, obj: Any, key: str, optimistic: bool = False) -> bool:
    """True when *obj* is in the attribute *key* of some instance of *cls*."""
    manager = cls.__dict__["_sa_class_manager"]
    return bool(manager[key].impl.hasparent(obj._sa_instance_state, optimistic))


def was_deleted(obj: Any) -> bool:
    """True when the row of an object was deleted in a flush of its session, committed or not.

    :raises UnmappedInstanceError: when *obj* is not tracked.
    """
    state = getattr(obj, STATE_KEY, None)
    if state is None:
        raise exc.unmapped_instance(obj)
    return bool(state.was_deleted or state.is_deleted)
