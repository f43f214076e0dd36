"""What a flush has to know of one table of a mapper, worked out once and kept in ``mapper.memo``.

Every column that is mapped falls into one of these groups when a row is inserted:

* *always* columns stand in every INSERT.  They have no default of any kind, so an attribute that was never set
  and one that is None mean the same, NULL.  That keeps the set of columns equal from row to row.
* *sometimes* columns stand in an INSERT only when the attribute has a value: primary keys, columns with a default
  on either side, and types for which None is a value of its own (JSON's ``null``).  When they are left out, a
  Python default comes back with the statement's parameters and a server default with RETURNING, or later.
* *inherited* columns repeat an attribute that an earlier table of the same mapper already has (the foreign key of
  a joined table); their value may not exist before that earlier row was inserted.

A column that is not mapped, and every attribute that stands for an expression, does not occur here: it is never
written.  Facts about single columns are records rather than parallel tuples, so that a reader sees names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Index, Table, UniqueConstraint

from ..mapping.mapper import Mapper

TABLES = "unitofwork.tables"
"""The key of ``mapper.memo`` under which the tables of a mapper are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class KeyColumn:
    """A column of the primary key of one table.

    :param attribute: the mapped attribute.
    :param position: where its value stands in the identity of an object; None when it is not part of that.
    :param name: the parameter of an INSERT or of SET; also of a DELETE.
    :param where: the parameter of the WHERE of an UPDATE, which must differ from every name in SET.
    """

    column: Column[Any]
    attribute: str
    position: int | None
    name: str
    where: str


@dataclass(frozen=True, slots=True, eq=False)
class OptionalColumn:
    """A column that stands in an INSERT only when its attribute has a value.

    :param none_is_value: None, when set explicitly, is sent as well.
    :param made_by: who makes the value when the column is left out: ``python``, ``server`` or ``nobody``.
    """

    column: Column[Any]
    attribute: str
    name: str
    none_is_value: bool
    made_by: str


@dataclass(frozen=True, slots=True, eq=False)
class VersionColumn:
    """The column that counts the versions of a row; ``generator`` is None when the server makes them."""

    column: Column[Any]
    attribute: str
    name: str
    where: str
    generator: Any


@dataclass(frozen=True, slots=True, eq=False)
class TableColumns:
    """One table of one mapper as a flush sees it.  Compared by identity; there is one per mapper and table."""

    mapper: Mapper
    table: Table
    is_first: bool
    column_of: dict[str, Column[Any]]
    """Attribute -> column, for all written columns."""
    written: dict[str, tuple[str, Callable[[Any, Any], Any]]]
    """Attribute -> (parameter, comparison of two values), for all written columns."""
    attribute_of: dict[str, str]
    """Parameter name (the column's key) -> attribute; the order is that of the table."""
    always: tuple[tuple[str, str], ...]
    """(parameter, attribute) of the columns in every INSERT."""
    sometimes: tuple[OptionalColumn, ...]
    inherited: tuple[tuple[str, str], ...]
    """(parameter, attribute) of the columns whose value an earlier table of the mapper has."""
    pk: tuple[KeyColumn, ...]
    version: VersionColumn | None
    updated_by_python: tuple[tuple[str, str], ...]
    """(parameter, attribute) of columns with an ``onupdate`` that Python evaluates."""
    updated_by_server: tuple[tuple[str, str], ...]
    """(parameter, attribute) of columns that the database changes in an UPDATE."""
    unique_sets: tuple[tuple[str, ...], ...]
    """Attributes whose values are unique together, the primary key first."""
    own_references: tuple[tuple[tuple[str, str], ...], ...]
    """Foreign keys of the table to itself, as pairs (attribute, attribute that it refers to)."""
    rank: dict[str, int]
    """Parameter -> its place in the table; sets of columns are compared in this order."""

    def __repr__(self) -> str:
        return f"<{self.table.name} of {self.mapper}>"

    @property
    def name(self) -> str:
        """The name of the table as messages show it."""
        return str(self.table.description)

    @property
    def uses_returning(self) -> bool:
        """Whether the table allows RETURNING to be added for values that the server makes."""
        return bool(self.table.implicit_returning)


def tables_of(mapper: Mapper) -> tuple[TableColumns, ...]:
    """The tables that a flush of the mapper's objects writes, a table after those it refers to."""
    found: tuple[TableColumns, ...] | None = mapper.memo.get(TABLES)
    if found is None:
        found = mapper.memo[TABLES] = _describe_all(mapper)
    return found


def _describe_all(mapper: Mapper) -> tuple[TableColumns, ...]:
    described: list[TableColumns] = []
    seen: set[str] = set()
    for table in mapper.tables:
        pk = _key_columns(mapper, table)
        if pk and isinstance(table, Table):
            columns = _describe(mapper, table, pk, seen, is_first=not described)
            described.append(columns)
            seen.update(columns.column_of)
    return tuple(described)


