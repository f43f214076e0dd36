"""Criteria that compare a relationship with an object: ``Address.user == user``, ``with_parent(user, User.addresses)``.

The join condition of the relationship is taken with parameters in place of one side.  Their values are looked up
on the object when the statement is executed, not when it is written: an object may get its key from a flush that
the execution begins with.  An object that has lost the value by then, because it was expired and left its session,
still counts with the last value that was known.

A statement whose criterion compares with an object is cached like any other: the object is no part of its shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, null, or_
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.expression import BinaryExpression, BindParameter, BooleanClauseList, ColumnClause

from .. import exc
from .._core import ColumnAdapter
from ..mapping.join_condition import MANYTOONE
from ..mapping.relationship import RelationshipProperty
from ..mapping.synonym import SynonymAttribute
from ..tracking.attributes import Attribute
from ..tracking.state import InstanceState
from ..tracking.symbols import INIT_OK, NO_VALUE, PASSIVE_NO_FETCH, PASSIVE_NO_RESULT, PASSIVE_OFF
from .entity import owning_entity, propagated

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper


def state_compared(prop: RelationshipProperty, mapper: Mapper, instance: Any) -> InstanceState:
    """The state of an object that a relationship is compared with.

    :raises sqlalchemy.exc.ArgumentError: when *instance* is no object of the class, or no object at all.
    """
    state = getattr(instance, "_sa_instance_state", None)
    if not isinstance(state, InstanceState):
        raise exc.instance_expected_for_comparison(prop)
    if not state.mapper.common_parent(mapper):
        raise exc.other_class_compared(prop, instance, mapper)
    return state


def value_at_execution(prop: RelationshipProperty, mapper: Mapper, instance: Any, column: Any) -> Callable[[], Any]:
    """What looks up the value that *instance* has for a column at the time a statement is executed.

    :raises UnmappedColumnError: when the column is no attribute of the object's class.
    """
    key = mapper.key_of(column)
    if key is None:
        raise exc.relationship_column_not_mapped(prop, column)
    state: InstanceState = instance._sa_instance_state
    state.track_last_known_value(key)
    known = state.last_known  # the dictionary itself: it is filled when the value is expired

    def value() -> Any:
        passive = PASSIVE_OFF if state.persistent else PASSIVE_NO_FETCH & ~INIT_OK
        found = state.manager[key].impl.get(state, instance.__dict__, passive)
        if found is NO_VALUE or found is PASSIVE_NO_RESULT:
            if known[key] is NO_VALUE:
                raise exc.unresolved_value(column, state, was_set=found is PASSIVE_NO_RESULT)
            found = known[key]
        if found is None:
            exc.warn_comparison_with_none(column)
        return found

    return value


def criterion_of_object(prop: RelationshipProperty, instance: Any, entity: Any, *, reverse: bool) -> Any:
    """The join condition with the columns of one side taken from an object.

    :param instance: the related object, or the parent.
    :param entity: what stands for the other side in the statement.
    :param reverse: *instance* is the related object; else the parent.
    """
    mapper = prop.mapper if reverse else prop.parent
    state_compared(prop, mapper, instance)
    clause = prop.join_condition.lazy_clause(reverse=reverse)
    parameters = {
        name: bindparam(
            None, callable_=value_at_execution(prop, mapper, instance, column), type_=column.type, unique=True
        )
        for name, column in clause.columns.items()
    }

    def replace(element: Any, **kw: Any) -> Any:
        return parameters.get(str(element.key)) if isinstance(element, BindParameter) else None

    return _for_entity(prop, visitors.replacement_traverse(clause.criterion, {}, replace), entity)


def criterion_of_nothing(prop: RelationshipProperty, entity: Any, *, reverse: bool) -> Any:
    """The condition for a row whose columns refer to no row.

    :param entity: what stands for the side that is looked at.
    :param reverse: that side is the parent; else the related one.
    """
    clause = prop.join_condition.lazy_clause(reverse=reverse)

    def is_parameter(element: Any) -> bool:
        return isinstance(element, BindParameter) and str(element.key) in clause.columns

    def visit(binary: BinaryExpression[Any]) -> None:
        if is_parameter(binary.left):
            binary.left, binary.right = binary.right, binary.left
        if is_parameter(binary.right):
            binary.right = null()
            binary.operator, binary.negate = operators.is_, operators.is_not

    return _for_entity(prop, visitors.cloned_traverse(clause.criterion, {}, {"binary": visit}), entity)


def differs_from_object(prop: RelationshipProperty, instance: Any, entity: Any) -> Any:
    """The condition for a row that refers to another row than an object's, or to none.

    None when the columns of the row alone do not tell.
    """
    state_compared(prop, prop.mapper, instance)
    if prop.direction is not MANYTOONE or not _is_key_equality(prop):
        return None
    differing = []
    for local, remote in prop.local_remote_pairs:
        column = entity.adapt(local) if entity.is_aliased_class else local
        value = value_at_execution(prop, prop.mapper, instance, remote)
        parameter = bindparam(local.key, callable_=value, type_=remote.type, unique=True)
        differing += [column != parameter, column.is_(None)]
    return or_(*differing)


def is_exactly_object(prop: RelationshipProperty, instance: Any) -> Any:
    """The condition that a related row is that of an object."""
    state_compared(prop, prop.mapper, instance)
    values = prop.mapper.primary_key_from_instance(instance)
    return and_(*[column == value for column, value in zip(prop.mapper.primary_key, values, strict=True)])


def _is_key_equality(prop: RelationshipProperty) -> bool:
    """Whether the condition says no more than that columns of the parent are the primary key of the related row."""
    pairs = prop.local_remote_pairs
    return {remote for _, remote in pairs} == set(prop.mapper.primary_key) and is_plain_equality(
        prop.primaryjoin, len(pairs)
    )


def is_plain_equality(condition: Any, count: int) -> bool:
    """Whether a condition is nothing but *count* equalities of columns."""
    found = 0
    for element in visitors.iterate(condition):
        if isinstance(element, BinaryExpression) and element.operator is operators.eq:
            found += 1
        elif not isinstance(element, (ColumnClause, BooleanClauseList)):
            return False
    return found == count


def _for_entity(prop: RelationshipProperty, criterion: Any, entity: Any) -> Any:
    """A criterion on one side of a relationship, on what stands for that side in the statement."""
    if entity.is_aliased_class:
        criterion = entity.adapt(criterion)
    if prop.secondary is not None:
        # the statement may use the secondary table for something else
        criterion = ColumnAdapter(prop.secondary._anonymous_fromclause()).traverse(criterion)
    return criterion


def with_parent(instance: Any, prop: Any, from_entity: Any = None) -> Any:
    """The condition for the objects that an object's relationship leads to.

    :param instance: the parent; None finds objects without one.
    :param prop: the relationship, as an attribute of the class: ``User.addresses``.
    :param from_entity: what stands for the related entity, such as an alias; that of ``of_type()`` when not given.
    :raises sqlalchemy.exc.ArgumentError: when *prop* is no relationship attribute.

    >>> select(Address).where(with_parent(user, User.addresses))  # doctest: +SKIP
    """
    if isinstance(prop, str):
        raise exc.with_parent_of_string()
    entity = None if from_entity is None else owning_entity(from_entity.__clause_element__())
    relation = prop
    if isinstance(prop, (Attribute, SynonymAttribute)):
        relation = prop.property
        entity = entity or getattr(prop, "_of_type", None)
    if not isinstance(relation, RelationshipProperty):
        raise exc.with_parent_of_other(prop)
    entity = entity or relation.entity
    if instance is None:
        criterion = criterion_of_nothing(relation, entity, reverse=False)
    else:
        criterion = criterion_of_object(relation, instance, entity, reverse=False)
    return criterion._set_propagate_attrs(propagated(entity))
