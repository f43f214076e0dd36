"""A second name for an entity in one statement.

``aliased(User)`` gives a stand-in for the class, :class:`AliasedClass`: its attributes are those of the class,
over an alias of its table, a subquery, a CTE or any FROM that has the columns.  What it means is kept by its
:class:`AliasedInsp`, which takes the place that the mapper has for the class itself: it is the *entity* in the
annotations (see :mod:`.entity`), part of the cache key, and ``inspect(alias)`` returns it.

The stand-in holds nothing but that: names it is asked for are looked up on the class.  An attribute is
adapted once and kept, a function is bound to the alias, so that hybrid-like methods see ``alias.name``.
"""

from __future__ import annotations

import types
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column
from sqlalchemy.sql.expression import Alias, FromClause, SelectBase

from .. import exc
from .._core import ColumnAdapter, HasCacheKey, InternalTraversal, coercions, inspects, roles
from ..mapping.inspection import InspectionAttr
from ..mapping.lookup import mapper_of
from .entity import annotated_selectable, entity_of

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper


class AliasedClass:
    """Stands for a mapped class under another name in a statement; made by :func:`aliased`."""

    def __init__(
        self,
        mapped_class_or_alias: Any,
        alias: Any = None,
        *,
        name: str | None = None,
        flat: bool = False,
        adapt_on_names: bool = False,
    ) -> None:
        base = _aliased_insp(mapped_class_or_alias)
        mapper = mapper_of(mapped_class_or_alias) if base is None else base.mapper
        if alias is not None:
            selectable = coercions.expect(roles.ReturnsRowsRole, alias)
        else:
            below = mapper.selectable
            if base is not None:  # a sibling of the alias: the same FROM under yet another name
                below = base.selectable_to_alias
                adapt_on_names = adapt_on_names or base.adapt_on_names
                base = base.base
            selectable = below._anonymous_fromclause(name=name, flat=flat)
        self.__dict__["_aliased_insp"] = AliasedInsp(
            self, mapper, selectable, base=base, name=name, adapt_on_names=adapt_on_names
        )
        self.__name__ = mapper.class_.__name__

    def __clause_element__(self) -> Any:
        return self.__dict__["_aliased_insp"].__clause_element__()

    def __sa_inspect__(self) -> AliasedInsp:
        insp: AliasedInsp = self.__dict__["_aliased_insp"]
        return insp

    def __getattr__(self, name: str) -> Any:
        insp = self.__dict__.get("_aliased_insp")
        if insp is None:
            raise AttributeError(name)
        class_ = insp.mapper.class_
        attribute = getattr(class_, name)
        if hasattr(attribute, "adapt_to_entity"):
            attribute = self.__dict__[name] = attribute.adapt_to_entity(insp)
            return attribute
        if isinstance(attribute, types.MethodType) and attribute.__self__ is class_:
            return types.MethodType(attribute.__func__, self)
        if hasattr(attribute, "__get__"):
            return _bound_to_alias(attribute, self)
        return attribute

    def __repr__(self) -> str:
        return f"<AliasedClass at 0x{id(self):x}; {self.__name__}>"

    def __str__(self) -> str:
        return str(self.__dict__["_aliased_insp"])


def _bound_to_alias(attribute: Any, alias: AliasedClass) -> Any:
    if isinstance(attribute, types.FunctionType):
        return types.MethodType(attribute, alias)
    bound = attribute.__get__(None, alias)
    if hasattr(bound, "adapt_to_entity"):
        return bound.adapt_to_entity(alias.__dict__["_aliased_insp"])
    return bound


