"""The columns clause of an entity statement: entities become columns, and slots say what for.

An entity stands for the columns of its attributes.  It shares a column that is in the row already; a column
that was asked for by itself gets a place of its own.

What options want for column attributes comes in as ``ColumnOptions``, which is ``{entity: {word: ColumnChoice}}``.
A word is an attribute's key, ``"group:<name>"`` for a group of deferred columns, or ``"*"``; the more special
word wins.  Primary key columns are always selected: without them there is no object.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.sql.expression import LABEL_STYLE_NONE

from .._core import SelectState
from .entity import BUNDLE_NOTE, entity_columns, entity_of, from_adapter, owning_entity, selected_columns
from .layout import BundleSlot, ColumnSlot, EntitySlot, Slot, SlotColumn, attribute_of, column_keys

if TYPE_CHECKING:
    from ..mapping.properties import ColumnProperty
    from .bundle import Bundle


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """What an option wants for a column attribute."""

    deferred: bool
    raiseload: bool = False


ColumnOptions = dict[Any, dict[str, ColumnChoice]]


def column_choice(options: ColumnOptions, entity: Any, prop: ColumnProperty) -> ColumnChoice:
    """What holds for an attribute of an entity: the options given for it, else how it is mapped."""
    words = options.get(entity)
    if words:
        for word in (prop.key, f"group:{prop.group}" if prop.group else None, "*"):
            if word is not None and word in words:
                return words[word]
    return ColumnChoice(prop.deferred, prop.raiseload)


class ColumnsClause:
    """The columns clause being rewritten: Core columns so far, and the slots that say what they are for."""

    def __init__(self, column_options: ColumnOptions, name_of: Any, adapter: Any = None) -> None:
        self.columns: list[Any] = []
        self.slots: list[Slot] = []
        self._positions: dict[Any, int] = {}  # column -> its first place; entities share it
        self._column_options = column_options
        self._name_of = name_of  # Core's naming convention, which keeps names of one row apart
        self._adapter = adapter  # of a statement whose entities are selected from a subquery

    def add(self, element: Any) -> None:
        """Add one element of the columns clause as the user gave it."""
        entity = entity_of(element)
        if BUNDLE_NOTE in element._annotations:
            self._add_bundle(element._annotations[BUNDLE_NOTE], element)
        elif entity is not None:
            self._add_entity(entity)
        else:
            for column in element._select_iterable:
                self._add_column(column)

    def _add_column(self, column: Any) -> None:
        name, keys = self._name_of(column), column_keys(column)
        if self._adapter is not None:
            column = self._adapter.traverse(column)
        self.slots.append(ColumnSlot(name, self._place(column), column, keys))

    def _add_bundle(self, bundle: Bundle, element: Any) -> None:
        slots, name_of = self.slots, self._name_of
        self.slots, self._name_of = [], SelectState._column_naming_convention(LABEL_STYLE_NONE)
        for clause in element.clauses:
            self.add(clause)
        slots.append(BundleSlot(bundle, bundle.name, tuple(self.slots), (bundle,)))
        self.slots, self._name_of = slots, name_of

    def _add_entity(self, entity: Any) -> None:
        self.slots.append(self.entity_slot(entity, self._adapter))

    def entity_slot(self, entity: Any, adapter: Any = None) -> EntitySlot:
        """Add the columns of an entity; where they are is returned, for a slot of the row or within another one."""
        mapper = entity.mapper
        present: list[SlotColumn] = []
        absent: list[ColumnProperty] = []
        for prop, expression in entity_columns(entity):
            choice = column_choice(self._column_options, entity, prop)
            if choice.deferred and prop.key not in mapper.pk_keys:
                absent.append(prop)
                continue
            if adapter is not None:
                expression = adapter.traverse(expression)
            position = self._positions.get(expression)
            if position is None:
                position = self._place(expression)
            present.append(SlotColumn(prop, position, expression))
        name = entity.name if entity.is_aliased_class else mapper.class_.__name__
        return EntitySlot(mapper, entity, name, tuple(present), tuple(absent), (entity.entity,))

    def _place(self, column: Any) -> int:
        position = len(self.columns)
        self.columns.append(column)
        self._positions.setdefault(column, position)
        return position


def exported_columns(statement: Any) -> list[Any]:
    """The columns that a statement has as a subquery."""
    columns: list[Any] = []
    for element in statement._raw_columns:
        entity = entity_of(element)
        columns.extend(element._select_iterable if entity is None else selected_columns(entity))
    adapter = from_adapter(statement)
    return columns if adapter is None else [adapter.traverse(column) for column in columns]


def column_descriptions(elements: Iterable[Any], name_of: Any) -> list[dict[str, Any]]:
    """Describe the elements of a columns clause as ``column_descriptions`` documents it."""
    described: list[dict[str, Any]] = []
    for element in elements:
        entity = entity_of(element)
        if BUNDLE_NOTE in element._annotations:
            described.append(_bundle_description(element))
        elif entity is not None:
            described.append(_entity_description(entity))
        else:
            described.extend(_column_description(column, name_of) for column in element._select_iterable)
    return described


def _bundle_description(element: Any) -> dict[str, Any]:
    bundle = element._annotations[BUNDLE_NOTE]
    entity = owning_entity(element)
    return {
        "name": bundle.name,
        "type": type(bundle),
        "aliased": bool(entity is not None and entity.is_aliased_class),
        "expr": bundle,
        "entity": None if entity is None else entity.entity,
    }


def _entity_description(entity: Any) -> dict[str, Any]:
    return {
        "name": entity.name if entity.is_aliased_class else entity.class_.__name__,
        "type": entity.class_,
        "aliased": entity.is_aliased_class,
        "expr": entity.entity,
        "entity": entity.entity,
    }


def _column_description(column: Any, name_of: Any) -> dict[str, Any]:
    entity = owning_entity(column)
    attribute = attribute_of(column)
    name = name_of(column)
    return {
        "name": None if name == "_no_label" else name,
        "type": column.type,
        "aliased": bool(entity is not None and entity.is_aliased_class),
        "expr": column if attribute is None else attribute,
        "entity": None if entity is None else entity.entity,
    }
