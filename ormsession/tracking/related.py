"""Attributes that hold other tracked objects: one of them, or a collection.

They differ from attributes with plain values in four ways.  Old values are looked at without loading
unless the database is asked for them anyway.  Elements are compared by identity.  An attribute that is
told to *track parents* writes into the state of each element which object holds it, so that an orphan can
be recognised.  And changes may come from the other side (``backrefs``) while the value is not loaded:

* a collection that is not loaded keeps such changes in ``pending_changes`` and adds them to what is loaded;
* a collection that was only read, of an object that has nothing to load, is a *placeholder*: it becomes the
  value, and a change, with its first element.

A collection that is no longer the value of an attribute is let go.  When that happened behind the back of
whoever still holds it (expiry, refresh), changing it warns.

Invariant: a collection in an object's dictionary has that object's state as ``_sa_owner``.
Invariant: a placeholder is in ``state.placeholders`` and not in the object's dictionary.
"""

from __future__ import annotations

import contextlib
import operator
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from .. import exc
from .._core import duck_type_collection
from .attributes import AttributeEventToken, ScalarAttributeImpl, Values
from .collections import CollectionAdapter, collection_adapter, prepare_instrumentation
from .history import NO_HISTORY, UNCHANGED, History
from .symbols import (
    INIT_OK,
    NO_AUTOFLUSH,
    NO_KEY,
    NO_RAISE,
    NO_VALUE,
    OP_BULK_REPLACE,
    PASSIVE_NO_FETCH,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
    PASSIVE_ONLY_PERSISTENT,
    LoaderStatus,
)

if TYPE_CHECKING:
    from .state import InstanceState

Held = list[tuple["InstanceState", Any]]


class ObjectAttributeImpl(ScalarAttributeImpl):
    """What attributes with one object and with many have in common."""

    accepts_scalar_loader = False
    is_object = True

    def __init__(
        self, class_: type, key: str, *, trackparent: bool = False, records_changes: bool = True, **options: Any
    ) -> None:
        options.setdefault("compare", operator.is_)
        options.setdefault("expire_missing", False)
        super().__init__(class_, key, **options)
        self.trackparent = trackparent
        self.records_changes = records_changes
        """False for an attribute that is only for reading: what is put there is no change of the object."""

    def _note_change(self, state: InstanceState, dict_: Values, old: Any) -> None:
        if self.records_changes:
            state.note_change(dict_, self.key, old)

    def hasparent(self, state: InstanceState, optimistic: bool = False) -> bool:
        """True when some object holds the object of *state* in this attribute; *optimistic* when that is not known."""
        if not self.trackparent:
            raise exc.parents_not_tracked(self)
        return (state.parents or {}).get(id(self.parent_token), optimistic) is not False

    def sethasparent(self, state: InstanceState, parent_state: InstanceState, value: bool) -> None:
        """The object of *parent_state* holds the object of *state* from now on, or no more.

        :raises StaleDataError: when another object that is gone meanwhile was the last to hold it.
        """
        if not self.trackparent:
            raise exc.parents_not_tracked(self)
        if state.parents is None:
            state.parents = {}
        token = id(self.parent_token)
        if not value:
            last = state.parents.get(token)
            if last and last is not parent_state and last.key != parent_state.key:
                if last() is None:
                    raise exc.parent_gone(state, parent_state, self.key)
                return  # it was moved to another parent meanwhile
        state.parents[token] = parent_state if value else False

    def _note_parent(self, child: Any, parent_state: InstanceState, value: bool) -> None:
        if self.trackparent and child is not None and not isinstance(child, LoaderStatus):
            child_state = getattr(child, "_sa_instance_state", None)
            if child_state is not None:
                self.sethasparent(child_state, parent_state, value)


