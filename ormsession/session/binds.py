"""Which engine or connection serves which class, table and statement.

A session has one ``bind`` for everything, and ``binds`` for single classes and tables.  ``binds`` is an
immutable dictionary that is replaced as a whole, so whoever holds it sees no change under his hands.

Rules, in the order in which they apply

1. A bind that the caller names is taken.
2. Without ``binds`` the session's ``bind`` is taken: nothing is looked up.
3. A class is served by the bind of the first class in its ``__mro__`` that has one.
4. A statement is served by the bind of its leading entity, else of the first table in it that has one.
5. The session's ``bind`` is left; without it an error names what was looked for.

A mapped class in ``binds`` also enters its tables, for Core statements that name these.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import FromClause
from sqlalchemy.sql import visitors

from .. import exc
from ..mapping.lookup import class_mapper, inspect
from ..mapping.mapper import Mapper


def entries_for(target: Any, bind: Any) -> dict[Any, Any]:
    """The entries of ``binds`` that give *bind* to *target*.

    :param target: a mapped class or its mapper, an unmapped base class, or a table.
    :raises ArgumentError: for anything else.
    """
    if isinstance(target, FromClause):
        return {target: bind}
    subject = inspect(target, False) if not isinstance(target, str) else None
    if isinstance(subject, Mapper):
        return {subject.class_: bind, **dict.fromkeys(subject.tables, bind)}
    if isinstance(target, type):
        return {target: bind}
    raise exc.not_a_bind_target(target)


def entries_of(binds: Mapping[Any, Any] | None) -> dict[Any, Any]:
    """All entries for the ``binds`` argument of a session."""
    entries: dict[Any, Any] = {}
    for target, bind in (binds or {}).items():
        entries.update(entries_for(target, bind))
    return entries


def find_bind(binds: Mapping[Any, Any], bind: Any, mapper: Any, clause: Any) -> Any:
    """The bind for a mapper, a statement, or both.

    :param binds: the entries of the session.
    :param bind: the session's bind for everything else, or None.
    :param mapper: a mapped class, its mapper, or None.
    :param clause: a statement or table, or None.
    :raises UnboundExecutionError: when there is none.
    """
    entity = None if mapper is None else _mapper_of(mapper)
    if binds:
        found = _bind_of_mapper(binds, entity)
        if found is None:
            found = _bind_of_clause(
                binds, entity.persist_selectable if clause is None and entity is not None else clause
            )
        if found is not None:
            return found
    if bind is not None:
        return bind
    raise exc.no_bind(entity, clause)


def _mapper_of(entity: Any) -> Mapper:
    if not isinstance(entity, (type, Mapper)):
        inspect(entity)  # what means nothing at all raises the error that says so
    return class_mapper(entity)


def _bind_of_mapper(binds: Mapping[Any, Any], mapper: Any) -> Any:
    if mapper is not None:
        for class_ in mapper.class_.__mro__:
            if class_ in binds:
                return binds[class_]
    return None


def _bind_of_clause(binds: Mapping[Any, Any], clause: Any) -> Any:
    if clause is None:
        return None
    subject = clause._propagate_attrs.get("plugin_subject")
    found = _bind_of_mapper(binds, None if subject is None else subject.mapper)
    if found is not None:
        return found
    for element in visitors.iterate(clause):
        if isinstance(element, FromClause) and element in binds:
            return binds[element]
    return None
