"""The slots that rooms above fill when they are imported.

Imports point down only, yet a mapped class must speak SQL (room ``sql``) and load what is absent (room
``loading``).  Each of those rooms puts its part into a slot here, once, when it is imported; mapping reads
the slots when it maps or configures a class.  With nothing filled in, mapping works alone: attributes are
the plain ones of the tracking room and nothing is loaded.

The slots are module variables rather than a table of callbacks: who fills one and who reads it can be
found with a plain text search.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..tracking.attributes import Attribute

if TYPE_CHECKING:
    from .mapper import Mapper
    from .properties import MapperProperty

attribute_class: type[Attribute] = Attribute
"""The descriptor put on mapped classes.  Filled by ``sql`` with the one that speaks SQL."""


def no_entity_clause(mapper: Mapper) -> Any:
    """What a mapped class stands for in a statement while nothing above is there to say: its table."""
    return mapper.selectable


def no_loaders(mapper: Mapper) -> None:
    """Install nothing: absent attributes stay absent."""


def no_comparator(prop: MapperProperty, mapper: Mapper) -> Any:
    """Attributes compare as plain objects."""
    return None


entity_clause = no_entity_clause
"""``entity_clause(mapper)``: what ``__clause_element__`` of a mapped class returns.  Filled by ``sql``."""

install_loaders = no_loaders
"""``install_loaders(mapper)``: fill the loader slots of its class and attributes.  Filled by ``loading``;
called when a mapper is configured, and again when a property was added to a configured one."""

comparator_for = no_comparator
"""``comparator_for(prop, mapper)``: the object that gives an attribute its operators.  Filled by ``sql``."""


def plain_relationship(prop: Any) -> tuple[Any, dict[str, Any]]:
    """The implementation that tracking chooses, without a loader."""
    return None, {}


def no_cascades(prop: Any, attribute: Any) -> None:
    """Changes of the attribute reach nobody."""


relationship_impl = plain_relationship
"""``relationship_impl(prop)``: the class of the implementation behind a relationship's attribute (None for the usual
one) and its options.  Filled by ``loading``."""

install_cascades = no_cascades
"""``install_cascades(prop, attribute)``: let what enters and leaves the attribute follow its object into and out of the
session.  Filled by ``unitofwork``."""
