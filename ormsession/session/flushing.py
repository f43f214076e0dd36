"""A flush of a session: what it writes, in which order listeners hear of it, and what is registered after.

The steps of one flush are the lines of :func:`flush`; the unit of work plans and executes, the session
keeps its collections.

Rules

* A flush frames itself with a level of the transaction.  Whatever fails rolls the level back, and with it
  the savepoint or transaction around it; the objects get back what they had before.
* Until the end of ``after_flush`` the session shows its objects as new, dirty and deleted, with their
  histories; then the objects are clean and registered, all at once.
* Deleted objects are registered before inserted ones: a new object may take the key of a deleted one.

A flush without anything to write opens no transaction.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SAWarning

from .. import exc
from ..mapping.join_condition import ONETOMANY
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_AUTOFLUSH, PASSIVE_NO_INITIALIZE, PASSIVE_OFF
from ..unitofwork.cascades import held_by
from ..unitofwork.execution import FlushOutcome, execute
from ..unitofwork.plan import FlushInput, Plan, make_plan
from ..unitofwork.preparation import prepare
from . import membership

if TYPE_CHECKING:
    from .session import Session
    from .snapshot import Snapshot
    from .transaction import SessionTransaction


@dataclass(slots=True)
class FlushContext:
    """What listeners of flush events are given besides the session."""

    session: Session
    transaction: SessionTransaction | None = None
    """The level that the flush opened; None in ``before_flush``."""
    plan: Plan | None = None
    """What the flush sends; None in ``before_flush``."""


def flush(session: Session, objects: Iterable[Any] | None = None) -> None:
    """Write the changes of *session*, or only those of *objects*."""
    chosen = None if objects is None else _with_children(membership.state_of(instance) for instance in objects)
    context = FlushContext(session)
    if session.dispatch.before_flush:
        session.dispatch.before_flush(session, context, objects)
    with session.no_autoflush:
        work = prepare(session, _input(session, chosen))
    _load_expired(work.deleted)
    plan = make_plan(work)
    if not plan:
        _settle_unchanged(work)
        return
    context.plan = plan
    transaction = context.transaction = session._frame()
    try:
        _write(session, context, plan, is_partial=chosen is not None)
        transaction.commit()
    except BaseException as error:
        transaction.rollback(_cause=error)
        raise


def rehearse(session: Session) -> Plan:
    """The plan that a flush would make now; loads nothing and changes nothing."""
    return make_plan(prepare(session, _input(session, None), is_rehearsal=True))


def _with_children(states: Iterable[InstanceState]) -> set[InstanceState]:
    """The states, and the children that their one-to-many relationships hold: a parent's flush writes those too."""
    chosen = set(states)
    for state in list(chosen):
        for prop in state.mapper.relationships:
            if prop.direction is ONETOMANY and not prop.viewonly:
                chosen.update(child._sa_instance_state for child in held_by(state, prop, PASSIVE_NO_INITIALIZE))
    return chosen


def _input(session: Session, chosen: set[InstanceState] | None) -> FlushInput:
    """The states to write, in the order in which they were added or changed."""
    deleted = session._deleted
    dirty = [state for state in session.identity_map.modified if state not in deleted]
    if chosen is None:
        return FlushInput(tuple(session._new), tuple(dirty), tuple(deleted))
    new, dirty, doomed = ([s for s in states if s in chosen] for states in (session._new, dirty, deleted))
    return FlushInput(new, dirty, doomed)


def _load_expired(deleted: Iterable[InstanceState]) -> None:
    """Load what is expired of objects to delete: afterwards nobody can, and programs report what they deleted."""
    for state in deleted:
        if state.expired:
            # a row that is gone already is the DELETE's to report
            with contextlib.suppress(exc.ObjectDeletedError):
                state.load_expired(PASSIVE_OFF | NO_AUTOFLUSH)


def _settle_unchanged(work: FlushInput) -> None:
    """Objects whose changes came to nothing are clean again."""
    for state in work.dirty:
        instance = state()
        if instance is not None:
            state.commit_all(instance.__dict__)


def _write(session: Session, context: FlushContext, plan: Plan, *, is_partial: bool) -> None:
    """Send the statements, tell listeners and register what became of the objects."""
    session._is_writing = True
    try:
        outcome = execute(plan, session)
        try:
            if session.dispatch.after_flush:
                session.dispatch.after_flush(session, context)
        except BaseException:
            outcome.take_back()
            raise
    finally:
        session._is_writing = False
    outcome.finish(session.identity_map)
    register(session, outcome)
    if session.identity_map.modified and not is_partial:
        _reset_late_changes(list(session.identity_map.modified.items()))
    if session.dispatch.after_flush_postexec:
        session.dispatch.after_flush_postexec(session, context)


def _reset_late_changes(late: list[tuple[InstanceState, Any]]) -> None:
    """Objects that listeners changed while the statements were sent: no statement was planned for them."""
    warnings.warn(exc.CHANGES_IN_FLUSH_RESET.format(len(late)), SAWarning, stacklevel=2)
    for state, instance in late:
        state.commit_all(instance.__dict__)


# ---------------------------------------------------------------- registering


def register(session: Session, outcome: FlushOutcome) -> None:
    """Enter into the session's collections, and the transaction's snapshot, what a flush did."""
    transaction = session._transaction
    assert transaction is not None  # the flush began it
    snapshot = transaction._snapshot
    # first what a rollback needs: listeners of the moves below may fail
    snapshot.undos.append(outcome.undo)
    snapshot.remember_new(outcome.inserted)
    membership.note_written(session, outcome.updated)
    if outcome.deleted:
        membership.become_deleted(session, outcome.deleted)
    if outcome.rekeyed:
        _register_rekeyed(session, outcome, snapshot)
    if outcome.inserted:
        _register_inserted(session, outcome.inserted)


def _register_rekeyed(session: Session, outcome: FlushOutcome, snapshot: Snapshot) -> None:
    """Objects that have another primary key now move in the identity map, all out before the first in."""
    identity_map = session.identity_map
    for state, old_pk in outcome.rekeyed:
        new_pk, state.pk = state.pk, old_pk
        identity_map.discard(state)
        state.pk = new_pk
        snapshot.key_switches.setdefault(state, old_pk)
    for state, _ in outcome.rekeyed:
        _enter(session, state)


def _register_inserted(session: Session, states: list[InstanceState]) -> None:
    """New objects are persistent.  One loop over all of them; pays for the flush of many inserts."""
    identity_map = session.identity_map
    manager = None
    for state in states:
        if state.manager is not manager:
            manager = state.manager
            space = identity_map.space(manager.identity_class)
        if state.extras is None and state.pk not in space:
            space[state.pk] = state
        else:
            _enter(session, state)
    pending = session._new
    if len(pending) == len(states):
        session._new = {}
    else:
        for state in states:
            del pending[state]
    membership.announce(session, states, membership.PENDING_TO_PERSISTENT)


def _enter(session: Session, state: InstanceState) -> None:
    """Put *state* in the identity map, in place of a stale object with its key."""
    known = session.identity_map.get_state(state.manager.identity_class, state.pk, state.identity_token)
    if known is not None and known() is not None and known is not state and not known.expired:
        warnings.warn(exc.IDENTITY_REPLACED.format(state.key), SAWarning, stacklevel=2)
    membership.take_place(session, state)
