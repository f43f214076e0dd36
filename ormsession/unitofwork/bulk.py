"""Writes many rows from dictionaries or objects without tracking any of them.

A bulk call skips what a flush does for each object: no history, no identity map, no events, no defaults put on
objects unless asked for.  Rows with the same set of columns are one ``executemany``, in the order in which each
set was first met.  Keys of the dictionaries are attribute names; what is no mapped column is ignored.

A column that a dictionary does not name is left out of the INSERT.  None counts as not named for a column with a
default, as in a flush, unless ``render_nulls`` is set.

Several tables behind one mapper (a mapped join) are written one after the other; the keys that the first one makes
are then needed for the next, so they are fetched whether or not the caller wants them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SAWarning

from .. import exc
from ..mapping.mapper import Mapper
from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_VALUE
from .collecting import sql_types
from .columns import TableColumns, tables_of
from .operations import NO_EXPRESSIONS, Row
from .statements import InsertForm, Sending, insert_form, update_statement

Values = dict[str, Any]
Grouped = dict[tuple[str, ...], tuple[list[Values], list[Row]]]
"""Set of columns -> the dictionaries and the rows made of them, side by side."""


def save_objects(
    source: Owner,
    states: Iterable[InstanceState],
    *,
    return_defaults: bool = False,
    update_changed_only: bool = True,
    preserve_order: bool = True,
) -> None:
    """Insert the objects without an identity and update the others.

    :param return_defaults: put generated keys on the objects, which then have an identity.
    :param update_changed_only: send only attributes that were changed since they were loaded.
    :param preserve_order: keep the order of the objects, else all of one kind are written together.
    """

    def kind(state: InstanceState) -> tuple[Mapper, bool]:
        return state.manager.mapper, state.pk is not None

    given = list(states)
    if not preserve_order:
        order = {mapper: index for index, mapper in enumerate(dict.fromkeys(state.manager.mapper for state in given))}
        given.sort(key=lambda state: (order[state.manager.mapper], state.pk is not None))
    for (mapper, is_update), members in groupby(given, kind):
        group = list(members)
        if is_update:
            _update(source, mapper, [_to_update(mapper, state, update_changed_only) for state in group])
        else:
            _insert(source, mapper, [state.dict for state in group], returns=return_defaults, render_nulls=False)
            if return_defaults:
                for state in group:
                    pk = tuple(state.dict.get(key) for key in mapper.pk_keys)
                    state.pk = pk[0] if len(pk) == 1 else pk


def insert_mappings(
    source: Owner,
    mapper: Mapper,
    mappings: Iterable[Mapping[str, Any]],
    *,
    return_defaults: bool = False,
    render_nulls: bool = False,
) -> None:
    """Insert a row for each dictionary.

    :param return_defaults: put generated keys into the dictionaries.
    :param render_nulls: send None as NULL also where a default would apply.
    """
    values = [each if isinstance(each, dict) else dict(each) for each in mappings]
    _insert(source, mapper, values, returns=return_defaults, render_nulls=render_nulls)


def update_mappings(source: Owner, mapper: Mapper, mappings: Iterable[Mapping[str, Any]]) -> None:
    """Update the row that each dictionary names by its primary key.

    :raises InvalidRequestError: when a dictionary lacks a part of the key.
    :raises StaleDataError: when a row is not there.
    """
    _update(source, mapper, [each if isinstance(each, dict) else dict(each) for each in mappings])


def _to_update(mapper: Mapper, state: InstanceState, changed_only: bool) -> Values:
    if not changed_only:
        return state.dict
    wanted = {*state.committed_state, *mapper.pk_keys, mapper.version_id_key}
    return {key: value for key, value in state.dict.items() if key in wanted}


# ---------------------------------------------------------------- INSERT


def _insert(source: Owner, mapper: Mapper, values: Sequence[Values], *, returns: bool, render_nulls: bool) -> None:
    if not values:
        return
    connection = source.connection_for(mapper)
    tables = tables_of(mapper)
    for columns in tables:
        needs_keys = returns or columns is not tables[-1]
        for names, (targets, rows) in _insert_rows(columns, values, render_nulls=render_nulls).items():
            _send_inserts(connection, columns, names, targets, rows, returns=needs_keys)


def _insert_rows(columns: TableColumns, values: Sequence[Values], *, render_nulls: bool) -> Grouped:
    leaves_out_none = {each.name for each in columns.sometimes if not each.none_is_value and not render_nulls}
    named = [(name, attribute, name in leaves_out_none) for name, attribute in columns.attribute_of.items()]
    version = columns.version if columns.version is not None and columns.version.generator else None
    groups: Grouped = {}
    for target in values:
        row = {
            name: target[attribute]
            for name, attribute, leaves_out in named
            if attribute in target and not (leaves_out and target[attribute] is None)
        }
        if version is not None:
            row[version.name] = version.generator(None)
        _put(groups, tuple(row), target, row)
    return groups


def _put(groups: Grouped, names: tuple[str, ...], target: Values, row: Row) -> None:
    group = groups.get(names)
    if group is None:
        group = groups[names] = ([], [])
    group[0].append(target)
    group[1].append(row)


def _send_inserts(
    connection: Connection,
    columns: TableColumns,
    names: tuple[str, ...],
    targets: Sequence[Values],
    rows: Sequence[Row],
    *,
    returns: bool,
) -> None:
    kinds = sql_types(rows)
    if kinds:
        for target, row in zip(targets, rows, strict=True):
            expressions = {name: value for name, value in row.items() if type(value) in kinds}
            rest = {name: value for name, value in row.items() if name not in expressions}
            form = insert_form(columns, names, expressions, connection.dialect, single=True)
            _send_insert_form(connection, columns, form, [target], [rest], returns=returns)
        return
    form = insert_form(columns, names, NO_EXPRESSIONS, connection.dialect, single=len(rows) == 1)
    if returns and form.fetched:
        _send_insert_form(connection, columns, form, targets, rows, returns=True)
    else:
        result = connection.execute(columns.table.insert(), list(rows))
        if returns:
            _take_filled(form, targets, result.last_inserted_params())


def _send_insert_form(
    connection: Connection,
    columns: TableColumns,
    form: InsertForm,
    targets: Sequence[Values],
    rows: Sequence[Row],
    *,
    returns: bool,
) -> None:
    if form.sending is Sending.TOGETHER_RETURNING:
        result = connection.execute(form.statement, list(rows))
        returned = result.all()
        if len(returned) != len(rows):
            raise exc.wrong_number_of_rows_inserted(columns.mapper, len(rows), len(returned))
        for target, values in zip(targets, returned, strict=True):
            # Core may append the column by which it sorted
            target.update(zip((attribute for _, attribute in form.fetched), values, strict=False))
        _take_filled(form, targets, result.last_inserted_params())
        return
    for target, row in zip(targets, rows, strict=True):
        result = connection.execute(form.statement, row)
        if returns:
            if form.sending is Sending.ONE_BY_ONE_RETURNING:
                target.update(zip((attribute for _, attribute in form.fetched), result.one(), strict=True))
            elif form.fetched:
                key = dict(zip(columns.table.primary_key, result.inserted_primary_key or (), strict=True))
                target.update({attribute: key[column] for column, attribute in form.fetched})
            _take_filled(form, [target], result.last_inserted_params())


def _take_filled(form: InsertForm, targets: Sequence[Values], sent: Any) -> None:
    """Put the values of Python's defaults into the dictionaries, out of the parameters that were sent."""
    sent_rows: Sequence[Mapping[str, Any]] = sent if isinstance(sent, list) else [sent]
    for name, attribute in form.filled:
        for target, row in zip(targets, sent_rows, strict=True):
            if name in row:
                target[attribute] = row[name]


