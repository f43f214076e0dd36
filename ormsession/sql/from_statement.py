"""Entities loaded from a statement that somebody else wrote: ``select(User).from_statement(text(...))``.

:class:`FromStatement` holds the entities of the ``select`` and the statement that is sent: text, text with
columns, a union, INSERT ... RETURNING.  It compiles to that statement and nothing else.  What it adds is the
layout: which columns of the result fill which attributes, found by column or by name once the first result is
there (see :func:`.layout.located`).

Plain text says nothing of types, so it is compiled as text that returns the columns of the entities: their types
then process the values, found by name in whatever order they come.
"""

from __future__ import annotations

import dataclasses
from typing import Any

from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.expression import TextClause, TextualSelect

from .._core import CompileState, ExecutableReturnsRows, Generative, InternalTraversal, coercions, collect_params, roles
from .columns import ColumnOptions, ColumnsClause, column_descriptions, exported_columns
from .entity import naming_of
from .layout import BundleSlot, ColumnSlot, Layout, Slot


class FromStatement(Generative, ExecutableReturnsRows):
    """Entities and columns, and the statement whose rows they are made from; made by ``select().from_statement()``."""

    __visit_name__ = "orm_from_statement"
    is_from_statement = True
    _traverse_internals = [
        ("_raw_columns", InternalTraversal.dp_clauseelement_list),
        ("element", InternalTraversal.dp_clauseelement),
        ("_annotations", InternalTraversal.dp_annotations_key),
        *ExecutableReturnsRows._executable_traverse_internals,
    ]
    _cache_key_traversal = _traverse_internals

    def __init__(self, select: Any, element: Any) -> None:
        self._raw_columns = select._raw_columns
        self.element = coercions.expect(roles.ReturnsRowsRole, element)
        self._propagate_attrs = select._propagate_attrs
        self._annotations = select._annotations  # a Query's rows have plain names
        self._label_style = getattr(element, "_label_style", select._label_style)
        self._with_options = select._with_options
        self._execution_options = element._execution_options.union(select._execution_options)

    is_select = property(lambda self: not self.element.is_dml)
    is_insert = property(lambda self: self.element.is_insert)
    is_update = property(lambda self: self.element.is_update)
    is_delete = property(lambda self: self.element.is_delete)
    is_dml = property(lambda self: self.element.is_dml)
    is_text = property(lambda self: self.element.is_text or isinstance(self.element, TextClause))

    @property
    def column_descriptions(self) -> list[dict[str, Any]]:
        """What each element of a row is: name, type, expression, entity."""
        return column_descriptions(self._raw_columns, naming_of(self))

    @property
    def _all_selected_columns(self) -> Any:
        # Core pairs these columns with those of an earlier execution from its cache
        return exported_columns(self) if isinstance(self.element, TextClause) else self.element._all_selected_columns

    def __getattr__(self, name: str) -> Any:
        # while INSERT and UPDATE are compiled and executed, Core asks the statement for their particulars
        element = self.__dict__.get("element")
        if element is None or name.startswith("__") or not element.is_dml:
            raise AttributeError(name)
        return getattr(element, name)


class FromStatementState(CompileState):
    """The compile state of a :class:`FromStatement`: the layout, to be located in the first result."""

    __slots__ = ("attributes", "column_options", "layout", "loader", "select_statement")

    def __init__(self, statement: Any, compiler: Any, **kw: Any) -> None:
        self.statement = self.select_statement = statement
        self.attributes: dict[Any, Any] = {}
        self.column_options: ColumnOptions = {}
        self.loader: Any = None
        for option in statement._with_options:
            if option._is_compile_state:
                option.process_compile_state(self)
        subject = statement._propagate_attrs.get("plugin_subject")
        if subject is not None:
            subject.mapper.ensure_configured()
        clause = ColumnsClause(self.column_options, naming_of(statement))
        for element in statement._raw_columns:
            clause.add(element)
        self.layout: Layout = tuple(_unlocated(slot) for slot in clause.slots)

    @property
    def columns(self) -> list[Any]:
        """The columns that the statement is expected to return."""
        return [column for slot in self.layout for column in _columns_of(slot)]


def _columns_of(slot: Slot) -> list[Any]:
    if isinstance(slot, ColumnSlot):
        return [slot.expression]
    if isinstance(slot, BundleSlot):
        return [column for each in slot.slots for column in _columns_of(each)]
    return [column.expression for column in slot.columns]


def _unlocated(slot: Slot) -> Slot:
    if isinstance(slot, ColumnSlot):
        return dataclasses.replace(slot, position=None)
    if isinstance(slot, BundleSlot):
        return dataclasses.replace(slot, slots=tuple(map(_unlocated, slot.slots)))
    return dataclasses.replace(slot, columns=tuple(dataclasses.replace(each, position=None) for each in slot.columns))


@compiles(FromStatement)
def compile_from_statement(statement: FromStatement, compiler: Any, **kw: Any) -> str:
    """Compile the statement that is sent, and leave our compile state with the compiler."""
    collect_params(compiler, statement)
    is_outermost = not compiler.stack
    state = FromStatementState(statement, compiler)
    element = statement.element
    if isinstance(element, TextClause):
        named = [column for column in state.columns if getattr(column, "name", None)]
        element = TextualSelect(element, named, positional=False)
    if is_outermost and not element.is_dml and compiler.compile_state is None:
        compiler.compile_state = state  # statements inside look for options there
    text: str = compiler.process(element, **kw)
    if is_outermost:
        if compiler.compile_state is None or not element.is_dml:
            compiler.compile_state = state
        else:
            # Core still asks the compile state of INSERT and UPDATE about the statement while it executes
            compiler.compile_state.layout = state.layout
            compiler.compile_state.loader = None
    return text
