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

from sqlalchemy.sql.expression import FromClause

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
        mapper = _mapper_below(mapped_class_or_alias)
        if alias is None:
            selectable = mapper.selectable._anonymous_fromclause(name=name, flat=flat)
        else:
            selectable = coercions.expect(roles.FromClauseRole, alias)
        self.__dict__["_sa_aliased"] = AliasedInsp(self, mapper, selectable, name=name, adapt_on_names=adapt_on_names)
        self.__name__ = mapper.class_.__name__

    def __clause_element__(self) -> Any:
        return self.__dict__["_sa_aliased"].__clause_element__()

    def __sa_inspect__(self) -> AliasedInsp:
        insp: AliasedInsp = self.__dict__["_sa_aliased"]
        return insp

    def __getattr__(self, name: str) -> Any:
        insp = self.__dict__.get("_sa_aliased")
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
        return str(self.__dict__["_sa_aliased"])


def _bound_to_alias(attribute: Any, alias: AliasedClass) -> Any:
    if isinstance(attribute, types.FunctionType):
        return types.MethodType(attribute, alias)
    bound = attribute.__get__(None, alias)
    if hasattr(bound, "adapt_to_entity"):
        return bound.adapt_to_entity(alias.__dict__["_sa_aliased"])
    return bound


class AliasedInsp(InspectionAttr, HasCacheKey):
    """What an :class:`AliasedClass` means: the mapper and the FROM that takes its table's place.

    ``entity`` is the alias, ``mapper`` the mapper of its class, ``selectable`` the FROM, ``name`` the name
    given to :func:`aliased` or None.
    """

    is_aliased_class = True
    is_selectable = True
    inherit_cache = True

    _cache_key_traversal = [
        ("name", InternalTraversal.dp_string),
        ("mapper", InternalTraversal.dp_has_cache_key),
        ("selectable", InternalTraversal.dp_clauseelement),
        ("adapt_on_names", InternalTraversal.dp_boolean),
    ]

    def __init__(
        self, entity: AliasedClass, mapper: Mapper, selectable: Any, *, name: str | None, adapt_on_names: bool
    ) -> None:
        self.entity = entity
        self.mapper = mapper
        self.selectable = selectable
        self.name = name
        self.adapt_on_names = adapt_on_names
        self._adapter = ColumnAdapter(
            selectable,
            equivalents=_equivalent_columns(mapper),
            adapt_on_names=adapt_on_names,
            anonymize_labels=True,
            adapt_from_selectables={mapper.selectable, mapper.local_table},
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
        return self._adapter.traverse(expression)

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


def _mapper_below(entity: Any) -> Mapper:
    if isinstance(entity, AliasedClass):
        return entity.__dict__["_sa_aliased"].mapper  # type: ignore[no-any-return]
    if isinstance(entity, AliasedInsp):
        return entity.mapper
    return mapper_of(entity)


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
    :raises sqlalchemy.exc.ArgumentError: when *adapt_on_names* is given for a FROM clause.

    >>> manager = aliased(Employee)  # doctest: +SKIP
    >>> select(Employee).join(manager, Employee.manager_id == manager.id)  # doctest: +SKIP
    """
    if isinstance(element, FromClause) and entity_of(element) is None:
        if adapt_on_names:
            raise exc.adapt_on_names_of_selectable()
        return element._anonymous_fromclause(name=name, flat=flat)
    return AliasedClass(element, alias, name=name, flat=flat, adapt_on_names=adapt_on_names)


def entity_inspection(thing: Any) -> Any:
    """The entity that a class, a mapper or an alias is, or None when it is none of them."""
    if isinstance(thing, AliasedClass):
        return thing.__dict__["_sa_aliased"]
    if isinstance(thing, AliasedInsp) or getattr(thing, "is_mapper", False):
        return thing
    return getattr(getattr(thing, "_sa_class_manager", None), "mapper", None)


# sqlalchemy.inspect(alias) works as for the ORM's own aliases
inspects(AliasedClass)(AliasedClass.__sa_inspect__)
