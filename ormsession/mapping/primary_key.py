"""Which columns identify a row of a mapped selectable.

Two answers are needed: the primary key of the mapper, by which an object is known (one tuple of columns of
the mapped selectable), and the primary key of each table inside the selectable, by which a flush finds
the rows that make up one object.  For a single table both are the same columns.

A table of which some primary key column is not mapped has no entry in ``pks_by_table``: its rows can be
read but not written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import exc
from .._core import reduce_columns
from .columns import own_column

if TYPE_CHECKING:
    from .mapper import Mapper


def primary_keys_by_table(mapper: Mapper) -> dict[Any, tuple[Any, ...]]:
    """The primary key columns of each table, and of the selectable, whose key is mapped completely."""
    found: dict[Any, tuple[Any, ...]] = {}
    for selectable in dict.fromkeys((*mapper.tables, mapper.persist_selectable)):
        key = tuple(selectable.primary_key)
        if key and all(mapper.key_of(column) is not None for column in key):
            found[selectable] = key
    return found


def primary_key_of(mapper: Mapper) -> tuple[Any, ...]:
    """The primary key of *mapper*, as given in its options or as found on its selectable.

    :raises ArgumentError: when there is none, or when one of its columns is not mapped.
    """
    if mapper.options.primary_key:
        key = tuple(own_column(mapper, column, "primary_key") for column in mapper.options.primary_key)
    else:
        key = mapper.pks_by_table.get(mapper.persist_selectable, ())
        # of two columns that hold the same value by a foreign key, one is enough
        key = tuple(reduce_columns(key, ignore_nonexistent_tables=True))
    if not key:
        raise exc.no_primary_key(mapper)
    for column in key:
        if mapper.key_of(column) is None:
            raise exc.primary_key_not_mapped(mapper, column)
    return key
