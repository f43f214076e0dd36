"""Criteria for every occurrence of an entity: ``with_loader_criteria(User, User.is_active)``.

The option is given to one statement and reaches all of it: its FROM list, its joins, its subqueries, what is
joined along, and, with the loaded objects, their later loads.  Soft deletion and tenants are made of it, so an
occurrence that is missed is rows shown to the wrong person.  Where the criteria go:

* of an entity on the right of a JOIN: into its ON clause, so that an outer join stays one;
* of any other entity in the FROM list: into WHERE.

What stands in the FROM list of a nested statement is known only when Core has decided which FROMs belong to the
enclosing one, hence the two steps of :class:`AppliedCriteria`: joins first, then the FROMs that are left.

Criteria may contain subqueries on the same entity.  Those are marked with the option they belong to, and the
option is not applied to them again: it would never end.

A lambda is called with the entity when the statement is compiled.  What it refers to is part of the statement's
cache key where it is a plain value or part of SQL.  A lambda that calls anything else may give something else next
time, so its statement is not cached.
"""

from __future__ import annotations

import datetime
import decimal
import dis
import enum
import types
import uuid
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from sqlalchemy import and_
from sqlalchemy.sql import visitors
from sqlalchemy.sql.expression import FromGrouping, Join, Select

from .. import exc
from .._core import NO_CACHE, ExecutableOption, HasCacheKey, coercions, roles
from ..tracking.instrumentation import opt_manager_of_class
from .entity import entity_of, owning_entity

WITHIN_NOTE = "ormsession_within_criteria"
"""An annotation of a ``select`` inside criteria: the options that are not applied to it."""

_PLAIN = (
    *(type(None), bool, int, float, complex, str, bytes, decimal.Decimal, uuid.UUID, enum.Enum),
    *(datetime.date, datetime.time, datetime.timedelta),
)


class LoaderCriteriaOption(ExecutableOption, HasCacheKey):
    """What :func:`with_loader_criteria` returns."""

    _is_has_cache_key = True
    _is_core = False
    _is_compile_state = False  # compile states ask for it by type, in nested statements too
    _is_user_defined = False
    inherit_cache = True

    def __init__(
        self, entity: Any, criteria: Any, *, include_aliases: bool, propagate_to_loaders: bool, track: bool
    ) -> None:
        self.base, self.entity = _base_and_entity(entity)
        self.include_aliases = include_aliases
        self.propagate_to_loaders = propagate_to_loaders
        self.tracks_variables = track
        self.function: types.FunctionType | None = criteria if isinstance(criteria, types.FunctionType) else None
        self.criteria: Any = None if self.function else coercions.expect(roles.WhereHavingRole, criteria)

    def applies_to(self, entity: Any, *, is_internal: bool = False) -> bool:
        """Whether *entity* is, or is an alias of, what the option is for.

        :param is_internal: the alias was not made by the program, which means the class when it is there.
        """
        if entity is self.entity:
            return True
        if self.entity is not None and self.entity.is_aliased_class:
            return False
        if entity.is_aliased_class and not self.include_aliases and not is_internal:
            return False
        return issubclass(entity.mapper.class_, self.base)

    def criteria_for(self, entity: Any, within: frozenset[LoaderCriteriaOption]) -> Any:
        """The criteria on the columns of *entity*.

        :param within: the options that do not apply to the statement; together with this one, they do not to
            subqueries in the criteria either.
        """
        if self.function is not None:
            criteria = coercions.expect(roles.WhereHavingRole, self.function(entity.entity))
        else:
            criteria = self.criteria
            if entity.is_aliased_class and entity is not self.entity:
                criteria = entity.adapt(criteria)
        if not any(isinstance(each, Select) for each in visitors.iterate(criteria)):
            return criteria

        def mark(statement: Any) -> None:
            statement._annotations = statement._annotations.union({WITHIN_NOTE: within | {self}})

        return visitors.cloned_traverse(criteria, {}, {"select": mark})

    def below(self, key: str) -> LoaderCriteriaOption:
        """The option for the objects that a relationship leads to: the same."""
        return self

    def _gen_cache_key(self, anon_map: Any, bindparams: list[Any]) -> Any:
        entity = self.base if self.entity is None else self.entity._gen_cache_key(anon_map, bindparams)
        if self.criteria is not None:
            criteria = self.criteria._gen_cache_key(anon_map, bindparams)
        else:
            assert self.function is not None
            variables = _variables(self.function, self.base) if self.tracks_variables else {}
            criteria = None if variables is None else _function_key(self.function, variables, anon_map, bindparams)
            if criteria is None:
                anon_map[NO_CACHE] = True
                return None
        return LoaderCriteriaOption, entity, criteria, self.include_aliases, self.propagate_to_loaders

    def __repr__(self) -> str:
        return f"<LoaderCriteriaOption for {self.base.__name__}>"


