"""Unique values that rows pass on in a circle: one of the rows gets a temporary value first.

When two rows swap a unique value, no order of single statements is right: whichever comes first takes a value that the
other one still has.  So one row of the circle is *parked*: an UPDATE of its own gives it a value that no row has, and
its real one comes with its own statement.  That is also done for a row that is deleted later in the flush, where
something keeps it from being deleted before its value is taken.

The temporary value is NULL where the column allows it, which never equals another NULL in a unique constraint.  Else it
is a random one of the column's type: text of at most the column's length, or a negative number.  Other types, primary
keys and foreign keys are not parked, for no value of theirs is known to be free; the database then refuses the flush,
unless it checks the constraint at its end.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Column, Integer, SmallInteger, String

from .collecting import stored_key_value, stored_version
from .operations import Batch, OperationKind, Row
from .precedence import RowNumber, UniqueEdge


def parking_batches(batches: Sequence[Batch], unmet: Iterable[UniqueEdge]) -> list[Batch]:
    """The UPDATEs that free unique values before all other statements.

    :param batches: those that the edges name rows of.
    :param unmet: values that are taken before they are given up.
    """
    found: dict[RowNumber, list[Column[Any]]] = {}
    for edge in unmet:
        column = _column_to_park(batches[edge.before[0]], edge.columns)
        if column is not None and column not in found.setdefault(edge.before, []):
            found[edge.before].append(column)
    return [_parking_batch(batches[index], number, chosen) for (index, number), chosen in found.items() if chosen]


def _column_to_park(batch: Batch, columns: Sequence[Column[Any]]) -> Column[Any] | None:
    """The column to change for a moment; one that may be NULL if there is one."""
    own = [column for column in columns if not column.primary_key and column.key in batch.columns.attribute_of]
    if batch.kind is OperationKind.UPDATE:
        # the real value must come later with the row's own statement
        own = [column for column in own if column.key in batch.names]
    nullable = [column for column in own if column.nullable]
    if nullable:
        return nullable[0]
    return next((column for column in own if not column.foreign_keys and free_value(column) is not None), None)


def free_value(column: Column[Any]) -> Any:
    """A value that no row is expected to have; None for NULL, or when there is none of that type."""
    if column.nullable:
        return None
    if isinstance(column.type, String) and type(column.type).__module__.startswith("sqlalchemy."):
        return secrets.token_hex(16)[: column.type.length]
    if isinstance(column.type, Integer):
        return -1 - secrets.randbelow(2**15 - 1 if isinstance(column.type, SmallInteger) else 2**31 - 1)
    return None


def _parking_batch(batch: Batch, number: int, chosen: Sequence[Column[Any]]) -> Batch:
    columns, state = batch.columns, batch.states[number]
    row: Row = {column.key: free_value(column) for column in chosen}
    for each in columns.pk:
        row[each.where] = stored_key_value(each.attribute, each.position, state)
    if columns.version is not None:
        row[columns.version.where] = stored_version(columns.version.attribute, state)
    names = tuple(column.key for column in chosen)
    return Batch(OperationKind.UPDATE, columns, names, [state], [row], is_parking=True)
