"""The two sides of a relationship, made known to each other.

``back_populates`` names an attribute that both sides define; ``backref`` makes the one on the other side
from this one.  Either way each relationship ends up in the other's ``_reverse_property`` and changes of
one are repeated on the other, unless one of them is only for reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import exc
from ..tracking.attributes import Attribute
from .join_condition import MANYTOONE, ONETOMANY

if TYPE_CHECKING:
    from .relationship import RelationshipProperty


def add_reverse(prop: RelationshipProperty, key: str) -> None:
    """The attribute *key* of the target is the other side of *prop*.

    :raises ArgumentError: when it is no relationship, or leads elsewhere, or points the same way.
    """
    other: Any = prop.mapper.get_property(key)
    if not hasattr(other, "_reverse_property"):
        raise exc.back_populates_no_relationship(prop, other)
    if prop not in other._reverse_property:
        _check_other_side(prop, other)
    prop._reverse_property.add(other)
    other._reverse_property.add(prop)
    for one, two in ((prop, other), (other, prop)):
        if one.viewonly and two.sync_backref:
            raise exc.sync_with_viewonly(two, one)
        if one.viewonly and not two.viewonly and two.sync_backref is None:
            two.sync_backref = False
    prop._back_key = None if prop.viewonly or prop.sync_backref is False else key


def _check_other_side(prop: RelationshipProperty, other: Any) -> None:
    other.init()
    if not other.mapper.common_parent(prop.parent):
        raise exc.back_populates_elsewhere(prop, other)
    if (
        prop.direction in (ONETOMANY, MANYTOONE)
        and prop.direction is other.direction
        and not (prop.viewonly or other.viewonly)
    ):
        raise exc.same_direction(other, prop) if other.backref else exc.same_direction(prop, other)


def generate_backref(prop: RelationshipProperty, backref: Any) -> None:
    """Make the attribute on the other side.

    :raises ArgumentError: when the target has an attribute of that name.
    """
    name, options = (backref, {}) if isinstance(backref, str) else backref
    options = dict(options)
    mapper = prop.mapper
    if mapper.has_property(name):
        raise exc.backref_name_taken(name, prop, mapper)
    existing = getattr(mapper.class_, name, None)
    if existing is not None and not isinstance(existing, Attribute):
        exc.warn_backref_replaces(mapper, name)
    condition = prop.join_condition
    if prop.secondary is not None:
        options.setdefault("primaryjoin", condition.secondaryjoin_given)
        options.setdefault("secondaryjoin", condition.primaryjoin_given)
    else:
        options.setdefault("primaryjoin", condition.seen_from_the_other_side())
        if options.get("secondaryjoin") is not None:
            raise exc.secondaryjoin_without_secondary(prop)
    options.setdefault("foreign_keys", prop.foreign_keys_argument)
    options.setdefault("viewonly", prop.viewonly)
    options.setdefault("post_update", prop.post_update)
    options.setdefault("passive_updates", prop.passive_updates)
    options.setdefault("sync_backref", prop.sync_backref)
    options["back_populates"] = prop.key
    prop.back_populates = name
    made = type(prop)(prop.parent, prop.secondary, **options)
    mapper.add_property(name, made)
    add_reverse(prop, name)