class AliasedInsp(InspectionAttr, HasCacheKey):
    """What an :class:`AliasedClass` means: the mapper and the FROM that takes its table's place.

    ``entity`` is the alias, ``mapper`` the mapper of its class, ``selectable`` the FROM, ``name`` the name
    given to :func:`aliased` or None.  ``base`` is the alias that was aliased, if it was one: columns are
    looked for in *selectable* as that alias has them.
    """

    is_aliased_class = True
    is_selectable = False  # it stands for a class; its FROM is ``selectable``
    inherit_cache = True

    _cache_key_traversal = [
        ("name", InternalTraversal.dp_string),
        ("mapper", InternalTraversal.dp_has_cache_key),
        ("selectable", InternalTraversal.dp_clauseelement),
        ("base", InternalTraversal.dp_has_cache_key),
        ("adapt_on_names", InternalTraversal.dp_boolean),
    ]

    def __init__(
        self,
        entity: AliasedClass,
        mapper: Mapper,
        selectable: Any,
        *,
        base: AliasedInsp | None,
        name: str | None,
        adapt_on_names: bool,
    ) -> None:
        self.entity = entity
        self.mapper = mapper
        self.selectable = selectable
        self.base = base
        self.name = name
        self.adapt_on_names = adapt_on_names
        self._adapter = ColumnAdapter(
            selectable,
            equivalents=_equivalent_columns(mapper),
            adapt_on_names=adapt_on_names,
            anonymize_labels=True,
            adapt_from_selectables={mapper.selectable, mapper.local_table} if base is None else None,
        )
        self._clause: Any = None  # the annotated FROM, made at the first use and kept

    @property
    def class_(self) -> type:
        """The mapped class."""
        return self.mapper.class_

    @property
    def entity_namespace(self) -> AliasedClass:
        """Where ``filter_by`` finds the names: the alias."""
        return self.entity

    def __clause_element__(self) -> Any:
        if self._clause is None:
            self._clause = annotated_selectable(self, self.selectable)
        return self._clause

    def adapt(self, expression: Any) -> Any:
        """An expression over the mapper's columns, over those of the alias."""
        if self.base is not None:
            expression = self.base.adapt(expression)
        return self._adapter.traverse(expression)

    def has(self, expression: Any) -> bool:
        """Whether the alias has what *expression* needs: a subquery may lack columns of the entity."""
        if not isinstance(expression, Column) or self.adapt(expression) is not expression:
            return True
        return bool(self.selectable.exported_columns.contains_column(expression))

    @property
    def selectable_to_alias(self) -> Any:
        """What an alias of this alias is an alias of: the table, when this is one of the table."""
        selectable = self.selectable
        if isinstance(selectable, Alias) and selectable.element is self.mapper.selectable:
            return selectable.element
        return selectable

    def __repr__(self) -> str:
        name = "" if self.name is None else f" AS {self.name}"
        return f"<AliasedInsp at 0x{id(self):x}; {self.class_.__name__}{name}>"

    def __str__(self) -> str:
        return f"aliased({self.class_.__name__})"


def _equivalent_columns(mapper: Mapper) -> dict[Any, set[Any]]:
    """Columns of a join that are one attribute: an alias may have only one of them."""
    equivalents: dict[Any, set[Any]] = {}
    for prop in mapper.column_props:
        for column in prop.columns if len(prop.columns) > 1 else ():
            equivalents.setdefault(column, set()).update(each for each in prop.columns if each is not column)
    return equivalents


def _aliased_insp(entity: Any) -> AliasedInsp | None:
    if isinstance(entity, AliasedClass):
        return entity.__sa_inspect__()
    return entity if isinstance(entity, AliasedInsp) else None


def aliased(
    element: Any, alias: Any = None, name: str | None = None, flat: bool = False, adapt_on_names: bool = False
) -> Any:
    """Give an entity or a FROM clause another name for use in one statement.

    :param element: a mapped class, an alias of one, or a Core FROM clause.
    :param alias: a subquery, CTE or alias that has the columns of the entity; an alias of its table when not given.
    :param name: the name to render; made up when not given.
    :param flat: of a join, alias the tables in it rather than the join as a subquery.
    :param adapt_on_names: find the columns of *alias* by their names when they do not derive from the entity's table.
    :return: a stand-in for the class; for a FROM clause, its alias.
    :raises sqlalchemy.exc.ArgumentError: for a SELECT that is no subquery; for a FROM clause with *adapt_on_names*.

    >>> manager = aliased(Employee)  # doctest: +SKIP
    >>> select(Employee).join(manager, Employee.manager_id == manager.id)  # doctest: +SKIP
    """
    if isinstance(element, SelectBase):
        raise exc.aliased_select(element)
    if isinstance(element, FromClause) and entity_of(element) is None:
        if adapt_on_names:
            raise exc.adapt_on_names_of_selectable()
        return element._anonymous_fromclause(name=name, flat=flat)
    return AliasedClass(element, alias, name=name, flat=flat, adapt_on_names=adapt_on_names)


# sqlalchemy.inspect(alias) works as for the ORM's own aliases
inspects(AliasedClass)(AliasedClass.__sa_inspect__)
