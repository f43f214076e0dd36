"""The attribute of a mapped class, as something that can stand in SQL.

``User.name`` is the descriptor that tracks values on objects (room ``tracking``) and at the same time a SQL
expression: it has all operators of a column and may be given to ``select``, ``where``, ``order_by`` and
everything else that Core builds.  Core asks it for ``__clause_element__`` and gets the annotated column,
which is made once per attribute and entity.

Attributes are shared: an unmapped subclass sees those of its base, and all users of a class see the same.
An alias of the class has copies whose entity is the alias (:meth:`QueryableAttribute.adapt_to_entity`).

Rejected: making the attribute a ``ClauseElement`` itself.  Core would then copy and traverse it, and every
copy would be one more descriptor that listeners have to know.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from sqlalchemy import Column
from sqlalchemy.sql.operators import ColumnOperators

from .. import exc
from .._core import HasCacheKey, immutabledict, roles
from ..mapping import hooks
from ..tracking.attributes import Attribute
from .comparator import ColumnComparator, annotated_column
from .entity import propagated


class JoinTarget(roles.JoinTargetRole, roles.OnClauseRole, HasCacheKey):
    """What Core asks of an attribute that was given to ``join()`` and is kept in the statement as it is.

    It is part of the statement's cache key, and it stays what it is when the statement is copied or adapted.
    """

    __visit_name__ = "mapped_attribute"
    _is_immutable = True
    _annotations: Mapping[str, Any] = immutabledict()

    key: str
    parent: Any
    comparator: Any

    @property
    def _of_type(self) -> Any:
        return getattr(self.comparator, "_of_type", None)

    @property
    def _extra_criteria(self) -> tuple[Any, ...]:
        return getattr(self.comparator, "_extra_criteria", ())

    @property
    def _propagate_attrs(self) -> dict[str, Any]:
        # what a statement takes over that the attribute is joined to
        return immutabledict(propagated(self.parent))

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> tuple[Any, ...]:
        key = (JoinTarget, self.key, self.parent._gen_cache_key(anon_map, bindparams))
        entity, criteria = self._of_type, self._extra_criteria
        if entity is None and not criteria:
            return key
        return (
            *key,
            None if entity is None else entity._gen_cache_key(anon_map, bindparams),
            *(each._gen_cache_key(anon_map, bindparams) for each in criteria),
        )

    def _clone(self, **kw: Any) -> JoinTarget:
        return self

    def _copy_internals(self, **kw: Any) -> None:
        pass

    def get_children(self, **kw: Any) -> tuple[Any, ...]:
        """Nothing: the condition is put together when the statement is compiled."""
        return ()


class QueryableAttribute(Attribute, JoinTarget, ColumnOperators):
    """An attribute of a mapped class or of an alias, seen from the class.

    ``key`` is its name, ``parent`` the mapper or alias it belongs to, ``class_`` the mapped class (or the
    alias), ``property`` what it is mapped to.
    """

    is_clause_element = is_selectable = is_bundle = False

    __hash__ = object.__hash__

    @cached_property
    def expression(self) -> Any:
        """The SQL expression of the attribute: its column, annotated with entity and name."""
        comparator = self.comparator
        clause = comparator.__clause_element__()
        if clause._annotations.get("proxy_key") == self.key:
            return clause
        return annotated_column(clause, self.parent, self.key)

    @cached_property
    def _operand(self) -> Any:
        # the comparator only decides when it is the user's own, with other operators
        return self.expression if type(self.comparator) is ColumnComparator else self.comparator

    def __clause_element__(self) -> Any:
        return self.expression

    @property
    def prop(self) -> Any:
        """The :class:`.MapperProperty` behind the attribute."""
        return self.comparator.prop

    @property
    def parententity(self) -> Any:
        """The mapper or the alias that the attribute belongs to."""
        return self.parent

    _parententity = parententity

    @property
    def _parentmapper(self) -> Any:
        return self.parent.mapper

    @property
    def info(self) -> dict[Any, Any]:
        """The user's own notes: those of the column when it stands for one, else its own."""
        columns = getattr(self.property, "columns", None)
        noted = columns[0] if columns and isinstance(columns[0], Column) else self.property
        info: dict[Any, Any] = noted.info
        return info

    def operate(self, op: Any, *other: Any, **kwargs: Any) -> Any:
        """Apply an operator with the attribute on its left."""
        return op(self._operand, *other, **kwargs)

    def reverse_operate(self, op: Any, other: Any, **kwargs: Any) -> Any:
        """Apply an operator with the attribute on its right."""
        return op(other, self._operand, **kwargs)

    def label(self, name: str | None) -> Any:
        """The expression under another name."""
        return self.expression.label(name)

    def adapt_to_entity(self, entity: Any) -> QueryableAttribute:
        """The same attribute of an alias of the class.

        :param entity: the :class:`.AliasedInsp`.
        """
        adapted = self._with(self.comparator.adapt_to_entity(entity))
        adapted.class_ = entity.entity
        adapted.parent = entity
        return adapted

    def of_type(self, class_: Any) -> QueryableAttribute:
        """The same relationship where an alias, or a subclass, stands for the related entity.

        :param class_: the alias or class.

        >>> select(User).join(User.addresses.of_type(work_address))  # doctest: +SKIP
        """
        return self._with(self.comparator.of_type(class_))

    def and_(self, *criteria: Any) -> QueryableAttribute:
        """The same relationship with criteria on the related entity added to its condition.

        >>> select(User).join(User.addresses.and_(Address.email.like("%org")))  # doctest: +SKIP
        """
        return self._with(self.comparator.and_(*criteria))

    def _with(self, comparator: Any) -> QueryableAttribute:
        adapted = type(self).__new__(type(self))
        adapted.__dict__.update(self.__dict__)
        adapted.__dict__.pop("expression", None)
        adapted.__dict__.pop("_operand", None)
        adapted.comparator = comparator
        return adapted

    def __getattr__(self, name: str) -> Any:
        # what is no matter of the attribute is asked of its comparator: its type, its table ...
        if name.startswith("__") or "comparator" not in self.__dict__ or self.comparator is None:
            raise AttributeError(name)
        try:
            return getattr(self.comparator, name)
        except AttributeError:
            raise exc.no_such_attribute_of_attribute(self, name) from None

    def __str__(self) -> str:
        return f"{_entity_name(self.parent, self.class_)}.{self.key}"

    @property  # last in the class: from here on the name hides the built-in one
    def property(self) -> Any:
        """The :class:`.MapperProperty` behind the attribute; that of a relationship is configured first."""
        return self.comparator.property


def _entity_name(entity: Any, class_: Any) -> str:
    if getattr(entity, "is_aliased_class", False):
        return str(entity)
    return str(class_.__name__)


class InstrumentedAttribute(QueryableAttribute):
    """The attribute as it stands on a mapped class."""


hooks.attribute_class = InstrumentedAttribute
