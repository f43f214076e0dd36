"""Load an object again: ``session.refresh``.

What is to be refreshed is expired first, so that pending changes of it are dropped; then the session flushes
what else is pending, and one SELECT loads.  Naming attributes leaves all others, changes included, as they are;
but an object whose primary key has a change that was not flushed cannot be found by part of its attributes.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .. import exc
from ..mapping.properties import SynonymProperty
from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from .columns import load_attributes
from .eager import eager_keys, load_related
from .reload import has_joins, reload
from .steps import relationships_of


def refresh(
    owner: Owner, state: InstanceState, keys: Iterable[str] | None = None, *, with_for_update: Any = None
) -> None:
    """Load a persistent object again.

    :param owner: the session of the object.
    :param state: its state.
    :param keys: names of attributes, deferred ones too; None for all that are not deferred.
    :param with_for_update: lock the row; True or a dictionary of options.
    :raises InvalidRequestError: when the row is gone, or a change of the primary key is not flushed.
    """
    mapper = state.mapper
    values = state.dict
    if keys is None:
        state.expire(values)
        columns = {prop.key for prop in mapper.column_props if not prop.deferred}
        related = eager_keys(state)
    else:
        names = [_attribute_name(mapper, key) for key in keys]
        state.expire_attributes(values, names)
        columns = {prop.key for prop in mapper.column_props}.intersection(names)
        related = [prop.key for prop in relationships_of(mapper) if prop.key in names]
    owner.flush_if_due()
    changed = [key for key in mapper.pk_keys if key in state.committed_state]
    if changed:
        raise exc.pending_key_change(mapper, changed)
    if not columns or any(key not in values for key in mapper.pk_keys):
        columns.update(mapper.pk_keys)  # the row is looked for in any case
    if has_joins(state, None if keys is None else related):
        only = None if keys is None else (*columns, *related)
        found = reload(owner, state, keys=only, with_for_update=with_for_update)
    else:
        found = load_attributes(owner, state, state.pk, columns, with_for_update=with_for_update)
    if not found:
        raise exc.could_not_refresh(state)
    if keys is None:
        state.commit_all(values)
    load_related(state, related)


def _attribute_name(mapper: Any, key: str) -> str:
    """The attribute that a name means, synonyms resolved."""
    prop = mapper.props.get(key)
    return prop.name if isinstance(prop, SynonymProperty) else key