class ScalarObjectAttributeImpl(ObjectAttributeImpl):
    """An attribute with one other tracked object, or None."""

    def _old_value(self, state: InstanceState, dict_: Values) -> Any:
        if self.active_history:
            return self.get(state, dict_, PASSIVE_ONLY_PERSISTENT | NO_AUTOFLUSH)
        return self.get(state, dict_, (PASSIVE_NO_FETCH | NO_RAISE) & ~INIT_OK)

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
        """Set the object.

        :param check_old: only when this is the object held now.
        :param pop: do nothing, instead of raising, when it is not.
        """
        old = self._old_value(state, dict_)
        if check_old is not None and old is not PASSIVE_NO_RESULT and check_old is not old:
            if pop:
                return
            raise exc.not_associated(check_old, state, self.key)
        if old is not value:
            self._note_parent(old, state, False)
        if self.dispatch.set:
            value = self._fire_set(state, value, old, initiator)
        self._note_change(state, dict_, NO_VALUE if old is PASSIVE_NO_RESULT else old)
        self._note_parent(value, state, True)
        dict_[self.key] = value

    def delete(self, state: InstanceState, dict_: Values) -> None:
        """Remove the object.

        :raises AttributeError: when there is none.
        """
        key = self.key
        old = self._old_value(state, dict_)
        if key not in dict_ and old in (NO_VALUE, PASSIVE_NO_RESULT) and state.pk is None:
            raise exc.no_value_to_delete(self)
        self._note_parent(old, state, False)
        for listener in self.dispatch.remove:
            listener(state, old, self._remove_token)
        self._note_change(state, dict_, NO_VALUE if old is PASSIVE_NO_RESULT else old)
        dict_.pop(key, None)

    def get_all_pending(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_NO_FETCH) -> Held:
        """The objects that the attribute holds, and held before a change, with their states."""
        if self.key in dict_:
            current = dict_[self.key]
        else:
            current = self.get(state, dict_, passive) if passive & ~PASSIVE_NO_FETCH else NO_VALUE
        before = state.committed_state.get(self.key)
        held = []
        for child in (current, before) if before is not current else (current,):
            child_state = getattr(child, "_sa_instance_state", None)
            if child_state is not None:
                held.append((child_state, child))
        return held


class PendingChanges:
    """What the other side changed in a collection that is not loaded."""

    __slots__ = ("added_items", "deleted_items")

    def __init__(self) -> None:
        self.added_items: list[Any] = []
        self.deleted_items: list[Any] = []

    def add(self, item: Any) -> None:
        """*item* joins the collection."""
        if any(other is item for other in self.deleted_items):
            self.deleted_items = [other for other in self.deleted_items if other is not item]
        elif not any(other is item for other in self.added_items):
            self.added_items.append(item)

    def remove(self, item: Any) -> None:
        """*item* leaves the collection."""
        if any(other is item for other in self.added_items):
            self.added_items = [other for other in self.added_items if other is not item]
        elif not any(other is item for other in self.deleted_items):
            self.deleted_items.append(item)


