"""What gives a relationship attribute its SQL operators.

``User.addresses`` stands for the condition that joins the two entities.  Beside that it has:

* ``any()`` of a collection and ``has()`` of a single object: ``EXISTS`` over the related rows;
* ``==`` and ``!=`` with an object or None, ``contains()`` of a collection: see :mod:`.object_criterion`;
* ``of_type()``, which names what stands for the related entity, and ``and_()``, which adds to the condition.

All other operators are refused: a relationship is no value.

The join condition comes from mapping with a mark on each occurrence of a column that says which side it belongs
to.  A :class:`RelationshipSides` gives each side its columns: those of the mapped table or of an alias.  A
self-referential ``EXISTS`` gets an alias of its own, for the related rows and the outer ones have one table.

Rejected: keeping the conditions adapted per alias.  They are asked for once per statement shape.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Null, and_, exists, true

from .. import exc
from .._core import ColumnAdapter, coercions, roles
from ..mapping.join_condition import MANYTOONE
from ..mapping.relationship import RelationshipProperty
from .alias import aliased
from .comparator import PropComparator
from .entity import owning_entity, propagated
from .object_criterion import criterion_of_nothing, criterion_of_object, differs_from_object, is_exactly_object

if TYPE_CHECKING:
    from ..mapping.properties import MapperProperty

Replace = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class RelationshipSides:
    """What stands for the columns of each side of a relationship in one statement."""

    parent: Replace
    target: Replace
    secondary: Replace

    def condition(self, prop: RelationshipProperty, criteria: tuple[Any, ...] = ()) -> tuple[Any, Any]:
        """Primary and secondary condition, the last one that there is extended by further criteria on the target."""
        primary, secondary = prop.join_condition.adapted(self.parent, self.target, self.secondary)
        more = [self.target(each) for each in criteria]
        if not more:
            return primary, secondary
        return (primary, and_(secondary, *more)) if secondary is not None else (and_(primary, *more), None)


def unchanged(column: Any) -> Any:
    """The column itself."""
    return column


def columns_of_entity(entity: Any) -> Replace:
    """What stands for the mapped columns where *entity* does."""
    adapt: Replace = entity.adapt if entity.is_aliased_class else unchanged
    return adapt


class RelationshipComparator(PropComparator):
    """The operators of a relationship attribute.

    :param prop: the relationship.
    :param parententity: the mapper or alias whose attribute it is.
    :param of_type: what stands for the related entity, when not the mapped class itself.
    :param extra_criteria: criteria added to the join condition by ``and_()``.
    """

    prop: RelationshipProperty

    def __init__(
        self, prop: MapperProperty, parententity: Any, of_type: Any = None, extra_criteria: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(prop, parententity)
        self._of_type = of_type
        self._extra_criteria = extra_criteria

    def _with(self, entity: Any, of_type: Any, extra_criteria: tuple[Any, ...]) -> RelationshipComparator:
        adapted = type(self).__new__(type(self))
        adapted.__dict__.update(self.__dict__)
        adapted._parententity = entity
        adapted._of_type = of_type
        adapted._extra_criteria = extra_criteria
        return adapted

    def adapt_to_entity(self, entity: Any) -> RelationshipComparator:
        """The same comparator for an alias of the class."""
        return self._with(entity, self._of_type, self._extra_criteria)

    def of_type(self, class_: Any) -> RelationshipComparator:
        """The same comparator where *class_*, an alias or subclass, stands for the related entity."""
        return self._with(self._parententity, joined_argument(class_), self._extra_criteria)

    def and_(self, *criteria: Any) -> RelationshipComparator:
        """The same comparator with criteria on the related entity added to the condition."""
        more = tuple(coercions.expect(roles.WhereHavingRole, each) for each in criteria)
        return self._with(self._parententity, self._of_type, self._extra_criteria + more)

    # ------------------------------------------------------------ what it leads to

    @property
    def mapper(self) -> Any:
        """The mapper that the relationship leads to."""
        return self.property.mapper

    @property
    def entity(self) -> Any:
        """What stands for the related entity: the mapper, or an alias."""
        return self.property.entity if self._of_type is None else self._of_type

    def __clause_element__(self) -> Any:
        secondary = self.property.secondary
        sides = RelationshipSides(
            columns_of_entity(self._parententity),
            columns_of_entity(self.entity),
            unchanged if secondary is None else adapter_to_from(secondary._anonymous_fromclause()),
        )
        primary, secondary = sides.condition(self.property, self._extra_criteria)
        return self._of_statement(primary if secondary is None else and_(primary, secondary))

    def _of_statement(self, clause: Any) -> Any:
        return clause._set_propagate_attrs(propagated(self._parententity))

    # ------------------------------------------------------------ operators

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Refuse: a relationship is no value.

        :raises NotImplementedError: always.
        """
        raise exc.operator_of_relationship(self.prop, op)

    reverse_operate = operate

    def in_(self, other: Any) -> Any:
        """Refuse.

        :raises NotImplementedError: always.
        """
        raise exc.in_of_relationship(self.prop)

    def any(self, criterion: Any = None, **kwargs: Any) -> Any:
        """``EXISTS`` of a related object in the collection.

        :param criterion: what it has to meet; any object does without it.
        :param kwargs: values that its attributes have to have.
        :raises InvalidRequestError: when the attribute holds a single object.
        """
        if not self.property.uselist:
            raise exc.any_of_scalar()
        return self._exists(criterion, kwargs)

    def has(self, criterion: Any = None, **kwargs: Any) -> Any:
        """``EXISTS`` of the related object.

        :param criterion: what it has to meet; any object does without it.
        :param kwargs: values that its attributes have to have.
        :raises InvalidRequestError: when the attribute holds a collection.
        """
        if self.property.uselist:
            raise exc.has_of_collection()
        return self._exists(criterion, kwargs)

    def contains(self, other: Any, **kwargs: Any) -> Any:
        """Whether an object is in the collection.

        :param other: the object.
        :raises InvalidRequestError: when the attribute holds a single object.
        """
        if not self.property.uselist:
            raise exc.contains_of_scalar()
        clause = criterion_of_object(self.property, other, self._parententity, reverse=True)
        if self.property.secondaryjoin is not None:
            # without the outer row's partner in the secondary table, the negation would be true of other pairs
            clause.negation_clause = ~self._exists(is_exactly_object(self.property, other), {})
        return self._of_statement(clause)

    __hash__ = PropComparator.__hash__

    def __eq__(self, other: object) -> Any:
        prop = self.property
        if other is None or isinstance(other, Null):
            if prop.direction is not MANYTOONE:
                return ~self._exists(None, {})
            return self._of_statement(criterion_of_nothing(prop, self._parententity, reverse=True))
        if prop.uselist:
            raise exc.collection_compared()
        return self._of_statement(criterion_of_object(prop, other, self._parententity, reverse=True))

    def __ne__(self, other: object) -> Any:
        prop = self.property
        if other is None or isinstance(other, Null):
            if prop.direction is not MANYTOONE:
                return self._exists(None, {})
            return self._of_statement(~criterion_of_nothing(prop, self._parententity, reverse=True))
        if prop.uselist:
            raise exc.collection_compared()
        clause = differs_from_object(prop, other, self._parententity)
        if clause is None:
            return ~self._exists(is_exactly_object(prop, other), {})
        return self._of_statement(clause)

    # ------------------------------------------------------------ EXISTS

    def _exists(self, criterion: Any, values: dict[str, Any]) -> Any:
        prop = self.property
        entity, adapt = self._related_rows()
        conditions = [] if criterion is None else [adapt(coercions.expect(roles.WhereHavingRole, criterion))]
        namespace = entity.entity_namespace
        for name, value in values.items():
            try:
                attribute = getattr(namespace, name)
            except AttributeError:
                raise exc.no_property_to_filter_by(entity, name) from None
            conditions.append(adapt(coercions.expect(roles.WhereHavingRole, attribute == value)))
        sides = RelationshipSides(columns_of_entity(self._parententity), columns_of_entity(entity), unchanged)
        joined = [each for each in sides.condition(prop, self._extra_criteria) if each is not None]
        # a query on a subquery translates the outer columns, but none of what is said about the related rows
        inner = and_(true(), *conditions)._annotate({"no_replacement_traverse": True}) if conditions else true()
        froms = [entity.__clause_element__()]
        if prop.secondary is not None:
            froms.append(prop.secondary)
        clause = exists(1).where(and_(*joined, inner)).select_from(*froms).correlate_except(*froms)
        return self._of_statement(clause)

    def _related_rows(self) -> tuple[Any, Replace]:
        """What stands for the related entity inside ``EXISTS``, and what translates criteria to it."""
        entity = self.entity
        if entity.is_aliased_class or self._parententity.is_aliased_class or not self.property.refers_to_itself:
            return entity, unchanged
        alias = aliased(entity).__sa_inspect__()
        return alias, alias.adapt

    @property  # last in the class: from here on the name hides the built-in one
    def property(self) -> Any:
        """The relationship, configured."""
        self.prop.parent.ensure_configured()
        return self.prop


def joined_argument(given: Any) -> Any:
    """The entity that an argument of ``of_type()`` or a target of a join means.

    :raises sqlalchemy.exc.ArgumentError: when it means none.
    """
    entity = given if getattr(given, "is_mapper", False) else owning_entity(_clause_of(given))
    if entity is None:
        raise exc.entity_expected(given)
    return entity


def _clause_of(given: Any) -> Any:
    return given.__clause_element__() if hasattr(given, "__clause_element__") else given


def adapter_to_from(clause: Any) -> Replace:
    """What stands for mapped columns where they are selected from another FROM."""
    traverse: Replace = ColumnAdapter(clause).traverse
    return traverse


RelationshipProperty.Comparator = RelationshipComparator
