"""The transaction of a session, as a state machine.

A session has no transaction until something needs one; then it begins the *root*.  On top of it stand
savepoints (``begin_nested``) and the short levels that a flush opens for itself (*subtransactions*), each
with its parent; the session points at the innermost.  A root or savepoint has a transaction on every
connection it used (``enlistment``) and a snapshot of the objects (``snapshot``); a subtransaction has
neither and passes everything to its parent.

States and calls (``CALLS`` below is the table that is executed)::

                 _prepare_impl            commit
        ACTIVE -----------------> PREPARED ------> COMMITTED ---+
          |  |                       |                          |
          |  +--- rollback, close ---+------------------------> CLOSED
          |                                                     ^
          +--- failed flush ---> DEACTIVE --- rollback, close --+

Rules

* A failing flush rolls back the nearest root or savepoint, database and objects, and leaves it DEACTIVE.
  Until ``rollback()`` each call is refused with an error that names the original failure.
* A failing COMMIT of the database rolls the whole transaction back and closes it.
* ``Session.commit`` and ``Session.rollback`` act on all levels; those of this class on one, after the
  levels inside it were committed, or closed.
* While a connection is being provisioned the state is PROVISIONING_CONNECTION: a second thread is refused.
* As a context manager it commits at the end of the block, or rolls back when an error leaves it.  Once it
  ended inside its block, the session refuses to begin another until the block is left.

Invariant: the session's innermost transaction is not CLOSED, and its parents are neither.
Invariant: only roots and savepoints have enlistments of their own.
"""

from __future__ import annotations

import enum
import warnings
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.exc import SAWarning

from .. import exc
from . import enlistment
from .enlistment import Enlistment
from .snapshot import Snapshot
from .state_changes import ANY, NO_CHANGE, _StateChange, _StateChangeState

if TYPE_CHECKING:
    from .session import Session

Method = TypeVar("Method", bound=Callable[..., Any])


class SessionTransactionState(_StateChangeState):
    """Where a transaction stands."""

    ACTIVE = 1
    PREPARED = 2
    COMMITTED = 3
    DEACTIVE = 4
    CLOSED = 5
    PROVISIONING_CONNECTION = 6


ACTIVE, PREPARED, COMMITTED, DEACTIVE, CLOSED, PROVISIONING_CONNECTION = SessionTransactionState


class SessionTransactionOrigin(enum.Enum):
    """What began a transaction."""

    AUTOBEGIN = 0
    BEGIN = 1
    BEGIN_NESTED = 2
    SUBTRANSACTION = 3


CALLS: dict[str, tuple[Any, Any]] = {
    # method: (states in which it may be called, state to which it moves)
    "connection": ((ACTIVE,), NO_CHANGE),
    "_begin": ((ACTIVE,), NO_CHANGE),
    "_connection_for_bind": ((ACTIVE,), NO_CHANGE),
    "prepare": ((ACTIVE,), PREPARED),
    "_prepare_impl": ((ACTIVE,), PREPARED),
    "commit": ((ACTIVE, PREPARED), CLOSED),
    "rollback": ((ACTIVE, PREPARED, DEACTIVE), CLOSED),
    "close": (ANY, CLOSED),
}

_MOST_FLUSHES_OF_A_COMMIT = 100


def _guarded(method: Method) -> Method:
    """Guard *method* by its line in ``CALLS``."""
    return _StateChange.declare_states(*CALLS[method.__name__])(method)


