"""Which objects belong to a session, and every move of an object from one state to another.

A session holds its pending objects in ``_new`` and those marked for deletion in ``_deleted``, both
strongly, and its persistent ones in the identity map.  The functions here move objects between them.

Rules

* ``add``, ``delete``, ``expunge``, ``merge`` and ``refresh`` act on what :func:`cascade` reaches, and on
  nothing else.
* An object belongs to one session at a time; one of another living session is refused.
* Each move is made first and announced then: listeners see the object in its new state.
* :func:`announce` is the only place that emits the events of the life cycle; their names come from its
  table.  Without listeners an announcement costs one look.
* What is deleted and flushed is no member any more, but is still attached: a rollback brings it back.

Invariant: a state in ``_new`` has no key; one in ``_deleted`` is in the identity map.
Invariant: all of them carry the session's number.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .. import exc
from ..tracking.lifecycle import ObjectState, transition_event
from ..tracking.ownership import owner_of, owners
from ..tracking.state import InstanceState
from ..unitofwork.cascades import cascading, reach

if TYPE_CHECKING:
    from .session import Session

_S = ObjectState


def _named(before: ObjectState, now: ObjectState, *, loaded: bool = False) -> str:
    name = transition_event(before, now, loaded=loaded)
    assert name is not None
    return name


# the events of the life cycle, by the names that its table gives them
TRANSIENT_TO_PENDING = _named(_S.TRANSIENT, _S.PENDING)
PENDING_TO_TRANSIENT = _named(_S.PENDING, _S.TRANSIENT)
PENDING_TO_PERSISTENT = _named(_S.PENDING, _S.PERSISTENT)
PERSISTENT_TO_TRANSIENT = _named(_S.PERSISTENT, _S.TRANSIENT)
PERSISTENT_TO_DELETED = _named(_S.PERSISTENT, _S.DELETED)
PERSISTENT_TO_DETACHED = _named(_S.PERSISTENT, _S.DETACHED)
DETACHED_TO_PERSISTENT = _named(_S.DETACHED, _S.PERSISTENT)
DELETED_TO_PERSISTENT = _named(_S.DELETED, _S.PERSISTENT)
DELETED_TO_DETACHED = _named(_S.DELETED, _S.DETACHED)
LOADED_AS_PERSISTENT = _named(_S.TRANSIENT, _S.PERSISTENT, loaded=True)


def state_of(instance: Any) -> InstanceState:
    """The state of *instance*.

    :raises UnmappedInstanceError: when it is no instance of a mapped class.
    :raises UnmappedClassError: when its class is only derived from a mapped one.
    """
    try:
        state: InstanceState = instance.__dict__["_sa_instance_state"]
    except (AttributeError, KeyError):
        raise exc.unmapped_instance(instance) from None
    manager = state.manager
    if manager.mapper is None or manager.class_ is not type(instance):
        # an unmapped subclass of a mapped class is tracked, but there is no saying where its rows are
        raise exc.UnmappedClassError(type(instance))
    return state


def cascade(kind: str, state: InstanceState, alive: list[Any] | None = None) -> list[InstanceState]:
    """The objects that *kind* of operation on *state* reaches, itself first; *alive* as in :func:`.reach`."""
    return [state, *reach(kind, state, alive=alive)] if cascading(state.mapper, kind) else [state]


def announce(session: Session, states: Collection[InstanceState], event: str) -> None:
    """Tell listeners that objects moved from one state to another, or came from rows."""
    if not states:
        return
    listeners = getattr(session.dispatch, event)
    if listeners:
        for state in list(states):
            if state() is not None:
                listeners(session, state)


# ---------------------------------------------------------------- entering


def _attach(session: Session, state: InstanceState) -> bool:
    """Ready *state* for entering the session.

    :return: True when it is not the session's yet.
    :raises InvalidRequestError: when it belongs to another session.
    """
    session._note_use()
    number = state.session_id
    if number == session.hash_key:
        return False
    if number is not None and number in owners:
        raise exc.attached_elsewhere(state, number, session.hash_key)
    if session.dispatch.before_attach:
        session.dispatch.before_attach(session, state)
    return True


def _attached(session: Session, state: InstanceState, event: str) -> None:
    """*state* has entered the session: tell listeners."""
    if session.dispatch.after_attach:
        session.dispatch.after_attach(session, state)
    announce(session, (state,), event)


def add(session: Session, state: InstanceState) -> None:
    """Make the object, and what it cascades to, pending or persistent."""
    _add_one(session, state)
    if cascading(state.mapper, "save-update"):
        for reached in reach("save-update", state, halt_on=lambda each: contains(session, each)):
            _add_one(session, reached)


def _add_one(session: Session, state: InstanceState) -> None:
    if state.pk is None:
        add_pending(session, state)
    else:
        add_persistent(session, state)


def contains(session: Session, state: InstanceState) -> bool:
    """True when the object is a member: pending, or persistent."""
    return state in session._new or session.identity_map.contains_state(state)


def add_pending(session: Session, state: InstanceState) -> None:
    """A transient object becomes pending."""
    is_new = _attach(session, state)
    if is_new:
        session._new[state] = state()
        state.session_id = session.hash_key
        _attached(session, state, TRANSIENT_TO_PENDING)


def add_persistent(session: Session, state: InstanceState) -> None:
    """A detached object becomes persistent; a mark for deletion is taken back."""
    if state.was_deleted:
        raise exc.already_deleted(state)
    if not _attach(session, state):
        session._deleted.pop(state, None)
        return
    _enter_map(session, state)
    _attached(session, state, DETACHED_TO_PERSISTENT)


def claim(session: Session, state: InstanceState) -> None:
    """Let an object that is no member know its session, so that it can load; nothing is written for it.

    :raises InvalidRequestError: when it belongs to another session.
    """
    if _attach(session, state):
        state.session_id = session.hash_key


def _enter_map(session: Session, state: InstanceState) -> None:
    """Enter the identity map under the number of the session."""
    session.identity_map.add(state)
    state.session_id = session.hash_key


def delete(session: Session, state: InstanceState) -> None:
    """Mark the object, and what it cascades to, for deletion."""
    if state.pk is None:
        raise exc.not_persisted(state)
    alive: list[Any] = []
    # before anything moves: it may load, and loading must not flush half a deletion
    reached = cascade("delete", state, alive)
    for each in reached:
        if each.pk is not None:
            mark_deleted(session, each)


def mark_deleted(session: Session, state: InstanceState) -> None:
    """Mark one object for deletion."""
    is_new = _attach(session, state)
    if state in session._deleted:
        return
    _enter_map(session, state)
    if state.is_deleted:
        state.is_deleted = False
    if is_new:
        _attached(session, state, DETACHED_TO_PERSISTENT)
    session._deleted[state] = state()


def take_place(session: Session, state: InstanceState) -> None:
    """Put *state* into the identity map; another object under its key leaves the session."""
    replaced = session.identity_map.replace(state)
    if replaced is not None:
        replaced.session_id = None
        session._deleted.pop(replaced, None)
        announce(session, (replaced,), PERSISTENT_TO_DETACHED)


# ---------------------------------------------------------------- leaving


def become_deleted(session: Session, states: Sequence[InstanceState]) -> None:
    """The rows of these objects are deleted: a rollback of the level brings the objects back."""
    transaction = session._transaction
    held = [state() for state in states]  # until the listeners have heard of them
    identity_map, marked = session.identity_map, session._deleted
    for state in states:
        identity_map.discard(state)
        marked.pop(state, None)
        if state.extras is None:
            # both parts at once: pays for the flush of many deletions
            state.extras = {"is_deleted": True, "was_deleted": True}
        else:
            state.is_deleted = state.was_deleted = True
    if transaction is not None:
        transaction._snapshot.deleted.update(dict.fromkeys(states))
    announce(session, states, PERSISTENT_TO_DELETED)
    held.clear()


def note_written(session: Session, states: Iterable[InstanceState]) -> None:
    """Rows of these objects were written at the present level: a rollback to its savepoint expires them."""
    transaction = session._transaction
    if transaction is not None and transaction._level().nested:
        transaction._snapshot.dirty.update(dict.fromkeys(states))


def row_is_gone(session: Session, state: InstanceState) -> None:
    """Somebody else deleted the row of a persistent object, as a load found out."""
    if session.identity_map.contains_state(state):
        become_deleted(session, (state,))


def expunge(session: Session, state: InstanceState) -> None:
    """Remove the object, and what it cascades to, from the session."""
    if state.session_id != session.hash_key:
        raise exc.not_in_session(state)
    _expunge_states(session, cascade("expunge", state))


def _expunge_states(session: Session, states: Iterable[InstanceState]) -> None:
    """Pending objects become transient, persistent and deleted ones detached."""
    for state in states:
        if state.session_id != session.hash_key:
            continue
        if session._new.pop(state, None) is not None:
            event = PENDING_TO_TRANSIENT
        elif session.identity_map.contains_state(state):
            session.identity_map.discard(state)
            session._deleted.pop(state, None)
            event = PERSISTENT_TO_DETACHED
        else:
            event = DELETED_TO_DETACHED
            if session._transaction is not None:
                for transaction in session._transaction._levels():
                    transaction._snapshot.forget(state)
        _leave(state)
        announce(session, (state,), event)


def _leave(state: InstanceState) -> None:
    """Take the session's number off *state*."""
    state.session_id = None
    if state.is_deleted:
        state.is_deleted = False


