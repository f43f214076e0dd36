"""Related objects that stand in the rows of their objects: ``"joined"`` and ``contains_eager``.

:func:`plan_joins` decides, when a statement is compiled, which relationships are joined; ``sql.eager_joins`` writes
the SQL and leaves a slot for each of them in the layout.  The row loops of these slots read the same rows as that of
the entity, side by side; :func:`put_joined` then gives each object what stood beside it.  An object that had its
attribute before keeps it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from .. import exc
from ..sql import eager_joins
from ..sql.alias import AliasedClass
from ..sql.eager_joins import EagerJoin, Trees
from ..sql.eager_loads import loads_eagerly
from .eager import EagerStep, eager_steps
from .options import Load, enter, options_below, related_choices
from .steps import CONTAINED, EVERYTHING, RelatedChoice
from .way import ReachedBy

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty


def plan_joins(compile_state: Any, entities: Iterable[Any]) -> Trees:
    """What is joined from each entity of a statement, as options and mappings want it.

    :param compile_state: of the statement; its options have been entered.
    :param entities: in the columns clause.
    """
    options = [option for option in compile_state.select_statement._with_options if isinstance(option, Load)]
    trees: dict[Any, tuple[EagerJoin, ...]] = {}
    if not loads_eagerly(compile_state):
        return trees
    for entity in entities:
        own = [option for option in options if option.root is None or option.root is entity]
        tree = _joins_of(compile_state, entity, own, ReachedBy.to(entity.mapper, compile_state))
        if tree:
            trees[entity] = tree
    return trees


def _joins_of(compile_state: Any, entity: Any, options: Sequence[Load], way: ReachedBy) -> tuple[EagerJoin, ...]:
    choices = related_choices(compile_state, entity)
    joins: list[EagerJoin] = []
    for step in eager_steps(entity.mapper, choices, way):
        if step.word in ("joined", CONTAINED):
            choice = choices.get(step.prop.key) or choices.get(EVERYTHING) or RelatedChoice(step.word)
            below = [option for option in options_below(options, step.prop.key) if isinstance(option, Load)]
            joins.append(_join(compile_state, step, choice, below, way))
    return tuple(joins)


def _join(
    compile_state: Any, step: EagerStep, choice: RelatedChoice, options: Sequence[Load], way: ReachedBy
) -> EagerJoin:
    prop = step.prop
    target = prop.entity if choice.target is None else choice.target
    if step.word != CONTAINED and (choice.target is None or not target.is_aliased_class):
        target = AliasedClass(target.entity, flat=True).__sa_inspect__()
    for option in options:
        for below in option.steps:
            if not below.path:
                enter(compile_state, target, below)
    return EagerJoin(
        prop,
        target,
        is_contained=step.word == CONTAINED,
        inner=prop.innerjoin if choice.inner is None else choice.inner,
        criteria=choice.criteria,
        below=_joins_of(compile_state, target, options, way.on(prop)),
    )


eager_joins.plan_eager_joins = plan_joins


def put_joined(parents: Sequence[Any], children: Sequence[Any], prop: RelationshipProperty) -> None:
    """Give objects the related ones that stood in the same rows.

    :param parents: the object of each row, or None.
    :param children: the related object of each row, or None.
    :param prop: the relationship between them.
    """
    found: dict[int, tuple[Any, dict[int, Any]]] = {}
    for parent, child in zip(parents, children, strict=True):
        if parent is None:
            continue
        known = found.get(id(parent))
        if known is None:
            known = found[id(parent)] = (parent, {})
        if child is not None:
            known[1][id(child)] = child
    key = prop.key
    for parent, related in found.values():
        state = parent._sa_instance_state
        values = parent.__dict__
        if key in values or key in state.committed_state:
            continue
        value: Any = list(related.values())
        if not prop.uselist:
            if len(value) > 1:
                exc.warn_several_rows_for_one_eagerly(prop)
            value = value[0] if value else None
        state.manager[key].impl.set_committed_value(state, values, value)
