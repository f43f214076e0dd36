"""How the related objects of one object are found, worked out once per relationship and kept with the mapper.

* Where the foreign key of the object is the primary key of the other one, and nothing else is asked, the other
  one is found *by key*: the identity map can answer, and the target's kept SELECT by primary key.
* In all other cases by a SELECT of the target with the join condition, in which parameters stand for the columns
  of the object.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.expression import BinaryExpression, BindParameter, BooleanClauseList, ColumnClause

from .. import exc
from ..mapping import hooks
from ..mapping.join_condition import MANYTOONE
from .steps import EAGER
from .way import ReachedBy

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty


@dataclass(frozen=True, slots=True)
class LazyPlan:
    """How the objects of one relationship are found."""

    is_by_key: bool
    """The parameters are the primary key of the one related object."""
    statement: Any
    """The SELECT that finds them; None when they are found by key."""
    sources: tuple[tuple[str, str], ...]
    """(parameter, attribute of this object that gives its value), for a key in the order of its columns."""
    only_source: str | None = None
    """The attribute that is the key, where that has one column and is found by key."""
    class_: type | None = None
    """The class of what is found by key."""
    identity_class: type | None = None
    """Where the identity map has it."""


def lazy_plan(prop: RelationshipProperty) -> LazyPlan:
    """The plan of a relationship, made at its first use and kept with the mapper."""
    plan: LazyPlan | None = prop.parent.memo.get((LazyPlan, prop.key))
    if plan is None:
        plan = prop.parent.memo[LazyPlan, prop.key] = _plan_by_key(prop) or _plan_by_condition(prop)
    return plan


def _plan_by_key(prop: RelationshipProperty) -> LazyPlan | None:
    """The plan of a many-to-one whose condition says no more than that a foreign key is a primary key."""
    if prop.direction is not MANYTOONE or prop.uselist or prop.aliased_entity is not None:
        return None
    local_of = {remote: local for local, remote in prop.local_remote_pairs}
    target = prop.mapper
    if set(local_of) != set(target.primary_key) or not _is_plain_equality(prop.primaryjoin, len(local_of)):
        return None
    sources = tuple((f"pk_{i}", _attribute_of(prop, local_of[c])) for i, c in enumerate(target.primary_key, 1))
    only_source = sources[0][1] if len(sources) == 1 else None
    return LazyPlan(True, None, sources, only_source, target.class_, target.class_manager.identity_class)


def _is_plain_equality(condition: Any, count: int) -> bool:
    """Whether a condition is nothing but *count* equalities of columns."""
    found = 0
    for element in visitors.iterate(condition):
        if isinstance(element, BinaryExpression) and element.operator is operators.eq:
            found += 1
        elif not isinstance(element, (ColumnClause, BooleanClauseList)):
            return False
    return found == count


def _plan_by_condition(prop: RelationshipProperty) -> LazyPlan:
    clause = prop.join_condition.lazy_clause()
    own = set(clause.columns)
    has_literals = any(
        isinstance(element, BindParameter) and element.key not in own for element in visitors.iterate(clause.criterion)
    )
    word = "key" if has_literals else "param"  # "param" is also what Core calls literals
    names = {key: f"{word}_{index}" for index, key in enumerate(clause.columns, 1)}

    def with_name(element: Any, **kw: Any) -> Any:
        # statements that compare equal share one compiled form, so their parameters must have the same names
        if isinstance(element, BindParameter) and element.key in names:
            return bindparam(names[element.key], type_=element.type)
        return None

    statement = select(_target_clause(prop)).where(visitors.replacement_traverse(clause.criterion, {}, with_name))
    if prop.secondary is not None:
        statement = statement.select_from(_target_clause(prop), prop.secondary)
    if prop.order_by:
        statement = statement.order_by(*prop.order_by)
    backward = tuple(other for other in prop._reverse_property if other.direction is MANYTOONE and other.lazy in EAGER)
    if backward:
        statement = statement.options(ReachedBy(backward=backward))
    sources = tuple((names[key], _attribute_of(prop, column)) for key, column in clause.columns.items())
    return LazyPlan(False, statement, sources)


def _target_clause(prop: RelationshipProperty) -> Any:
    if prop.aliased_entity is not None:
        return prop.aliased_entity.__clause_element__()
    return hooks.entity_clause(prop.mapper)


def _attribute_of(prop: RelationshipProperty, column: Any) -> str:
    key = prop.parent.key_of(column)
    if key is None:
        raise exc.relationship_column_not_mapped(prop, column)
    return key
