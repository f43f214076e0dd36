"""Which implementation stands behind the attribute of a relationship: that follows from its lazy word.

``mapping`` asks through ``hooks.relationship_impl`` when mappers are configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..mapping import hooks
from .dynamic import DynamicAttributeImpl
from .related import loader_for
from .write_only import WriteOnlyAttributeImpl

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty

UNLOADED = {"write_only": WriteOnlyAttributeImpl, "dynamic": DynamicAttributeImpl}
"""Lazy words of collections that are never loaded into their attribute."""


def relationship_impl(prop: RelationshipProperty) -> tuple[Any, dict[str, Any]]:
    """The class of the implementation, None for the usual one, and its options."""
    if prop.lazy in UNLOADED:
        return UNLOADED[prop.lazy], {"prop": prop}
    return None, {"load": loader_for(prop.key, prop.lazy)}


hooks.relationship_impl = relationship_impl
