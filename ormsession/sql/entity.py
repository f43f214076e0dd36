"""How a mapped class stands in a Core statement.

Core asks any object that it is given for ``__clause_element__``.  A mapped class answers with its table,
*annotated*: a copy that compares and compiles like the table and carries three notes.

* ``parententity``: the mapper or, for an alias, the :class:`.AliasedInsp`; read everywhere in this room.
* ``entity_namespace``: where Core's own ``filter_by`` looks up names.
* ``dml_table``: for a class mapped to a join, the table that INSERT, UPDATE and DELETE mean.

Beside the notes it carries ``_propagate_attrs``, which Core copies to every statement that an entity or
one of its attributes is put into.  It names the compile-state plugin of this package, so that Core's
compiler calls :mod:`.compile` for these statements and for no others.

An *entity* below is whatever may stand in ``parententity``.  It has ``mapper``, ``class_``, ``entity``
(the object the user knows it by), ``selectable``, ``is_aliased_class``, ``entity_namespace`` and takes part in
Core's cache keys.

The annotated table of a mapper is made once and kept in ``mapper.memo``: its part of the cache key is then
computed once as well.  Rejected: registering classes with ``sqlalchemy.inspect``; it would need an entry
for ``type``, which an ORM in the same process makes too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Label
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import ColumnClause, FromClause, FunctionElement

from .._core import ColumnAdapter, SelectState
from ..mapping import hooks

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper
    from ..mapping.properties import ColumnProperty

PLUGIN = "ormsession"
"""The name under which the compile states of this package are registered with Core."""


QUERY_NOTE = "ormsession_query"
"""An annotation of the ``select`` inside a :class:`.Query`: SQL labels have table names, rows have plain names."""

BUNDLE_NOTE = "bundle"
"""An annotation of a list of expressions: the :class:`.Bundle` that they are one element of the row for."""

FROM_NOTE = "ormsession_from"
"""An annotation of a ``select``: the subquery whose columns take the place of those of its entities."""


def propagated(entity: Any) -> dict[str, Any]:
    """What a statement takes over from the first entity that is put into it."""
    return {"compile_state_plugin": PLUGIN, "plugin_subject": entity}


def annotated_selectable(entity: Any, selectable: Any, dml_table: Any = None) -> Any:
    """*selectable* with the notes that make it stand for *entity*."""
    notes = {"entity_namespace": entity, "parententity": entity, "parentmapper": entity.mapper}
    if dml_table is not None:
        notes["dml_table"] = dml_table
    return selectable._annotate(notes)._set_propagate_attrs(propagated(entity))


def entity_clause(mapper: Mapper) -> Any:
    """The annotated table, join or subquery that a mapper stands for in a statement."""
    clause = mapper.memo.get("entity_clause")
    if clause is None:
        selectable = mapper.selectable
        dml_table = None
        if mapper.local_table is not selectable:
            dml_table = annotated_selectable(mapper, mapper.local_table)
        clause = mapper.memo["entity_clause"] = annotated_selectable(mapper, selectable, dml_table)
    return clause


def entity_of(element: Any) -> Any:
    """The entity that *element* stands for as a whole, or None: an annotated FROM, not a column of one."""
    if isinstance(element, FromClause):
        return element._annotations.get("parententity")
    return None


def owning_entity(element: Any) -> Any:
    """The entity that *element* is, belongs to or was made from, or None.

    A column of a subquery belongs to the subquery, whatever entities are inside.
    """
    entity = getattr(element, "_annotations", {}).get("parententity")
    if entity is not None or isinstance(element, ColumnClause) or not hasattr(element, "get_children"):
        return entity
    if isinstance(element, FromClause) and not isinstance(element, FunctionElement):
        return None
    return next(
        (
            entity
            for each in visitors.iterate(element)
            if (entity := getattr(each, "_annotations", {}).get("parententity")) is not None
        ),
        None,
    )


def elements_of(statement: Any) -> Any:
    """What the user wants in each row: the columns clause, or what INSERT, UPDATE or DELETE returns."""
    elements = getattr(statement, "_raw_columns", None)
    return statement._returning if elements is None else elements


def is_entity_statement(statement: Any) -> bool:
    """Whether *statement* has an entity, an attribute or a bundle in it, and so is compiled by this package."""
    attributes: Any = getattr(statement, "_propagate_attrs", None)
    return bool(attributes) and attributes.get("compile_state_plugin") == PLUGIN


def statement_subject(statement: Any) -> Any:
    """The entity that made *statement* one of this package's, or None when none did."""
    return statement._propagate_attrs["plugin_subject"] if is_entity_statement(statement) else None


def from_adapter(statement: Any) -> ColumnAdapter | None:
    """What translates columns of the entities to those of the subquery they are selected from; None without one."""
    subquery = statement._annotations.get(FROM_NOTE)
    return None if subquery is None else adapter_to(subquery)


def adapter_to(subquery: Any) -> ColumnAdapter:
    """What translates expressions over tables to the columns that *subquery* has for them."""
    return ColumnAdapter(subquery, anonymize_labels=True)


def naming_of(statement: Any) -> Any:
    """The function that gives the columns of a statement's rows their names."""
    if QUERY_NOTE in statement._annotations:
        return _plain_name
    return SelectState._column_naming_convention(statement._label_style)


def _plain_name(column: Any) -> str | None:
    """The name of a column in the rows of a Query: that of its attribute, else its own, else none."""
    name: str | None = column._annotations.get("proxy_key") or getattr(column, "key", None)
    return name


def entity_columns(entity: Any) -> list[tuple[ColumnProperty, Any]]:
    """The column attributes of an entity in the order in which they are selected, each with its expression.

    A SQL expression has the attribute's name in subqueries, a column keeps its own.
    """
    mapper = entity.mapper
    columns: list[tuple[ColumnProperty, Any]] | None = mapper.memo.get("entity_columns")
    if columns is None:
        columns = mapper.memo["entity_columns"] = [(prop, named_expression(prop)) for prop in mapper.column_props]
    if entity.is_aliased_class:
        return [(prop, entity.adapt(expression)) for prop, expression in columns if entity.has(expression)]
    return columns


def named_expression(prop: ColumnProperty) -> Any:
    """What is selected for a column attribute: a column as it is, any other expression under the attribute's name."""
    expression = prop.columns[0]
    if isinstance(expression, Label):
        expression = expression._annotate({"proxy_key": prop.key})
        # a label is found under its key in a subquery; this copy is ours, the label may be the user's
        expression.key = expression._tq_key_label = prop.key
    return expression


def selected_columns(entity: Any) -> list[Any]:
    """The expressions that a subquery of the entity has as columns.

    A deferred column is among them, so that an alias of the subquery can load it; a deferred SQL expression
    is not, for it can be computed outside as well.
    """
    return [expression for prop, expression in entity_columns(entity) if prop.is_writable or not prop.deferred]


hooks.entity_clause = entity_clause
