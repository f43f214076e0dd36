"""One-to-many: the related rows hold the foreign key."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ... import exc
from ...mapping.relationship import RelationshipProperty
from ...tracking.state import InstanceState
from ..links import Link

if TYPE_CHECKING:
    from ..preparation import Work


def save(work: Work, state: InstanceState, prop: RelationshipProperty) -> None:
    """The children that joined refer to the object; those that left refer to nothing, or go."""
    history = work.history(state, prop)
    for child in work.members(history.added, state, prop, "add"):
        work.write(child)
        _refer(work, child, state, prop)
    for child in work.states(history.deleted):
        if child in work.deleted:
            continue
        if work.is_held_elsewhere(child, prop):
            continue
        if prop.cascade.delete_orphan:
            work.remove_orphan(child, prop)
        elif child.pk is not None:
            _blank(work, child, state, prop)
    if not prop.passive_updates and work.has_new_key(state, prop):
        for child in work.states(work.history(state, prop, load=True).unchanged):
            work.write(child)
            _refer(work, child, state, prop)


def delete(work: Work, state: InstanceState, prop: RelationshipProperty) -> None:
    """The children go with the object, or refer to nothing."""
    history = work.history(state, prop, load=not prop.passive_deletes)
    leaves_rest = prop.passive_deletes == "all"
    for child in work.states(history.deleted):
        if child not in work.deleted and not work.is_held_elsewhere(child, prop):
            if prop.cascade.delete_orphan:
                work.remove_orphan(child, prop)
            elif child.pk is not None and not leaves_rest:
                _blank(work, child, state, prop)
    for child in work.states([*history.unchanged, *history.added]):
        if child in work.deleted or child.pk is None:
            continue
        if prop.cascade.delete:
            work.delete(child, f"goes along with its parent ({prop})")
        elif not leaves_rest:
            _blank(work, child, state, prop)


def _refer(work: Work, child: InstanceState, state: InstanceState, prop: RelationshipProperty) -> None:
    for source, target in prop.synchronize_pairs:
        work.link(
            child,
            Link(work.attribute(child, target, prop), state, work.attribute(state, source, prop), prop),
            afterwards=prop.post_update,
        )


def _blank(work: Work, child: InstanceState, state: InstanceState, prop: RelationshipProperty) -> None:
    """The child refers to nothing any more; refused where its column cannot be NULL."""
    if not work.write(child):
        return
    for source, target in prop.synchronize_pairs:
        attribute = work.attribute(child, target, prop)
        if target.primary_key or not target.nullable:
            work.check_blank(child, attribute, partial(exc.cannot_blank, state, child, prop, (source, target)))
        if prop.post_update:
            work.relations.updates_before.setdefault(child, {}).setdefault(
                attribute, Link(attribute, None, work.attribute(state, source, prop), prop)
            )
        else:
            work.link(child, Link(attribute, None, work.attribute(state, source, prop), prop))
