"""Finds everything that takes part in a flush, before it is planned.

A session knows which objects are new, changed or marked for deletion.  Relationships add to that: children
whose foreign key has to follow, orphans that go, objects that are deleted along.  ``prepare`` applies the
rules of each relationship to each object, and to those that come in by that, until nothing new comes in.
What it finds about values is a :class:`.Relations`; the plan is made from that alone.

This is the part of a flush that may load: the children of an object that is deleted have to be known,
unless the database takes care of them (``passive_deletes``).  Planning after it opens no connection.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from sqlalchemy.exc import SAWarning

from .. import exc
from ..mapping.join_condition import MANYTOMANY, MANYTOONE, ONETOMANY
from ..mapping.mapper import Mapper
from ..mapping.relationship import RelationshipProperty
from ..tracking.history import NO_HISTORY, History
from ..tracking.instrumentation import manager_of_class
from ..tracking.state import InstanceState
from ..tracking.symbols import (
    INIT_OK,
    LOAD_AGAINST_COMMITTED,
    NO_AUTOFLUSH,
    NO_RAISE,
    PASSIVE_NO_INITIALIZE,
    PASSIVE_OFF,
    LoaderStatus,
)
from .cascades import following, held_by, reach, writing
from .links import Link, Relations, stored_value_of
from .plan import FlushInput
from .rules import many_to_many, many_to_one, one_to_many

# a flush loads what the database has, whatever was set to keys since, and also where programs may not
_LOADING = (PASSIVE_OFF & ~INIT_OK) | NO_AUTOFLUSH | LOAD_AGAINST_COMMITTED | NO_RAISE

_RULES: dict[Any, Any] = {ONETOMANY: one_to_many, MANYTOONE: many_to_one, MANYTOMANY: many_to_many}


def prepare(owner: Any, work: FlushInput, *, is_rehearsal: bool = False) -> FlushInput:
    """The states of a flush with all that relationships add.

    :param owner: the session; asked what belongs to it, and told what is deleted along.
    :param work: what the session knows.
    :param is_rehearsal: load nothing and mark nothing; what would have to be loaded is noted.
    :raises FlushError: when a row would lose a foreign key that it must have.
    """
    if not any(writing(mapper) for mapper in _mappers(work)) and not (work.dirty and _has_followers(owner)):
        return work
    return Work(owner, work, is_rehearsal=is_rehearsal).run()


def _mappers(work: FlushInput) -> set[Mapper]:
    managers = {state.manager for states in (work.new, work.dirty, work.deleted) for state in states}
    return {manager.mapper for manager in managers}


def _has_followers(owner: Any) -> bool:
    """Whether the session holds objects of a class that has to follow changes of keys."""
    spaces = owner.identity_map.spaces
    classes = {key[0] if isinstance(key, tuple) else key for key, space in spaces.items() if space}
    return any(following(manager_of_class(class_).mapper) for class_ in classes)


class Work:
    """One preparation: the objects that take part, and what the rules have found."""

    def __init__(self, owner: Any, work: FlushInput, *, is_rehearsal: bool = False) -> None:
        self.owner = owner
        self.is_rehearsal = is_rehearsal
        # in a rehearsal, what a flush would load first; insertion order
        self.unloaded: dict[tuple[InstanceState, RelationshipProperty], None] = {}
        self.new = dict.fromkeys(work.new)
        self.dirty = dict.fromkeys(work.dirty)
        self.deleted = dict.fromkeys(work.deleted)
        self.relations = Relations()
        self._waiting: list[InstanceState] = [*work.deleted, *work.new, *work.dirty]
        self._done: set[tuple[InstanceState, bool]] = set()
        self._blanked: list[tuple[InstanceState, str, Callable[[], Exception]]] = []

    def run(self) -> FlushInput:
        """Apply the rules to all objects, and to those that come in."""
        self._drop_orphans()
        self._follow_keys()
        while self._waiting:
            waiting, self._waiting = self._waiting, []
            for state in waiting:
                self._apply(state)
        self._refuse_blanks()
        relations = self.relations
        for links in (relations.links, relations.updates_after):
            for state in [each for each in links if each in self.deleted]:
                del links[state]
        return FlushInput(
            tuple(self.new),
            tuple(state for state in self.dirty if state not in self.deleted),
            tuple(self.deleted),
            relations,
            tuple(self.unloaded),
        )

    def _drop_orphans(self) -> None:
        """Objects that have lost the parent that they must have go."""
        for state in [*self.new, *self.dirty]:
            mapper = state.mapper
            if not mapper.orphan_parents or state in self.deleted or not mapper._is_orphan(state):
                continue
            if state.pk is not None:
                self.delete(state, "has no parent (delete-orphan)")
            elif state.orphaned_outside:
                del self.new[state]
                self.owner.let_out(state)

    def _follow_keys(self) -> None:
        """Objects of the session that refer to one whose key changes follow it, unless the database sees to it."""
        changed = {state for state in self.dirty if state.pk is not None and state.changes}
        if not changed or not _has_followers(self.owner):
            return
        for state in self.owner.identity_map.all_states():
            for prop in following(state.mapper):
                for target in self._targets(state, prop, changed):
                    if state not in self.deleted and self.has_new_key(target, prop):
                        self.write(state)
                        many_to_one.refer(self, state, target, prop)

    def _targets(
        self, state: InstanceState, prop: RelationshipProperty, among: Iterable[InstanceState]
    ) -> list[InstanceState]:
        """Those of some objects that *state* refers to; where that is not loaded, by the keys in the database."""
        if prop.key in state.dict:
            held = set(self.states(held_by(state, prop, PASSIVE_NO_INITIALIZE)))
            return [target for target in among if target in held]
        pairs = [(self.attribute(state, own, prop), source) for source, own in prop.synchronize_pairs]
        own_key = [stored_value_of(state, attribute) for attribute, _ in pairs]
        if None in own_key:
            return []
        return [
            target
            for target in among
            if target.mapper.isa(prop.mapper)
            and own_key == [stored_value_of(target, self.attribute(target, source, prop)) for _, source in pairs]
        ]

    def _apply(self, state: InstanceState) -> None:
        is_deleted = state in self.deleted
        if (state, is_deleted) in self._done:
            return
        self._done.add((state, is_deleted))
        for prop in writing(state.mapper):
            rule = _RULES[prop.direction]
            if is_deleted:
                rule.delete(self, state, prop)
            elif state.changes and (prop.key in state.changes or not prop.passive_updates):
                rule.save(self, state, prop)

    # ------------------------------------------------------------ what rules ask

    def history(self, state: InstanceState, prop: RelationshipProperty, *, load: bool = False) -> History:
        """The history of a relationship; *load* finds out what is not loaded."""
        if state() is None:
            return NO_HISTORY
        impl: Any = state.manager[prop.key].impl
        if load and self.is_rehearsal:
            if state.pk is not None and prop.key not in state.dict:
                self.unloaded[state, prop] = None
            load = False
        passive = _LOADING if load else PASSIVE_NO_INITIALIZE
        pending = (state.pending_changes or {}).get(prop.key)
        if pending is not None and not load and prop.key not in state.dict:
            return History(list(pending.added_items), (), list(pending.deleted_items))
        history: History = impl.get_history(state, state.dict, passive)
        return history

    def states(self, objects: Iterable[Any]) -> Iterator[InstanceState]:
        """The states of the related objects that there are."""
        for child in objects:
            if child is not None and not isinstance(child, LoaderStatus):
                yield child._sa_instance_state

    def members(
        self, objects: Iterable[Any], state: InstanceState, prop: RelationshipProperty, operation: str
    ) -> Iterator[InstanceState]:
        """The states of related objects that are written; the others are warned about."""
        objects = list(objects)
        if prop.uselist and None in objects:
            raise exc.none_in_collection(prop)
        for child in self.states(objects):
            self._check_class(child, prop)
            if child in self.new or child in self.dirty or self.owner.has_state(child) or child in self.deleted:
                yield child
            elif child.pk is None or not child.is_deleted:
                warnings.warn(exc.not_in_session_text(child, operation, prop), SAWarning, stacklevel=8)

    def _check_class(self, child: InstanceState, prop: RelationshipProperty) -> None:
        if prop.enable_typechecks and not child.mapper.isa(prop.mapper):
            raise exc.wrong_class_in_flush(child, prop)

    def attribute(self, state: InstanceState, column: Any, prop: RelationshipProperty) -> str:
        """The attribute of an object that stands for a column."""
        return self.attribute_of(state.mapper, column, prop)

    def attribute_of(self, mapper: Mapper, column: Any, prop: RelationshipProperty) -> str:
        """The attribute of a class that stands for a column."""
        key = mapper.key_of(column)
        if key is None:
            raise exc.unmapped_sync_column(prop, column, mapper)
        return key

    def is_held_elsewhere(self, child: InstanceState, prop: RelationshipProperty) -> bool:
        """True when another object holds the child in the same attribute by now."""
        impl: Any = prop.parent.class_manager[prop.key].impl
        return bool(impl.trackparent) and impl.hasparent(child)

    def has_new_key(self, state: InstanceState, prop: RelationshipProperty) -> bool:
        """True when a value that others refer to has changed."""
        changes = state.committed_state
        return state.pk is not None and any(
            self.attribute(state, source, prop) in changes for source, _ in prop.synchronize_pairs
        )

    # ------------------------------------------------------------ what rules tell

    def write(self, state: InstanceState) -> bool:
        """The object takes part; False when it cannot, because it is not in the session."""
        if state in self.new or state in self.deleted or state in self.dirty:
            return True
        if not self.owner.has_state(state):
            return False
        if state.pk is not None:
            self.dirty[state] = None
            if not state.modified and not self.is_rehearsal:
                state.mark_modified()
            self._waiting.append(state)
        return True

    def delete(self, state: InstanceState, reason: str) -> None:
        """The row of the object goes, and what it cascades to.

        :param reason: for people.
        """
        for each in (state, *reach("delete", state, loads=not self.is_rehearsal)):
            if each.pk is None:
                if each in self.new:
                    del self.new[each]
                    if not self.is_rehearsal:
                        self.owner.let_out(each)
            elif each not in self.deleted:
                if not self.is_rehearsal:
                    self.owner.mark_deleted(each)
                self.deleted[each] = None
                self.relations.doomed[each] = reason
                self._waiting.append(each)

    def remove_orphan(self, state: InstanceState, prop: RelationshipProperty) -> None:
        """The object has lost the parent that it must have."""
        self.delete(state, f"has lost its parent ({prop}, delete-orphan)")

    def link(self, state: InstanceState, link: Link, *, afterwards: bool = False) -> None:
        """An attribute takes its value from another object."""
        self.relations.link(state, link, afterwards=afterwards)

    def check_blank(self, state: InstanceState, attribute: str, error: Callable[[], Exception]) -> None:
        """Refuse NULL for an attribute, unless the object goes or another link gives it a value."""
        self._blanked.append((state, attribute, error))

    def _refuse_blanks(self) -> None:
        for state, attribute, error in self._blanked:
            if state in self.deleted:
                continue
            link = self.relations.links.get(state, {}).get(attribute)
            if link is None or link.source is not None:
                continue
            if state.pk is None:
                if state.dict.get(attribute) is not None:  # the user gave the value
                    self.relations.links[state].pop(attribute)
                continue
            raise error()
