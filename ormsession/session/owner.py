"""What the rooms below may ask of a session: the ``Owner`` that tracking names.

These methods stand apart from :class:`.Session` because they are not for its users: they take statements
that a lower room built and keeps, and flush only when told to.  A session with ``do_orm_execute``
listeners shows them those statements too.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .. import exc
from ..loading.peers import LoadReport
from ..tracking.identity import IdentityMap
from ..tracking.state import InstanceState
from . import membership
from .execute_state import Request
from .execution import EMPTY, mapper_spoken_of
from .legacy import LegacyModes
from .transaction import ACTIVE, SessionTransaction, SessionTransactionOrigin

if TYPE_CHECKING:
    from contextlib import AbstractContextManager


class StateOwner:
    """The side of a session that tracking, loading and the unit of work see."""

    hash_key: int
    """The number of the session; its objects carry it."""
    identity_map: IdentityMap
    """The persistent objects.  Another one after ``close`` and ``expunge_all``."""
    dispatch: Any
    fetch: str
    """How absent attributes are loaded: "one", "peers", "warn" or "raise"."""
    load_reports: list[LoadReport]
    """Reports that are being written; filled and emptied by :meth:`load_report`."""
    _flushing: bool
    bind: Any
    autobegin: bool
    autoflush: bool
    _new: dict[InstanceState, Any]
    """Pending states -> their objects, in the order of ``add``.  Emptied by flush and rollback."""
    _deleted: dict[InstanceState, Any]
    """Persistent states marked for deletion -> their objects.  Filled by delete, emptied by flush and rollback."""
    _transaction: SessionTransaction | None
    """The innermost transaction, None between transactions; written by the transactions themselves."""
    _block: SessionTransaction | None
    """The transaction whose ``with`` block is running, None outside of one; written by that transaction."""
    _legacy: LegacyModes | None
    """What the older modes need; None when none is used."""
    _is_writing: bool
    """A flush is sending its statements; written by the flush."""
    _flushing_thread: int | None
    """The thread in which it is; None before the first."""
    _is_closed: bool
    """Closed for good: ``close()`` with ``close_resets_only=False``."""

    if TYPE_CHECKING:

        def get_bind(self, mapper: Any = None, **kw: Any) -> Any: ...

        def _autoflush(self) -> None: ...

        def _execute_request(self, request: Request, listeners: Any) -> Any: ...

        @property
        def no_autoflush(self) -> AbstractContextManager[Any]: ...

    # ------------------------------------------------------------ transactions and connections

    def _note_use(self) -> None:
        """Objects are about to change: a transaction begins, where the session begins them by itself."""
        if self._legacy is None or not self._legacy.autocommit:
            self._autobegin_t()

    def _frame(self) -> SessionTransaction:
        """A level of the transaction for one flush or bulk operation; a transaction of its own in autocommit mode."""
        if self._transaction is None and self._legacy is not None and self._legacy.autocommit:
            return SessionTransaction(self, SessionTransactionOrigin.BEGIN)  # type: ignore[arg-type]
        return self._autobegin_t()._begin()

    def _autobegin_t(self) -> SessionTransaction:
        """The innermost transaction; begins one when there is none."""
        if self._flushing:
            self._refuse_other_threads()
        if self._block is not None:
            self._refuse_in_ended_block()
        transaction = self._transaction
        if transaction is None:
            if self._is_closed:
                raise exc.session_closed()
            if not self.autobegin:
                raise exc.autobegin_disabled()
            transaction = SessionTransaction(self, SessionTransactionOrigin.AUTOBEGIN)  # type: ignore[arg-type]
            # a listener of its creation may have ended it and begun another
            transaction = self._transaction or transaction
        return transaction

    def _refuse_other_threads(self) -> None:
        """Refuse to work in another thread than the one in which a flush is running."""
        if self._flushing_thread != threading.get_ident():
            raise exc.flushing_in_another_thread()

    def _refuse_in_ended_block(self) -> None:
        """Refuse to go on in a ``with`` block whose transaction is over."""
        block = self._block
        if block is not None and not block.is_active and not block.is_ending:
            raise exc.ended_in_block(block._rollback_exception)

    def _connection_for_bind(self, bind: Any, **kw: Any) -> Any:
        """The connection of *bind* in the current transaction."""
        if self._transaction is None and self._legacy is not None and self._legacy.autocommit:
            return self._legacy.connection(bind, kw.get("execution_options"))
        transaction = self._autobegin_t()
        if transaction._state is ACTIVE and not kw:
            part = transaction._connections.get(bind)
            if part is not None:
                return part.connection
        return transaction._connection_for_bind(bind, kw.get("execution_options"))

    def connection_for(self, mapper: Any, **kw: Any) -> Any:
        """The connection for a mapper's tables, in the current transaction."""
        return self._connection_for_bind(self.get_bind(mapper=mapper, **kw))

    # ------------------------------------------------------------ statements of lower rooms

    def run(
        self,
        statement: Any,
        params: Any = None,
        *,
        mapper: Any,
        execution_options: Mapping[str, Any] | None = None,
        autoflush: bool = False,
        for_relationship: bool = False,
        loaded_from: InstanceState | None = None,
    ) -> Any:
        """Execute a statement that a lower room built, inside the current transaction.

        :param mapper: by which the connection is found.
        :param autoflush: flush before, when the session does that.
        :param for_relationship: it loads objects for a relationship; listeners want to know.
        :param loaded_from: the object whose attribute was read, when that is why.
        :return: Core's cursor result.
        """
        if autoflush:
            self._autoflush()
        if self.dispatch.do_orm_execute:
            if for_relationship:
                purpose = "relationship"
            else:
                purpose = "column" if mapper_spoken_of(statement) is None else "get"
            options = execution_options or EMPTY
            request = Request(statement, params, options, {"mapper": mapper}, purpose=purpose, loaded_from=loaded_from)
            return self._execute_request(request, tuple(self.dispatch.do_orm_execute))
        return self.connection_for(mapper).execute(statement, params, execution_options=execution_options)

    def flush_if_due(self) -> None:
        """Flush before a load, unless the session was told not to do that by itself."""
        self._autoflush()

    # ------------------------------------------------------------ members

    @property
    def is_writing(self) -> bool:
        """True while a flush sends its statements."""
        return self._is_writing

    def has_state(self, state: InstanceState) -> bool:
        """True when the object is pending or persistent here."""
        return membership.contains(self, state)  # type: ignore[arg-type]

    def is_pending(self, state: InstanceState) -> bool:
        """True when the object was added here and is not inserted yet."""
        return state in self._new

    def take_in(self, state: InstanceState) -> None:
        """Add an object, and what it cascades to."""
        membership.add(self, state)  # type: ignore[arg-type]

    def mark_deleted(self, state: InstanceState) -> None:
        """Mark an object for deletion."""
        membership.mark_deleted(self, state)  # type: ignore[arg-type]

    def let_out(self, state: InstanceState) -> None:
        """Expunge an object, and what it cascades to."""
        membership.expunge(self, state)  # type: ignore[arg-type]

    @property
    def is_flushing(self) -> bool:
        """Whether what is loaded now is for a flush."""
        return self._flushing

    @contextlib.contextmanager
    def load_report(self) -> Iterator[LoadReport]:
        """Note each load that the use of an absent attribute causes.

        :return: for a ``with`` block, a :class:`.LoadReport` with an entry per load: attribute, objects, statements,
            the line of the program and the option that would have avoided it.

        >>> with session.load_report() as report:                                     # doctest: +SKIP
        ...     render(page)
        >>> print(report)                                                             # doctest: +SKIP
        """
        report = LoadReport()
        self.load_reports.append(report)
        try:
            yield report
        finally:
            self.load_reports = [each for each in self.load_reports if each is not report]

    # ------------------------------------------------------------ news of objects

    def note_modified(self, state: InstanceState, obj: Any) -> None:
        """An unmodified object of this session is about to change: a transaction begins, the object is held."""
        if self._transaction is None or self._block is not None:
            self._note_use()
        if state.pk is not None and self.identity_map.contains_state(state):
            self.identity_map.modified[state] = obj

    def held_object(self, state: InstanceState) -> Any:
        """The object of *state* when the session keeps it alive, else None."""
        for held in (self._new, self._deleted, self.identity_map.modified):
            if state in held:
                return held[state]
        return None

    def loaded(self, states: Iterable[InstanceState]) -> None:
        """Objects came from the database."""
        membership.announce(self, list(states), membership.LOADED_AS_PERSISTENT)  # type: ignore[arg-type]

    def row_is_gone(self, state: InstanceState) -> None:
        """The row of a persistent object was found to be deleted by somebody else."""
        membership.row_is_gone(self, state)  # type: ignore[arg-type]


class BoundOwner:
    """A session that runs statements with bind arguments of one call, such as ``get(..., bind_arguments=...)``."""

    __slots__ = ("_bind_arguments", "_session")

    def __init__(self, session: StateOwner, bind_arguments: Mapping[str, Any]) -> None:
        self._session = session
        self._bind_arguments = bind_arguments

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def run(self, statement: Any, params: Any = None, *, mapper: Any, autoflush: bool = False, **kw: Any) -> Any:
        """As :meth:`StateOwner.run`, with the bind found by the call's arguments."""
        session = self._session
        if autoflush:
            session._autoflush()
        options = kw.get("execution_options") or EMPTY
        request = Request(statement, params, options, {"mapper": mapper, **self._bind_arguments}, purpose="get")
        return session._execute_request(request, tuple(session.dispatch.do_orm_execute))
