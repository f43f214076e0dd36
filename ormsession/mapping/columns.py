"""Which attribute stands for which column: from a selectable and the options to an arrangement.

``arrange`` walks the columns of the selectable once and gives each the property that the user wrote for
it, or one of its own named after the column.  The order of the result is the order in which attributes are
selected and listed: first what stands for no column of the selectable (synonyms, expressions), as written,
then the columns in the order of the selectable.

Rules

* What the user wrote in ``properties`` goes before everything else; a column named there is not mapped a
  second time under its own name.
* A column is left out when ``include_properties`` / ``exclude_properties`` say so, or when the class
  itself defines something under that name.  Defaults of dataclass fields are no such definition.
* Two columns under one name are never merged silently, unless one descends from the other: two columns
  that hold the same value are put under one attribute by naming both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Table
from sqlalchemy.schema import sort_tables

from .. import exc
from .._core import find_tables
from ..tracking.attributes import Attribute
from .inspection import InspectionAttr
from .properties import ColumnProperty, MapperProperty, SynonymProperty

if TYPE_CHECKING:
    from .mapper import Mapper


def arrange(mapper: Mapper) -> dict[str, MapperProperty]:
    """The properties of *mapper* by attribute name, in order."""
    selectable = mapper.persist_selectable
    explicit = {key: as_property(mapper, key, value) for key, value in mapper.options.properties.items()}
    for key, prop in list(explicit.items()):
        if isinstance(prop, SynonymProperty) and prop.map_column:
            explicit[prop.name] = column_behind_synonym(mapper, key, prop, explicit)

    keys_of_column: dict[Any, list[str]] = {}
    for key, prop in explicit.items():
        if isinstance(prop, ColumnProperty):
            for column in prop.columns:
                if selectable.c.contains_column(column):
                    keys_of_column.setdefault(column, []).append(key)

    in_table = {key for keys in keys_of_column.values() for key in keys}
    placed = {key: prop for key, prop in explicit.items() if key not in in_table}
    for column in selectable.c:
        for key in keys_of_column.get(column, ()):
            placed.setdefault(key, explicit[key])
        if column not in keys_of_column:
            _place_unnamed(mapper, column, placed, explicit)
    return placed


def _place_unnamed(
    mapper: Mapper, column: Any, placed: dict[str, MapperProperty], explicit: dict[str, MapperProperty]
) -> None:
    """Map a column that the user did not mention, unless it is to be left out."""
    key = mapper.options.column_prefix + column.key
    if is_left_out(mapper, column, key):
        return
    existing = placed.get(key) or explicit.get(key)
    if existing is None:
        placed[key] = ColumnProperty(column)
    elif not isinstance(existing, ColumnProperty):
        raise exc.column_hidden_by_property(mapper, key, column, existing)
    elif existing.columns[0].shares_lineage(column):
        existing.columns.append(column)
    else:
        raise exc.columns_combined_implicitly(existing.columns[0], column, key)


def as_property(mapper: Mapper, key: str, value: Any) -> MapperProperty:
    """The property that a value of ``properties=`` means.

    :param value: a property; a column or a list of columns of the mapped selectable.
    :raises ArgumentError: for anything else, and for columns from elsewhere.
    """
    if isinstance(value, ColumnProperty):
        value.columns = [_own_or_same(mapper, column) for column in value.columns]
        return value
    if isinstance(value, MapperProperty):
        return value
    columns = list(value) if isinstance(value, (list, tuple)) else [value]
    if not columns or not all(isinstance(c, ColumnElement) or hasattr(c, "__clause_element__") for c in columns):
        raise exc.bad_property(mapper, key, value)
    return ColumnProperty(*[own_column(mapper, column, key) for column in columns])


def own_column(mapper: Mapper, column: Any, purpose: str) -> Any:
    """The column of the mapped selectable that *column* means.

    :param column: a column of the selectable or of a table inside it, or the name of one.
    :param purpose: the attribute or option that needs the column, for messages.
    :raises ArgumentError: when the selectable has no such column.
    """
    selectable = mapper.persist_selectable
    if isinstance(column, str):
        found = selectable.c.get(column)
    else:
        if hasattr(column, "__clause_element__"):
            column = column.__clause_element__()
        if not isinstance(column, ColumnElement):
            raise exc.bad_property(mapper, purpose, column)
        column = column._deannotate()  # an attribute of another class is its column with notes
        found = selectable.corresponding_column(column)
    if found is None:
        raise exc.column_not_in_selectable(mapper, purpose, column)
    return found


def _own_or_same(mapper: Mapper, column: Any) -> Any:
    """A column as the mapped selectable spells it; expressions stay as they are."""
    if getattr(column, "table", None) is None:
        return column
    found = mapper.persist_selectable.corresponding_column(column)
    return column if found is None else found


def column_behind_synonym(
    mapper: Mapper, key: str, synonym: SynonymProperty, others: dict[str, MapperProperty]
) -> ColumnProperty:
    """The property for the column that a synonym with ``map_column`` takes the name of."""
    column = mapper.persist_selectable.c.get(key)
    if column is None:
        raise exc.synonym_without_column(mapper, key, synonym.name)
    existing = others.get(synonym.name)
    if isinstance(existing, ColumnProperty):
        raise exc.synonym_column_mapped_twice(key, synonym.name, column)
    return ColumnProperty(column)


def is_left_out(mapper: Mapper, column: Any, key: str) -> bool:
    """Whether the column is not to be mapped under *key*."""
    options = mapper.options
    if is_defined_by_class(mapper.class_, key):
        return True
    if options.include_properties is not None and not _names(options.include_properties, column):
        return True
    return _names(options.exclude_properties, column)


def _names(listed: tuple[Any, ...], column: Any) -> bool:
    return any(entry == column.key if isinstance(entry, str) else entry is column for entry in listed)


def is_defined_by_class(cls: type, key: str) -> bool:
    """Whether the class itself defines something under *key* that mapping must not replace."""
    value = cls.__dict__.get(key)
    if isinstance(value, (ColumnElement, MapperProperty, Attribute, InspectionAttr)):
        return False
    if dataclasses.is_dataclass(cls) and any(field.name == key for field in dataclasses.fields(cls)):
        return False
    return bool(value)


def tables_of(selectable: Any) -> tuple[Any, ...]:
    """The tables inside a selectable, a table after those that its foreign keys point at."""
    tables = list(dict.fromkeys(find_tables(selectable)))
    if len(tables) > 1 and all(isinstance(table, Table) for table in tables):
        tables = list(sort_tables(tables))
    return tuple(tables)


def properties_by_column(column_props: Collection[ColumnProperty]) -> dict[Any, ColumnProperty]:
    """Which property stands for a column, of the mapped selectable or of a table inside it."""
    found: dict[Any, ColumnProperty] = {}
    for prop in column_props:
        for column in prop.columns:
            found[column] = prop
    # a column of a subselect stands for the table's column, unless that is mapped itself
    for prop in column_props:
        for column in prop.columns:
            for origin in column.proxy_set:
                found.setdefault(origin, prop)
    return found


def mark_writable(mapper: Mapper) -> None:
    """Tell each column property whether a flush writes it: it has a column in a table whose rows can be found."""
    written = {mapper.key_of(column) for table in mapper.tables if table in mapper.pks_by_table for column in table.c}
    for prop in mapper.column_props:
        prop.is_writable = prop.key in written
