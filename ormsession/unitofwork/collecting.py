"""Makes the rows of a flush: from the states of one table to batches.

``inserts``, ``updates`` and ``deletes`` read states and change nothing.  Rows with the same set of columns go into
one batch, also when objects with different sets alternate.  The batches come in the order in which their
first row was met, the rows of a batch in the order of the states.

What a value of an attribute means for its column:

* never set, or None, on a column with a default: the column is left out and the default applies.  NULL is forced
  with ``null()``, or by a type for which None is a value.
* a SQL expression becomes part of the statement, so its row is a batch of its own.
* in an UPDATE only a value that differs from the one before counts, as the type of the column compares them.

The check whether a value is SQL looks at the types that occur in a whole batch, not at each value: the loop over
the rows runs in C, and nearly every batch has none.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ClauseElement

from .. import exc
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_VALUE
from .columns import TableColumns, tables_of
from .links import NO_LINKS, Link, Links
from .operations import NOT_LOADED, Batch, LateValue, OperationKind, Row

NOBODY: Mapping[InstanceState, InstanceState] = {}


class Later(enum.Enum):
    """Stands in a row for a value that an earlier row of the flush makes, until it is noted as late."""

    LATER = "later"


LATER = Later.LATER


class _Groups:
    """Rows by their set of columns."""

    def __init__(self, kind: OperationKind, columns: TableColumns) -> None:
        self.kind = kind
        self.columns = columns
        self.members: dict[tuple[str, ...], tuple[list[InstanceState], list[Row]]] = {}

    def of(self, key: tuple[str, ...]) -> tuple[list[InstanceState], list[Row]]:
        """The states and rows with that key, to append to."""
        group = self.members.get(key)
        if group is None:
            group = self.members[key] = ([], [])
        return group

    def batches(self, always: tuple[str, ...], late: Mapping[tuple[str, ...], list[LateValue]]) -> list[Batch]:
        made: list[Batch] = []
        for key, (states, rows) in self.members.items():
            batch = Batch(self.kind, self.columns, always + key, states, rows, late=tuple(late.get(key, ())))
            made.extend(_with_expressions_apart(batch))
        return made


# ---------------------------------------------------------------- INSERT


def inserts(columns: TableColumns, states: Iterable[InstanceState], links: Links = NO_LINKS) -> list[Batch]:
    """The rows that new objects need in one table.

    :param links: values that come from other objects.
    """
    groups = _Groups(OperationKind.INSERT, columns)
    always, inherited = columns.always, columns.inherited
    sometimes = [(each.name, each.attribute, each.none_is_value) for each in columns.sometimes]
    version = columns.version if columns.version is not None and columns.version.generator else None
    late: dict[tuple[str, ...], list[LateValue]] = {}
    last: tuple[str, ...] | None = None
    for state in states:  # the loop over all new rows: nothing is called for a column that needs nothing
        linked = links.get(state) if links else None
        get = state().__dict__.get if linked is None else _with_links(state, linked).get
        row = {name: get(attribute) for name, attribute in always}
        chosen: tuple[str, ...] = ()
        for name, attribute, none_is_value in sometimes:
            value = get(attribute, NO_VALUE)
            if value is not NO_VALUE and (value is not None or none_is_value):
                row[name] = value
                chosen += (name,)
        if version is not None:
            if version.name not in row:
                chosen += (version.name,)
            row[version.name] = version.generator(None)
        if chosen != last:
            group_states, group_rows = groups.of(chosen)
            last = chosen
        if inherited:
            _add_inherited(row, inherited, state, len(group_rows), late.setdefault(chosen, []))
        if linked is not None:
            _leave_for_later(columns, row, linked, len(group_rows), late.setdefault(chosen, []))
        group_states.append(state)
        group_rows.append(row)
    return groups.batches(tuple(name for name, _ in always + inherited), late)


def _with_links(state: InstanceState, linked: Mapping[str, Link]) -> dict[str, Any]:
    """The values of an object with those that come from others; ``LATER`` where there is none yet."""
    values = dict(state.dict)
    for attribute, link in linked.items():
        values[attribute] = LATER if link.is_late else link.value
    return values


def _leave_for_later(
    columns: TableColumns, row: Row, linked: Mapping[str, Link], number: int, late: list[LateValue]
) -> None:
    """Note the values of a row that an earlier row makes."""
    for attribute, link in linked.items():
        name = columns.written[attribute][0] if attribute in columns.written else None
        if name is not None and row.get(name) is LATER and link.source is not None:
            row[name] = None
            late.append(LateValue(number, name, link.source, link.source_attribute))


def _add_inherited(
    row: Row, inherited: tuple[tuple[str, str], ...], state: InstanceState, number: int, late: list[LateValue]
) -> None:
    for name, attribute in inherited:
        row[name] = state.dict.get(attribute)
        if row[name] is None:
            late.append(LateValue(number, name, state, attribute))


# ---------------------------------------------------------------- UPDATE


def updates(
    columns: TableColumns,
    states: Iterable[InstanceState],
    replaced: Mapping[InstanceState, InstanceState] = NOBODY,
    links: Links = NO_LINKS,
) -> list[Batch]:
    """The rows of one table that differ from what the objects say.

    :param replaced: new object -> deleted object whose row it takes over.
    :param links: values that come from other objects.
    """
    groups = _Groups(OperationKind.UPDATE, columns)
    rank = columns.rank
    version, pk = columns.version, columns.pk
    single_pk = len(pk) == 1 and pk[0].position == 0 and len(columns.mapper.primary_key) == 1
    where = pk[0].where
    last: tuple[str, ...] | None = None
    late: dict[tuple[str, ...], list[LateValue]] = {}
    for state in states:
        stored = replaced.get(state, state) if replaced else state
        row = changed_values(columns, state) if stored is state else _replacing_row(columns, state, stored)
        linked = links.get(state) if links else None
        if linked is not None:
            _add_linked(columns, stored, linked, row)
        if version is not None:
            _add_version(columns, state, stored, row)
        if not row:
            continue
        key = tuple(row) if len(row) == 1 else tuple(sorted(row, key=rank.__getitem__))
        if single_pk:
            row[where] = stored.pk
        else:
            _add_key(columns, stored, row)
        if version is not None:
            row[version.where] = stored_version(version.attribute, stored)
        if key != last:
            group_states, group_rows = groups.of(key)
            last = key
        if linked is not None:
            _leave_for_later(columns, row, linked, len(group_rows), late.setdefault(key, []))
        group_states.append(state)
        group_rows.append(row)
    return groups.batches((), late)


def _add_linked(columns: TableColumns, stored: InstanceState, linked: Mapping[str, Link], row: Row) -> None:
    """Add the values that come from other objects, where they differ from what the row has.

    :param stored: the object whose row it is so far.
    """
    for attribute, link in linked.items():
        if attribute not in columns.written:
            continue
        name, is_equal = columns.written[attribute]
        if link.is_late:
            row[name] = LATER
            continue
        value = link.value
        before = stored.committed_state.get(attribute, NO_VALUE)
        if before is NO_VALUE and attribute not in stored.committed_state:
            before = stored.dict.get(attribute, NO_VALUE)
        if before is not NO_VALUE and (value is before or is_equal(value, before) is True):
            row.pop(name, None)
        else:
            row[name] = value


def linked_updates(columns: TableColumns, links: Links) -> list[Batch]:
    """Rows that get nothing but values from other objects: those of ``post_update`` relationships."""
    groups = _Groups(OperationKind.UPDATE, columns)
    late: dict[tuple[str, ...], list[LateValue]] = {}
    for state, linked in links.items():
        row: Row = {}
        _add_linked(columns, state, linked, row)
        if not row:
            continue
        if columns.version is not None and columns.version.generator is not None and state.pk is not None:
            row[columns.version.name] = columns.version.generator(_version_after_flush(columns, state))
        key = tuple(sorted(row, key=columns.rank.__getitem__))
        group_states, group_rows = groups.of(key)
        waiting = late.setdefault(key, [])
        if columns.version is not None:
            # an earlier statement of the same flush may have counted it up
            row[columns.version.where] = None
            waiting.append(LateValue(len(group_rows), columns.version.where, state, columns.version.attribute))
        _leave_for_later(columns, row, linked, len(group_rows), waiting)
        for each in columns.pk:
            row[each.where] = stored_key_value(each.attribute, each.position, state)
            if row[each.where] is None:
                waiting.append(LateValue(len(group_rows), each.where, state, each.attribute))
        group_states.append(state)
        group_rows.append(row)
    return groups.batches((), late)


def _version_after_flush(columns: TableColumns, state: InstanceState) -> Any:
    """The version that a row has when its UPDATE of this flush has been sent."""
    version = columns.version
    assert version is not None
    stored = stored_version(version.attribute, state)
    is_written = any(changed_values(each, state) for each in tables_of(columns.mapper))
    return version.generator(stored) if is_written else stored


def _add_key(columns: TableColumns, stored: InstanceState, row: Row) -> None:
    """Add the key that finds the row, as it is in the database."""
    for each in columns.pk:
        value = row[each.where] = stored_key_value(each.attribute, each.position, stored)
        if value is None:
            raise exc.null_key_in_update(columns.name, each.column)


def changed_values(columns: TableColumns, state: InstanceState) -> Row:
    """Parameter -> value of the columns of the table whose attribute is not what it was."""
    row: Row = {}
    changes = state.changes
    if not changes:
        return row
    get = state().__dict__.get
    written = columns.written
    for attribute, before in changes.items():
        if attribute in written:
            name, is_equal = written[attribute]
            value = get(attribute)
            # the comparison may answer with anything, a SQL expression for one
            if value is not before and (before is NO_VALUE or is_equal(value, before) is not True):
                row[name] = value
    return row


def _replacing_row(columns: TableColumns, state: InstanceState, replaced: InstanceState) -> Row:
    """What has to be set so that the row of a deleted object becomes that of a new one with the same key.

    An attribute that was not set is NULL when its column has no default, just as an INSERT would make it.
    """
    row: Row = {}
    dict_, old_dict, old_changes = state.dict, replaced.dict, replaced.committed_state
    optional = {each.attribute for each in columns.sometimes}
    keys = {each.attribute for each in columns.pk}
    for attribute, (name, is_equal) in columns.written.items():
        if attribute in keys or (attribute not in dict_ and attribute in optional):
            continue
        value = dict_.get(attribute)
        before = old_changes.get(attribute, old_dict.get(attribute, NO_VALUE))
        if before is NO_VALUE or (value is not before and is_equal(value, before) is not True):
            row[name] = value
    return row


def _add_version(columns: TableColumns, state: InstanceState, stored: InstanceState, row: Row) -> None:
    """Count the version up when any table of the object changes, unless the user set it."""
    version = columns.version
    assert version is not None
    if not row and not any(changed_values(other, state) for other in tables_of(columns.mapper) if other is not columns):
        return
    if version.name not in row or stored is not state:
        if version.generator is not None:
            before = stored_version(version.attribute, stored)
            row[version.name] = before if before is NOT_LOADED else version.generator(before)
    elif row[version.name] is None:
        raise exc.null_version(state)


def stored_version(attribute: str, state: InstanceState) -> Any:
    """The version that the row had when it was read."""
    before = state.committed_state.get(attribute, NO_VALUE)
    if before is NO_VALUE:
        before = state.dict.get(attribute, NOT_LOADED)
    return before


def stored_key_value(attribute: str, position: int | None, state: InstanceState) -> Any:
    """The value of a key column as it is in the database, whatever the attribute was set to since."""
    if position is not None and state.pk is not None:
        return state.pk if state.manager.pk_arity == 1 else state.pk[position]
    before = state.committed_state.get(attribute, NO_VALUE)
    return state.dict.get(attribute) if before is NO_VALUE else before


# ---------------------------------------------------------------- DELETE


def deletes(columns: TableColumns, states: Iterable[InstanceState]) -> list[Batch]:
    """The rows of one table that go with their objects."""
    version, pk = columns.version, columns.pk
    kept: list[InstanceState] = []
    rows: list[Row] = []
    single_pk = len(pk) == 1 and pk[0].position == 0 and len(columns.mapper.primary_key) == 1
    name = pk[0].name
    for state in states:
        if single_pk:
            row = {name: state.pk}
        else:
            row = {each.name: stored_key_value(each.attribute, each.position, state) for each in pk}
            for each in pk:
                if row[each.name] is None:
                    raise exc.null_key_in_delete(columns.name, each.column)
        if version is not None:
            row[version.name] = stored_version(version.attribute, state)
            if row[version.name] is None:
                raise exc.null_version(state)
        kept.append(state)
        rows.append(row)
    return [Batch(OperationKind.DELETE, columns, (), kept, rows)] if rows else []


# ---------------------------------------------------------------- SQL expressions as values


def is_sql(kind: type) -> bool:
    """Whether objects of that type are SQL and become part of the statement."""
    return issubclass(kind, ClauseElement) or hasattr(kind, "__clause_element__")


def sql_types(rows: Sequence[Row]) -> set[type]:
    """The types among all values that are SQL."""
    return {kind for kind in set(map(type, chain.from_iterable(map(dict.values, rows)))) if is_sql(kind)}


def _with_expressions_apart(batch: Batch) -> list[Batch]:
    """The batch without its rows that hold SQL, and each of those as a batch of its own."""
    kinds = sql_types(batch.rows)
    if not kinds:
        return [batch]
    plain, apart = [], []
    for number, row in enumerate(batch.rows):
        found = {name: value for name, value in row.items() if type(value) in kinds}
        if not found:
            plain.append(number)
            continue
        one = batch.part([number])
        rest = {name: value for name, value in row.items() if name not in found}
        apart.append(Batch(batch.kind, batch.columns, batch.names, one.states, [rest], found, one.late))
    return [batch.part(plain), *apart] if plain else apart
