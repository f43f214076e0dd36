"""Column attributes of objects that are there: of one, or of many at once.

Whatever the reason is (expired, deferred, refreshed): the values are put into the object without a change being
noted, and what the program has set in the meantime stays.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from .context import DEFAULT_OPTIONS, LoadContext
from .known import mark_loaded
from .statements import KEYS_PER_STATEMENT, attribute_select, attributes_select, with_lock

if TYPE_CHECKING:
    from ..mapping.properties import ColumnProperty


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
    _put(owner, state, [prop for prop in mapper.column_props if prop.key in wanted], row, statement)
    return True


def load_attributes_of_all(owner: Owner, states: Sequence[InstanceState], keys: Iterable[str]) -> set[InstanceState]:
    """Load the same column attributes of several objects of one class, by one statement per 500 of them.

    :return: the objects whose rows were found.
    """
    mapper = states[0].mapper
    wanted = set(keys)
    props = [prop for prop in mapper.column_props if prop.key in wanted]
    width = len(mapper.primary_key)
    statement = attributes_select(mapper, wanted)
    by_pk = {state.pk: state for state in states}
    pks = iter(by_pk)
    found: set[InstanceState] = set()
    while chunk := list(itertools.islice(pks, KEYS_PER_STATEMENT)):
        for row in owner.run(statement, {"primary_keys": chunk}, mapper=mapper).all():
            state = by_pk.get(row[0] if width == 1 else tuple(row[:width]))
            if state is not None:
                found.add(state)
                _put(owner, state, props, row[width:], statement)
    return found


def _put(
    owner: Owner, state: InstanceState, props: Sequence[ColumnProperty], row: Sequence[Any], statement: Any
) -> None:
    """Put the values of a row into an object; what was changed meanwhile stays."""
    values = state.dict
    changes = state.committed_state
    loaded: list[str] = []
    for prop, value in zip(props, row, strict=True):
        if prop.key not in changes:
            values[prop.key] = value
            loaded.append(prop.key)
    mark_loaded(state, values, loaded)
    if state.manager.dispatch.refresh:
        state.manager.dispatch.refresh(state, LoadContext(owner, DEFAULT_OPTIONS, statement), set(loaded))
