"""Loading the objects that a relationship leads to, when its attribute is used and absent.

A :class:`RelatedLoad` is the loader of one relationship attribute.  It lies in the ``load`` slot of the
attribute, or, where an option decided otherwise for the objects of one statement, in the loaders of an object.
What it needs of the relationship is worked out once, as a :class:`LazyPlan`:

* where the foreign key of the object is the primary key of the other one (*by key*), the identity map is asked
  first and no SQL is sent for an object that is there; else the target's kept SELECT by primary key is executed;
* in all other cases a SELECT of the target with the join condition is executed, in which parameters stand for
  the columns of this object; it is built once per relationship too.

An object that stands for no row has nothing to load.  Without a session that is an error, as for any other
absent attribute; a loader that refuses says so before anything is looked up (``"raise"``), or only when SQL
would be needed (``"raise_on_sql"``).

Options that the object was loaded with, and that lead through this relationship, apply to what is loaded here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import bindparam, select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.expression import BinaryExpression, BindParameter, BooleanClauseList, ColumnClause

from .. import exc
from ..mapping import hooks
from ..mapping.join_condition import MANYTOONE
from ..tracking.ownership import Owner, owner_of
from ..tracking.state import InstanceState
from ..tracking.symbols import (
    ATTR_EMPTY,
    ATTR_WAS_SET,
    LOAD_AGAINST_COMMITTED,
    NO_AUTOFLUSH,
    NO_RAISE,
    NO_VALUE,
    NON_PERSISTENT_OK,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
    RELATED_OBJECT_OK,
    SQL_OK,
)
from .context import DEFAULT_OPTIONS, LoadOptions
from .options import options_below
from .result import load_all
from .statements import entity_select

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty

Refusal = Literal["never", "always", "sql"]

_REFUSALS: dict[str, Refusal] = {"raise": "always", "raise_on_sql": "sql"}


@dataclass(frozen=True, slots=True)
class LazyPlan:
    """How the objects of one relationship are found."""

    is_by_key: bool
    """The parameters are the primary key of the one related object."""
    statement: Any
    """The SELECT that finds them; None when they are found by key."""
    sources: tuple[tuple[str, str], ...]
    """(parameter, attribute of this object that gives its value), for a key in the order of its columns."""


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
    return LazyPlan(True, None, sources)


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
    names = {key: f"param_{index}" for index, key in enumerate(clause.columns, 1)}

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


@dataclass(frozen=True, slots=True)
class RelatedLoad:
    """The loader of one relationship attribute; tracking calls it with the state when the attribute is absent."""

    key: str
    refusal: Refusal = "never"

    def __call__(self, state: InstanceState, passive: int) -> Any:
        """Load the related objects.

        :return: the object or list of objects, or the symbol that says why there is none.
        :raises DetachedInstanceError: when the object belongs to no session.
        :raises InvalidRequestError: when the attribute must not be loaded implicitly.
        """
        prop = state.mapper.props[self.key]
        if state.pk is None and (not passive & NON_PERSISTENT_OK or not _loads_without_row(state, prop)):
            return ATTR_EMPTY if passive & NON_PERSISTENT_OK else PASSIVE_NO_RESULT
        if self.refusal == "always":
            return self._refuse(state, passive)
        plan = lazy_plan(prop)
        if not plan.is_by_key and not passive & SQL_OK:
            return PASSIVE_NO_RESULT
        owner = owner_of(state)
        if owner is None:
            if passive & NO_RAISE:
                return PASSIVE_NO_RESULT
            raise exc.detached_lazy(state, self.key)
        values = _values(state, plan, passive)
        if values is PASSIVE_NO_RESULT or values is NO_VALUE:
            return PASSIVE_NO_RESULT if values is PASSIVE_NO_RESULT else ATTR_EMPTY
        if self.key in state.dict:  # loading the values has loaded this too
            return ATTR_WAS_SET
        if all(value is None for value in values):
            return [] if prop.uselist else None
        return self._find(owner, state, prop, plan, values, passive)

    def worded(self, lazy: str) -> RelatedLoad | NothingLoad:
        """The loader of the same attribute that another lazy word asks for."""
        return loader_for(self.key, lazy)

    def load_now(self, state: InstanceState, passive: int) -> Any:
        """The same without a refusal: somebody asked for the objects explicitly."""
        return RelatedLoad(self.key)(state, passive)

    def _find(
        self, owner: Owner, state: InstanceState, prop: RelationshipProperty, plan: LazyPlan, values: Any, passive: int
    ) -> Any:
        if plan.is_by_key:
            known = _known_by_key(owner, state, prop, values, passive)
            if known is not NO_VALUE:
                return known
        if not passive & SQL_OK or not passive & RELATED_OBJECT_OK:
            return PASSIVE_NO_RESULT
        if self.refusal == "sql":
            return self._refuse(state, passive)
        return _fetch(owner, state, prop, plan, values, autoflush=not passive & NO_AUTOFLUSH)

    def _refuse(self, state: InstanceState, passive: int) -> Any:
        if passive & NO_RAISE:
            return PASSIVE_NO_RESULT
        raise exc.raiseload_relationship(state, self.key, "raise" if self.refusal == "always" else "raise_on_sql")


@dataclass(frozen=True, slots=True)
class NothingLoad:
    """The loader of an attribute that is never loaded: it is empty."""

    key: str

    def __call__(self, state: InstanceState, passive: int) -> Any:
        """Nothing."""
        return [] if state.mapper.props[self.key].uselist else None

    def worded(self, lazy: str) -> RelatedLoad | NothingLoad:
        """The loader of the same attribute that another lazy word asks for."""
        return loader_for(self.key, lazy)

    def load_now(self, state: InstanceState, passive: int) -> Any:
        """The related objects after all: somebody asked for them explicitly."""
        return RelatedLoad(self.key)(state, passive)


def _loads_without_row(state: InstanceState, prop: RelationshipProperty) -> bool:
    return prop.load_on_pending and owner_of(state) is not None


def _values(state: InstanceState, plan: LazyPlan, passive: int) -> Any:
    """The values of this object that the plan needs, in its order; or the symbol for why there are none."""
    values = []
    dict_ = state.dict
    for _, key in plan.sources:
        impl = state.manager[key].impl
        asked = passive & ~RELATED_OBJECT_OK | PASSIVE_OFF & RELATED_OBJECT_OK
        if passive & LOAD_AGAINST_COMMITTED:
            value = impl.get_committed_value(state, dict_, asked)
        else:
            value = impl.get(state, dict_, asked)
        if value is PASSIVE_NO_RESULT or value is NO_VALUE:
            return value
        values.append(value)
    return values


def _known_by_key(
    owner: Owner, state: InstanceState, prop: RelationshipProperty, values: Sequence[Any], passive: int
) -> Any:
    """The related object when the session knows it; ``NO_VALUE`` when it does not."""
    pk = values[0] if len(values) == 1 else tuple(values)
    found = owner.identity_map.get_state(prop.mapper.class_manager.identity_class, pk, state.identity_token)
    instance = None if found is None else found()
    if found is None or instance is None:
        return NO_VALUE
    if not isinstance(instance, prop.mapper.class_):
        return None
    if found.extras is not None and found.expired:
        if not passive & SQL_OK:
            return PASSIVE_NO_RESULT
        if passive & RELATED_OBJECT_OK:
            try:
                found.load_expired(passive)
            except exc.ObjectDeletedError:
                owner.row_is_gone(found)
                return None
    return instance


def _fetch(
    owner: Owner,
    state: InstanceState,
    prop: RelationshipProperty,
    plan: LazyPlan,
    values: Sequence[Any],
    *,
    autoflush: bool,
) -> Any:
    """Ask the database for the related objects."""
    if plan.is_by_key:
        statement, parameters = entity_select(prop.mapper, values[0] if len(values) == 1 else tuple(values))
    else:
        statement = plan.statement
        parameters = {name: value for (name, _), value in zip(plan.sources, values, strict=True)}
    load_options = DEFAULT_OPTIONS
    options = options_below(state.load_options, prop.key) if state.extras is not None else ()
    if options:
        statement = statement.options(*options)
    if options or state.identity_token is not None:
        load_options = LoadOptions(identity_token=state.identity_token, propagated=options)
    result = owner.run(statement, parameters, mapper=prop.mapper, autoflush=autoflush)
    found = list({id(instance): instance for instance in load_all(owner, result, options=load_options)}.values())
    if prop.uselist:
        return found
    if len(found) > 1:
        exc.warn_several_rows_for_one(state, prop.key)
    return found[0] if found else None


def loader_for(key: str, lazy: str) -> RelatedLoad | NothingLoad:
    """The loader that a lazy word asks for, once the attribute is used.

    :param key: the attribute.
    :param lazy: a word such as ``relationship(lazy=...)`` takes.
    """
    if lazy == "noload":
        return NothingLoad(key)
    return RelatedLoad(key, _REFUSALS.get(lazy, "never"))
