"""The one path that loads an absent attribute, whatever the reason why it is absent.

Tracking ends up here when an attribute has no value and there is a reason to look for one:

* *expired*: the attributes that were expired and not set since are loaded together (:func:`load_expired`);
* *deferred*: the attribute alone, or its group, is loaded (:class:`DeferredLoad`), from the loader slot of the
  class where it is mapped as deferred, from one of the object's own where an option said so.

Both find the session through the state, send one kept SELECT for the columns in question and put the values
into the object without a change being noted.  Without a session there is nobody to ask: that is an error
which names the object, never a silent None.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import exc
from ..mapping import hooks
from ..tracking.ownership import Owner, owner_of
from ..tracking.state import InstanceState
from ..tracking.symbols import ATTR_EMPTY, ATTR_WAS_SET, NO_AUTOFLUSH, NO_RAISE, PASSIVE_NO_RESULT, SQL_OK
from .context import DEFAULT_OPTIONS, LoadContext
from .known import mark_loaded
from .statements import attribute_select, with_lock

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
    found = load_attributes(owner, state, pk, keys, autoflush=not passive & NO_AUTOFLUSH)
    if not found and state.pk is not None:
        raise exc.ObjectDeletedError(state)


def _pk_of_pending(state: InstanceState) -> Any:
    """The primary key of an object that is not known by one: an INSERT just gave it its row."""
    values = state.dict
    mapper = state.mapper
    if any(values.get(key) is None for key in mapper.pk_keys):
        raise exc.cannot_refresh_without_key(state)
    pk = tuple(values[key] for key in mapper.pk_keys)
    return pk[0] if len(pk) == 1 else pk


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
        if not load_attributes(owner, state, state.pk, keys, autoflush=not passive & NO_AUTOFLUSH):
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


def load_attributes(
    owner: Owner,
    state: InstanceState,
    pk: Any,
    keys: Iterable[str],
    *,
    autoflush: bool = False,
    with_for_update: Any = None,
) -> bool:
    """Load column attributes of one object that is there.

    Attributes that were changed in the meantime keep their values.

    :return: False when there is no such row.
    """
    mapper = state.mapper
    wanted = set(keys)
    if not wanted:
        return True
    statement, parameters = attribute_select(mapper, pk, wanted)
    result = owner.run(with_lock(statement, with_for_update), parameters, mapper=mapper, autoflush=autoflush)
    row = result.first()
    if row is None:
        return False
    values = state.dict
    changes = state.committed_state
    loaded: list[str] = []
    for prop, value in zip((prop for prop in mapper.column_props if prop.key in wanted), row, strict=True):
        if prop.key not in changes:
            values[prop.key] = value
            loaded.append(prop.key)
    mark_loaded(state, values, loaded)
    if state.manager.dispatch.refresh:
        state.manager.dispatch.refresh(state, LoadContext(owner, DEFAULT_OPTIONS, statement), set(loaded))
    return True


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
