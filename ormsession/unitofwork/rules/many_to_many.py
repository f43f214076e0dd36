"""Many-to-many: rows of a secondary table refer to both."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...mapping.relationship import RelationshipProperty
from ...tracking.state import InstanceState
from ..links import Association

if TYPE_CHECKING:
    from ..preparation import Work


def save(work: Work, state: InstanceState, prop: RelationshipProperty) -> None:
    """A row for each object that joined; none any more for those that left."""
    history = work.history(state, prop)
    for child in work.members(history.added, state, prop, "add"):
        work.relations.associate(_row(work, state, child, prop))
    for child in work.states(history.deleted):
        if child.pk is not None and state.pk is not None and not child.is_deleted:
            work.relations.dissociate(_row(work, state, child, prop))
        if prop.cascade.delete_orphan and child not in work.deleted and not work.is_held_elsewhere(child, prop):
            work.remove_orphan(child, prop)
    if not prop.passive_updates and work.has_new_key(state, prop):
        for child in work.states(work.history(state, prop, load=True).unchanged):
            # away before the key changes, and back with the new one: no row ever refers to nothing
            work.relations.dissociate(_row(work, state, child, prop))
            work.relations.associate(_row(work, state, child, prop))


def delete(work: Work, state: InstanceState, prop: RelationshipProperty) -> None:
    """All rows of the object go."""
    history = work.history(state, prop, load=not prop.passive_deletes)
    for child in work.states(history.non_added()):
        if child.pk is not None and not child.is_deleted:  # else its rows went with it
            work.relations.dissociate(_row(work, state, child, prop))
    if prop.cascade.delete:
        for child in work.states(history.non_deleted()):
            if child not in work.deleted and child.pk is not None:
                work.delete(child, f"goes along with its parent ({prop})")


def _row(work: Work, state: InstanceState, child: InstanceState, prop: RelationshipProperty) -> Association:
    values = {}
    for source, column in prop.synchronize_pairs:
        values[column.key] = (state, work.attribute(state, source, prop))
    for source, column in prop.secondary_synchronize_pairs:
        values[column.key] = (child, work.attribute(child, source, prop))
    return Association(prop.secondary, values, prop)