class SessionTransaction(_StateChange):
    """One level of a session's transaction: the root, a savepoint, or a flush.

    ``Session.begin``, ``begin_nested`` and ``get_transaction`` return it.  As a context manager it commits
    at the end of the block and rolls back when an error leaves it.

    >>> with session.begin() as transaction:                                          # doctest: +SKIP
    ...     session.add(user)
    """

    def __init__(
        self, session: Session, origin: SessionTransactionOrigin, parent: SessionTransaction | None = None
    ) -> None:
        session._refuse_in_ended_block()
        self.session = session
        self.origin = origin
        self.nested = origin is SessionTransactionOrigin.BEGIN_NESTED
        """True for a savepoint."""
        self._parent = parent
        self._connections: dict[Any, Enlistment] = {}
        """Engine, and connection -> its part in this level.  Filled when one is first used, kept when closed."""
        self._rollback_exception: BaseException | None = None
        """What a flush failed with; set when that made the level DEACTIVE."""
        self._block_outside: SessionTransaction | None = None
        """The transaction whose ``with`` block surrounds this one's; set while the block runs."""
        self._is_counted = False
        """Begun with ``begin(subtransactions=True)``: commit and rollback of the session end this level only."""
        self._previous_nested = session._nested_transaction
        """The savepoint that is the session's innermost again when this level ends."""
        if self.nested:
            if not session._flushing:
                session.flush()
            session._nested_transaction = self
        self._snapshot: Snapshot = Snapshot() if parent is None or self.nested else parent._snapshot
        """What a rollback of the level needs; a subtransaction writes into its parent's."""
        if parent is None and session._legacy is not None:
            session._legacy.release_connections()
        self._state = ACTIVE
        session._transaction = self
        if session.dispatch.after_transaction_create:
            session.dispatch.after_transaction_create(session, self)

    # ------------------------------------------------------------ where it stands

    @property
    def parent(self) -> SessionTransaction | None:
        """The transaction inside which this one was begun; None for the root."""
        return self._parent

    @property
    def is_active(self) -> bool:
        """True while SQL can be emitted in this transaction."""
        return self._state is ACTIVE

    @property
    def connections(self) -> frozenset[Any]:
        """The connections that take part in this transaction; kept when it has ended."""
        return frozenset(part.connection for part in self._level()._connections.values())

    def bound_connection(self, mapper: Any = None, **bind_arguments: Any) -> Any:
        """The connection that this transaction uses for a bind; none is opened.

        :param mapper: the entity whose bind is meant, when the session has several.
        :return: the :class:`~sqlalchemy.Connection`.
        :raises InvalidRequestError: when the transaction has not used that bind.
        """
        bind = self.session.get_bind(mapper, **bind_arguments)
        part = self._level()._connections.get(bind)
        if part is None:
            raise exc.no_connection_acquired(bind)
        return part.connection

    @property
    def _dirty(self) -> dict[Any, None]:
        """The objects that flushes changed at this level."""
        return self._snapshot.dirty

    @property
    def is_ending(self) -> bool:
        """True while its ``with`` block is being left: what that needs may still be done."""
        return self._operation is not None

    def _is_level(self) -> bool:
        """True for a root or savepoint."""
        return self._parent is None or self.nested

    def _levels(self) -> Iterator[SessionTransaction]:
        """This transaction and its parents, innermost first."""
        transaction: SessionTransaction | None = self
        while transaction is not None:
            yield transaction
            transaction = transaction._parent

    def _level(self) -> SessionTransaction:
        """The nearest root or savepoint: the one that a failure in this transaction rolls back."""
        return next(transaction for transaction in self._levels() if transaction._is_level())

    def _inner(self) -> list[SessionTransaction]:
        """The transactions inside this one, innermost first."""
        inner: list[SessionTransaction] = []
        innermost = self.session._transaction
        for transaction in innermost._levels() if innermost is not None else ():
            if transaction is self:
                return inner
            inner.append(transaction)
        raise exc.transaction_not_current()

    def _forget_objects(self) -> None:
        """The session has let go of all objects: there is nothing to restore."""
        self._snapshot = Snapshot()

    def _parts(self) -> list[Enlistment]:
        """The enlistments, each once."""
        return list(dict.fromkeys(self._connections.values()))

    def _refusal(self, name: str, state: Any) -> Exception:
        if state is DEACTIVE:
            if self.session._block is self:
                return exc.ended_in_block(self._rollback_exception)
            if self._rollback_exception is not None:
                return exc.pending_rollback(self._rollback_exception)
        return exc.transaction_refused(name, state)

    # ------------------------------------------------------------ connections

    @_guarded
    def connection(self, bindkey: Any = None, execution_options: Any = None, **kw: Any) -> Any:
        """The connection of this transaction for a bind.

        :param bindkey: the mapper whose bind is meant.
        :param execution_options: options for a connection that is opened now.
        :return: the :class:`~sqlalchemy.Connection`.
        """
        bind = self.session.get_bind(bindkey, **kw)
        return self._connection_for_bind(bind, execution_options)

    @_guarded
    def _begin(self, nested: bool = False) -> SessionTransaction:
        origin = SessionTransactionOrigin.BEGIN_NESTED if nested else SessionTransactionOrigin.SUBTRANSACTION
        return SessionTransaction(self.session, origin, self)

    @_guarded
    def _connection_for_bind(self, bind: Any, execution_options: Any = None) -> Any:
        """The connection of *bind*, enlisted in this level and all outer ones."""
        part = self._connections.get(bind)
        if part is not None:
            if execution_options:
                warnings.warn(exc.CONNECTION_OPTIONS_IGNORED, SAWarning, stacklevel=4)
            return part.connection
        session = self.session
        self._state = PROVISIONING_CONNECTION
        try:
            if self._parent is None:
                part = self._enlist_root(bind, execution_options)
            else:
                connection = self._parent._connection_for_bind(bind, execution_options)
                if not self.nested:
                    return connection
                part = enlistment.enlist_savepoint(connection)
        finally:
            self._state = ACTIVE
        self._connections[part.connection] = self._connections[part.connection.engine] = part
        if session.dispatch.after_begin:
            session.dispatch.after_begin(session, self, part.connection)
        return part.connection

    def _enlist_root(self, bind: Any, execution_options: Any) -> Enlistment:
        session = self.session
        if getattr(bind, "engine", bind) in self._connections:
            raise exc.engine_already_enlisted()
        options = {**session.execution_options, **(execution_options or {})}
        mode = session.join_transaction_mode
        return enlistment.enlist_root(bind, mode=mode, is_twophase=session.twophase, options=options)

    # ------------------------------------------------------------ the end

    @_guarded
    def prepare(self) -> None:
        """Write all changes and prepare a two-phase commit.

        :raises InvalidRequestError: when the session is not in ``twophase`` mode, or this is not the root.
        """
        if self._parent is not None or not self.session.twophase:
            raise exc.cannot_prepare()
        with self._expect_state(PREPARED):
            self._prepare_impl()

    @_guarded
    def _prepare_impl(self) -> None:
        """End the inner transactions, flush what is left, and prepare a two-phase commit."""
        session = self.session
        if self._is_level() and session.dispatch.before_commit:
            session.dispatch.before_commit(session)
        for inner in self._inner():
            inner.commit()
        if not session._flushing:
            for _ in range(_MOST_FLUSHES_OF_A_COMMIT):
                if session._is_clean():
                    break
                session.flush()
            else:
                raise exc.endless_flush(_MOST_FLUSHES_OF_A_COMMIT)
        if self._parent is None and session.twophase:
            try:
                for part in self._parts():
                    part.transaction.prepare()
            except BaseException:
                with self._expect_state(CLOSED):
                    self.rollback()
                raise
        self._state = PREPARED

    @_guarded
    def commit(self, _to_root: bool = False) -> None:
        """Flush, commit this transaction and close it; a savepoint is released.

        :raises PendingRollbackError: when a flush failed before and was not rolled back.
        """
        if self._state is not PREPARED:
            with self._expect_state(PREPARED):
                self._prepare_impl()
        if self._is_level():
            try:
                enlistment.commit(self._parts())
            except BaseException:
                with self._expect_state(CLOSED):
                    self.rollback()
                raise
            self._state = COMMITTED
            if self.session.dispatch.after_commit:
                self.session.dispatch.after_commit(self.session)
            if self._parent is not None:
                self._snapshot.merge_into(self._parent._snapshot)
            else:
                self._snapshot.settle(self.session)
        with self._expect_state(CLOSED):
            self.close()
        if _to_root and self._parent is not None:
            self._parent.commit(_to_root=True)

    @_guarded
    def rollback(self, _to_root: bool = False, _cause: BaseException | None = None) -> None:
        """Roll back this transaction, database and objects, and close it.

        :param _cause: what failed, when this is the answer to a failure; outer calls will name it.
        """
        session = self.session
        for inner in self._inner():
            if inner.nested:
                inner._snapshot.merge_into(self._snapshot)
                inner._snapshot = Snapshot()
            inner.close()
        failure = None
        boundary = self._level()
        if self._state is not DEACTIVE:
            failure = self._undo(boundary)
        if not session._is_clean():
            warnings.warn(exc.CHANGED_WHILE_INACTIVE, SAWarning, stacklevel=3)
            boundary._snapshot.restore(session, only_changed=boundary.nested)
        with self._expect_state(CLOSED):
            self.close()
        parent = self._parent
        if _cause is not None and self is not boundary:
            boundary._rollback_exception = _cause
        if failure is not None:
            raise failure
        if session.dispatch.after_soft_rollback:
            session.dispatch.after_soft_rollback(session, self)
        if _to_root and parent is not None:
            parent.rollback(_to_root=True)

    def _undo(self, boundary: SessionTransaction) -> BaseException | None:
        """Roll back the level *boundary* and make it and all inside it DEACTIVE.

        :return: what the database failed with, or None; the objects are restored in any case.
        """
        session = self.session
        failure: BaseException | None = None
        for transaction in self._levels():
            transaction._state = DEACTIVE
            if transaction is boundary:
                break
        try:
            failure = enlistment.roll_back(boundary._parts())
            if failure is None and session.dispatch.after_rollback:
                session.dispatch.after_rollback(session)
        finally:
            boundary._snapshot.restore(session, only_changed=boundary.nested)
        return failure

    @_guarded
    def close(self, invalidate: bool = False) -> None:
        """End this transaction; what was not committed is undone.

        :param invalidate: the connections are unusable and must not return to the pool.
        """
        if self._state is CLOSED:
            return
        session = self.session
        is_open = self._state in (ACTIVE, PREPARED)
        if is_open:
            for inner in self._inner():
                inner.close()
        if self.nested:
            session._nested_transaction = self._previous_nested
        session._transaction = self._parent
        try:
            if self._parent is None or (self.nested and is_open):
                enlistment.release(self._parts(), invalidate=invalidate)
        finally:
            self._state = CLOSED
            if is_open and self._is_level():
                self._snapshot.restore(session, only_changed=self.nested)
            if session.dispatch.after_transaction_end:
                session.dispatch.after_transaction_end(session, self)

    # ------------------------------------------------------------ as a context manager

    def __enter__(self) -> SessionTransaction:
        self._block_outside = self.session._block
        self.session._block = self
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        session = self.session
        try:
            if self._state is ACTIVE and error_type is None:
                self._commit_block()
            elif self._state is ACTIVE or self._state is PREPARED:
                self.rollback()
            elif self._state is not CLOSED:
                self.close()
        finally:
            if session._block is self:
                session._block = self._block_outside
            self._block_outside = None

    def _commit_block(self) -> None:
        """Commit at the end of the block; a failure that left the transaction open rolls it back."""
        try:
            self.commit()
        except BaseException:
            if self._state in (ACTIVE, PREPARED, DEACTIVE):
                self.rollback()
            raise

    def __repr__(self) -> str:
        return f"<SessionTransaction {self.origin.name} {self._state.name}>"
