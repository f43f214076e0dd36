"""How one level of a session's transaction takes part in the transaction of a connection.

A session may work with several databases at once.  Each level (the root, each savepoint) has one
:class:`Enlistment` per connection that it used: the connection, the transaction or savepoint on it, and
what the session may do to them.

* A connection that the session opened itself is the session's alone: it is committed, rolled back and
  closed by it.
* A connection that the user gave is never closed.  When it is in a transaction already,
  ``join_transaction_mode`` says what the session may do with that:

  ========================  ==========================================================================
  ``control_fully``         take it over: commit and rollback reach it
  ``rollback_only``         rollback reaches it, commit and close do not
  ``create_savepoint``      leave it alone and work in a savepoint of its own
  ``conditional_savepoint`` as ``create_savepoint`` inside a savepoint, else as ``rollback_only``
  ========================  ==========================================================================
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sqlalchemy import Connection

from .. import exc

JOIN_MODES = ("conditional_savepoint", "rollback_only", "control_fully", "create_savepoint")


class Enlistment(NamedTuple):
    """One connection's part in one level of a session's transaction."""

    connection: Any
    transaction: Any
    """The transaction or savepoint of the connection that stands for the level."""
    is_controlled: bool
    """Commit and close reach ``transaction``; rollback always does."""
    is_own: bool
    """The session opened the connection and closes it."""


def check_mode(mode: str) -> str:
    """*mode* when it is a ``join_transaction_mode``.

    :raises ArgumentError: when it is none.
    """
    if mode not in JOIN_MODES:
        raise exc.invalid_join_mode(mode)
    return mode


def enlist_savepoint(connection: Any) -> Enlistment:
    """Open a savepoint on a connection that an outer level opened."""
    return Enlistment(connection, connection.begin_nested(), True, False)


def enlist_root(bind: Any, *, mode: str, is_twophase: bool, options: dict[str, Any]) -> Enlistment:
    """Begin, or join, the transaction of *bind* for the root level.

    :param bind: an engine, of which a connection is opened, or a connection.
    :param mode: the ``join_transaction_mode``, for a connection that is in a transaction.
    :param options: execution options for the connection, set before the transaction begins.
    """
    is_own = not isinstance(bind, Connection)
    connection = bind.connect() if is_own else bind
    try:
        if options:
            connection = connection.execution_options(**options)
        if is_twophase:
            return Enlistment(connection, connection.begin_twophase(), True, is_own)
        if not connection.in_transaction():
            return Enlistment(connection, connection.begin(), True, is_own)
        if is_own:  # a listener of the engine has begun it
            return Enlistment(connection, connection.get_transaction(), True, True)
        return _join(connection, mode)
    except BaseException:
        if is_own:
            connection.close()
        raise


def _join(connection: Any, mode: str) -> Enlistment:
    """Take part in the transaction in which the user's connection is."""
    in_savepoint = connection.in_nested_transaction()
    if mode == "create_savepoint" or (mode == "conditional_savepoint" and in_savepoint):
        return enlist_savepoint(connection)
    transaction = connection.get_nested_transaction() if in_savepoint else connection.get_transaction()
    return Enlistment(connection, transaction, mode == "control_fully", False)


def commit(enlistments: Iterable[Enlistment]) -> None:
    """Commit what the session controls."""
    for enlistment in enlistments:
        if enlistment.is_controlled:
            enlistment.transaction.commit()


def roll_back(enlistments: Iterable[Enlistment]) -> BaseException | None:
    """Roll back all of them, also when one fails.

    :return: the first failure, or None.
    """
    failure: BaseException | None = None
    for enlistment in enlistments:
        try:
            enlistment.transaction.rollback()
        except BaseException as error:
            failure = failure or error
    return failure


def release(enlistments: Iterable[Enlistment], *, invalidate: bool = False) -> None:
    """End what is still open, and close the session's own connections.

    All are released also when one fails; the first failure is raised then.
    """
    failure: BaseException | None = None
    for enlistment in enlistments:
        try:
            if invalidate and enlistment.is_own:
                enlistment.connection.invalidate()
            if enlistment.is_controlled and enlistment.transaction.is_active:
                enlistment.transaction.close()
        except BaseException as error:
            failure = failure or error
        try:
            if enlistment.is_own:
                enlistment.connection.close()
        except BaseException as error:
            failure = failure or error
    if failure is not None:
        raise failure
