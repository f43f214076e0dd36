"""The life cycle of an object with respect to a session, as one table.

An object is in exactly one of five states, and the state is never stored: it follows from three facts
that the tracking keeps anyway (:func:`state_of`)::

                 add                flush                  flush of a delete
    transient ---------> pending ------------> persistent -------------------> deleted
        ^                   |                   |   ^  |                          |
        |   expunge,        |     rollback of   |   |  |  expunge, close          | commit
        +------ rollback ---+     the insert    |   |  +-------------+            |
        +---------------------------------------+   | load, add,     v            v
        |              make_transient               +------------ detached <------+
        +---------------------------------------------------------- (make_transient)

``TRANSITIONS`` holds every legal move: (state, call) -> state.  The names of the transition events
(``pending_to_persistent`` ...), the diagram in the documentation and the errors for illegal calls are
derived from it.  The module is pure: no objects, no sessions.

Rejected: a stored state field.  It would have to be kept in step with the identity map and with
transactions at every turn, and costs a slot per object; the three facts are there in any case.
"""

from __future__ import annotations

import enum


class ObjectState(enum.Enum):
    """The five states of an object."""

    TRANSIENT = "transient"
    PENDING = "pending"
    PERSISTENT = "persistent"
    DELETED = "deleted"
    DETACHED = "detached"

    # members are single objects; the hash of Enum is a Python function, and tables are looked up for every object
    __hash__ = object.__hash__


class Call(enum.Enum):
    """What can move an object from one state to another."""

    ADD = "add"
    DELETE = "delete"
    EXPUNGE = "expunge"
    LOAD = "load"
    FLUSH_INSERT = "flush of an insert"
    FLUSH_DELETE = "flush of a delete"
    COMMIT = "commit"
    ROLLBACK_INSERT = "rollback of an insert"
    ROLLBACK_DELETE = "rollback of a delete"
    MAKE_TRANSIENT = "make_transient"
    MAKE_DETACHED = "make_transient_to_detached"


_S, _C = ObjectState, Call

TRANSITIONS: dict[tuple[ObjectState, Call], ObjectState] = {
    (_S.TRANSIENT, _C.ADD): _S.PENDING,
    (_S.TRANSIENT, _C.LOAD): _S.PERSISTENT,
    (_S.TRANSIENT, _C.MAKE_TRANSIENT): _S.TRANSIENT,
    (_S.TRANSIENT, _C.MAKE_DETACHED): _S.DETACHED,
    (_S.PENDING, _C.ADD): _S.PENDING,
    (_S.PENDING, _C.EXPUNGE): _S.TRANSIENT,
    (_S.PENDING, _C.FLUSH_INSERT): _S.PERSISTENT,
    (_S.PENDING, _C.ROLLBACK_INSERT): _S.TRANSIENT,
    (_S.PENDING, _C.MAKE_TRANSIENT): _S.TRANSIENT,
    (_S.PERSISTENT, _C.ADD): _S.PERSISTENT,
    (_S.PERSISTENT, _C.DELETE): _S.PERSISTENT,
    (_S.PERSISTENT, _C.LOAD): _S.PERSISTENT,
    (_S.PERSISTENT, _C.COMMIT): _S.PERSISTENT,
    (_S.PERSISTENT, _C.EXPUNGE): _S.DETACHED,
    (_S.PERSISTENT, _C.FLUSH_DELETE): _S.DELETED,
    (_S.PERSISTENT, _C.ROLLBACK_INSERT): _S.TRANSIENT,
    (_S.PERSISTENT, _C.MAKE_TRANSIENT): _S.TRANSIENT,
    (_S.DELETED, _C.ADD): _S.PERSISTENT,
    (_S.DELETED, _C.COMMIT): _S.DETACHED,
    (_S.DELETED, _C.EXPUNGE): _S.DETACHED,
    (_S.DELETED, _C.ROLLBACK_DELETE): _S.PERSISTENT,
    (_S.DELETED, _C.ROLLBACK_INSERT): _S.TRANSIENT,
    (_S.DELETED, _C.MAKE_TRANSIENT): _S.TRANSIENT,
    (_S.DETACHED, _C.ADD): _S.PERSISTENT,
    (_S.DETACHED, _C.DELETE): _S.PERSISTENT,
    (_S.DETACHED, _C.MAKE_TRANSIENT): _S.TRANSIENT,
}

EVENT_NAMES: tuple[str, ...] = (
    "transient_to_pending",
    "pending_to_transient",
    "pending_to_persistent",
    "persistent_to_transient",
    "persistent_to_deleted",
    "deleted_to_persistent",
    "deleted_to_detached",
    "persistent_to_detached",
    "detached_to_persistent",
    "loaded_as_persistent",
)
"""The session events of the table, in the order in which an object can meet them."""


_EVENT_OF: dict[tuple[ObjectState, ObjectState], str] = {
    (before, now): name
    for before in ObjectState
    for now in ObjectState
    if (name := f"{before.value}_to_{now.value}") in EVENT_NAMES
}


def state_of(*, has_key: bool, is_attached: bool, is_deleted: bool) -> ObjectState:
    """The state that follows from the three facts.

    :param has_key: the object stands for a row: it has an identity key.
    :param is_attached: a living session owns the object.
    :param is_deleted: a flush of the transaction in progress has deleted the row.
    """
    if not has_key:
        return ObjectState.PENDING if is_attached else ObjectState.TRANSIENT
    if not is_attached:
        return ObjectState.DETACHED
    return ObjectState.DELETED if is_deleted else ObjectState.PERSISTENT


def after(before: ObjectState, call: Call) -> ObjectState | None:
    """The state to which *call* moves an object, or None when the call is not legal in that state."""
    return TRANSITIONS.get((before, call))


def transition_event(before: ObjectState, now: ObjectState, *, loaded: bool = False) -> str | None:
    """The name of the session event for a move, or None when the move has none."""
    return "loaded_as_persistent" if loaded else _EVENT_OF.get((before, now))


def diagram() -> str:
    """The table as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> transient"]
    for (before, call), now in TRANSITIONS.items():
        if before is not now:
            lines.append(f"    {before.value} --> {now.value}: {call.value}")
    return "\n".join(lines)