# ---------------------------------------------------------------- UPDATE


def _update(source: Owner, mapper: Mapper, values: Sequence[Values]) -> None:
    if not values:
        return
    connection = source.connection_for(mapper)
    for columns in tables_of(mapper):
        for names, (_, rows) in _update_rows(columns, values).items():
            _send_updates(connection, columns, names, rows)


def _update_rows(columns: TableColumns, values: Sequence[Values]) -> Grouped:
    key_names = {key.name for key in columns.pk}
    named = [pair for pair in columns.attribute_of.items() if pair[0] not in key_names]
    version = columns.version
    groups: Grouped = {}
    for target in values:
        row = {name: target[attribute] for name, attribute in named if attribute in target}
        if not row:
            continue
        where: Row = {}
        for key in columns.pk:
            if target.get(key.attribute, NO_VALUE) is NO_VALUE:
                raise exc.mapping_without_key(columns.mapper, key.attribute, target)
            where[key.where] = target[key.attribute]
        if version is not None:
            where[version.where] = before = target.get(version.attribute)
            if before is None:
                raise exc.mapping_without_key(columns.mapper, version.attribute, target)
            if version.generator is not None:
                row[version.name] = version.generator(before)
        names = tuple(row)
        row.update(where)
        _put(groups, names, target, row)
    return groups


def _send_updates(connection: Connection, columns: TableColumns, names: tuple[str, ...], rows: Sequence[Row]) -> None:
    kinds = sql_types(rows)
    dialect = connection.dialect
    if kinds:
        matched = 0
        for row in rows:
            expressions = {name: value for name, value in row.items() if type(value) in kinds}
            rest = {name: value for name, value in row.items() if name not in expressions}
            statement = update_statement(columns)
            values = {columns.table.c[name]: value for name, value in expressions.items()}
            matched += connection.execute(statement.values(values), rest).rowcount
        is_counted = dialect.supports_sane_rowcount
    else:
        statement = update_statement(columns)
        matched = connection.execute(statement, list(rows)).rowcount
        is_counted = dialect.supports_sane_rowcount and (len(rows) == 1 or dialect.supports_sane_multi_rowcount)
    if is_counted and matched != len(rows):
        raise exc.stale_rows("update", columns.name, len(rows), matched)
    if not is_counted and columns.version is not None:
        warnings.warn(exc.version_not_verified_text(dialect, "updated"), SAWarning, stacklevel=2)
