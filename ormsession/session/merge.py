"""Copying the state of an object onto the session's own object of the same row.

Rules

* The given object is left alone; what comes back belongs to the session.
* The session's object is the one with the same key: from the identity map, else from the database, else a
  new, pending one.
* Only values that differ are set, so a merge of unchanged objects leaves nothing to flush.
* Without ``load`` nothing is asked of the database: the object is taken to be its row, and must therefore
  have a key and no changes.
* An object that is met twice is merged once; two objects of one key are merged onto one.
* Related objects follow where the relationship has the cascade ``merge`` and is loaded.  Objects wait in a
  queue with their columns copied and their relationships to come, so a chain of any length is followed.
"""

from __future__ import annotations

import warnings
from collections import deque
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SAWarning

from .. import exc
from ..mapping.relationship import RelationshipProperty
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_VALUE, PASSIVE_MERGE, PASSIVE_OFF
from ..unitofwork.cascades import cascading
from . import membership

if TYPE_CHECKING:
    from .session import Session


class Merge:
    """One call of ``merge`` or ``merge_all``."""

    def __init__(self, session: Session, *, load: bool, options: Any = None) -> None:
        self._session = session
        self._load = load
        self._options = options
        self._merged: dict[InstanceState, Any] = {}
        """Given state -> the session's object; filled as objects are met."""
        self._by_key: dict[Any, Any] = {}
        """(class, primary key) -> the session's object, for pending ones, which no identity map knows."""
        self._waiting: deque[tuple[InstanceState, InstanceState]] = deque()
        """Given state and the session's, whose relationships are still to be merged."""
        self._reached_by: set[tuple[InstanceState, Any]] = set()
        """Given states with the relationship that led to them: its other side needs no merging."""

    def merge(self, state: InstanceState) -> Any:
        """The session's object for *state*, with its values and those of what it cascades to."""
        merged = self._adopt(state)
        while self._waiting:
            given, target = self._waiting.popleft()
            for prop in cascading(given.mapper, "merge"):
                self._merge_relationship(prop, given, target)
        return merged

    def _adopt(self, state: InstanceState) -> Any:
        """The session's object for *state* with its columns; its relationships wait."""
        if state in self._merged:
            return self._merged[state]
        pk, is_known = self._primary_key(state)
        merged = self._existing(state, pk, is_known)
        is_new = merged is None
        if merged is None:
            merged = self._new_object(state, pk)
        self._merged[state] = merged
        target = membership.state_of(merged)
        if target is state:
            return merged
        self._check_version(state, target)
        target.load_options, target.load_path = state.load_options, state.load_path
        if self._load:
            _copy_differing(state, target)
        else:
            _copy_as_loaded(state, target)
        self._waiting.append((state, target))
        if is_new and target.manager.dispatch.load:
            target.manager.dispatch.load(target, None)
        return merged

    def _primary_key(self, state: InstanceState) -> tuple[Any, bool]:
        """The key of *state* in the form of identity maps, and whether a row may have it."""
        if state.pk is not None:
            return state.pk, True
        if not self._load:
            raise exc.merge_of_transient()
        if state in self._session._new:
            warnings.warn(exc.MERGED_WHILE_PENDING.format(exc.state_text(state)), SAWarning, stacklevel=5)
        mapper, values = state.mapper, state.dict
        parts = tuple(values.get(key, NO_VALUE) for key in mapper.pk_keys)
        count = sum(part is None for part in parts)
        is_given = all(part is not NO_VALUE for part in parts)
        is_known = is_given and (not count or (mapper.allow_partial_pks and count < len(parts)))
        return parts[0] if len(parts) == 1 else parts, is_known

    def _existing(self, state: InstanceState, pk: Any, is_known: bool) -> Any:
        """The session's object of the same row, or None when there is none."""
        if not is_known:
            return None
        session, manager = self._session, state.manager
        known = session.identity_map.get_state(manager.identity_class, pk, state.identity_token)
        found = None if known is None else known()
        if found is None:
            found = self._by_key.get((manager.identity_class, pk))
        if found is None and self._load:
            found = session.get(manager.class_, pk, identity_token=state.identity_token, options=self._options)
        return found

    def _new_object(self, state: InstanceState, pk: Any) -> Any:
        """A new object of the session: pending, or persistent when nothing is loaded."""
        if not self._load and state.modified:
            raise exc.merge_of_dirty()
        merged = state.manager.new_instance()
        target = membership.state_of(merged)
        if self._load:
            self._by_key[state.manager.identity_class, pk] = merged
        else:
            if state.identity_token is not None:
                target.identity_token = state.identity_token
            target.pk = pk
        membership.add(self._session, target)
        return merged

    def _check_version(self, state: InstanceState, target: InstanceState) -> None:
        """Refuse an object that is older than its row."""
        key = state.mapper.version_id_key
        if key is None or not self._load:
            return
        given = state.dict.get(key)
        if given is None or target.pk is None:
            return
        existing = target.manager[key].impl.get(target, target.dict, PASSIVE_OFF)
        if existing is not None and existing != given:
            raise exc.merged_version_differs(given, state, existing)

    # ------------------------------------------------------------ related objects

    def _merge_relationship(self, prop: RelationshipProperty, given: InstanceState, target: InstanceState) -> None:
        """Give *target* the session's objects for those that *given* holds, when these are loaded."""
        key = prop.key
        if key not in given.dict:
            return
        if self._load and any((given, reverse) in self._reached_by for reverse in prop._reverse_property):
            return
        impl: Any = target.manager[key].impl
        held = given.dict[key]
        if impl.collection:
            self._merge_collection(prop, impl, held, target)
            return
        merged = None if held is None else self._follow(prop, held)
        own = target.dict
        if not self._load:
            own[key] = merged
        elif own.get(key, NO_VALUE) is not merged:
            impl.set(target, own, merged)

    def _merge_collection(self, prop: RelationshipProperty, impl: Any, held: Any, target: InstanceState) -> None:
        own = target.dict
        # all elements that the row has, before each is asked for by itself
        present = impl.get(target, own, PASSIVE_MERGE) if self._load else None
        elements = [self._follow(prop, element) for element in held._sa_iterator()]
        if present is None:
            impl.initialize_collection(target, own).append_multiple_without_event(elements)
            return
        if [id(element) for element in present._sa_iterator()] == [id(element) for element in elements]:
            return
        impl.set(target, own, dict(zip(held, elements, strict=True)) if impl.kind is dict else impl.kind(elements))

    def _follow(self, prop: RelationshipProperty, related: Any) -> Any:
        """The session's object for one that *prop* leads to."""
        state = membership.state_of(related)
        self._reached_by.add((state, prop))
        return self._adopt(state)