def make_states_transient(session: Session, states: Iterable[InstanceState]) -> None:
    """The row of these objects was never there: they lose key and session."""
    pending, persistent = [], []
    for state in states:
        is_mine = state.session_id == session.hash_key
        if session._new.pop(state, None) is not None:
            pending.append(state)
        elif is_mine:
            persistent.append(state)
        if state.pk is not None:
            session.identity_map.discard(state)
            session._deleted.pop(state, None)
            forget_row(state)
        _leave(state)
        forget_deletion(state)
    announce(session, pending, PENDING_TO_TRANSIENT)
    announce(session, persistent, PERSISTENT_TO_TRANSIENT)


def forget_row(state: InstanceState) -> None:
    """The object stands for no row: drop its key and what was to be loaded from the row."""
    state.pk = None
    if state.incomplete:
        state.incomplete = state.expired = False
        state.expired_keys = frozenset()
    if state.loader_callables:
        state.loader_callables = None


def forget_deletion(state: InstanceState) -> None:
    """The row of the object was not deleted after all, or the object no longer stands for it."""
    if state.was_deleted:
        state.was_deleted = False


def expunge_all(session: Session) -> None:
    """All objects leave the session."""
    old_map, pending = session.identity_map, session._new
    persistent = old_map.all_states()
    deleted = _deleted_and_flushed(session)
    session._renew_collections()
    for state in (*persistent, *pending, *deleted):
        _leave(state)
    old_map.clear()
    announce(session, pending, PENDING_TO_TRANSIENT)
    announce(session, persistent, PERSISTENT_TO_DETACHED)
    announce(session, deleted, DELETED_TO_DETACHED)


