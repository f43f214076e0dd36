"""Methods that change a state, guarded by what they declare.

A class whose objects move between states derives from :class:`_StateChange` and declares for each method
in which states it may be called and to which state it moves.  The guard refuses a call in any other
state, and an outcome other than the declared one.

Rules

* While a guarded method runs, another guarded method of the same object may not change the state, unless
  the running one announced that change with ``_expect_state``.  A call that breaks this comes from an
  event listener, or from a second thread that uses the object at the same time: both are told so before
  anything is damaged.
* A method that raises is not checked for its outcome: the state it leaves is its own business.

Rejected: a lock.  It would hide that two threads share one object instead of reporting it, and would
cost on every call.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any, TypeVar

from .. import exc

Method = TypeVar("Method", bound=Callable[..., Any])


class _StateChangeState(enum.Enum):
    """The base of enumerations of states."""


class _StateChangeStates(_StateChangeState):
    """Two words for declarations: any state is allowed; the state stays as it is."""

    ANY = 1
    NO_CHANGE = 2


ANY, NO_CHANGE = _StateChangeStates.ANY, _StateChangeStates.NO_CHANGE


@dataclass(slots=True)
class _Operation:
    """One guarded method in progress."""

    name: str
    expected: Any = NO_CHANGE
    """The state to which methods called from inside may move; set while ``_expect_state`` is in force."""


class _StateChange:
    """An object whose methods declare how they change its ``_state``."""

    _state: Any = NO_CHANGE
    """The present state; written by the guarded methods themselves."""
    _operation: _Operation | None = None
    """The innermost guarded method in progress, None between calls; written by the guard."""

    @classmethod
    def declare_states(cls, prerequisites: Collection[Any] | Any, moves_to: Any) -> Callable[[Method], Method]:
        """Declare the states in which a method may be called, and the one it moves to.

        :param prerequisites: a collection of states, or ``ANY``.
        :param moves_to: a state, or ``NO_CHANGE``.
        """

        def decorate(method: Method) -> Method:
            name = method.__name__

            @functools.wraps(method)
            def guarded(self: _StateChange, *args: Any, **kw: Any) -> Any:
                before, outer = self._state, self._operation
                if prerequisites is not ANY and before not in prerequisites:
                    raise self._refusal(name, before)
                if moves_to is not NO_CHANGE and outer is not None:
                    _check_nesting(name, outer, moves_to)
                self._operation = _Operation(name)
                try:
                    result = method(self, *args, **kw)
                finally:
                    self._operation = outer
                _check_outcome(name, outer, before, self._state, moves_to)
                return result

            return guarded  # type: ignore[return-value]

        return decorate

    def _refusal(self, name: str, state: Any) -> Exception:
        """The error for a call of *name* in a state that it does not allow."""
        return exc.operation_not_allowed(name, state)

    def _expect_state(self, expected: Any) -> _Expectation:
        """A block in which the guarded method in progress lets others move to *expected*."""
        if self._operation is None:
            raise AssertionError("Unexpected call to _expect_state outside of state-changing method")
        return _Expectation(self._operation, expected)


class _Expectation:
    """The block of ``_expect_state``; a class of its own because a generator costs every commit a microsecond more."""

    __slots__ = ("_expected", "_operation")

    def __init__(self, operation: _Operation, expected: Any) -> None:
        self._operation = operation
        self._expected = expected

    def __enter__(self) -> None:
        operation = self._operation
        operation.expected, self._expected = self._expected, operation.expected

    def __exit__(self, *error: object) -> None:
        self._operation.expected = self._expected


def _check_nesting(name: str, outer: _Operation, moves_to: Any) -> None:
    """*name* is called while *outer* is in progress: it may only do what *outer* expects."""
    if outer.expected is NO_CHANGE:
        raise exc.operation_in_progress(name, outer.name, moves_to)
    if outer.expected != moves_to:
        raise exc.operation_not_expected(name, moves_to, outer.expected)


def _check_outcome(name: str, outer: _Operation | None, before: Any, now: Any, moves_to: Any) -> None:
    """*name* has run: it must have moved to the state it declared."""
    if now == (before if moves_to is NO_CHANGE else moves_to):
        return
    if now == before:
        raise exc.state_not_changed(name, moves_to)
    raise exc.state_changed_unexpectedly(name, outer.name if outer is not None else None, now)
