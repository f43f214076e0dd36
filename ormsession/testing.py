"""For tests of programs that use sessions: what SQL was sent, and whether a session is in order.

:func:`recorded_sql` collects the statements of an engine, a connection or a session; :func:`assert_sql`
compares them, whole and in order, with what a test expects.  :func:`check_invariants` looks at everything
that the heads of the modules call "Invariant" and lists what does not hold; calling it after each step of a
test turns a slip that would surface much later into an error at the step that made it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, event

from .session.session import Session
from .session.transaction import CLOSED, SessionTransaction
from .tracking.ownership import owners
from .tracking.state import InstanceState

_SPACES = re.compile(r"\s+")


# ---------------------------------------------------------------- recorded SQL


@dataclass(frozen=True, slots=True)
class SentStatement:
    """One statement as the driver got it, with white space made one space."""

    sql: str
    parameters: Any

    def __str__(self) -> str:
        return f"{self.sql}  {self.parameters!r}"


@dataclass(slots=True)
class RecordedSQL:
    """What was sent while a :func:`recorded_sql` block ran."""

    statements: list[SentStatement] = field(default_factory=list)
    """In the order in which they were sent; written while the block runs."""

    @property
    def sql(self) -> list[str]:
        """The statements without their parameters."""
        return [statement.sql for statement in self.statements]

    def starting_with(self, *words: str) -> list[str]:
        """The statements that begin with one of *words*, such as ``"INSERT"``."""
        return [sql for sql in self.sql if sql.upper().startswith(tuple(word.upper() for word in words))]

    def clear(self) -> None:
        """Forget what was recorded so far."""
        self.statements.clear()

    def __len__(self) -> int:
        return len(self.statements)

    def __str__(self) -> str:
        return "\n".join(map(str, self.statements)) or "(no statement)"


@contextlib.contextmanager
def recorded_sql(source: Any) -> Iterator[RecordedSQL]:
    """A block whose statements are recorded.

    :param source: an engine, a connection, or a session, which means everything it is bound to.
    :return: the :class:`RecordedSQL`, which grows while the block runs.

    >>> with recorded_sql(engine) as recorded:                                        # doctest: +SKIP
    ...     session.get(User, 5)
    >>> recorded.sql                                                                  # doctest: +SKIP
    ['SELECT users.id, users.name FROM users WHERE users.id = ?']
    """
    recorded = RecordedSQL()

    def record(*received: Any) -> None:
        sql, parameters = received[2:4]  # after the connection and the cursor
        recorded.statements.append(SentStatement(_SPACES.sub(" ", sql).strip(), parameters))

    targets = list(dict.fromkeys(_engines_of(source)))
    for target in targets:
        event.listen(target, "before_cursor_execute", record)
    try:
        yield recorded
    finally:
        for target in targets:
            event.remove(target, "before_cursor_execute", record)


def _engines_of(source: Any) -> Iterable[Any]:
    if not isinstance(source, Session):
        return (source,)
    binds = (source.bind, *source.binds.values())
    return (bind.engine if isinstance(bind, Connection) else bind for bind in binds if bind is not None)


def assert_sql(recorded: RecordedSQL, expected: Sequence[str | tuple[str, Any]]) -> None:
    """Fail unless exactly these statements were sent, in this order.

    :param recorded: from a :func:`recorded_sql` block.
    :param expected: each a statement, or a pair of statement and parameters.
    :raises AssertionError: with both lists.
    """
    wanted = [each if isinstance(each, tuple) else (each,) for each in expected]
    sent = [
        (each.sql, each.parameters)[: len(want)]
        for each, want in zip(recorded.statements, [*wanted, *[("",)] * len(recorded)], strict=False)
    ]
    if [tuple(each) for each in wanted] != sent:
        lines = "\n".join("  " + "  ".join(map(str, each)) for each in wanted) or "  (no statement)"
        raise AssertionError(f"expected these statements:\n{lines}\nbut sent were:\n{recorded}")


# ---------------------------------------------------------------- invariants


def check_invariants(session: Session) -> None:
    """Look at everything that has to hold for a session and its objects between two calls.

    :raises AssertionError: with the list of what does not hold.
    """
    wrong = [
        *_wrong_in_identity_map(session),
        *_wrong_in_modified(session),
        *_wrong_in_new(session),
        *_wrong_in_deleted(session),
        *_wrong_in_transaction(session),
        *_wrong_in_other_sessions(session),
        *_wrong_in_mappings(session),
    ]
    if wrong:
        raise AssertionError("a session is out of order:\n" + "\n".join(f"  - {each}" for each in wrong))


def _wrong_in_identity_map(session: Session) -> Iterator[str]:
    for space_key, space in session.identity_map.spaces.items():
        for pk, state in list(space.items()):
            identity_class, token = space_key if isinstance(space_key, tuple) else (space_key, None)
            if state() is None:
                yield f"identity map: {pk!r} of {identity_class.__name__} leads to an object that is gone"
                continue
            if state.pk != pk or state.identity_token != token or state.manager.identity_class is not identity_class:
                yield f"identity map: {state!r} has the key {state.key} and stands under {pk!r} of {space_key}"
            if state.is_deleted:
                yield f"identity map: {state!r} is deleted"
            yield from _wrong_in_state(session, state, "identity map")


def _wrong_in_state(session: Session, state: InstanceState, where: str) -> Iterator[str]:
    """What has to hold for every state of a session."""
    instance = state()
    if state.session_id != session.hash_key:
        yield f"{where}: {state!r} has the session number {state.session_id}, not {session.hash_key}"
    if instance.__dict__.get("_sa_instance_state") is not state:
        yield f"{where}: {state!r} is not the state in its object's dictionary"
    manager = state.manager
    unknown = set(state.changes or ()).union(state.expired_keys).difference(manager)
    if unknown:
        yield f"{where}: {state!r} has changed or expired attributes that are not mapped: {sorted(unknown)}"
    if state.changes and not state.modified:
        yield f"{where}: {state!r} has changes {sorted(state.changes)} and is not modified"
    present = [key for key in state.expired_keys if key in instance.__dict__ and key not in (state.changes or ())]
    if present:
        yield f"{where}: {state!r} has values for the expired attributes {present}"
    if state.expired_keys and not state.incomplete:
        yield f"{where}: {state!r} has expired attributes and counts as complete"


def _wrong_in_modified(session: Session) -> Iterator[str]:
    identity_map = session.identity_map
    for state, instance in identity_map.modified.items():
        if not state.modified:
            yield f"modified objects: {state!r} is not modified"
        if instance is None or state() is not instance:
            yield f"modified objects: {state!r} is held with another object"
        if not identity_map.contains_state(state):
            yield f"modified objects: {state!r} is not in the identity map"
    for state in identity_map.all_states():
        if state.modified and state not in identity_map.modified:
            yield f"identity map: {state!r} is modified and not held"


def _wrong_in_new(session: Session) -> Iterator[str]:
    for state, instance in session._new.items():
        if state() is not instance or instance is None:
            yield f"new objects: {state!r} is held with another object"
            continue
        if state.pk is not None:
            yield f"new objects: {state!r} has the key {state.key}"
        if state in session._deleted:
            yield f"new objects: {state!r} is marked for deletion"
        yield from _wrong_in_state(session, state, "new objects")


def _wrong_in_deleted(session: Session) -> Iterator[str]:
    for state, instance in session._deleted.items():
        if state() is not instance or instance is None:
            yield f"objects to delete: {state!r} is held with another object"
        elif not session.identity_map.contains_state(state):
            yield f"objects to delete: {state!r} is not in the identity map"


def _wrong_in_transaction(session: Session) -> Iterator[str]:
    innermost: SessionTransaction | None = session._transaction
    for transaction in innermost._levels() if innermost is not None else ():
        if transaction._state is CLOSED:
            yield f"transaction: {transaction!r} is closed and still the session's"
        if transaction._connections and not transaction._is_level():
            yield f"transaction: {transaction!r} has connections of its own"
        for state in transaction._snapshot.deleted:
            if state() is None or state.session_id != session.hash_key:
                continue
            if state.is_deleted == session.identity_map.contains_state(state):
                yield f"transaction: {state!r} was deleted and is in the identity map"
    nested = session._nested_transaction
    if nested is not None and (innermost is None or nested not in innermost._levels()):
        yield f"transaction: the innermost savepoint {nested!r} is not among the open ones"
    if session._flushing or session._is_writing:
        yield "session: a flush seems to be in progress"


def _wrong_in_other_sessions(session: Session) -> Iterator[str]:
    """No object belongs to two sessions."""
    mine = {state for state in (*session.identity_map.all_states(), *session._new) if state() is not None}
    for other in list(owners.values()):
        if other is not session and isinstance(other, Session):
            for state in (*other.identity_map.all_states(), *other._new):
                if state in mine:
                    yield f"{state!r} belongs to the sessions {session.hash_key} and {other.hash_key}"


def _wrong_in_mappings(session: Session) -> Iterator[str]:
    """What has to hold for the mappers of the session's objects."""
    for mapper in {state.manager.mapper for state in (*session.identity_map.all_states(), *session._new)}:
        for column in mapper.primary_key:
            if mapper.props.get(mapper.key_of(column)) not in mapper.column_props:
                yield f"{mapper}: the primary key column {column} has no attribute"
        for key in mapper.props:
            if key not in mapper.class_manager or not hasattr(mapper.class_, key):
                yield f"{mapper}: the property {key!r} has no attribute on the class"
