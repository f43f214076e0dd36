"""Which objects an operation on one object reaches, and what happens when objects enter or leave attributes.

:func:`reach` is the one function that follows relationships, for every kind of operation.  It walks depth
first with a stack of its own, so that a chain of any length is followed, and it meets every object once.
What it may do to find related objects depends on the kind:

==================  ==========================================================================
``save-update``     looks at what is loaded, and at what was there before a change
``delete``          loads what is not loaded, unless the database is to delete it
``merge``, else     looks at what is loaded
==================  ==========================================================================

Cascades also work at once when an attribute of a session's object changes (:func:`follow_changes`): what
enters follows its object into the session; a pending object that has lost its parent leaves again.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import event
from sqlalchemy.exc import SAWarning

from .. import exc
from ..mapping import hooks
from ..mapping.join_condition import MANYTOONE
from ..mapping.mapper import Mapper
from ..mapping.relationship import RelationshipProperty
from ..tracking.ownership import owner_of
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_KEY, NO_RAISE, PASSIVE_NO_INITIALIZE, PASSIVE_OFF, LoaderStatus

Children = Iterator[InstanceState]
_WRITING = "unitofwork.writing"
_FOLLOWING = "unitofwork.following"


def reach(
    kind: str,
    state: InstanceState,
    halt_on: Callable[[InstanceState], bool] | None = None,
    *,
    loads: bool = True,
    alive: list[Any] | None = None,
) -> Children:
    """The states that *kind* of operation on *state* reaches, without itself, each once, parents before children.

    :param kind: one of the cascades but ``delete-orphan``.
    :param halt_on: where it says True, neither the object nor what is behind it is reached.
    :param loads: False to see only what is loaded, whatever the kind.
    :param alive: a list that receives the objects; nobody else may hold those of a collection that is never loaded.
    """
    met = {state}
    stack = [_related(kind, state, loads=loads)]
    while stack:
        for child in stack[-1]:
            if child in met or (halt_on is not None and halt_on(child)):
                continue
            met.add(child)
            if alive is not None:
                alive.append(child())
            yield child
            stack.append(_related(kind, child, loads=loads))
            break
        else:
            stack.pop()


def _related(kind: str, state: InstanceState, *, loads: bool) -> Children:
    """What one object reaches directly."""
    for prop in cascading(state.mapper, kind):
        dict_ = state.dict
        impl: Any = state.manager[prop.key].impl
        if kind == "save-update":
            held = [child for _, child in impl.get_all_pending(state, dict_, PASSIVE_NO_INITIALIZE)]
        else:
            looks_up = loads and kind == "delete" and not prop.passive_deletes
            held = held_by(state, prop, PASSIVE_OFF | NO_RAISE if looks_up else PASSIVE_NO_INITIALIZE)
        for child in held:
            child_state = _state_of_child(child, prop)
            if kind == "refresh-expire" and child_state.pk is None and not prop.cascade.delete_orphan:
                continue
            yield child_state


def held_by(state: InstanceState, prop: RelationshipProperty, passive: int) -> list[Any]:
    """The objects that an attribute holds, as far as *passive* allows to find out."""
    impl: Any = state.manager[prop.key].impl
    value = impl.get(state, state.dict, passive)
    if value is None or isinstance(value, LoaderStatus):
        return []
    found = list(value._sa_iterator()) if impl.collection else [value]
    return [child for child in found if child is not None]


def _state_of_child(child: Any, prop: RelationshipProperty) -> InstanceState:
    state: InstanceState | None = getattr(child, "_sa_instance_state", None)
    if state is None or state.manager.mapper is None:
        raise exc.unmapped_instance(child)
    if not state.mapper.isa(prop.mapper):
        raise exc.wrong_class_in_attribute(prop, type(child))
    return state


def cascading(mapper: Mapper, kind: str) -> tuple[RelationshipProperty, ...]:
    """The relationships of a mapper that have this cascade."""
    memo_key = ("unitofwork.cascading", kind)
    found: tuple[RelationshipProperty, ...] | None = mapper.memo.get(memo_key)
    if found is None:
        found = mapper.memo[memo_key] = tuple(prop for prop in mapper.relationships if kind in prop.cascade)
    return found


def writing(mapper: Mapper) -> tuple[RelationshipProperty, ...]:
    """The relationships of a mapper that write."""
    found: tuple[RelationshipProperty, ...] | None = mapper.memo.get(_WRITING)
    if found is None:
        found = mapper.memo[_WRITING] = tuple(prop for prop in mapper.relationships if not prop.viewonly)
    return found


def following(mapper: Mapper) -> tuple[RelationshipProperty, ...]:
    """The many-to-one relationships of a mapper whose keys the database does not keep up to date."""
    found: tuple[RelationshipProperty, ...] | None = mapper.memo.get(_FOLLOWING)
    if found is None:
        found = mapper.memo[_FOLLOWING] = tuple(
            prop for prop in writing(mapper) if prop.direction is MANYTOONE and not prop.passive_updates
        )
    return found


# ---------------------------------------------------------------- changes of attributes


def follow_changes(prop: RelationshipProperty, attribute: Any) -> None:
    """Let what enters and leaves *attribute* follow its object into and out of the session."""
    follower = Follower(prop)
    options = {"raw": True, "retval": True, "include_key": True}
    if prop.uselist:
        event.listen(attribute, "append", follower.entered, **options)
        event.listen(attribute, "remove", follower.left, **options)
    else:
        event.listen(attribute, "set", follower.replaced, **options)
        event.listen(attribute, "remove", follower.left, **options)


class Follower:
    """The listeners of one relationship."""

    def __init__(self, prop: RelationshipProperty) -> None:
        self.prop = prop

    def entered(self, state: InstanceState, child: Any, initiator: Any, key: Any = NO_KEY) -> Any:
        """An object joins a collection."""
        self._check_single(child, initiator)
        owner = owner_of(state)
        if owner is not None and child is not None:
            _warn_in_flush(owner, "collection append")
            self._take_in(owner, child, initiator)
        return child

    def replaced(self, state: InstanceState, child: Any, old: Any, initiator: Any) -> Any:
        """Another object is held."""
        if child is old:
            return child
        self._check_single(child, initiator)
        owner = owner_of(state)
        if owner is not None:
            _warn_in_flush(owner, "related attribute set")
            if child is not None:
                self._take_in(owner, child, initiator)
        self._let_out(owner, old)
        return child

    def left(self, state: InstanceState, child: Any, initiator: Any, key: Any = NO_KEY) -> Any:
        """An object is held no more."""
        owner = owner_of(state)
        if owner is not None:
            _warn_in_flush(owner, "collection remove" if self.prop.uselist else "related attribute delete")
        self._let_out(owner, child)
        return child

    def _check_single(self, child: Any, initiator: Any) -> None:
        """Refuse an object that another one holds already, where it may have one parent only."""
        if self.prop.single_parent and child is not None and initiator.key == self.prop.key:
            child_state = getattr(child, "_sa_instance_state", None)
            if child_state is not None and initiator.hasparent(child_state):
                raise exc.second_parent(child, self.prop)

    def _take_in(self, owner: Any, child: Any, initiator: Any) -> None:
        # a change that only repeats one of the other side takes nobody in
        if "save-update" in self.prop.cascade and initiator.key == self.prop.key:
            child_state = _state_of_child(child, self.prop)
            if not owner.has_state(child_state):
                owner.take_in(child_state)

    def _let_out(self, owner: Any, child: Any) -> None:
        if child is None or isinstance(child, LoaderStatus) or "delete-orphan" not in self.prop.cascade:
            return
        child_state = getattr(child, "_sa_instance_state", None)
        if child_state is None or not child_state.mapper._is_orphan(child_state):
            return
        if owner is None:
            child_state.orphaned_outside = True
        elif owner.is_pending(child_state):
            owner.let_out(child_state)


def _warn_in_flush(owner: Any, operation: str) -> None:
    if owner.is_writing:
        warnings.warn(exc.USED_DURING_FLUSH.format(operation), SAWarning, stacklevel=6)


hooks.install_cascades = follow_changes
