"""Joins along relationships: ``select(User).join(User.addresses)``, and the ``join()`` that stands by itself.

Core keeps the joins of a ``select`` as they were given; when the statement is compiled, :class:`FromClauses` puts
them together.  A join has a target, an ON clause or none, and perhaps a left side.  A relationship attribute may
be given as the target, which then is what the relationship leads to, or as the ON clause for a target of its own.

*Left side.*  Without one, a relationship joins from its parent: from the FROM in which the parent is, else the
parent becomes one more FROM.  Any other join looks for the one FROM, else the one selected entity, that it can be
joined to.

*ON clause.*  The condition of the relationship, whose columns are those of the parent's alias or subquery on one
side and those of the target on the other.  A secondary table gets an alias, for the statement may join it twice.

The same relationship joined twice between the same two is joined once: conditions can be collected by parts of a
program that do not know of each other.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy.sql.expression import FromClause, Join

from .. import exc
from .._core import (
    clause_is_present,
    coercions,
    join_condition,
    left_clauses_for,
    left_clauses_matching,
    roles,
)
from ..mapping.relationship import RelationshipProperty
from ..mapping.synonym import SynonymAttribute
from .attribute import QueryableAttribute
from .entity import entity_of, owning_entity, propagated
from .relationship import RelationshipSides, adapter_to_from, columns_of_entity, unchanged


def without_synonym(element: Any) -> Any:
    """The attribute that a synonym means; anything else as it is."""
    while isinstance(element, SynonymAttribute):
        element = element.target()
    return element


def is_relationship(element: Any) -> bool:
    """Whether *element* is a relationship attribute of a class or alias."""
    return isinstance(element, QueryableAttribute) and isinstance(element.property, RelationshipProperty)


def joined_entity(target: Any) -> Any:
    """The entity that the target of a join brings into the statement, or None for a plain FROM."""
    target = without_synonym(target)
    if is_relationship(target):
        return target.comparator.entity
    return owning_entity(target)


class FromClauses:
    """The FROM list of a statement while its joins are added.

    :param froms: the FROMs that the statement names; ``froms`` afterwards is the list with the joins in it.
    """

    def __init__(self, froms: Sequence[Any]) -> None:
        self.froms = tuple(froms)
        self._edges: set[tuple[Any, Any, str]] = set()  # relationships joined so far: (left entity, right entity, key)

    def add(self, joins: Iterable[Any], columns: Sequence[Any]) -> None:
        """Add joins, in their order.

        :param joins: as Core keeps them: (target, ON clause, left side, flags).
        :param columns: the columns clause of the statement when they were added.
        """
        for target, onclause, left, flags in joins:
            target, onclause = without_synonym(target), without_synonym(onclause)
            if is_relationship(target):
                if onclause is not None:
                    raise exc.on_clause_for_relationship(target)
                self._add_relationship(target, None, left, flags)
            elif isinstance(target, QueryableAttribute):
                raise exc.join_target_is_column(target)
            elif is_relationship(onclause):
                self._add_relationship(onclause, target, left, flags)
            else:
                self._add_plain(target, onclause, left, flags, columns)

    # ------------------------------------------------------------ the two kinds of joins

    def _add_relationship(self, attribute: Any, target: Any, left: Any, flags: Any) -> None:
        right = attribute.comparator.entity if target is None else (owning_entity(target) or target)
        edge = (attribute.parent, right, attribute.key)
        if edge in self._edges:
            return
        self._edges.add(edge)
        if target is None:
            target = right.__clause_element__()
        if left is None:
            left = attribute.parent.__clause_element__()
        elif owning_entity(left) not in (None, attribute.parent):
            raise exc.other_left_side(owning_entity(left), attribute)
        if right is attribute.parent and attribute.property.refers_to_itself:
            raise exc.join_to_itself(right)
        index = self._index_of(left)
        self._put(EntityJoin(left if index is None else self.froms[index], target, attribute, **flags), index)

    def _add_plain(self, target: Any, onclause: Any, left: Any, flags: Any, columns: Sequence[Any]) -> None:
        if isinstance(onclause, QueryableAttribute):
            onclause = onclause.__clause_element__()
        if left is None:
            left, index = self._implicit_left(target, onclause, columns)
        else:
            index = self._index_of(left)
            if index is not None and onclause is None:
                onclause = join_condition(left, target)
        self._put(Join(left if index is None else self.froms[index], target, onclause, **flags), index)

    def _put(self, join: Join, index: int | None) -> None:
        if index is None:
            self.froms += (join,)
        else:
            self.froms = (*self.froms[:index], join, *self.froms[index + 1 :])

    # ------------------------------------------------------------ the left side

    def _index_of(self, left: Any) -> int | None:
        """The place of the FROM that *left* is in, or None."""
        found = left_clauses_matching(self.froms, left) if self.froms else []
        if len(found) > 1:
            raise exc.several_left_sides()
        return found[0] if found else None

    def _implicit_left(self, target: Any, onclause: Any, columns: Sequence[Any]) -> tuple[Any, int | None]:
        """The one FROM that *target* can be joined to, and its place; no place for an entity of the columns clause."""
        candidates = self.froms or tuple(_froms_of_columns(columns))
        if not candidates and not columns:
            raise exc.nothing_to_join_from()
        found = left_clauses_for(candidates, target, onclause)
        if not found:
            raise exc.cannot_join_to(owning_entity(target) or target)
        if len(found) > 1:
            raise exc.ambiguous_left_side()
        return candidates[found[0]], found[0] if self.froms else None


def _froms_of_columns(columns: Sequence[Any]) -> list[Any]:
    found: dict[Any, None] = {}
    for element in columns:
        entity = getattr(element, "_annotations", {}).get("parententity")
        for clause in element._from_objects if entity is None else (entity.__clause_element__(),):
            found[clause] = None
    return list(found)


class EntityJoin(Join):
    """A JOIN whose sides may be entities and whose ON clause may be a relationship; made by :func:`join`."""

    inherit_cache = True

    def __init__(self, left: Any, right: Any, onclause: Any = None, isouter: bool = False, full: bool = False) -> None:
        left = coercions.expect(roles.FromClauseRole, left, legacy=True)
        right = coercions.expect(roles.FromClauseRole, right, legacy=True)
        subject = owning_entity(left) or owning_entity(right)
        if onclause is not None:
            onclause = without_synonym(coercions.expect(roles.OnClauseRole, onclause))
        if is_relationship(onclause):
            subject = subject or onclause.parent
            left, right, onclause = _along(onclause, left, right, isouter=isouter, full=full)
        elif isinstance(onclause, QueryableAttribute):
            onclause = onclause.__clause_element__()
        super().__init__(left, right, onclause, isouter=isouter, full=full)
        if subject is not None:
            self._set_propagate_attrs(propagated(subject))

    def join(self, right: Any, onclause: Any = None, isouter: bool = False, full: bool = False) -> EntityJoin:
        """A further JOIN, with this one as its left side."""
        return EntityJoin(self, right, onclause, isouter=isouter, full=full)

    def outerjoin(self, right: Any, onclause: Any = None, full: bool = False) -> EntityJoin:
        """A further LEFT OUTER JOIN, with this one as its left side."""
        return EntityJoin(self, right, onclause, isouter=True, full=full)


def _along(attribute: Any, left: Any, right: Any, *, isouter: bool, full: bool) -> tuple[Any, Any, Any]:
    """Left side, right side and condition of the last JOIN that follows a relationship from *left* to *right*."""
    prop: RelationshipProperty = attribute.property
    parent = columns_of_entity(attribute.parent)
    if not clause_is_present(attribute.parent.selectable, left):
        parent = adapter_to_from(left)  # the parent is selected from an alias or a subquery
    secondary = None if prop.secondary is None else prop.secondary._anonymous_fromclause()
    sides = RelationshipSides(
        parent, _target_columns(attribute, right), unchanged if secondary is None else adapter_to_from(secondary)
    )
    primary_condition, secondary_condition = sides.condition(prop, attribute.comparator._extra_criteria)
    if secondary is None:
        return left, right, primary_condition
    if isouter or full:
        return left, Join(secondary, right, secondary_condition), primary_condition
    return Join(left, secondary, primary_condition), right, secondary_condition


def _target_columns(attribute: Any, right: FromClause) -> Any:
    """What stands for the columns of the related entity where it is selected from *right*."""
    prop: RelationshipProperty = attribute.property
    entity = entity_of(right)
    if entity is not None:
        if not entity.mapper.common_parent(prop.mapper):
            raise exc.other_join_target(entity, attribute)
        return columns_of_entity(entity)
    target = prop.entity.selectable
    return unchanged if clause_is_present(target, right) else adapter_to_from(right)


def join(left: Any, right: Any, onclause: Any = None, isouter: bool = False, full: bool = False) -> EntityJoin:
    """A JOIN of two entities, for ``select_from()``.

    :param left: an entity, FROM clause or join.
    :param right: an entity or FROM clause.
    :param onclause: a relationship attribute or a condition; made from foreign keys when not given.
    :param isouter: LEFT OUTER JOIN.
    :param full: FULL OUTER JOIN.

    >>> select(User).select_from(join(User, Address, User.addresses))  # doctest: +SKIP
    """
    return EntityJoin(left, right, onclause, isouter=isouter, full=full)


def outerjoin(left: Any, right: Any, onclause: Any = None, full: bool = False) -> EntityJoin:
    """A LEFT OUTER JOIN of two entities, for ``select_from()``.

    :param left: an entity, FROM clause or join.
    :param right: an entity or FROM clause.
    :param onclause: a relationship attribute or a condition; made from foreign keys when not given.
    :param full: FULL OUTER JOIN.
    """
    return EntityJoin(left, right, onclause, isouter=True, full=full)