def _deleted_and_flushed(session: Session) -> list[InstanceState]:
    """The objects whose rows were deleted in the transaction in progress; a rollback no longer returns them."""
    found: dict[InstanceState, None] = {}
    if session._transaction is not None:
        for transaction in session._transaction._levels():
            found.update(transaction._snapshot.deleted)
            transaction._snapshot.deleted.clear()
    return [state for state in found if state.session_id == session.hash_key]


# ---------------------------------------------------------------- without a session


def make_transient(instance: Any) -> None:
    """Make an object forget its row and its session; ``add`` would insert it anew.

    :param instance: an object in any state.
    :raises UnmappedInstanceError: when it is no instance of a mapped class.
    """
    state = state_of(instance)
    session = owner_of(state)
    if session is not None:
        _expunge_states(session, (state,))
    forget_row(state)
    forget_deletion(state)


def make_transient_to_detached(instance: Any) -> None:
    """Make a transient object detached, as if it had been loaded and expunged.

    Its primary key attributes must be set; all attributes without a value are expired.

    :param instance: a transient object whose row is known to exist.
    :raises InvalidRequestError: when it is not transient.
    """
    state = state_of(instance)
    if state.pk is not None or state.session_id is not None:
        raise exc.must_be_transient(state)
    state.key = state.mapper.identity_key_from_instance(instance)
    forget_deletion(state)
    dict_ = instance.__dict__
    state.commit_all(dict_)
    state.expire_attributes(dict_, state.unloaded)


def close_all_sessions() -> None:
    """Close all sessions of the process; useful at the end of a test."""
    for session in list(owners.values()):
        session.close()
