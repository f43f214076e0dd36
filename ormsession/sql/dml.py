"""INSERT, UPDATE and DELETE of entities: attribute names become columns, returned entities become columns.

``update(User).values(name="ed")`` speaks of the attribute ``name``; the column may be called otherwise.  Core asks
the plugin (see :mod:`.entity`) for the columns that the given keys mean, once when ``values()`` is called, so
the compiled statement is plain Core.  ``returning(User)`` is expanded like the columns clause of a SELECT and
leaves the same ``layout`` for ``loading``.

A key that names no attribute is left to Core: it may be the name of a column.  Values given at execution, as in
``session.execute(insert(User), [{"name": "ed"}])``, are translated by :func:`column_parameters`.

How objects of a session are brought in step with such a statement is the business of the unit of work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy.types import NullType

from .._core import CompileState, DeleteDMLState, InsertDMLState, UpdateDMLState, coercions, roles
from .columns import ColumnOptions, ColumnsClause, column_descriptions
from .criteria import criteria_of_dml, criteria_options
from .entity import PLUGIN, entity_of, naming_of
from .layout import Layout


class EntityDML:
    """What the compile states of entity INSERT, UPDATE and DELETE share; mixed into Core's."""

    def __init__(self, statement: Any, compiler: Any, **kw: Any) -> None:
        self.layout: Layout = ()
        self.loader: Any = None  # made from the layout by loading
        self.column_options: ColumnOptions = {}
        self.attributes: dict[Any, Any] = {}
        self.select_statement = statement
        if any(entity_of(element) is not None for element in statement._returning):
            statement = self._with_returned_columns(statement, is_outermost=not compiler.stack)
        elif statement._returning and not compiler.stack:
            self.layout = tuple(self._clause(statement).slots)
        if not statement.is_insert and criteria_options(statement):
            statement = statement._generate()
            statement._where_criteria = criteria_of_dml(statement)
        super().__init__(statement, compiler, **kw)  # type: ignore[call-arg]

    def _clause(self, statement: Any) -> ColumnsClause:
        for option in statement._with_options:
            if option._is_compile_state:
                option.process_compile_state(self)
        clause = ColumnsClause(self.column_options, naming_of(statement))
        for element in statement._returning:
            clause.add(element)
        return clause

    def _with_returned_columns(self, statement: Any, *, is_outermost: bool) -> Any:
        clause = self._clause(statement)
        if is_outermost:
            self.layout = tuple(clause.slots)
        core = statement._generate()
        core._returning = tuple(clause.columns)
        return core

    # ------------------------------------------------------------ what Core asks of a plugin

    @classmethod
    def _get_crud_kv_pairs(
        cls, statement: Any, kv_iterator: Iterable[tuple[Any, Any]], needs_to_be_cacheable: bool
    ) -> list[tuple[Any, Any]]:
        entity = entity_of(statement.table)
        return [
            (
                column_for(entity, key),
                coercions.expect(roles.ExpressionElementRole, value, type_=NullType(), is_crud=True)
                if needs_to_be_cacheable
                else value,
            )
            for key, value in kv_iterator
        ]

    @classmethod
    def _get_multi_crud_kv_pairs(cls, statement: Any, multi_kv_iterator: Iterable[Mapping[Any, Any]]) -> list[Any]:
        entity = entity_of(statement.table)
        return [{column_for(entity, key): value for key, value in row.items()} for row in multi_kv_iterator]

    @classmethod
    def get_entity_description(cls, statement: Any) -> dict[str, Any]:
        """What ``statement.entity_description`` gives."""
        entity = entity_of(statement.table)
        if entity is None:
            table = statement.table
            return {"name": getattr(table, "name", None), "table": table}
        return {
            "name": entity.name if entity.is_aliased_class else entity.class_.__name__,
            "type": entity.class_,
            "expr": entity.entity,
            "entity": entity.entity,
            "table": entity.mapper.local_table,
        }

    @classmethod
    def get_returning_column_descriptions(cls, statement: Any) -> list[dict[str, Any]]:
        """What ``statement.returning_column_descriptions`` gives."""
        return column_descriptions(statement._returning, naming_of(statement))


@CompileState.plugin_for(PLUGIN, "insert")
class EntityInsertState(EntityDML, InsertDMLState):
    """The compile state of an INSERT of entities."""


@CompileState.plugin_for(PLUGIN, "update")
class EntityUpdateState(EntityDML, UpdateDMLState):
    """The compile state of an UPDATE of entities."""


@CompileState.plugin_for(PLUGIN, "delete")
class EntityDeleteState(EntityDML, DeleteDMLState):
    """The compile state of a DELETE of entities."""


def column_for(entity: Any, key: Any) -> Any:
    """The column that a key of ``values()`` means: an attribute, its name, a column or its name."""
    if entity is not None and isinstance(key, str):
        attribute = getattr(entity.entity_namespace, key, None) if key in entity.mapper.props else None
        if attribute is None:
            return coercions.expect(roles.DMLColumnRole, key)
        key = attribute
    column = coercions.expect(roles.DMLColumnRole, key)
    return column if isinstance(column, str) else column._deannotate()


def renamed_keys(mapper: Any) -> dict[str, str]:
    """Attribute name to column key, for those that differ."""
    renamed: dict[str, str] | None = mapper.memo.get("renamed_keys")
    if renamed is None:
        columns = mapper.local_table.c
        renamed = {}
        for prop in mapper.column_props:
            column = next((each for each in prop.columns if columns.contains_column(each)), None)
            if column is not None and column.key != prop.key:
                renamed[prop.key] = column.key
        mapper.memo["renamed_keys"] = renamed
    return renamed


def column_parameters(mapper: Any, parameters: Any) -> Any:
    """Parameters of an execution with attribute names replaced by column keys; the same object when none differ."""
    renamed = renamed_keys(mapper)
    if not renamed or not parameters:
        return parameters
    if isinstance(parameters, Mapping):
        return _renamed(parameters, renamed)
    if isinstance(parameters, Sequence):
        return [_renamed(row, renamed) for row in parameters]
    return parameters


def _renamed(row: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    return {renamed.get(key, key): value for key, value in row.items()}
