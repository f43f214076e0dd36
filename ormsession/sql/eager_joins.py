"""Related rows joined into a statement that did not ask for them by name: ``lazy="joined"``, ``joinedload``.

Which relationships are to be joined is decided by ``loading``, which fills :data:`plan_eager_joins`: for each entity
in the columns clause, a tree of :class:`EagerJoin`.  This module turns the trees into SQL, after everything that
the program wrote has its place:

* each related entity gets an alias of its own, so that nothing the program said about the same table speaks of it;
  its columns stand behind those of the program, and its slot (:mod:`.layout`) lies in that of its parent;
* the entity's FROM is replaced by an outer join from it.  A relationship that always has related rows
  (``innerjoin``) is joined by JOIN, inside the parentheses of an outer join when it stands below one;
* ORDER BY of the relationships is added behind that of the program;
* where rows of a collection would be counted by a LIMIT, or merged by a DISTINCT or GROUP BY, the program's statement
  becomes a subquery first and is joined from there, with its order repeated outside.

A relationship whose rows the statement joins itself (``contains_eager``) only adds columns.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import ColumnClause, Join

from .._core import unwrap_order_by
from .entity import adapter_to
from .layout import EntitySlot, JoinedSlot

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty
    from .columns import ColumnsClause
    from .criteria import AppliedCriteria

Adapt = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, eq=False)
class EagerJoin:
    """One relationship to be joined."""

    prop: RelationshipProperty
    entity: Any
    """What stands for the related entity: an alias of ours, or what the program joined."""
    is_contained: bool
    """The program joined it."""
    inner: bool | str
    """There always are related rows: False, True or "unnested"."""
    criteria: tuple[Any, ...]
    """What related rows must fulfil beside the join condition."""
    below: tuple[EagerJoin, ...]
    """What is joined from there."""

    @property
    def multiplies_rows(self) -> bool:
        """Whether one row of the program's statement becomes several through our joins."""
        own = bool(self.prop.uselist) and not self.is_contained
        return own or any(join.multiplies_rows for join in self.below)

    @property
    def adds_joins(self) -> bool:
        """Whether there is anything to be joined by us."""
        return not self.is_contained or any(join.adds_joins for join in self.below)


@dataclass(frozen=True, slots=True)
class Sides:
    """The parts of one join."""

    on: Any
    """The condition between the parent and the next table."""
    target: Any
    """The related rows."""
    secondary: Any
    """The table between, or None."""
    far: Any
    """The condition between the table between and the related rows, or None."""


Trees = Mapping[Any, tuple[EagerJoin, ...]]


def no_eager_joins(compile_state: Any, entities: Iterable[Any]) -> Trees:
    """Nothing is joined."""
    return {}


plan_eager_joins = no_eager_joins
"""``plan_eager_joins(compile_state, entities)``: entity -> what is joined from it.  Filled by ``loading``."""


def _same(expression: Any) -> Any:
    return expression


