"""Relationships that write the same column, and the warning about them.

Two relationships that copy values to one column contradict each other as soon as their objects differ; which
of them wins would depend on the order of a flush.  The usual reason is that they are the two sides of one
relationship and do not know it.  So when a relationship is configured, the columns that it writes are
entered here, and those who write them already are named in a warning, unless they are known to each other
(``back_populates``) or meant to overlap (``overlaps``).

The register holds neither columns nor relationships alive, and no column but its own keys: a column leads to
its table and from there to everything that is mapped.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING, Any

from .. import exc

if TYPE_CHECKING:
    from .relationship import RelationshipProperty

# written column -> relationship that writes it -> name of the column that it copies; written by note_writer
_WRITERS: weakref.WeakKeyDictionary[Any, weakref.WeakKeyDictionary[RelationshipProperty, str]]
_WRITERS = weakref.WeakKeyDictionary()

EVERYTHING = "__*"
"""The word in ``overlaps`` that stands for all relationships."""


def note_writer(prop: RelationshipProperty) -> None:
    """Enter the columns that a configured relationship writes, and warn of others that write them."""
    if prop.viewonly:
        return
    for source, written in (*prop.synchronize_pairs, *prop.secondary_synchronize_pairs):
        writers = _WRITERS.setdefault(written, weakref.WeakKeyDictionary())
        rivals = [(other, copied) for other, copied in writers.items() if _is_rival(prop, other)]
        if rivals:
            exc.warn_overlap(prop, source, written, rivals)
        writers[prop] = str(source)


def _is_rival(prop: RelationshipProperty, other: RelationshipProperty) -> bool:
    """Whether both write for themselves, without knowing of each other."""
    return not (
        other is prop
        or other.parent.is_disposed
        or other.mapper.is_disposed
        or other in prop._reverse_property
        or prop in other._reverse_property
        or _is_told_of(prop, other)
        or _is_told_of(other, prop)
        or (prop.key == other.key and prop.parent.common_parent(other.parent))
    )


def _is_told_of(prop: RelationshipProperty, other: RelationshipProperty) -> bool:
    return other.key in prop.overlaps or EVERYTHING in prop.overlaps