class CollectionAttributeImpl(ObjectAttributeImpl):
    """An attribute with a collection of other objects."""

    collection = True

    def __init__(
        self, class_: type, key: str, *, typecallable: Callable[[], Any] | None = None, **options: Any
    ) -> None:
        super().__init__(class_, key, **options)
        self.collection_factory = prepare_instrumentation(typecallable or list)
        self.kind = duck_type_collection(self.collection_factory())
        self._bulk_replace_token = AttributeEventToken(self, OP_BULK_REPLACE)

    def tokens_for(self, parent_token: Any) -> None:
        """Make *parent_token* what listeners see as ``initiator.parent_token``."""
        super().tokens_for(parent_token)
        self._bulk_replace_token.parent_token = parent_token

    # ------------------------------------------------------------ making, linking, letting go

    def _new(self, state: InstanceState) -> Any:
        made = self.collection_factory()
        made._sa_attribute, made._sa_owner = self, state
        if self.dispatch.init_collection:
            self.dispatch.init_collection(state, made, CollectionAdapter(self, state, made))
        return made

    def _let_go(self, state: InstanceState, old: Any) -> None:
        """*old* is not the value any more: it becomes an ordinary collection."""
        if getattr(old, "_sa_attribute", None) is self:
            if self.dispatch.dispose_collection:
                self.dispatch.dispose_collection(state, old, CollectionAdapter(self, state, old))
            old._sa_attribute = old._sa_owner = None

    def invalidate(self, old: Any) -> None:
        """*old* was dropped behind the back of whoever holds it: warn when it is changed."""
        if getattr(old, "_sa_attribute", None) is self:
            old._sa_attribute = INVALIDATED

    def initialize_collection(self, state: InstanceState, dict_: Values) -> CollectionAdapter:
        """Give the attribute an empty collection as if it had been loaded."""
        old = dict_.get(self.key)
        if old is not None:
            self._let_go(state, old)
        self._drop_placeholder(state)
        made = dict_[self.key] = self._new(state)
        return CollectionAdapter(self, state, made)

    def default_value(self, state: InstanceState, dict_: Values) -> Any:
        """An empty collection that becomes the value when something is put into it."""
        assert self.key not in dict_, f"{self.key} has a collection already"
        if state.placeholders is None:
            state.placeholders = {}
        if self.key not in state.placeholders:
            state.placeholders[self.key] = self._new(state)
        return state.placeholders[self.key]

    def is_placeholder(self, state: InstanceState, collection: Any) -> bool:
        """True while *collection* only answers a read."""
        placeholder = (state.placeholders or {}).get(self.key)
        return placeholder is not None and placeholder is collection

    def _drop_placeholder(self, state: InstanceState) -> None:
        if state.placeholders:
            placeholder = state.placeholders.pop(self.key, None)
            if placeholder is not None:
                self._let_go(state, placeholder)

    # ------------------------------------------------------------ reading

    def get_collection(
        self, state: InstanceState, dict_: Values, user_data: Any = None, passive: int = PASSIVE_OFF
    ) -> Any:
        """The view of the collection, loaded if need be and allowed; else ``PASSIVE_NO_RESULT``."""
        found = self.get(state, dict_, passive) if user_data is None else user_data
        if found is PASSIVE_NO_RESULT or found is NO_VALUE:
            return found
        return collection_adapter(found)

    def _items(self, value: Any) -> list[Any]:
        return list(value._sa_iterator())

    def get_history(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_OFF) -> History:
        """The history; elements are compared by identity."""
        current = self.get(state, dict_, passive)
        if current is PASSIVE_NO_RESULT or current is NO_VALUE:
            return NO_HISTORY
        items = self._items(current)
        before = state.committed_state.get(self.key, UNCHANGED)
        if before is UNCHANGED:
            return History((), items, ())
        if before is NO_VALUE:
            return History(items, (), ())
        had, has = {id(item) for item in before}, {id(item) for item in items}
        return History(
            [item for item in items if id(item) not in had],
            [item for item in items if id(item) in had],
            [item for item in before if id(item) not in has],
        )

    def get_all_pending(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_NO_FETCH) -> Held:
        """The objects that the collection has, and had before a change, with their states."""
        if self.key not in dict_:
            return []
        items = self._items(dict_[self.key])
        before = state.committed_state.get(self.key, NO_VALUE)
        if before is not NO_VALUE:
            has = {id(item) for item in items}
            items += [item for item in before if id(item) not in has]
        return [(item._sa_instance_state, item) for item in items if hasattr(item, "_sa_instance_state")]

    # ------------------------------------------------------------ what the collection tells

    def _owner_values(self, state: InstanceState) -> Values:
        instance = state()
        if instance is None:
            raise exc.dereferenced(str(self), state.class_)
        values: Values = instance.__dict__
        return values

    def fire_append(self, collection: Any, item: Any, initiator: Any, key: Any = NO_KEY) -> Any:
        """*item* is about to enter; what shall enter instead is returned."""
        state = collection._sa_owner
        dict_ = self._owner_values(state)
        self._accept_placeholder(state, dict_, collection)
        return self._append_event(state, dict_, item, initiator, key)

    def _append_event(self, state: InstanceState, dict_: Values, item: Any, initiator: Any, key: Any) -> Any:
        for listener in self.dispatch.append:
            item = listener(state, item, initiator or self._append_token, key=key)
        self._keep_old(state, dict_)
        self._note_parent(item, state, True)
        return item

    def fire_append_wo_mutation(self, collection: Any, item: Any, initiator: Any, key: Any = NO_KEY) -> None:
        """*item* was added and is there already."""
        for listener in self.dispatch.append_wo_mutation:
            listener(collection._sa_owner, item, initiator or self._append_token, key=key)

    def fire_remove(self, collection: Any, item: Any, initiator: Any, key: Any = NO_KEY) -> None:
        """*item* is about to leave, or has left."""
        state = collection._sa_owner
        self._remove_event(state, self._owner_values(state), item, initiator, key)

    def _remove_event(self, state: InstanceState, dict_: Values, item: Any, initiator: Any, key: Any) -> None:
        self._note_parent(item, state, False)
        for listener in self.dispatch.remove:
            listener(state, item, initiator or self._remove_token, key=key)
        self._keep_old(state, dict_)

    def keep_old_collection(self, collection: Any) -> None:
        """Elements are about to leave that are not known yet."""
        state = collection._sa_owner
        self._keep_old(state, self._owner_values(state))

    def _accept_placeholder(self, state: InstanceState, dict_: Values, collection: Any) -> None:
        if state.placeholders and state.placeholders.get(self.key) is collection:
            dict_[self.key] = state.placeholders.pop(self.key)

    def _keep_old(self, state: InstanceState, dict_: Values) -> None:
        if self.key in state.committed_state:
            if not state.modified and self.records_changes:
                state.mark_modified()
            return
        self._note_change(state, dict_, self._items(dict_[self.key]) if self.key in dict_ else NO_VALUE)

    # ------------------------------------------------------------ writing

    def append(
        self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF
    ) -> None:
        """Add an element; kept for later when the collection is not loaded and may not be."""
        adapter = self.get_collection(state, dict_, passive=passive)
        if adapter is PASSIVE_NO_RESULT:
            self._pending(state).add(self._append_event(state, dict_, value, initiator, NO_KEY))
        else:
            adapter.append_with_event(value, initiator)

    def remove(
        self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF
    ) -> None:
        """Remove an element; kept for later when the collection is not loaded and may not be."""
        adapter = self.get_collection(state, dict_, passive=passive)
        if adapter is PASSIVE_NO_RESULT:
            self._remove_event(state, dict_, value, initiator, NO_KEY)
            self._pending(state).remove(value)
        else:
            adapter.remove_with_event(value, initiator)

    def pop(self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF) -> None:
        """Remove an element if it is there."""
        with contextlib.suppress(ValueError, KeyError, IndexError):
            self.remove(state, dict_, value, initiator, passive)

    def _pending(self, state: InstanceState) -> PendingChanges:
        if state.pending_changes is None:
            state.pending_changes = {}
        pending: PendingChanges = state.pending_changes.setdefault(self.key, PendingChanges())
        return pending

    def delete(self, state: InstanceState, dict_: Values) -> None:
        """Remove all elements, and the collection."""
        if self.key in dict_:
            self._keep_old(state, dict_)
            adapter = collection_adapter(dict_[self.key])
            if adapter is not None:
                adapter.clear_with_event()
            self._let_go(state, dict_.pop(self.key))

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
        """Replace the collection by a new one with the elements of *value*.

        :raises TypeError: when *value* is a collection of another kind.
        """
        if dict_.get(self.key, NO_VALUE) is value or self.is_placeholder(state, value):
            return  # what is there is assigned, as by +=
        values, keys = self._elements_of(value)
        token = initiator or self._bulk_replace_token
        if self.dispatch.bulk_replace:
            given = {} if keys is None else {"keys": keys}
            for listener in self.dispatch.bulk_replace:
                listener(state, values, token, **given)
        old = self.get(state, dict_, PASSIVE_ONLY_PERSISTENT)
        if old is PASSIVE_NO_RESULT or old is NO_VALUE:
            old = self.default_value(state, dict_)
        self._note_change(state, dict_, self._items(old))
        was_there = self.key in dict_
        new = dict_[self.key] = self._new(state)
        try:
            self._replace(old, values, new, token)
        except BaseException:
            if was_there:
                dict_[self.key] = old
            else:
                del dict_[self.key]
            new._sa_attribute = None
            raise
        self._drop_placeholder(state)
        self._let_go(state, old)

    def _elements_of(self, value: Any) -> tuple[list[Any], list[Any] | None]:
        kind = duck_type_collection(value)
        if kind is not self.kind:
            raise exc.other_collection_kind(value, self.kind)
        if kind is dict and hasattr(value, "keys"):
            keys = list(value.keys())
            return [value[key] for key in keys], keys
        if kind is dict:
            return list(value.values()), None
        if hasattr(value, "_sa_iterator"):
            return list(value._sa_iterator()), None
        return list(value), None

    def _replace(self, old: Any, values: Iterable[Any], new: Any, token: Any) -> None:
        """Fill *new*; only elements that join or leave have events."""
        values = list(values)
        before = self._items(old)
        had, has = {id(item) for item in before}, {id(item) for item in values}
        append = new._sa_appender
        for item in values:
            append(item, _sa_initiator=False if id(item) in had else token)
        for item in before:
            if id(item) not in has:
                self.fire_remove(new, item, token, NO_KEY)

    def set_committed_value(self, state: InstanceState, dict_: Values, value: Any) -> Any:
        """Put a loaded collection, and what the other side changed meanwhile."""
        adapter = self.initialize_collection(state, dict_)
        adapter.append_multiple_without_event(() if value is None else value)
        pending = (state.pending_changes or {}).pop(self.key, None)
        if state.changes:
            state.changes.pop(self.key, None)
        if pending is not None:
            self._note_change(state, dict_, list(adapter))
            for item in pending.added_items:
                adapter.append_without_event(item)
            for item in pending.deleted_items:
                if any(other is item for other in adapter):
                    adapter.remove_without_event(item)
        return adapter.data


class InvalidatedCollection:
    """Stands for the attribute of a collection that was dropped behind the back of whoever holds it."""

    key = "?"

    def fire_append(self, collection: Any, item: Any, initiator: Any, key: Any = NO_KEY) -> Any:
        """Warn, and let the item in."""
        exc.warn_collection_invalidated()
        return item

    def fire_append_wo_mutation(self, collection: Any, item: Any, initiator: Any, key: Any = NO_KEY) -> None:
        """Warn."""
        exc.warn_collection_invalidated()

    def fire_remove(self, collection: Any, item: Any, initiator: Any, key: Any = NO_KEY) -> None:
        """Warn."""
        exc.warn_collection_invalidated()

    def keep_old_collection(self, collection: Any) -> None:
        """Nothing is kept."""

    def is_placeholder(self, state: Any, collection: Any) -> bool:
        """It is nobody's value."""
        return False

    def __reduce__(self) -> str:
        return "INVALIDATED"


INVALIDATED = InvalidatedCollection()