class EagerJoins:
    """The joins of one statement being put together."""

    def __init__(self, trees: Trees, clause: ColumnsClause, statement_adapter: Any) -> None:
        self.trees = trees
        self.clause = clause
        self._adapter = statement_adapter
        self._own = set(range(len(clause.columns)))
        """Positions of the columns that the program's statement has: its own, and those of what it joins itself."""
        self._adapt_statement: Adapt = _same if statement_adapter is None else statement_adapter.traverse
        self.criteria: AppliedCriteria | None = None
        """What is said of every occurrence of an entity in the statement; set by the compile state."""
        self._adapter_outside: Any = None
        """What makes columns of the program's statement those of the subquery that it became; None while it is none."""
        self._order: list[Any] = []
        self._needed: dict[Any, None] = {}
        """Columns of the program's entities in ON clauses; a subquery must have them."""
        self.slots = [self._slot(slot) for slot in clause.slots]

    @property
    def multiplies_rows(self) -> bool:
        """Whether some join multiplies the rows of the program's statement."""
        return any(join.multiplies_rows for tree in self.trees.values() for join in tree)

    @property
    def adds_joins(self) -> bool:
        """Whether there is anything to be joined."""
        return any(join.adds_joins for tree in self.trees.values() for join in tree)

    # ------------------------------------------------------------ columns

    def _slot(self, slot: Any) -> Any:
        if not isinstance(slot, EntitySlot):
            return slot
        joined = tuple(self._joined_slot(join) for join in self.trees.get(slot.entity, ()))
        return dataclasses.replace(slot, joined=joined) if joined else slot

    def _joined_slot(self, join: EagerJoin) -> JoinedSlot:
        below = tuple(self._joined_slot(each) for each in join.below)
        slot = self.clause.entity_slot(join.entity, self._adapter if join.is_contained else None)
        if join.is_contained:
            self._own.update(column.position for column in slot.columns if column.position is not None)
        return JoinedSlot(join.prop, dataclasses.replace(slot, joined=below))

    # ------------------------------------------------------------ the statement

    def applied(self, core: Any) -> Any:
        """The statement with the joins.

        :param core: the program's statement with its own columns.
        """
        if (self.multiplies_rows and _counts_rows(core)) or (self.adds_joins and _merges_rows(core)):
            return self._nested(core)
        froms = list(core._from_obj)
        for entity, tree in self.trees.items():
            adapt = self._adapt_to(entity)
            _attach_to(froms, entity.selectable, functools.partial(self._joined, tree=tree, adapt=adapt))
        core._raw_columns = self.clause.columns
        core._from_obj = tuple(froms)
        return core.order_by(*self._order) if self._order else core

    def _nested(self, core: Any) -> Any:
        """The program's statement as a subquery, joined from there."""
        for entity, tree in self.trees.items():
            self._collect_needed(tree, self._adapt_to(entity))
        order = list(core._order_by_clauses)
        columns = self.clause.columns
        inner = core._generate()
        inner._raw_columns = [column for position, column in enumerate(columns) if position in self._own]
        have = set(inner._raw_columns)
        ordering = [column for clause in order for column in unwrap_order_by(clause)]
        for column in (*ordering, *self._needed):
            if column not in have:
                have.add(column)
                inner._raw_columns.append(column)
        subquery = inner.subquery()
        adapter = adapter_to(subquery)
        outer: Any = subquery
        self._adapter_outside = adapter
        for entity, tree in self.trees.items():
            outer = self._joined(outer, tree, self._adapt_to(entity))
        outside = [
            adapter.traverse(column) if position in self._own else column for position, column in enumerate(columns)
        ]
        statement = select(*outside).select_from(outer)
        statement = statement.set_label_style(core._label_style)
        ordered = [*(adapter.traverse(clause) for clause in order), *self._order]
        return statement.order_by(*ordered) if ordered else statement

    def _collect_needed(self, tree: tuple[EagerJoin, ...], adapt: Adapt) -> None:
        for join in tree:
            if join.is_contained:
                self._collect_needed(join.below, self._adapt_to(join.entity))
                continue
            for column in join.prop.join_condition.local_columns:
                if join.prop.parent.persist_selectable.c.contains_column(column):
                    self._needed[adapt(column)] = None

    def _adapt_to(self, entity: Any) -> Adapt:
        """What makes columns of an entity's table those that our ON clauses can name."""
        adapt: Adapt = entity.adapt if entity.is_aliased_class else self._adapt_statement
        outside = self._adapter_outside
        return adapt if outside is None else functools.partial(_adapted_twice, adapt, outside)

    # ------------------------------------------------------------ one FROM

    def _joined(self, left: Any, tree: tuple[EagerJoin, ...], adapt: Adapt, *, is_optional: bool = False) -> Any:
        """*left* with the joins of *tree*.

        :param is_optional: the rows that are joined from may be missing themselves, so all joins are outer ones.
        """
        for join in tree:
            if join.is_contained:
                # the program may have joined by an outer join
                left = self._joined(left, join.below, self._adapt_to(join.entity), is_optional=True)
            elif join.inner and not is_optional:
                left = self._inner(left, join, adapt)
                left = self._joined(left, join.below, join.entity.adapt)
            else:
                sides = self._sides(join, adapt)
                left = left.outerjoin(self._optional_rows(join, sides), sides.on)
                outside = tuple(each for each in join.below if not _stays_inside(each))
                left = self._joined(left, outside, join.entity.adapt, is_optional=True)
        return left

    def _inner(self, left: Any, join: EagerJoin, adapt: Adapt) -> Any:
        sides = self._sides(join, adapt)
        if sides.secondary is None:
            return left.join(sides.target, sides.on)
        return left.join(sides.secondary, sides.on).join(sides.target, sides.far)

    def _optional_rows(self, join: EagerJoin, sides: Sides) -> Any:
        """The right side of an outer join: the related rows, with what always belongs to them."""
        right = sides.target
        if sides.secondary is not None:
            right = sides.secondary.join(right, sides.far)
        return self._with_inner(right, join)

    def _with_inner(self, right: Any, join: EagerJoin) -> Any:
        for each in join.below:
            if _stays_inside(each):
                right = self._with_inner(self._inner(right, each, join.entity.adapt), each)
                outside = tuple(more for more in each.below if not _stays_inside(more))
                right = self._joined(right, outside, each.entity.adapt, is_optional=True)
        return right

    def _sides(self, join: EagerJoin, adapt: Adapt) -> Sides:
        """What is joined, under names of its own, and its order entered behind that of the others."""
        prop = join.prop
        secondary = None if prop.secondary is None else prop.secondary._anonymous_fromclause(flat=True)
        on, far = prop.join_condition.adapted(
            adapt, join.entity.adapt, None if secondary is None else secondary.corresponding_column
        )
        criteria = [join.entity.adapt(each) for each in join.criteria]
        if self.criteria is not None:
            criteria += self.criteria.criteria_of(join.entity, is_internal=True)
        if criteria:
            on, far = (and_(on, *criteria), far) if far is None else (on, and_(far, *criteria))
        if prop.order_by:
            self._order.extend(_order_of(join, secondary))
        for origin in (join.entity.selectable, secondary):
            _hide_names(origin)
        return Sides(on, join.entity.selectable, secondary, far)


