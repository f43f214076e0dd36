"""What gives a mapped attribute its SQL operators.

``User.name == "ed"`` is asked of the attribute, which hands it to its *comparator*.  The comparator of a
column attribute stands for the attribute's column, annotated with the entity and the attribute's name
(see :mod:`.entity`), so that the statement knows where it came from.

A user may give an attribute a comparator of their own (``comparator_factory=`` of ``column_property``,
``deferred`` and ``synonym``): a subclass of ``ColumnProperty.Comparator`` that overrides ``operate``, single
operators or ``__clause_element__``.

A comparator belongs to one property and one entity.  For an alias of the class, :meth:`PropComparator.adapt_to_entity`
makes the same comparator for the alias.
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy.sql.operators import ColumnOperators

from .. import exc
from ..mapping import hooks
from ..mapping.properties import ColumnProperty
from .entity import named_expression, propagated

if TYPE_CHECKING:
    from ..mapping.properties import MapperProperty


class PropComparator(ColumnOperators):
    """The operators of one attribute of one entity.

    :param prop: the property behind the attribute.
    :param parententity: the mapper or the alias whose attribute it is.
    """

    def __init__(self, prop: MapperProperty, parententity: Any) -> None:
        self.prop = prop
        self._parententity = parententity

    __hash__ = object.__hash__

    @property
    def parent(self) -> Any:
        """The mapper or the alias whose attribute it is."""
        return self._parententity

    def adapt_to_entity(self, entity: Any) -> PropComparator:
        """The same comparator for an alias of the class."""
        return type(self)(self.prop, entity)

    def __clause_element__(self) -> Any:
        raise NotImplementedError(f"{self!r} has no SQL expression")

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply an operator with the attribute on its left."""
        return op(self.__clause_element__(), *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """Apply an operator with the attribute on its right."""
        return op(other, self.__clause_element__(), **kwargs)

    @property  # last in the class: from here on the name hides the built-in one
    def property(self) -> MapperProperty:
        """The property behind the attribute."""
        return self.prop


class ColumnComparator(PropComparator):
    """The operators of a column attribute: those of its column."""

    prop: ColumnProperty

    @cached_property
    def expr(self) -> Any:
        """The column, annotated with entity and attribute; made at its first use."""
        entity = self._parententity
        expression = named_expression(self.prop)
        if entity.is_aliased_class:
            if not entity.has(expression):
                exc.warn_alias_lacks(self.prop.key, by_name=entity.adapt_on_names)
            expression = entity.adapt(expression)
        return annotated_column(expression, entity, self.prop.key)

    def __clause_element__(self) -> Any:
        return self.expr

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "expr":
            raise AttributeError(name)
        return getattr(self.expr, name)


def annotated_column(expression: Any, entity: Any, key: str) -> Any:
    """*expression* with the notes that make it the attribute *key* of *entity*."""
    notes = {"entity_namespace": entity, "parententity": entity, "parentmapper": entity.mapper, "proxy_key": key}
    return expression._annotate(notes)._set_propagate_attrs(propagated(entity))


def comparator_for(prop: MapperProperty, mapper: Any) -> PropComparator | None:
    """The comparator of a property's attribute: the user's, else the usual one of its kind."""
    factory = getattr(prop, "comparator_factory", None) or getattr(type(prop), "Comparator", None)
    return None if factory is None else factory(prop, mapper)


ColumnProperty.Comparator = ColumnComparator
hooks.comparator_for = comparator_for
