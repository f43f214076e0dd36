"""Many-to-one: the row of the object itself holds the foreign key."""

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
    """The object refers to what it holds now, or to nothing; what it lost may be an orphan."""
    history = work.history(state, prop)
    if history.added or history.deleted:
        held = history.added[0] if history.added else None
        if held is None:
            refer(work, state, None, prop)
        else:
            for target in work.members([held], state, prop, "add"):
                refer(work, state, target, prop)
    _remove_orphans(work, state, prop)


def delete(work: Work, state: InstanceState, prop: RelationshipProperty) -> None:
    """What the deleted object held may be an orphan; a circle is opened before rows go."""
    if not prop.cascade.delete and not prop.post_update:
        return
    history = work.history(state, prop, load=not prop.passive_deletes)
    if prop.cascade.delete:
        # an object that it let go and that nothing else may hold goes too
        held = history.sum() if prop.cascade.delete_orphan else history.non_deleted()
        for target in work.states(held):
            if target.pk is not None and target not in work.deleted:
                work.delete(target, f"goes along with what refers to it ({prop})")
    if prop.post_update and any(work.states(history.sum())):
        for source, own in prop.synchronize_pairs:
            attribute = work.attribute(state, own, prop)
            blank = Link(attribute, None, work.attribute_of(prop.mapper, source, prop), prop)
            work.relations.updates_before.setdefault(state, {}).setdefault(attribute, blank)


def refer(work: Work, state: InstanceState, target: InstanceState | None, prop: RelationshipProperty) -> None:
    """The foreign key of *state* comes from *target*, or becomes NULL."""
    for source, own in prop.synchronize_pairs:
        attribute = work.attribute(state, own, prop)
        if target is None and own.primary_key:
            # part of a key: the object is being deleted, or another relationship says what it is
            work.check_blank(state, attribute, partial(exc.blank_primary_key, state, prop, (source, own)))
        link = Link(attribute, target, work.attribute_of(prop.mapper, source, prop), prop)
        work.link(state, link, afterwards=prop.post_update)


def _remove_orphans(work: Work, state: InstanceState, prop: RelationshipProperty) -> None:
    if prop.cascade.delete_orphan:
        for target in work.states(work.history(state, prop).deleted):
            if target not in work.deleted and not work.is_held_elsewhere(target, prop):
                work.remove_orphan(target, prop)