def _key_columns(mapper: Mapper, table: Any) -> tuple[KeyColumn, ...]:
    """The key of the table; of a table without one, what the mapper was told to use as key."""
    found = mapper.pks_by_table.get(table) or tuple(c for c in mapper.primary_key if getattr(c, "table", None) is table)
    position = {key: index for index, key in enumerate(mapper.pk_keys)}
    keys = []
    for column in found:
        attribute = mapper.key_of(column)
        if attribute is None:
            return ()
        keys.append(
            KeyColumn(column, attribute, position.get(attribute), column.key, parameter_of_where(table, column))
        )
    return tuple(keys)


def parameter_of_where(table: Table, column: Column[Any]) -> str:
    """A parameter name for a column in WHERE that no column of the table can have in SET."""
    name = f"{table.name}_{column.name}".replace(".", "_")
    while name in table.c:
        name += "_1"
    return name


def _describe(
    mapper: Mapper, table: Table, pk: tuple[KeyColumn, ...], seen: set[str], *, is_first: bool
) -> TableColumns:
    mapped = {column: key for column in table.c if (key := mapper.key_of(column)) is not None}
    always, sometimes, inherited = [], [], []
    for column, attribute in mapped.items():
        if attribute in seen:
            inherited.append((column.key, attribute))
        elif column.primary_key or _has_default(column) or column.type.should_evaluate_none:
            sometimes.append(_optional_column(column, attribute))
        else:
            always.append((column.key, attribute))
    return TableColumns(
        mapper=mapper,
        table=table,
        is_first=is_first,
        column_of={attribute: column for column, attribute in mapped.items()},
        written={attribute: (column.key, _comparison(mapper, attribute)) for column, attribute in mapped.items()},
        attribute_of={column.key: attribute for column, attribute in mapped.items()},
        always=tuple(always),
        sometimes=tuple(sometimes),
        inherited=tuple(inherited),
        pk=pk,
        version=_version_column(mapper, table),
        updated_by_python=tuple((c.key, key) for c, key in mapped.items() if _is_python_default(c.onupdate)),
        updated_by_server=tuple((c.key, key) for c, key in mapped.items() if _is_updated_by_server(c)),
        unique_sets=_unique_sets(table, mapped, pk),
        own_references=_own_references(table, mapped),
        rank={column.key: index for index, column in enumerate(table.c)},
    )


def _comparison(mapper: Mapper, attribute: str) -> Callable[[Any, Any], Any]:
    compare: Callable[[Any, Any], Any] = mapper.class_manager[attribute].impl.is_equal
    return compare


def _has_default(column: Column[Any]) -> bool:
    return column.default is not None or column.server_default is not None


def _is_python_default(default: Any) -> bool:
    """A default that Python evaluates: a value or a callable, no SQL and no sequence."""
    return default is not None and not default.is_sequence and not default.is_clause_element


def _is_updated_by_server(column: Column[Any]) -> bool:
    if column.server_onupdate is not None:
        return True
    return column.onupdate is not None and not _is_python_default(column.onupdate)


def _optional_column(column: Column[Any], attribute: str) -> OptionalColumn:
    if _is_python_default(column.default):
        made_by = "python"
    elif _has_default(column) or column is column.table.autoincrement_column:
        made_by = "server"
    else:
        made_by = "nobody"
    return OptionalColumn(column, attribute, column.key, bool(column.type.should_evaluate_none), made_by)


def _version_column(mapper: Mapper, table: Table) -> VersionColumn | None:
    key = mapper.version_id_key
    if key is None:
        return None
    column = next((c for c in table.c if mapper.key_of(c) == key), None)
    if column is None:
        return None
    generator = mapper.version_id_generator or None
    return VersionColumn(column, key, column.key, parameter_of_where(table, column), generator)


def _unique_sets(
    table: Table, mapped: dict[Column[Any], str], pk: tuple[KeyColumn, ...]
) -> tuple[tuple[str, ...], ...]:
    """The primary key, the unique constraints and the unique indexes whose columns are all mapped."""
    sets = [tuple(key.attribute for key in pk)]
    groups: list[Any] = [c for c in table.constraints if isinstance(c, UniqueConstraint)]
    groups += [index for index in table.indexes if isinstance(index, Index) and index.unique]
    found = {tuple(mapped[c] for c in group.columns) for group in groups if all(c in mapped for c in group.columns)}
    sets.extend(sorted(each for each in found if each))
    return tuple(dict.fromkeys(sets))


def _own_references(table: Table, mapped: dict[Column[Any], str]) -> tuple[tuple[tuple[str, str], ...], ...]:
    references = []
    for constraint in table.foreign_key_constraints:
        if constraint.referred_table is table:
            pairs = [(element.parent, element.column) for element in constraint.elements]
            if all(local in mapped and remote in mapped for local, remote in pairs):
                references.append(tuple((mapped[local], mapped[remote]) for local, remote in pairs))
    return tuple(sorted(references))
