"""The loader of a deferred column attribute.

Where an attribute is mapped as deferred, its :class:`DeferredLoad` lies in the ``load`` slot of the attribute;
where an option of a statement deferred it, in the loaders of each object that the statement made.  Tracking calls
it when the attribute is absent and somebody wants it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import exc
from ..tracking.ownership import Owner, owner_of
from ..tracking.state import InstanceState
from ..tracking.symbols import ATTR_EMPTY, ATTR_WAS_SET, NO_AUTOFLUSH, NO_RAISE, PASSIVE_NO_RESULT, SQL_OK
from .columns import load_attributes, load_attributes_of_all
from .peers import fetch_word, flush_before, is_watched, note, peers_of, permit, statements_for
from .statements import KEYS_PER_STATEMENT


@dataclass(frozen=True, slots=True)
class DeferredLoad:
    """The loader of a deferred attribute; tracking calls it with the state when the attribute is absent."""

    key: str
    raiseload: bool = False
    """Refuse to load."""

    def __call__(self, state: InstanceState, passive: int) -> Any:
        """Load the attribute, and with it the absent ones of its group.

        :raises DetachedInstanceError: when the object belongs to no session.
        :raises InvalidRequestError: when the attribute must not be loaded implicitly.
        :raises ObjectDeletedError: when the row is gone.
        """
        if state.pk is None:
            return ATTR_EMPTY
        if not passive & SQL_OK:
            return PASSIVE_NO_RESULT
        if self.raiseload:
            if passive & NO_RAISE:
                return PASSIVE_NO_RESULT
            raise exc.raiseload_column(state, self.key)
        owner = owner_of(state)
        if owner is None:
            raise exc.detached_deferred(state, self.key)
        keys = _absent_of_group(state, self.key)
        if is_watched(owner, state):
            return self._load_watched(owner, state, keys, passive)
        if not load_attributes(owner, state, state.pk, keys, autoflush=not passive & NO_AUTOFLUSH):
            raise exc.ObjectDeletedError(state)
        return ATTR_WAS_SET

    def _load_watched(self, owner: Owner, state: InstanceState, keys: list[str], passive: int) -> Any:
        if not permit(owner, state, self.key, passive):
            return PASSIVE_NO_RESULT
        states = [state]
        if fetch_word(owner, state) == "peers":
            flush_before(owner, passive)
            states = peers_of(owner, state, lambda other: self.key in other.unloaded and not other.expired)
        note(owner, state, self.key, peers=len(states), statements=statements_for(states, KEYS_PER_STATEMENT))
        if state not in load_attributes_of_all(owner, states, keys):
            raise exc.ObjectDeletedError(state)
        return ATTR_WAS_SET


def _absent_of_group(state: InstanceState, key: str) -> list[str]:
    """The attribute *key* and the absent ones that are loaded along with it."""
    mapper = state.mapper
    group = mapper.props[key].group
    if group is None:
        return [key]
    unloaded = state.unloaded
    return [prop.key for prop in mapper.column_props if prop.group == group and prop.deferred and prop.key in unloaded]
