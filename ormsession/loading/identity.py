"""One object by its primary key.

:func:`get_by_key` looks into the session's identity map first: an object that is there costs no SQL.  Only one
that was expired as a whole is loaded again, since nobody knows whether its row still exists.  Otherwise the
mapper's kept SELECT is executed and its row goes through the row loop like any other.

:func:`primary_key` turns what the program gave (a value, a tuple, a dictionary) into the key in the form in
which the identity map has it.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import SAWarning

from .. import exc
from ..mapping.properties import SynonymProperty
from ..tracking.ownership import Owner
from ..tracking.symbols import PASSIVE_OFF
from .context import DEFAULT_OPTIONS, LoadOptions
from .result import load_all
from .statements import entity_select, with_lock

if TYPE_CHECKING:
    from ..mapping.mapper import Mapper

_PLAIN_TYPES = frozenset((int, str))


def primary_key(mapper: Mapper, ident: Any) -> Any:
    """The primary key that *ident* means, as identity maps have it.

    :param mapper: of the entity that is looked for.
    :param ident: the value of a one-column key; a tuple or list in the order of the key's columns; or a
        dictionary of attribute names.
    :return: the bare value of a one-column key, else a tuple.
    :raises InvalidRequestError: when it has too few, too many or unknown parts.
    """
    arity = len(mapper.primary_key)
    if arity == 1 and type(ident) in _PLAIN_TYPES:  # the common case first: a get is a matter of microseconds
        return ident
    if isinstance(ident, dict):
        ident = _key_from_names(mapper, ident)
    if not _is_composite(ident):
        if arity != 1:
            raise exc.wrong_key_arity(mapper)
        return ident
    if len(ident) != arity:
        raise exc.wrong_key_arity(mapper)
    return ident[0] if arity == 1 else tuple(ident)


def _is_composite(ident: Any) -> bool:
    """Whether *ident* is a sequence of key parts: a tuple, a list, a row, an identity key's part."""
    return isinstance(ident, Sequence) and not isinstance(ident, (str, bytes, bytearray, memoryview))


def _key_from_names(mapper: Mapper, names: Mapping[str, Any]) -> tuple[Any, ...]:
    given = dict(names)
    for name in list(given):
        prop = mapper.props.get(name)
        if isinstance(prop, SynonymProperty):
            given[prop.name] = given.pop(name)
    if set(given) != set(mapper.pk_keys):
        raise exc.wrong_key_names(mapper)
    return tuple(given[key] for key in mapper.pk_keys)


def get_by_key(
    owner: Owner,
    mapper: Mapper,
    pk: Any,
    *,
    options: Sequence[Any] = (),
    populate_existing: bool = False,
    with_for_update: Any = None,
    identity_token: Any = None,
    execution_options: Mapping[str, Any] | None = None,
) -> Any:
    """The object with a primary key, from the identity map or the database.

    :param owner: the session that asks.
    :param mapper: of the entity.
    :param pk: the key as :func:`primary_key` returns it.
    :param options: loader options.
    :param populate_existing: overwrite an object that is there.
    :param with_for_update: lock the row; True or a dictionary of options.
    :param identity_token: where the object lives, among several databases.
    :param execution_options: for the statement.
    :return: the object, or None when there is no row, or one of another class.
    :raises StaleDataError: when a row is locked and the object that is there has another version id.
    """
    is_locking = with_for_update is not None and with_for_update is not False
    if not (populate_existing or is_locking or mapper.always_refresh):
        state = owner.identity_map.get_state(mapper.class_manager.identity_class, pk, identity_token)
        if state is not None and (instance := state()) is not None:
            if not isinstance(instance, mapper.class_):
                return None
            return _checked(owner, state, instance) if state.extras is not None and state.expired else instance
    if pk is None or (type(pk) is tuple and all(part is None for part in pk)):
        _warn_null_key()
    load_options = DEFAULT_OPTIONS
    if populate_existing or is_locking or identity_token is not None or options or execution_options:
        load_options = LoadOptions(
            populate_existing=populate_existing,
            check_version=is_locking,
            identity_token=identity_token,
            execution_options=execution_options or {},
        )
    return _fetch(owner, mapper, pk, options=options, with_for_update=with_for_update, load_options=load_options)


def _fetch(
    owner: Owner, mapper: Mapper, pk: Any, *, options: Sequence[Any], with_for_update: Any, load_options: LoadOptions
) -> Any:
    """Ask the database for an object."""
    statement, parameters = entity_select(mapper, pk)
    if options:
        statement = statement.options(*options)
        load_options = replace(
            load_options, propagated=tuple(o for o in options if getattr(o, "propagate_to_loaders", False))
        )
    statement = with_lock(statement, with_for_update)
    result = owner.run(
        statement, parameters, mapper=mapper, execution_options=load_options.execution_options or None, autoflush=True
    )
    found = load_all(owner, result, options=load_options)
    return found[0] if found else None


def _checked(owner: Owner, state: Any, instance: Any) -> Any:
    """An expired object, loaded again; None when its row is gone, and then the session lets go of it."""
    try:
        state.load_expired(PASSIVE_OFF)
    except exc.ObjectDeletedError:
        owner.row_is_gone(state)
        return None
    return instance


def _warn_null_key() -> None:
    warnings.warn(
        "fully NULL primary key identity cannot load any object.  "
        "This condition may raise an error in a future release.",
        SAWarning,
        stacklevel=5,
    )
