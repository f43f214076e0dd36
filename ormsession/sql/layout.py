"""What the rows of a compiled entity statement hold: one slot per element of a result row.

The compile state works the layout out once per statement shape, and it lives as long as Core keeps the
compiled statement.  ``loading`` makes its row loop from it and needs to know nothing about SQL.

An :class:`EntitySlot` tells which columns of the cursor row fill which attributes of a new object; a
:class:`ColumnSlot` is one value; a :class:`BundleSlot` is one element made of several.  ``position`` is the index
in the cursor row.  It is None in the layout of a textual statement, whose columns are known when the first result
is there: :func:`located` fills them in.

``keys`` are the objects by which ``row._mapping[...]`` finds the element beside its name.  They are those
of the statement that was compiled; for another one that shares the compiled form, :func:`row_keys` gives its own.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from .. import exc
from .._core import position_in_result
from .entity import BUNDLE_NOTE, entity_of

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper
    from ..mapping.properties import ColumnProperty
    from ..mapping.relationship import RelationshipProperty
    from .bundle import Bundle


@dataclass(frozen=True, slots=True)
class SlotColumn:
    """One attribute of an entity and where its value stands in the cursor row."""

    prop: ColumnProperty
    position: int | None
    expression: Any


@dataclass(frozen=True, slots=True)
class EntitySlot:
    """An element of the row that becomes an object."""

    mapper: Mapper
    entity: Any
    name: str | None
    columns: tuple[SlotColumn, ...]
    absent: tuple[ColumnProperty, ...]
    """Deferred attributes: mapped, and not in the row."""
    keys: tuple[Any, ...]
    joined: tuple[JoinedSlot, ...] = ()
    """Related entities in the same row."""


@dataclass(frozen=True, slots=True)
class JoinedSlot:
    """A related entity that stands in the row of its parent."""

    prop: RelationshipProperty
    slot: EntitySlot


@dataclass(frozen=True, slots=True)
class ColumnSlot:
    """An element of the row that is handed out as the database gave it."""

    name: str
    position: int | None
    expression: Any
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class BundleSlot:
    """An element of the row that a :class:`.Bundle` makes of several values."""

    bundle: Bundle
    name: str
    slots: tuple[Slot, ...]
    keys: tuple[Any, ...]

    def row_processor(self, statement: Any) -> Callable[[Sequence[Any]], Any]:
        """A function that makes the element of its values, which are given in the order of ``slots``."""
        procs = [itemgetter(index) for index in range(len(self.slots))]
        labels = [str(slot.name) for slot in self.slots]
        return self.bundle.create_row_processor(statement, procs, labels)


Slot = EntitySlot | ColumnSlot | BundleSlot
Layout = tuple[Slot, ...]


def located(layout: Layout, result: Any) -> Layout:
    """The layout with every position known, found in the columns of a cursor result.

    :param layout: as the compile state has it.
    :param result: Core's cursor result of the statement.
    :raises sqlalchemy.exc.NoSuchColumnError: when the statement does not return a column that cannot be missing.
    """
    if all(_is_located(slot) for slot in layout):
        return layout
    finder = _ColumnFinder(result)
    return tuple(_located_slot(slot, finder) for slot in layout)


def _is_located(slot: Slot) -> bool:
    if isinstance(slot, ColumnSlot):
        return slot.position is not None
    if isinstance(slot, BundleSlot):
        return all(map(_is_located, slot.slots))
    return all(column.position is not None for column in slot.columns)


def _located_slot(slot: Slot, finder: _ColumnFinder) -> Slot:
    if isinstance(slot, BundleSlot):
        return dataclasses.replace(slot, slots=tuple(_located_slot(each, finder) for each in slot.slots))
    if isinstance(slot, ColumnSlot):
        position = finder.position(slot.expression)
        if position is None:
            raise exc.column_not_in_result(slot.name)
        return dataclasses.replace(slot, position=position)
    found: list[SlotColumn] = []
    absent = list(slot.absent)
    for column in slot.columns:
        position = finder.position_of_any([column.expression, *column.prop.columns[1:]])
        if position is None:
            if column.prop.key in slot.mapper.pk_keys:
                raise exc.column_not_in_result(column.expression)
            absent.append(column.prop)
        else:
            found.append(dataclasses.replace(column, position=position))
    return dataclasses.replace(slot, columns=tuple(found), absent=tuple(absent))


class _ColumnFinder:
    """Finds columns in a result: by the expression that was compiled, else by name."""

    def __init__(self, result: Any) -> None:
        self._result = result
        self._names = set(result.keys())

    def position_of_any(self, expressions: Iterable[Any]) -> int | None:
        return next((at for each in expressions if (at := self.position(each)) is not None), None)

    def position(self, expression: Any) -> int | None:
        position = position_in_result(self._result, expression)
        if position is None:
            for name in _names(expression):
                if name in self._names:
                    return position_in_result(self._result, name)
        return position


def _names(expression: Any) -> list[str]:
    names = [
        getattr(expression, "_tq_label", None),
        getattr(expression, "name", None),
        getattr(expression, "key", None),
    ]
    return [str(name) for name in names if name is not None]


def row_keys(statement: Any) -> list[tuple[Any, ...]]:
    """For each element of the statement's rows, the objects that may be asked for with ``row._mapping[...]``."""
    keys: list[tuple[Any, ...]] = []
    for element in statement._raw_columns:
        entity = entity_of(element)
        if BUNDLE_NOTE in element._annotations:
            keys.append((element._annotations[BUNDLE_NOTE],))
        elif entity is not None:
            keys.append((entity.entity,))
        else:
            keys.extend(column_keys(column) for column in element._select_iterable)
    return keys


def column_keys(column: Any) -> tuple[Any, ...]:
    """The objects that may be asked for to get *column* from a row: itself and the attribute it came from."""
    attribute = attribute_of(column)
    return (column,) if attribute is None else (attribute, column)


def attribute_of(column: Any) -> Any:
    """The mapped attribute that *column* was taken from, or None."""
    notes = getattr(column, "_annotations", None)
    if not notes or "proxy_key" not in notes or "parententity" not in notes:
        return None
    return getattr(notes["parententity"].entity_namespace, notes["proxy_key"], None)
