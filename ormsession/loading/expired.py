"""What happens when an expired attribute is used; and the loaders that every mapped class gets.

All attributes of an object that were expired and not set since are loaded together, by one SELECT.  An object
that was expired as a whole also gets back the related objects that it is mapped, or was loaded, to have at once.

Without a session there is nobody to ask: that is an error which names the object, never a silent None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import exc
from ..mapping import hooks
from ..tracking.ownership import Owner, owner_of
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_AUTOFLUSH, NO_RAISE
from .columns import load_attributes, load_attributes_of_all
from .deferred import DeferredLoad
from .eager import eager_keys, load_related
from .peers import fetch_word, flush_before, is_watched, note, peers_of, permit, statements_for
from .reload import has_joins, reload
from .statements import KEYS_PER_STATEMENT

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper


def load_expired(state: InstanceState, keys: set[str], passive: int) -> None:
    """Load expired attributes of an object; the loader that tracking finds at the class manager.

    :raises DetachedInstanceError: when the object belongs to no session.
    :raises ObjectDeletedError: when its row is gone.
    """
    owner = owner_of(state)
    if owner is None:
        raise exc.detached_refresh(state)
    pk = state.pk if state.pk is not None else _pk_of_pending(state)
    was_expired = state.expired
    if state.pk is not None and is_watched(owner, state):
        _load_watched(owner, state, keys, passive)
        return
    autoflush = not passive & NO_AUTOFLUSH
    if was_expired and state.pk is not None and has_joins(state):
        found = reload(owner, state, autoflush=autoflush)
    else:
        found = load_attributes(owner, state, pk, keys, autoflush=autoflush)
    if not found and state.pk is not None:
        raise exc.ObjectDeletedError(state)
    if was_expired:
        load_related(state, eager_keys(state))


def _load_watched(owner: Owner, state: InstanceState, keys: set[str], passive: int) -> None:
    """Load an expired object, and its peers where that is asked for."""
    permit(owner, state, None, passive & ~NO_RAISE)
    states = [state]
    if fetch_word(owner, state) == "peers":
        flush_before(owner, passive)
        expired_keys = frozenset(state.expired_keys)
        states = peers_of(owner, state, lambda other: other.expired and other.expired_keys == expired_keys)
    note(owner, state, None, peers=len(states), statements=statements_for(states, KEYS_PER_STATEMENT))
    whole = [other for other in states if other.expired]
    found = load_attributes_of_all(owner, states, keys)
    for other in whole:
        if other in found:
            load_related(other, eager_keys(other))
    if state not in found:
        raise exc.ObjectDeletedError(state)


def _pk_of_pending(state: InstanceState) -> Any:
    """The primary key of an object that is not known by one: an INSERT just gave it its row."""
    values = state.dict
    mapper = state.mapper
    if any(values.get(key) is None for key in mapper.pk_keys):
        raise exc.cannot_refresh_without_key(state)
    pk = tuple(values[key] for key in mapper.pk_keys)
    return pk[0] if len(pk) == 1 else pk


def install_loaders(mapper: Mapper) -> None:
    """Give a configured mapper's class the loaders of its expired and deferred attributes."""
    manager = mapper.class_manager
    manager.expired_attribute_loader = load_expired
    for prop in mapper.column_props:
        attribute = manager.get(prop.key)
        if attribute is not None and prop.deferred:
            attribute.impl.load = DeferredLoad(prop.key, raiseload=prop.raiseload)
            attribute.impl.load_on_unexpire = False


hooks.install_loaders = install_loaders
