"""Which session owns which object, without tracking knowing what a session is.

A state holds the number of its session, not the session: an object must not keep a session alive, and a
session that is garbage collected leaves its objects detached.  ``owners`` maps the number back to the
session for as long as somebody holds it.

:class:`Owner` is everything that the rooms below the session may ask of one.  They are handed an owner,
or find it here through a state; they never import the session.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

from .. import exc

if TYPE_CHECKING:
    from .identity import IdentityMap
    from .state import InstanceState


class Owner(Protocol):
    """What tracking, loading and the unit of work may ask of a session."""

    hash_key: int
    identity_map: IdentityMap
    dispatch: Any
    fetch: str
    load_reports: list[Any]

    @property
    def is_flushing(self) -> bool:
        """Whether what is loaded now is for a flush."""

    @property
    def no_autoflush(self) -> AbstractContextManager[Any]:
        """A block in which nothing is flushed implicitly."""

    @property
    def is_writing(self) -> bool:
        """True while a flush sends its statements."""

    def has_state(self, state: InstanceState) -> bool:
        """True when the object is pending or persistent here."""

    def is_pending(self, state: InstanceState) -> bool:
        """True when the object was added here and is not inserted yet."""

    def take_in(self, state: InstanceState) -> None:
        """Add an object, and what it cascades to."""

    def let_out(self, state: InstanceState) -> None:
        """Expunge an object, and what it cascades to."""

    def note_modified(self, state: InstanceState, obj: Any) -> None:
        """An unmodified object of this session is about to change."""

    def held_object(self, state: InstanceState) -> Any:
        """The object of *state* when the session holds it strongly, else None."""

    def connection_for(self, mapper: Any, **kw: Any) -> Any:
        """The connection of the current transaction for a mapper's tables; begins one when there is none."""

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
        """Execute a statement that a lower room built, inside the current transaction."""

    def flush_if_due(self) -> None:
        """Flush, unless the session was told not to do that by itself."""

    def loaded(self, states: Iterable[InstanceState]) -> None:
        """Objects came from the database and are persistent now; called when somebody listens to that."""

    def row_is_gone(self, state: InstanceState) -> None:
        """The row of an expired object was looked for and is gone: the object leaves the session until a rollback."""


owners: weakref.WeakValueDictionary[int, Any] = weakref.WeakValueDictionary()
_numbers = itertools.count(1)


def new_owner_number(owner: Owner) -> int:
    """Enter *owner* under a number of its own and return it."""
    number = next(_numbers)
    owners[number] = owner
    return number


def owner_of(state: InstanceState) -> Any:
    """The living session that owns *state*, or None."""
    session_id = state.session_id
    return None if session_id is None else owners.get(session_id)


def object_session(instance: Any) -> Any:
    """The session that owns *instance*.

    :param instance: an instance of a mapped class.
    :return: the :class:`.Session`, or None when the object is transient or detached.
    :raises UnmappedInstanceError: when *instance* is not tracked.
    """
    state = getattr(instance, "_sa_instance_state", None)
    if state is None:
        raise exc.unmapped_instance(instance)
    return owner_of(state)
