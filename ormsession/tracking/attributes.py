"""How one attribute of a tracked class behaves: the descriptor on the class and the implementation behind it.

The descriptor, :class:`Attribute`, is a *non-data* descriptor.  A loaded value lies in the instance's
``__dict__``, where Python finds it without calling us (17 ns instead of 131); only an absent value, one
that was never set, is expired or deferred, reaches ``Attribute.__get__``.  Writes are seen by the
``__setattr__`` that instrumentation puts on the class.  A class with a ``__setattr__`` of its own may
write behind ours, with ``object.__setattr__``; there a :class:`WriteWatch`, which Python asks first,
stands in the attribute's place.

The *implementation* (``impl``) is shared by all who mean the same attribute.  It is given the state and
the dictionary by its caller, who has them at hand, and answers with values or with the symbols of
``symbols``:

:class:`ScalarAttributeImpl` is that of one plain value; old values are not loaded unless
``active_history`` asks for it.  Those that hold other objects are in ``related``.

There is one path for absent values, :meth:`ScalarAttributeImpl.get`: expired attributes are loaded
together, else the state's own loader is asked, else the attribute's ``load`` slot, which is empty here
and filled from above when mappings are configured.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from .. import events, exc
from .history import NO_HISTORY, UNCHANGED, History, scalar_history
from .symbols import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    CALLABLES_OK,
    INIT_OK,
    NO_VALUE,
    OP_APPEND,
    OP_REMOVE,
    OP_REPLACE,
    PASSIVE_NO_FETCH,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
    PASSIVE_RETURN_NO_VALUE,
    AttributeOperation,
)

if TYPE_CHECKING:
    from .instrumentation import ClassManager
    from .state import InstanceState

Values = dict[str, Any]


class AttributeEventToken:
    """Says through a chain of attribute events which attribute started it, and with what operation.

    Listeners receive it as ``initiator``; ``parent_token`` is the implementation of the attribute.
    """

    __slots__ = ("impl", "key", "op", "parent_token")

    def __init__(self, impl: ScalarAttributeImpl, op: AttributeOperation) -> None:
        self.impl = impl
        self.op = op
        self.key = impl.key
        self.parent_token = impl.parent_token

    def __eq__(self, other: object) -> bool:
        return isinstance(other, AttributeEventToken) and other.impl is self.impl and other.op is self.op

    def __hash__(self) -> int:
        return hash((id(self.impl), self.op))

    def hasparent(self, state: InstanceState) -> bool:
        """Ask the attribute whether *state* is in it."""
        return bool(self.impl.hasparent(state))


class Attribute:
    """The descriptor of a tracked attribute on its class.

    ``User.name`` is one; it holds the implementation, and to whom it belongs.  ``comparator`` and
    ``parent`` are filled by those who give attributes a meaning beyond Python.
    """

    is_attribute = True
    is_instance = is_mapper = is_aliased_class = is_property = False
    property: Any = None
    dispatch: Any  # Core's dispatcher of AttributeEvents

    def __init__(
        self, class_: type, key: str, impl: ScalarAttributeImpl, *, comparator: Any = None, parent: Any = None
    ) -> None:
        self.class_ = class_
        self.key = key
        self.impl = impl
        self.comparator = comparator
        self.parent = parent
        # one dispatcher for descriptor and implementation
        impl.dispatch = self.dispatch
        impl.parent_token = self

    def __get__(self, instance: Any, owner: Any) -> Any:
        if instance is None:
            return self
        dict_ = instance.__dict__
        key = self.key
        if key in dict_:  # only reached through WriteWatch, or by asking the descriptor itself
            return dict_[key]
        try:
            state = dict_["_sa_instance_state"]
        except KeyError as error:
            state = _state_of_untracked(instance, error)
        return self.impl.get(state, dict_)

    def hasparent(self, state: InstanceState, optimistic: bool = False) -> bool:
        """True when the object of *state* is in this attribute of some object."""
        return self.impl.hasparent(state, optimistic)

    def __str__(self) -> str:
        return f"{self.class_.__name__}.{self.key}"


class WriteWatch:
    """Stands on a class in place of an attribute that could be written past ours: a data descriptor.

    Python asks it before the instance's dictionary, so it sees what ``object.__setattr__`` writes.
    Everything else it hands on to the attribute.
    """

    __slots__ = ("attribute",)

    def __init__(self, attribute: Attribute) -> None:
        self.attribute = attribute

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self.attribute.__get__(instance, owner)

    def __set__(self, instance: Any, value: Any) -> None:
        state = getattr(instance, "_sa_instance_state", None) or _state_of_untracked(instance)
        self.attribute.impl.set(state, instance.__dict__, value)

    def __delete__(self, instance: Any) -> None:
        state = getattr(instance, "_sa_instance_state", None) or _state_of_untracked(instance)
        self.attribute.impl.delete(state, instance.__dict__)


def _state_of_untracked(instance: Any, cause: Exception | None = None) -> InstanceState:
    """A state for an object that was made without its constructor, as by ``cls.__new__``."""
    manager: ClassManager | None = getattr(type(instance), "_sa_class_manager", None)
    if manager is None:
        raise exc.unmapped_instance(instance) from cause
    return manager.setup_instance(instance)


class ScalarAttributeImpl:
    """An attribute with one plain value."""

    accepts_scalar_loader = True
    collection = False
    supports_population = True
    dynamic = False
    is_object = False

    def __init__(
        self,
        class_: type,
        key: str,
        *,
        active_history: bool = False,
        load: Callable[[InstanceState, int], Any] | None = None,
        compare: Callable[[Any, Any], Any] | None = None,
        expire_missing: bool = True,
        load_on_unexpire: bool = True,
    ) -> None:
        self.class_ = class_
        self.key = key
        self.active_history = active_history
        self.load = load
        """Called with (state, passive) for an absent value that is not expired.  Filled by loading."""
        self.is_equal = compare or operator.eq
        self.expire_missing = expire_missing
        """Expiry of the whole object marks the attribute also when it was not loaded."""
        self.load_on_unexpire = load_on_unexpire
        """The attribute is loaded together with the other expired ones."""
        self.parent_token: Any = self
        self.dispatch: Any = None  # the descriptor's
        self._append_token = AttributeEventToken(self, OP_APPEND)
        self._remove_token = AttributeEventToken(self, OP_REMOVE)
        self._replace_token = AttributeEventToken(self, OP_REPLACE)

    def __str__(self) -> str:
        return f"{self.class_.__name__}.{self.key}"

    def __reduce__(self) -> tuple[Any, ...]:
        # pickled by reference, as part of what belongs to the attribute
        return (_impl_of, (self.class_, self.key))

    def __deepcopy__(self, memo: Any) -> ScalarAttributeImpl:
        return self

    @property
    def is_plain(self) -> bool:
        """True when a write need only keep the old value: no listener, no load of the old value."""
        dispatch = self.dispatch
        return type(self) is ScalarAttributeImpl and not (self.active_history or dispatch.set)

    def tokens_for(self, parent_token: Any) -> None:
        """Make *parent_token* what listeners see as ``initiator.parent_token``."""
        self.parent_token = parent_token
        for token in (self._append_token, self._remove_token, self._replace_token):
            token.parent_token = parent_token

    # ------------------------------------------------------------ reading

    def get(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_OFF) -> Any:
        """The value, loaded if need be and allowed; else ``PASSIVE_NO_RESULT``, ``NO_VALUE`` or the empty value."""
        key = self.key
        if key in dict_:
            return dict_[key]
        if state.changes is not None and state.changes.get(key, NO_VALUE) is not NO_VALUE:
            value = ATTR_EMPTY  # deleted: there is no value, whatever the database says
        elif not passive & CALLABLES_OK:
            return PASSIVE_NO_RESULT
        elif self.load_on_unexpire and key in state.expired_keys:
            value = state.load_expired(passive)
        elif state.loader_callables and key in state.loader_callables:
            value = state.loader_callables[key](state, passive)
        elif self.load is not None:
            value = self.load(state, passive)
        else:
            value = ATTR_EMPTY
        if value is PASSIVE_NO_RESULT or value is NO_VALUE:
            return value
        if value is ATTR_WAS_SET:
            try:
                return dict_[key]
            except KeyError:
                raise exc.loader_without_value(self) from None
        if value is not ATTR_EMPTY:
            return self.set_committed_value(state, dict_, value)
        return self.default_value(state, dict_) if passive & INIT_OK else NO_VALUE

    def default_value(self, state: InstanceState, dict_: Values) -> Any:
        """What an attribute without a value answers with; ``init_scalar`` listeners may choose it."""
        value = None
        for listener in self.dispatch.init_scalar:
            chosen = listener(state, value, dict_)
            if chosen is not ATTR_EMPTY:
                value = chosen
        return value

    def _default_value(self, state: InstanceState, dict_: Values) -> Any:
        return self.default_value(state, dict_)

    def get_committed_value(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_OFF) -> Any:
        """The value before the first change; None when none was loaded."""
        before = state.committed_state.get(self.key, UNCHANGED)
        if before is UNCHANGED:
            return self.get(state, dict_, passive)
        return None if before is NO_VALUE else before

    def get_history(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_OFF) -> History:
        """The history; an absent value is loaded when *passive* allows it."""
        key = self.key
        before = state.committed_state.get(key, UNCHANGED)
        if key in dict_:
            current = dict_[key]
        elif before is not UNCHANGED and not self.is_object:
            current = NO_VALUE
        else:
            current = self.get(state, dict_, passive & ~INIT_OK)
            if current is PASSIVE_NO_RESULT:
                return NO_HISTORY
        return scalar_history(before, current, self.is_equal)

    def get_all_pending(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_NO_FETCH) -> list[Any]:
        """Tracked objects that the attribute holds or held: none for plain values."""
        return []

    # ------------------------------------------------------------ writing

    def _old_value(self, state: InstanceState, dict_: Values) -> Any:
        if self.active_history:
            return self.get(state, dict_, PASSIVE_RETURN_NO_VALUE)
        return dict_.get(self.key, NO_VALUE)

    def set(
        self,
        state: InstanceState,
        dict_: Values,
        value: Any,
        initiator: Any = None,
        passive: int = PASSIVE_OFF,
        *,
        check_old: Any = None,
        pop: bool = False,
    ) -> None:
        """Set the value: listeners may replace it, the old one is kept for the history."""
        old = self._old_value(state, dict_)
        if self.dispatch.set:
            value = self._fire_set(state, value, old, initiator)
        state.note_change(dict_, self.key, old)
        dict_[self.key] = value

    def _fire_set(self, state: InstanceState, value: Any, old: Any, initiator: Any) -> Any:
        for listener in self.dispatch.set:
            value = listener(state, value, old, initiator or self._replace_token)
        return value

    def delete(self, state: InstanceState, dict_: Values) -> None:
        """Remove the value.

        :raises AttributeError: when there is none.
        """
        key = self.key
        old = self._old_value(state, dict_)
        if self.dispatch.remove:
            for listener in self.dispatch.remove:
                listener(state, old, self._remove_token)
        known_absent = key not in dict_ and old is NO_VALUE and not state.expired and key not in state.expired_keys
        if known_absent:
            raise exc.no_value_to_delete(self)
        state.note_change(dict_, key, old)
        dict_.pop(key, None)

    def set_committed_value(self, state: InstanceState, dict_: Values, value: Any) -> Any:
        """Put a value that is in step with the database: no events, no history."""
        dict_[self.key] = value
        if state.changes:
            state.changes.pop(self.key, None)
        return value

    # ------------------------------------------------------------ the operations of a one-element collection

    def append(
        self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF
    ) -> None:
        """Make *value* the value."""
        self.set(state, dict_, value, initiator, passive)

    def remove(
        self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF
    ) -> None:
        """Set None when *value* is the value.

        :raises ValueError: when it is not.
        """
        self.set(state, dict_, None, initiator, passive, check_old=value)

    def pop(self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF) -> None:
        """Set None when *value* is the value, else do nothing."""
        self.set(state, dict_, None, initiator, passive, check_old=value, pop=True)

    def hasparent(self, state: InstanceState, optimistic: bool = False) -> bool:
        """True when the object of *state* is in this attribute of some object."""
        raise exc.parents_not_tracked(self)


def _impl_of(class_: type, key: str) -> ScalarAttributeImpl:
    manager = class_.__dict__.get("_sa_class_manager")
    if manager is None:
        raise exc.unpickled_without_mapping(class_)
    impl: ScalarAttributeImpl = manager[key].impl
    return impl


events.bind_events(events.AttributeEvents, Attribute)
