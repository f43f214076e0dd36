"""The statements that loading sends of its own accord: built once per mapper, then executed again and again.

Building a ``select`` costs three times what executing a kept one does, and Core finds the compiled form of a
kept statement by a cache key that it computes only once.  They lie in ``mapper.memo`` under a
:class:`KeptStatement`, and go with the mapper.

* :func:`entity_select` returns whole entities by primary key; rows pass through the row loop.
* :func:`attribute_select` returns some column attributes of one row, for an object that is there;
  :func:`attributes_select` those of many.

A NULL in a key cannot be a parameter (``= NULL`` matches nothing), so a statement is kept per set of parts
that are NULL; as good as always that is the empty set.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, null, select, tuple_

from ..mapping import hooks

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper

NullParts = tuple[int, ...]

KEYS_PER_STATEMENT = 500
"""How many keys one statement asks for; databases limit the number of parameters."""


@dataclass(frozen=True, slots=True)
class KeptStatement:
    """Under what a statement lies in a mapper's memo."""

    keys: frozenset[str] | None
    """The attributes that it returns; None for the entity."""
    null_parts: NullParts


_ENTITY_BY_KEY = KeptStatement(None, ())


def entity_select(mapper: Mapper, pk: Any) -> tuple[Any, dict[str, Any]]:
    """The statement that returns the entity of one primary key, and its parameters.

    :param mapper: of the entity.
    :param pk: the bare value of a one-column key, else a tuple.
    """
    null_parts, parameters = _parameters(mapper, pk)
    kept = KeptStatement(None, null_parts) if null_parts else _ENTITY_BY_KEY
    statement = mapper.memo.get(kept)
    if statement is None:
        statement = select(hooks.entity_clause(mapper)).where(_criterion(mapper, null_parts))
        mapper.memo[kept] = statement
    return statement, parameters


def attribute_select(mapper: Mapper, pk: Any, keys: Iterable[str]) -> tuple[Any, dict[str, Any]]:
    """The statement that returns column attributes of one row in the order of the mapper's, and its parameters.

    :param mapper: of the object.
    :param pk: the bare value of a one-column key, else a tuple.
    :param keys: names of column attributes.
    """
    null_parts, parameters = _parameters(mapper, pk)
    wanted = frozenset(keys)
    kept = KeptStatement(wanted, null_parts)
    statement = mapper.memo.get(kept)
    if statement is None:
        columns = [prop.expression for prop in mapper.column_props if prop.key in wanted]
        statement = select(*columns).select_from(mapper.selectable).where(_criterion(mapper, null_parts))
        mapper.memo[kept] = statement
    return statement, parameters


def attributes_select(mapper: Mapper, keys: Iterable[str]) -> Any:
    """The statement that returns primary key and column attributes of many rows.

    :param mapper: of the objects.
    :param keys: names of column attributes.
    :return: a statement with the parameter ``primary_keys``, a list.
    """
    wanted = frozenset(keys)
    kept = ("many", KeptStatement(wanted, ()))
    statement = mapper.memo.get(kept)
    if statement is None:
        columns = [prop.expression for prop in mapper.column_props if prop.key in wanted]
        statement = select(*mapper.primary_key, *columns).select_from(mapper.selectable)
        statement = mapper.memo[kept] = statement.where(is_among(mapper.primary_key))
    return statement


def is_among(columns: Sequence[Any]) -> Any:
    """The condition that *columns* are one of the keys in the parameter ``primary_keys``."""
    left = columns[0] if len(columns) == 1 else tuple_(*columns)
    return left.in_(bindparam("primary_keys", expanding=True))


def _parameters(mapper: Mapper, pk: Any) -> tuple[NullParts, dict[str, Any]]:
    if len(mapper.primary_key) == 1:
        return ((), {"pk_1": pk}) if pk is not None else ((0,), {})
    return (
        tuple(index for index, part in enumerate(pk) if part is None),
        {f"pk_{index}": part for index, part in enumerate(pk, 1) if part is not None},
    )


def _criterion(mapper: Mapper, null_parts: NullParts) -> Any:
    return and_(
        *(
            column.is_(null()) if index in null_parts else column == bindparam(f"pk_{index + 1}", type_=column.type)
            for index, column in enumerate(mapper.primary_key)
        )
    )


def with_lock(statement: Any, with_for_update: Any) -> Any:
    """*statement* with FOR UPDATE.

    :param with_for_update: True, a dictionary of options, an object with those options as attributes
        (what ``Query`` keeps), or None or False for no lock.
    """
    if with_for_update is None or with_for_update is False:
        return statement
    if with_for_update is True:
        return statement.with_for_update()
    if isinstance(with_for_update, dict):
        return statement.with_for_update(**with_for_update)
    words = ("read", "nowait", "of", "skip_locked", "key_share")
    return statement.with_for_update(**{word: getattr(with_for_update, word) for word in words})
