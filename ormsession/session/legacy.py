"""Older modes and spellings, translated into today's at the door.

Each function here names the modern spelling in a ``DeprecationWarning`` and then does the modern thing;
nothing else in the package knows of the old ones.  Two modes need a little state, :class:`LegacyModes`:

* ``autocommit=True``: outside of ``begin()`` there is no transaction.  Statements go to connections in the
  driver's AUTOCOMMIT mode, which the session keeps until it is closed or begins a transaction; a flush frames
  itself with a transaction.
* ``weak_identity_map=False``: events of the life cycle keep every persistent object alive until ``prune()``.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, TextClause, event, text
from sqlalchemy.exc import SADeprecationWarning

from .. import exc
from . import membership

if TYPE_CHECKING:
    from .session import Session
    from .transaction import SessionTransaction

_BIND_WORDS = ("mapper", "clause", "bind")
_LOCKS: dict[str, Any] = {"read": {"read": True}, "update": True, "update_nowait": {"nowait": True}, "none": None}


def _warn(old: str, modern: str) -> None:
    warnings.warn(f"{old} is deprecated; use {modern}", SADeprecationWarning, stacklevel=4)


class LegacyModes:
    """What a session in an older mode needs besides."""

    def __init__(self, session: Session, *, autocommit: bool, weak_identity_map: bool) -> None:
        self.autocommit = autocommit
        self._connections: dict[Any, Connection] = {}
        """Engine -> connection in AUTOCOMMIT mode.  Filled by statements, emptied by ``begin`` and ``close``."""
        self._kept: dict[int, Any] = {}
        """Objects that are only kept alive, by id.  Filled and emptied by the events of the life cycle."""
        if autocommit:
            _warn("Session(autocommit=True)", "autobegin, with commit() or 'with session.begin()'")
        if not weak_identity_map:
            _warn("Session(weak_identity_map=False)", "a reference of your own to the objects that have to stay")
            self._keep_objects(session)

    def _keep_objects(self, session: Session) -> None:
        def keep(_: Session, instance: Any) -> None:
            self._kept[id(instance)] = instance

        def drop(_: Session, instance: Any) -> None:
            self._kept.pop(id(instance), None)

        for name in (
            "pending_to_persistent",
            "loaded_as_persistent",
            "detached_to_persistent",
            "deleted_to_persistent",
        ):
            event.listen(session, name, keep)
        for name in ("persistent_to_detached", "persistent_to_deleted", "persistent_to_transient"):
            event.listen(session, name, drop)

    def connection(self, bind: Any, execution_options: Mapping[str, Any] | None) -> Any:
        """A connection that commits each statement by itself."""
        if isinstance(bind, Connection):
            return bind
        connection = self._connections.get(bind)
        if connection is None:
            options = {**(execution_options or {}), "isolation_level": "AUTOCOMMIT"}
            connection = self._connections[bind] = bind.connect().execution_options(**options)
        return connection

    def release_connections(self) -> None:
        """Give the connections back: a transaction begins, or the session is closed."""
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def close(self) -> None:
        """The session is closed."""
        self.release_connections()
        self._kept.clear()

    def prune(self, session: Session) -> int:
        """Let go of the kept objects that nobody else holds; return how many went."""
        before = len(session.identity_map)
        self._kept.clear()
        self._kept.update((id(instance), instance) for instance in session.identity_map.values())
        return before - len(session.identity_map)


def prune(session: Session) -> int:
    """``Session.prune``."""
    _warn("Session.prune()", "the weak identity map, which needs no pruning")
    return 0 if session._legacy is None else session._legacy.prune(session)


def close_all() -> None:
    """``Session.close_all``."""
    _warn("Session.close_all()", "close_all_sessions()")
    membership.close_all_sessions()


def transaction_of(session: Session) -> SessionTransaction | None:
    """``Session.transaction``."""
    _warn("Session.transaction", "Session.get_transaction() or Session.in_transaction()")
    return session._transaction


def begin_counted(session: Session) -> SessionTransaction:
    """``Session.begin(subtransactions=True)``: a level that the next ``commit`` or ``rollback`` ends."""
    _warn("Session.begin(subtransactions=True)", "Session.in_transaction() to find out whether to begin one")
    if session._transaction is None:
        return session.begin()
    level = session._transaction._begin()
    level._is_counted = True
    return level


def warn_flush_of_objects() -> None:
    """``Session.flush(objects)``."""
    warnings.warn(
        "The `objects` parameter of `Session.flush` is deprecated; flush the whole session",
        SADeprecationWarning,
        stacklevel=3,
    )


def text_of(statement: str) -> TextClause:
    """A statement given as a plain string."""
    _warn("Session.execute() of a string", "text('...')")
    return text(statement)


def bind_arguments_of(given: Mapping[str, Any], bind_arguments: Mapping[str, Any] | None) -> dict[str, Any]:
    """``mapper=``, ``clause=`` and ``bind=`` of ``Session.execute``, as bind arguments.

    :raises TypeError: for any other keyword.
    """
    unknown = [word for word in given if word not in _BIND_WORDS]
    if unknown:
        raise exc.unexpected_keywords("Session.execute()", unknown)
    _warn("Passing mapper=, clause= or bind= to Session.execute()", "bind_arguments={...}")
    return {**given, **(bind_arguments or {})}


def lock_of(mode: str) -> Any:
    """``lockmode=`` as ``with_for_update``."""
    _warn("lockmode=", "with_for_update=")
    if mode not in _LOCKS:
        raise exc.unknown_lockmode(mode)
    return _LOCKS[mode]
