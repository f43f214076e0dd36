"""One relationship of many objects, loaded by one statement per 500 of them: ``WHERE key IN (...)``.

:func:`load_for_all` is given the objects and fills their attribute.  How it asks follows from the join condition,
is worked out once per relationship (:class:`KeyedPlan`) and kept with the mapper:

* *by target key*: a many-to-one whose foreign key is the primary key of the target.  The keys stand in the objects
  at hand, the related rows are selected by them, and related objects that the session has need no SQL;
* *by remote columns*: the condition says no more than that columns of the objects are equal to columns of the
  related rows, or of the secondary table.  Those columns are selected along, and tell whose each row is;
* *by join*: in all other cases, and where the values needed are not loaded, the table of the objects takes part in
  the statement under another name, and its primary key tells whose each row is.

The strategies ``selectin``, ``subquery`` (which asks no other question, only in other words) and ``peers`` come
down to this.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.expression import BinaryExpression, BooleanClauseList, ColumnClause

from .. import exc
from ..mapping import hooks
from ..mapping.join_condition import marks, plain
from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from .context import LoadOptions
from .lazy_plan import lazy_plan
from .statements import KEYS_PER_STATEMENT, is_among

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty

Keyed = dict[Any, list[Any]]
LoadRows = Callable[..., Sequence[Any]]


@dataclass(frozen=True, slots=True)
class KeyedPlan:
    """How the related objects of many objects are found."""

    statement: Any
    """Selects the key columns, if rows must tell whose they are, and the target."""
    sources: tuple[str, ...] | None
    """The attributes of an object that make up its key in the statement; None for its primary key."""
    width: int
    """The number of key columns in front of the target in each row; none when found by target key."""


def keyed_plan(prop: RelationshipProperty) -> KeyedPlan:
    """The plan of a relationship, made at its first use and kept with the mapper."""
    memo = prop.parent.memo
    plan: KeyedPlan | None = memo.get((KeyedPlan, prop.key))
    if plan is None:
        plan = memo[KeyedPlan, prop.key] = (
            _plan_by_target_key(prop) or _plan_by_remote_columns(prop) or _plan_by_join(prop)
        )
    return plan


def joined_plan(prop: RelationshipProperty) -> KeyedPlan:
    """The plan that needs nothing of the objects but their primary key."""
    memo = prop.parent.memo
    plan: KeyedPlan | None = memo.get((KeyedPlan, prop.key, "joined"))
    if plan is None:
        plan = memo[KeyedPlan, prop.key, "joined"] = _plan_by_join(prop)
    return plan


def _target(prop: RelationshipProperty) -> Any:
    if prop.aliased_entity is not None:
        return prop.aliased_entity.__clause_element__()
    return hooks.entity_clause(prop.mapper)


def _keyed_statement(keys: Sequence[Any], target: Any, *, with_keys: bool = True) -> Any:
    selected = select(*keys, target) if with_keys else select(target)
    return selected.where(is_among(keys))


def _plan_by_target_key(prop: RelationshipProperty) -> KeyedPlan | None:
    plan = lazy_plan(prop)
    if not plan.is_by_key or prop.omit_join is False:
        return None
    statement = _keyed_statement(prop.mapper.primary_key, _target(prop), with_keys=False)
    return KeyedPlan(statement, tuple(key for _, key in plan.sources), 0)


def _plan_by_remote_columns(prop: RelationshipProperty) -> KeyedPlan | None:
    if prop.omit_join is False:
        return None
    pairs = _equal_columns(prop.primaryjoin)
    if pairs is None:
        return None
    sources = [prop.parent.key_of(local) for local, _ in pairs]
    remote = [column for _, column in pairs]
    if None in sources or len(set(remote)) != len(remote):
        return None
    target = _target(prop)
    statement = _keyed_statement(remote, target)
    if prop.secondary is not None:
        statement = statement.select_from(prop.secondary.join(target, prop.secondaryjoin))
    return KeyedPlan(_ordered(statement, prop), tuple(key for key in sources if key is not None), len(remote))


def _equal_columns(condition: Any) -> list[tuple[Any, Any]] | None:
    """The (local, remote) columns of a condition that is nothing but their equalities; None for any other."""
    pairs: list[tuple[Any, Any]] = []
    for element in visitors.iterate(condition):
        if isinstance(element, BinaryExpression) and element.operator is operators.eq:
            left, right = element.left, element.right
            if not (isinstance(left, ColumnClause) and isinstance(right, ColumnClause)):
                return None
            if marks(left, "remote") == marks(right, "remote"):
                return None
            local, remote = (right, left) if marks(left, "remote") else (left, right)
            pairs.append((plain(local), plain(remote)))
        elif not isinstance(element, (ColumnClause, BooleanClauseList)):
            return None
    return pairs or None


def _plan_by_join(prop: RelationshipProperty) -> KeyedPlan:
    parent = prop.parent.persist_selectable.alias()
    secondary = None if prop.secondary is None else prop.secondary.alias()
    corresponding = parent.corresponding_column
    primary, secondary_condition = prop.join_condition.adapted(
        corresponding,
        _same,
        None if secondary is None else secondary.corresponding_column,
    )
    target = _target(prop)
    keys = [corresponding(column) for column in prop.parent.primary_key]
    if secondary is None:
        origin = parent.join(target, primary)
    else:
        origin = parent.join(secondary, primary).join(target, secondary_condition)
    statement = _keyed_statement(keys, target).select_from(origin)
    return KeyedPlan(_ordered(statement, prop, secondary), None, len(keys))


def _same(column: Any) -> Any:
    return column


def _ordered(statement: Any, prop: RelationshipProperty, secondary: Any = None) -> Any:
    if not prop.order_by:
        return statement
    if secondary is None:
        return statement.order_by(*prop.order_by)

    def replace(element: Any, **kw: Any) -> Any:
        return secondary.corresponding_column(element) if isinstance(element, ColumnClause) else None

    return statement.order_by(*[visitors.replacement_traverse(clause, {}, replace) for clause in prop.order_by])


# ---------------------------------------------------------------- carrying it out


def load_for_all(
    owner: Owner,
    prop: RelationshipProperty,
    states: Sequence[InstanceState],
    *,
    load_options: LoadOptions,
    options: Sequence[Any] = (),
    criteria: Sequence[Any] = (),
    is_deep: bool = True,
    size: int = KEYS_PER_STATEMENT,
    load_rows: LoadRows,
) -> None:
    """Load a relationship of many objects and put what was found into them.

    :param owner: the session of the objects.
    :param prop: the relationship.
    :param states: of the objects; each belongs to a row, and its attribute is absent.
    :param load_options: what holds for the related objects.
    :param options: options for the statement.
    :param criteria: what related rows must fulfil beside the join condition.
    :param is_deep: related objects that the session has must be met too, for what is to be loaded of them.
    :param size: the number of keys per statement.
    :param load_rows: makes objects from a cursor result: ``result.load_all``.
    """
    plan = keyed_plan(prop)
    by_key, unknown = _by_key(plan, states)
    load = _Load(owner, prop, load_options, tuple(options), tuple(criteria), size, load_rows)
    if by_key:
        if plan.width == 0:
            _put_one_by_target_key(load, plan, by_key, is_deep=is_deep)
        else:
            _put_all(load, by_key, load.grouped(plan, list(by_key)))
    if unknown:
        joined = joined_plan(prop)
        by_pk, _ = _by_key(joined, unknown)
        _put_all(load, by_pk, load.grouped(joined, list(by_pk)))


def _by_key(
    plan: KeyedPlan, states: Sequence[InstanceState]
) -> tuple[dict[Any, list[InstanceState]], list[InstanceState]]:
    """The objects by the key that the statement needs; and those in which that is not loaded."""
    found: dict[Any, list[InstanceState]] = {}
    unknown: list[InstanceState] = []
    if plan.sources is None:
        for state in states:
            found.setdefault(state.pk, []).append(state)
        return found, unknown
    sources = plan.sources
    single = sources[0] if len(sources) == 1 else None
    for state in states:
        values = state.dict
        try:
            key = values[single] if single is not None else tuple([values[source] for source in sources])
        except KeyError:
            unknown.append(state)
            continue
        found.setdefault(key, []).append(state)
    return found, unknown


def _is_null(key: Any) -> bool:
    return key is None or (type(key) is tuple and None in key)


@dataclass(frozen=True, slots=True)
class _Load:
    """One call of :func:`load_for_all`."""

    owner: Owner
    prop: RelationshipProperty
    load_options: LoadOptions
    options: tuple[Any, ...]
    criteria: tuple[Any, ...]
    size: int
    load_rows: LoadRows

    def rows(self, plan: KeyedPlan, keys: Sequence[Any]) -> Iterator[Sequence[Any]]:
        """The rows for *keys*, statement by statement."""
        statement = plan.statement.options(*self.options) if self.options else plan.statement
        if self.criteria:
            statement = statement.where(*self.criteria)
        wanted = iter([key for key in keys if not _is_null(key)])
        while chunk := list(itertools.islice(wanted, self.size)):
            result = self.owner.run(
                statement,
                {"primary_keys": chunk},
                mapper=self.prop.mapper,
                execution_options=self.load_options.execution_options or None,
                for_relationship=True,
            )
            yield self.load_rows(self.owner, result, options=self.load_options)

    def grouped(self, plan: KeyedPlan, keys: Sequence[Any]) -> Keyed:
        """The related objects by key, each once per key, in the order of the rows."""
        found: Keyed = {}
        key_of = _key_of(plan.width)
        for rows in self.rows(plan, keys):
            for row in rows:
                found.setdefault(key_of(row), []).append(row[-1])
        return found


def _key_of(width: int) -> Callable[[Sequence[Any]], Any]:
    return (lambda row: row[0]) if width == 1 else (lambda row: tuple(row[:width]))


def _put_one_by_target_key(
    load: _Load, plan: KeyedPlan, by_key: Mapping[Any, list[InstanceState]], *, is_deep: bool
) -> None:
    """Many-to-one: one related object, or none, per key."""
    prop, owner = load.prop, load.owner
    space = owner.identity_map.space(prop.mapper.class_manager.identity_class, load.load_options.identity_token)
    found: dict[Any, Any] = {}
    missing: list[Any] = []
    for key in by_key:
        known = None if is_deep or load.criteria or load.load_options.populate_existing else space.get(key)
        instance = None if known is None or known.expired else known()
        if instance is not None:
            found[key] = instance
        else:
            missing.append(key)
    for instances in load.rows(plan, _sorted(missing)):
        for instance in instances:
            if instance is not None:
                found[instance._sa_instance_state.pk] = instance
    for key, states in by_key.items():
        related = found.get(key)
        if related is not None and not isinstance(related, prop.mapper.class_):
            related = None
        for state in states:
            _put(state, prop, related if not prop.uselist else [] if related is None else [related])


def _sorted(keys: list[Any]) -> list[Any]:
    """Equal sets of keys make equal statements."""
    try:
        return sorted(key for key in keys if not _is_null(key))
    except TypeError:
        return keys


def _put_all(load: _Load, by_key: Mapping[Any, list[InstanceState]], found: Keyed) -> None:
    prop = load.prop
    for key, states in by_key.items():
        related = list({id(item): item for item in found.get(key, ()) if item is not None}.values())
        if prop.uselist:
            for state in states:
                _put(state, prop, related)
            continue
        if len(related) > 1:
            exc.warn_several_rows_for_one_eagerly(prop)
        for state in states:
            _put(state, prop, related[0] if related else None)


def _put(state: InstanceState, prop: RelationshipProperty, value: Any) -> None:
    values = state.dict
    if prop.key not in values and prop.key not in state.committed_state:
        state.manager[prop.key].impl.set_committed_value(state, values, value)