def _base_and_entity(given: Any) -> tuple[type, Any]:
    """The class and, unless it is not mapped itself, the entity that an option is for."""
    if isinstance(given, type):
        manager = opt_manager_of_class(given)
        return given, None if manager is None else manager.mapper
    entity = given if getattr(given, "is_mapper", False) else owning_entity(getattr(given, "__clause_element__", int)())
    if entity is None:
        raise exc.entity_expected(given)
    return entity.mapper.class_, entity


@lru_cache(maxsize=1000)
def _names_in(code: types.CodeType) -> tuple[frozenset[str], frozenset[str]] | None:
    """The global names and the attributes that a lambda speaks of; None when there is a function inside it."""
    if any(isinstance(constant, types.CodeType) for constant in code.co_consts):
        return None
    loads = [(instruction.opname, instruction.argval) for instruction in dis.get_instructions(code)]
    return (
        frozenset(name for operation, name in loads if operation == "LOAD_GLOBAL"),
        frozenset(name for operation, name in loads if operation in ("LOAD_ATTR", "LOAD_METHOD")),
    )


def _variables(function: types.FunctionType, base: type) -> dict[str, Any] | None:
    """What a lambda refers to; None when it calls something whose answer may differ from time to time."""
    names = _names_in(function.__code__)
    if names is None or not names[0] <= function.__globals__.keys():  # a built-in function
        return None
    methods = (getattr(base, name, None) for name in names[1])
    if any(isinstance(each, (types.FunctionType, types.MethodType)) for each in methods):
        return None
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    return {**{name: function.__globals__[name] for name in names[0]}, **{name: c.cell_contents for name, c in cells}}


def _function_key(function: Any, variables: dict[str, Any], anon_map: Any, bindparams: list[Any]) -> Any:
    """The lambda's part of a cache key; None when it has none."""
    if function.__defaults__ and not _is_plain(function.__defaults__):
        return None
    key: list[Any] = [function.__code__, function.__defaults__]
    for name, value in variables.items():
        if isinstance(value, HasCacheKey):
            key.append((name, value._gen_cache_key(anon_map, bindparams)))
        elif _is_plain(value):
            key.append((name, type(value), value))
        elif _is_of_sql(value):
            key.append((name, value))
        else:
            return None
    return tuple(key)


def _is_plain(value: Any) -> bool:
    return isinstance(value, _PLAIN) or (isinstance(value, (tuple, frozenset)) and all(map(_is_plain, value)))


def _is_of_sql(value: Any) -> bool:
    """Whether *value* makes SQL and nothing else: a mapped class, a function or object of SQLAlchemy."""
    if isinstance(value, type) and opt_manager_of_class(value) is not None:
        return True
    module = value.__module__ if isinstance(value, (type, types.FunctionType)) else type(value).__module__
    return module.partition(".")[0] == "sqlalchemy"


class AppliedCriteria:
    """The criteria of one statement on their way into it.

    :param options: those that apply.
    :param statement: the statement with its entities, before they become columns.
    """

    def __init__(self, options: Iterable[LoaderCriteriaOption], statement: Any) -> None:
        within = statement._annotations.get(WITHIN_NOTE, frozenset())
        self.options = [option for option in options if option not in within]
        self._within = within
        self._statement = statement
        self._entities: dict[Any, Any] | None = None  # FROM -> its entity; worked out when somebody asks

    def criteria_of(self, entity: Any, *, is_internal: bool = False) -> list[Any]:
        """All criteria on one entity."""
        return [
            option.criteria_for(entity, self._within)
            for option in self.options
            if option.applies_to(entity, is_internal=is_internal)
        ]

    def in_joins(self, origin: Any) -> Any:
        """*origin* with the criteria of entities on the right of its JOINs in their ON clauses."""
        if isinstance(origin, FromGrouping):
            return self.in_joins(origin.element).self_group()
        if not isinstance(origin, Join) or self._entity_at(origin) is not None:
            return origin
        left, right = self.in_joins(origin.left), self.in_joins(origin.right)
        criteria = self._criteria_at(_leftmost(right, self))
        if left is origin.left and right is origin.right and not criteria:
            return origin
        condition: Any = origin.onclause
        return Join(left, right, and_(condition, *criteria), isouter=origin.isouter, full=origin.full)

    def of_froms(self, froms: Iterable[Any]) -> list[Any]:
        """The criteria of the entities in a FROM list that are not on the right of a JOIN."""
        return [each for origin in froms for each in self._criteria_at(_leftmost(origin, self))]

    def _criteria_at(self, origin: Any) -> list[Any]:
        entity = self._entity_at(origin)
        return [] if entity is None else self.criteria_of(entity)

    def _entity_at(self, origin: Any) -> Any:
        """The entity that a FROM stands for; a plain table stands for the entity whose columns are asked for."""
        entity = origin._annotations.get("parententity")
        if entity is not None:
            return entity
        if self._entities is None:
            self._entities = _entities_of(self._statement)
        return self._entities.get(origin)


