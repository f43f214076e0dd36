"""Collections keyed by columns of what they hold.

Keys by an attribute or a function need no mapping and live in the tracking room; a key by columns has to
know which attributes stand for them, and asks the mapper of the value.  The columns are kept by name, so
that a collection can be pickled without its tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table

from .. import exc
from .._core import coercions, roles
from ..tracking.collections import KeyedDictFactory, populated_value
from ..tracking.symbols import NO_KEY


class ColumnKey:
    """The key function of :func:`column_keyed_dict`: the value of a column, or a tuple of several.

    :param columns: pairs of table name and column name; no table name for what is not a ``Table``.
    """

    __slots__ = ("columns",)

    def __init__(self, columns: tuple[tuple[str | None, str], ...]) -> None:
        self.columns = columns

    @property
    def attr_name(self) -> str:
        """The columns as messages show them."""
        return ", ".join(name for _, name in self.columns)

    def __call__(self, value: Any) -> Any:
        mapper = value._sa_instance_state.manager.mapper
        values = tuple(populated_value(value, self._attribute(mapper, *column)) for column in self.columns)
        if NO_KEY in values:
            return NO_KEY
        return values[0] if len(values) == 1 else values

    def _attribute(self, mapper: Any, table_name: str | None, name: str) -> str:
        tables = getattr(mapper.local_table, "metadata", None)
        table = mapper.local_table if tables is None or table_name is None else tables.tables[table_name]
        key: str = mapper.get_property_by_column(table.c[name]).key
        return key

    def __reduce__(self) -> tuple[Any, ...]:
        return (ColumnKey, (self.columns,))


def column_keyed_dict(mapping_spec: Any, *, ignore_unpopulated_attribute: bool = False) -> KeyedDictFactory:
    """A ``collection_class``: a dict keyed by a column of its values.

    :param mapping_spec: a column of the target's table, or a sequence of columns for keys that are tuples.
    :param ignore_unpopulated_attribute: leave out values whose column has no value instead of raising.
    :raises ArgumentError: when *mapping_spec* is no column.

    ::

        relationship(Note, collection_class=column_keyed_dict(notes.c.topic))
    """
    given: Sequence[Any] = mapping_spec if isinstance(mapping_spec, (list, tuple)) else [mapping_spec]
    columns = [coercions.expect(roles.ColumnArgumentRole, each, argname="mapping_spec") for each in given]
    if not columns:
        raise exc.no_key_columns()
    names = tuple((_table_name(column), str(column.key)) for column in columns)
    return KeyedDictFactory(ColumnKey(names), ignore_unpopulated_attribute)


def _table_name(column: Any) -> str | None:
    table = column._deannotate().table
    return table.key if isinstance(table, Table) else None


# SQLAlchemy's older name
column_mapped_collection = column_keyed_dict
