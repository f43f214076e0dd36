"""Column attributes of one object that is there, loaded by one SELECT.

Whatever the reason is (expired, deferred, refreshed): the values are put into the object without a change being
noted, and what the program has set in the meantime stays.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from .context import DEFAULT_OPTIONS, LoadContext
from .known import mark_loaded
from .statements import attribute_select, with_lock


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