def _leftmost(origin: Any, applied: AppliedCriteria) -> Any:
    while applied._entity_at(origin) is None:
        if isinstance(origin, FromGrouping):
            origin = origin.element
        elif isinstance(origin, Join):
            origin = origin.left
        else:
            break
    return origin


def _entities_of(statement: Any) -> dict[Any, Any]:
    """FROM -> entity, for all whose columns a statement speaks of."""
    found: dict[Any, Any] = {}
    places = (statement._raw_columns, statement._where_criteria, statement._from_obj)
    for element in (each for place in places for each in place):
        for part in visitors.iterate(element):
            entity = getattr(part, "_annotations", {}).get("parententity")
            if entity is not None:
                found.setdefault(entity.selectable, entity)
    return found


def criteria_options(statement: Any, compiler: Any = None) -> list[LoaderCriteriaOption]:
    """The options that reach a statement: its own, and those of the statement that is being compiled around it."""
    options = _own_options(statement)
    outermost = None if compiler is None else compiler.compile_state
    if outermost is not None:
        given = getattr(outermost, "select_statement", outermost.statement)
        for each in (given, getattr(given, "element", None)):
            options.extend(option for option in _own_options(each) if option not in options)
    return options


def _own_options(statement: Any) -> list[LoaderCriteriaOption]:
    # options given before the columns were replaced are kept with the columns
    given = [option for part in getattr(statement, "_memoized_select_entities", ()) for option in part._with_options]
    given.extend(getattr(statement, "_with_options", ()))
    return [option for option in given if isinstance(option, LoaderCriteriaOption)]


def criteria_of_dml(statement: Any) -> tuple[Any, ...]:
    """The WHERE criteria of an UPDATE or DELETE of entities, with those of its options."""
    given: tuple[Any, ...] = statement._where_criteria
    entity = entity_of(statement.table)
    options = _own_options(statement)
    if not options or entity is None:
        return given
    return (*given, *(option.criteria_for(entity, frozenset()) for option in options if option.applies_to(entity)))


def with_loader_criteria(
    entity_or_base: Any,
    where_criteria: Any,
    loader_only: bool = False,
    include_aliases: bool = False,
    *,
    track_closure_variables: bool = True,
    propagate_to_loaders: bool = True,
) -> LoaderCriteriaOption:
    """Criteria for every occurrence of an entity in a statement.

    :param entity_or_base: a mapped class, an alias of one, or a class that mapped classes derive from.
    :param where_criteria: an expression, or a function that is given the class or alias and returns one.
    :param loader_only: accepted, without effect.
    :param include_aliases: aliases of the class are meant too.
    :param propagate_to_loaders: later loads of the objects, such as of their relationships, are meant too.
    :param track_closure_variables: what the function refers to may change from one statement to the next.
    :raises sqlalchemy.exc.ArgumentError: when *entity_or_base* is neither.

    >>> select(User).options(with_loader_criteria(Document, Document.deleted_at.is_(None)))  # doctest: +SKIP
    >>> select(User).options(with_loader_criteria(HasTenant, lambda cls: cls.tenant == 5))  # doctest: +SKIP
    """
    return LoaderCriteriaOption(
        entity_or_base,
        where_criteria,
        include_aliases=include_aliases,
        propagate_to_loaders=propagate_to_loaders,
        track=track_closure_variables,
    )
