"""An object that is there, loaded as a whole: with what a statement for it would join.

Expired and refreshed objects are loaded by a SELECT of their columns.  Where relationships are joined along, by
mapping or by the options the object was loaded with, the SELECT is that of the entity, and its row goes through the
row loop like any other: it finds the object, which is incomplete, and fills it.
"""

from __future__ import annotations

from typing import Any

from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from .context import LoadOptions
from .options import Load
from .result import load_all
from .statements import entity_select, with_lock
from .steps import choices_of, related_words


def has_joins(state: InstanceState) -> bool:
    """Whether a statement for the object joins related rows."""
    mapper = state.mapper
    options = state.load_options if state.extras is not None else ()
    return "joined" in related_words(mapper, choices_of(options, mapper)).values()


def reload(owner: Owner, state: InstanceState, *, autoflush: bool = False, with_for_update: Any = None) -> bool:
    """Fill what is absent in a persistent object, related objects that are joined included.

    :return: False when there is no such row.
    """
    mapper = state.mapper
    statement, parameters = entity_select(mapper, state.pk)
    kept = [option.rebased(mapper) if isinstance(option, Load) else option for option in state.load_options]
    options = tuple(option for option in kept if option is not None)
    if options:
        statement = statement.options(*options)
    result = owner.run(with_lock(statement, with_for_update), parameters, mapper=mapper, autoflush=autoflush)
    load_options = LoadOptions(identity_token=state.identity_token, propagated=state.load_options)
    return bool(load_all(owner, result, options=load_options))
