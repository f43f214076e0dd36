"""What one level of a transaction remembers about objects, and how a rollback uses it.

The root of a transaction and each savepoint have a snapshot of their own; the level that a flush opens
for itself shares its parent's.  A snapshot holds no values: after a rollback the database is asked again.

Rules

* Objects that were added or inserted at the level leave the session and are transient again, with the
  primary key and the other generated values that the flush put on them taken back.
* Objects that were deleted at the level are persistent again.  One that was loaded meanwhile under the
  same key leaves the session.
* Objects that got another primary key at the level are found under the one before.
* What was changed at the level is expired; at the root everything is, because another transaction sees
  another database.
* When a savepoint is released its snapshot is merged into its parent's.

A snapshot holds states, that is weak references: it keeps no object alive.

Invariant: a state in ``deleted`` has ``is_deleted`` set and is not in the identity map, while its level is active.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any, Protocol

from ..tracking.state import InstanceState
from . import membership

if TYPE_CHECKING:
    from .session import Session

_PRUNE_AT_LEAST = 10_000


class Undo(Protocol):
    """Takes back what one flush put on objects: generated keys, server values, versions."""

    def is_needed(self) -> bool:
        """False when all objects are gone."""

    def restore(self, states: Collection[InstanceState] | None = None) -> None:
        """Give the objects of *states* the values that they had before the flush."""


class Snapshot:
    """The objects to restore when one level of a transaction is rolled back."""

    __slots__ = ("_next_prune", "deleted", "dirty", "key_switches", "new", "undos")

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self.new: dict[InstanceState, None] = {}
        """Objects inserted at this level.  Filled by flush, emptied with the level."""
        self.undos: list[Undo] = []
        """How to take back what the flushes of this level put on objects, in order; emptied with the level."""
        self.deleted: dict[InstanceState, None] = {}
        """Objects whose row was deleted at this level.  Filled by flush, emptied by commit, expunge and rollback."""
        self.dirty: dict[InstanceState, None] = {}
        """Objects changed by a flush at this level; kept for savepoints only, the root expires everything."""
        self.key_switches: dict[InstanceState, Any] = {}
        """Objects that got another primary key at this level -> the one before.  Filled by flush."""
        self._next_prune = _PRUNE_AT_LEAST
        """The size of ``new`` from which dead states are dropped the next time."""

    def merge_into(self, parent: Snapshot) -> None:
        """The level was released: its parent answers for what happened."""
        parent.new.update(self.new)
        parent.undos.extend(self.undos)
        parent.deleted.update(self.deleted)
        parent.dirty.update(self.dirty)
        parent.key_switches = {**self.key_switches, **parent.key_switches}

    def remember_new(self, inserted: Iterable[InstanceState]) -> None:
        """A flush inserted objects; those of earlier flushes that are gone meanwhile are dropped now and then."""
        self.new.update(dict.fromkeys(inserted))
        if len(self.new) > self._next_prune:
            self.new = {state: None for state in self.new if state() is not None}
            self.undos = [undo for undo in self.undos if undo.is_needed()]
            self._next_prune = max(_PRUNE_AT_LEAST, 2 * len(self.new))

    def forget(self, state: InstanceState) -> None:
        """The user took the object out of the session: a rollback does not bring it back."""
        self.deleted.pop(state, None)

    def settle(self, session: Session) -> None:
        """The root was committed: deleted objects are detached, the others are expired."""
        if session.expire_on_commit:
            _expire(session.identity_map.all_states())
        gone = [state for state in self.deleted if state.session_id == session.hash_key]
        for state in gone:
            state.is_deleted = False
            state.session_id = None
        self.deleted.clear()
        membership.announce(session, gone, membership.DELETED_TO_DETACHED)

    def restore(self, session: Session, *, only_changed: bool) -> None:
        """Bring the objects of *session* back to where the level began.

        :param only_changed: expire only what was changed at this level, as after a rollback to a savepoint.
        """
        leaving = {**self.new, **dict.fromkeys(session._new)}
        _return_keys(session, self.key_switches, leaving)
        # one that was expunged meanwhile has lost its row all the same; one that moved on is not ours
        gone = [state for state in leaving if state.session_id is None or state.session_id == session.hash_key]
        for undo in reversed(self.undos):
            undo.restore(set(gone))
        membership.make_states_transient(session, gone)
        _return_deleted(session, self.deleted)
        states = session.identity_map.all_states()
        if only_changed:
            states = [state for state in states if state.modified or state in self.dirty]
        _expire(states)
        self._reset()


def _expire(states: Iterable[InstanceState]) -> None:
    """Let the objects be loaded again; what is expired already is left alone."""
    for state in states:
        if state.modified or not state.expired:
            instance = state()
            if instance is not None:
                state.expire(instance.__dict__)


def _return_keys(session: Session, switches: dict[InstanceState, Any], leaving: dict[InstanceState, Any]) -> None:
    """Objects go back under the primary keys that they had."""
    returning = [state for state in switches if state not in leaving and state.session_id == session.hash_key]
    for state in returning:
        session.identity_map.discard(state)
    for state in returning:
        state.pk = switches[state]
        if state() is not None and not state.is_deleted:
            membership.take_place(session, state)


def _return_deleted(session: Session, deleted: dict[InstanceState, None]) -> None:
    """Objects whose row was deleted at the level, or that were marked for it, are persistent again."""
    session._deleted.clear()
    back = [
        state for state in deleted if state() is not None and state.session_id == session.hash_key and state.is_deleted
    ]
    for state in back:
        state.is_deleted = state.was_deleted = False
        membership.take_place(session, state)
    membership.announce(session, back, membership.DELETED_TO_PERSISTENT)
