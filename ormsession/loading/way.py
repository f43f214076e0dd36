"""How a statement for related objects was reached: where eager loading ends.

Two sides of a relationship that load each other eagerly, or the children of a tree, would have no end.  A
relationship that is *mapped* to be loaded eagerly is therefore not followed to a class that the way has passed
already, unless its ``join_depth`` says how far; and never straight back the way it came.  What an option asks for by
name is followed in any case: an option has an end of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .options import LoaderOption

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper
    from ..mapping.relationship import RelationshipProperty


class ReachedBy(LoaderOption):
    """An option of our own statements: through which entities and relationships they were reached.

    :param mappers: of the entities on the way.
    :param backward: relationships that lead straight back.
    """

    _is_compile_state = True

    def __init__(self, mappers: tuple[Mapper, ...] = (), backward: tuple[RelationshipProperty, ...] = ()) -> None:
        self.mappers = mappers
        self.backward = backward

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        mappers = tuple(mapper._gen_cache_key(anon_map, bindparams) for mapper in self.mappers)
        return (ReachedBy, mappers, tuple((id(prop.parent), prop.key) for prop in self.backward))

    def process_compile_state(self, compile_state: Any) -> None:
        """Leave the way where :meth:`to` finds it."""
        compile_state.attributes[ReachedBy] = self

    @classmethod
    def to(cls, mapper: Mapper, compile_state: Any) -> ReachedBy:
        """The way to an entity of a statement, that entity included."""
        way = compile_state.attributes.get(cls)
        return cls((mapper,)) if way is None else cls((*way.mappers, mapper), way.backward)

    def on(self, prop: RelationshipProperty) -> ReachedBy:
        """The way to what a relationship leads to."""
        return ReachedBy((*self.mappers, prop.mapper))

    def ends_before(self, prop: RelationshipProperty) -> bool:
        """Whether a relationship that is mapped to be loaded eagerly is not followed from here."""
        if prop in self.backward:
            return True
        if prop.join_depth:
            return bool(len(self.mappers) > prop.join_depth)
        return prop.mapper in self.mappers
