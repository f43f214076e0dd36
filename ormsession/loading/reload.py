"""An object that is there, loaded as a whole: with what a statement for it would join.

Expired and refreshed objects are loaded by a SELECT of their columns.  Where relationships are joined along, by
mapping or by the options the object was loaded with, the SELECT is that of the entity, and its row goes through the
row loop like any other: it finds the object, which is incomplete, and fills it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..mapping.relationship import RelationshipProperty
from ..sql.columns import ColumnChoice
from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from .context import LoadOptions
from .options import Load
from .result import load_all
from .statements import entity_select, with_lock
from .steps import EVERYTHING, RelatedChoice, Step, choices_of, related_words

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper


def has_joins(state: InstanceState, keys: Iterable[str] | None = None) -> bool:
    """Whether a statement for the object joins related rows, for any of the relationships *keys* if they are given."""
    mapper = state.mapper
    options = state.load_options if state.extras is not None else ()
    words = related_words(mapper, choices_of(options, mapper))
    return "joined" in (words.values() if keys is None else [words.get(key) for key in keys])


def reload(
    owner: Owner,
    state: InstanceState,
    *,
    keys: Iterable[str] | None = None,
    autoflush: bool = False,
    with_for_update: Any = None,
) -> bool:
    """Fill what is absent in a persistent object, related objects that are joined included.

    :param keys: only these attributes, columns and relationships.
    :return: False when there is no such row.
    """
    mapper = state.mapper
    statement, parameters = entity_select(mapper, state.pk)
    kept = [option.rebased(mapper) if isinstance(option, Load) else option for option in state.load_options]
    options = tuple(option for option in kept if option is not None)
    if keys is not None:
        options = _narrowed(mapper, options, frozenset(keys))
    if options:
        statement = statement.options(*options)
    result = owner.run(with_lock(statement, with_for_update), parameters, mapper=mapper, autoflush=autoflush)
    load_options = LoadOptions(identity_token=state.identity_token, propagated=state.load_options)
    return bool(load_all(owner, result, options=load_options))


def _narrowed(mapper: Mapper, options: tuple[Any, ...], keys: frozenset[str]) -> tuple[Any, ...]:
    """Options that load the attributes *keys* as *options* want them, and no others."""
    steps: list[Step] = [Step("refresh", (), mapper, EVERYTHING, ColumnChoice(True))]
    choices = choices_of(options, mapper)
    for prop in mapper.props.values():
        if isinstance(prop, RelationshipProperty):
            usual = choices.get(prop.key) or choices.get(EVERYTHING) or RelatedChoice(prop.lazy)
            choice: Any = usual if prop.key in keys else RelatedChoice("select")
            steps.append(Step("refresh", (), mapper, prop.key, choice))
        elif prop.key in keys:
            steps.append(Step("refresh", (), mapper, prop.key, ColumnChoice(False)))
    for option in options:
        steps += [step for step in getattr(option, "steps", ()) if step.path]
    return (Load._of(mapper, (), mapper, tuple(steps)),)