def _copy_differing(state: InstanceState, target: InstanceState) -> None:
    """Set the loaded values of *state* on *target* where they differ, as a program would."""
    values, own = state.dict, target.dict
    absent = []
    for prop in state.mapper.column_props:
        key = prop.key
        attribute = target.manager.get(key)
        if attribute is None:
            continue
        impl = attribute.impl
        if key not in values:
            if target.pk is not None and key not in own:
                absent.append(key)
            continue
        if key in target.expired_keys:
            impl.get(target, own, PASSIVE_OFF)
        if key not in own or not _is_same(impl, own[key], values[key]):
            impl.set(target, own, values[key])
    if absent:
        target.expire_attributes(own, absent, keep_own_loaders=True)


def _is_same(impl: Any, one: Any, other: Any) -> bool:
    return one is other or bool(impl.is_equal(one, other))


def _copy_as_loaded(state: InstanceState, target: InstanceState) -> None:
    """Give *target* the loaded values of *state* as if they had come from its row."""
    values, own = state.dict, target.dict
    absent = []
    for prop in state.mapper.column_props:
        if prop.key in values:
            own[prop.key] = values[prop.key]
        elif prop.key not in own:
            absent.append(prop.key)
    if state.loader_callables:
        target.loader_callables = dict(state.loader_callables)
    target.commit_all(own)
    if absent:
        target.expire_attributes(own, absent, keep_own_loaders=True)
