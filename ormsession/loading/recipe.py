"""How one entity of a result row becomes an object: a recipe, worked out once per compiled statement.

A :class:`Recipe` is made from a slot of the layout that ``sql`` computed, the result processors of the
driver's columns and what loader options decided.  It says which cursor column fills which attribute,
through which processor, and what is to be done about attributes that the row lacks:

* an attribute that is mapped as deferred has a loader on the class: nothing to do;
* one that an option deferred gets a loader on each object (``own_loaders``);
* one that the statement should have returned and did not, as with ``from_statement``, is *expired* on each new
  object, so that its first access loads it (``missing``).

Recipes are data.  :mod:`.rows` turns them into loops.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import exc
from .deferred import DeferredLoad

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper
    from ..sql.columns import ColumnChoice
    from ..sql.layout import EntitySlot

Processor = Callable[[Any], Any]
Processors = Sequence[Processor | None]
Row = Sequence[Any]
Loader = Callable[[Any, int], Any]

_NO_LOADERS: Mapping[str, Loader] = {}


@dataclass(frozen=True, slots=True)
class Source:
    """Where the value of one attribute comes from: an index of the cursor row, and what converts it."""

    key: str
    position: int
    processor: Processor | None

    def value(self, row: Row) -> Any:
        """The value in one row."""
        return row[self.position] if self.processor is None else self.processor(row[self.position])


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one entity of a row becomes an object."""

    mapper: Mapper
    primary_key: tuple[Source, ...]
    attributes: tuple[Source, ...]
    """All attributes that the row holds, those of the primary key among them."""
    absent: tuple[str, ...]
    """All column attributes that the row does not hold."""
    missing: frozenset[str]
    """Those of the absent ones that are expired on a new object."""
    own_loaders: Mapping[str, Loader]
    """Absent attributes, relationships too, for which each object gets a loader."""

    @property
    def version(self) -> Source | None:
        """The source of the version id, when the mapper has one and the row holds it."""
        key = self.mapper.version_id_key
        return next((source for source in self.attributes if source.key == key), None)


def recipe_for(
    slot: EntitySlot,
    processors: Processors | None,
    choice_of: Callable[[Any], ColumnChoice],
    related_loaders: Mapping[str, Loader] = _NO_LOADERS,
) -> Recipe:
    """The recipe for *slot*.

    :param slot: a slot of the layout with all positions known.
    :param processors: the driver's result processors by position; None when no column has one.
    :param choice_of: what holds for an attribute of this entity, loader options included.
    :param related_loaders: relationships that options want to be loaded in another way, with their loaders.
    :raises sqlalchemy.exc.NoSuchColumnError: when the row lacks a column of the primary key.
    """
    mapper = slot.mapper
    sources = {column.prop.key: source_of(column.prop.key, column.position, processors) for column in slot.columns}
    for key, column in zip(mapper.pk_keys, mapper.primary_key, strict=True):
        if key not in sources:
            raise exc.column_not_in_result(column)
    missing: set[str] = set()
    own_loaders: dict[str, Loader] = dict(related_loaders)
    for prop in slot.absent:
        choice = choice_of(prop)
        if not choice.deferred:
            missing.add(prop.key)
        elif not prop.deferred or choice.raiseload != prop.raiseload:
            own_loaders[prop.key] = DeferredLoad(prop.key, raiseload=choice.raiseload)
    return Recipe(
        mapper=mapper,
        primary_key=tuple(sources[key] for key in mapper.pk_keys),
        attributes=tuple(sources.values()),
        absent=tuple(prop.key for prop in slot.absent),
        missing=frozenset(missing),
        own_loaders=own_loaders,
    )


def source_of(key: str, position: int | None, processors: Processors | None) -> Source:
    """The source of one value."""
    assert position is not None, "a layout is located before recipes are made from it"
    return Source(key, position, processors[position] if processors else None)