def _hide_names(origin: Any) -> None:
    """Keep the columns of our joins out of what ``order_by("name")`` may mean."""
    for column in () if origin is None else origin.c:
        column._allow_label_resolve = False


def _stays_inside(join: EagerJoin) -> bool:
    """Whether a join below an outer join is an inner one, inside its parentheses."""
    return bool(join.inner) and join.inner != "unnested" and not join.is_contained


def _order_of(join: EagerJoin, secondary: Any) -> Iterable[Any]:
    def replace(element: Any, **kw: Any) -> Any:
        if secondary is not None and isinstance(element, ColumnClause):
            return secondary.corresponding_column(element)
        return None

    for clause in join.prop.order_by:
        yield join.entity.adapt(visitors.replacement_traverse(clause, {}, replace))


def _adapted_twice(adapt: Adapt, adapter: Any, expression: Any) -> Any:
    """An expression over the entity, then over the subquery around it."""
    return adapter.traverse(adapt(expression))


def _counts_rows(statement: Any) -> bool:
    """Whether more rows per object would change which objects there are."""
    clauses = (statement._limit_clause, statement._offset_clause, statement._fetch_clause)
    return any(clause is not None for clause in clauses)


def _merges_rows(statement: Any) -> bool:
    """Whether more columns would change which rows there are."""
    return bool(statement._distinct or statement._group_by_clauses)


def _attach_to(froms: list[Any], selectable: Any, attach: Callable[[Any], Any]) -> None:
    """Replace the FROM that *selectable* is, or is part of, by what *attach* makes of it."""
    matching = [index for index, each in enumerate(froms) if _has_part(each, selectable)]
    joins = [index for index in matching if isinstance(froms[index], Join) and not _is(froms[index], selectable)]
    for index in (joins or matching)[:1]:
        froms[index] = attach(froms[index])
        return
    froms.append(attach(selectable))


def _is(origin: Any, selectable: Any) -> bool:
    return hash(origin) == hash(selectable)  # an annotated FROM hashes as what it is a copy of


def _has_part(origin: Any, selectable: Any) -> bool:
    if _is(origin, selectable):
        return True
    return isinstance(origin, Join) and (_has_part(origin.left, selectable) or _has_part(origin.right, selectable))
