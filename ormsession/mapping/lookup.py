"""From anything a user holds to the mapper or the state behind it.

``inspect`` is the public door: a mapped class gives its mapper, an object its state, a mapper, alias or
attribute itself; everything else is Core's to answer (engines, connections).  The other functions are for
callers who know what they hold and want an error that says so when it is something else.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import inspect as core_inspect

from .. import exc
from .._core import inspects
from ..tracking.attributes import Attribute
from ..tracking.instrumentation import opt_manager_of_class
from ..tracking.state import InstanceState
from .inspection import InspectionAttr
from .mapped_class import state_of
from .mapper import Mapper


def inspect(subject: Any, raiseerr: bool = True) -> Any:
    """What is known about a mapped class, an object, an alias or an attribute; else what Core's ``inspect`` gives.

    Looking alone does not configure mappers; asking the mapper for its attributes does.

    :param subject: a mapped class gives its :class:`Mapper`, an object its :class:`InstanceState`.
    :param raiseerr: False returns None, instead of raising, when there is nothing to say about *subject*.
    :raises NoInspectionAvailable: for classes and objects that are not mapped.

    >>> inspect(User).attrs.keys(), inspect(User(name="ed")).transient      # doctest: +SKIP
    (['id', 'name'], True)
    """
    if isinstance(subject, type):
        manager = opt_manager_of_class(subject)
        if manager is not None and manager.mapper is not None:
            return manager.mapper
    return core_inspect(subject, raiseerr)


def _itself(subject: Any) -> Any:
    return subject


def configured(mapper: Mapper) -> Mapper:
    """*mapper*, with its properties finished."""
    mapper.ensure_configured()
    return mapper


def mapper_of(entity: Any) -> Mapper:
    """The mapper of a mapped class, of an alias, or a mapper itself.

    :raises UnmappedClassError: for an unmapped class.
    :raises ArgumentError: for what is no class at all.
    """
    if isinstance(entity, Mapper):
        return configured(entity)
    return class_mapper(entity)


def class_mapper(class_: Any, configure: bool = True) -> Mapper:
    """The mapper of a mapped class.

    :param configure: configure all new mappers first.
    :raises UnmappedClassError: when the class is not mapped.
    :raises ArgumentError: when *class_* is no class.
    """
    if isinstance(class_, type):
        manager = opt_manager_of_class(class_)
        mapper = None if manager is None else manager.mapper
    else:
        found = core_inspect(class_, False)
        mapper = getattr(found, "mapper", None) if not isinstance(found, InstanceState) else None
    if not isinstance(mapper, Mapper):
        raise exc.UnmappedClassError(class_) if isinstance(class_, type) else exc.class_expected(class_)
    return configured(mapper) if configure else mapper


def object_mapper(instance: Any) -> Mapper:
    """The mapper of an object's class.

    :raises UnmappedInstanceError: when its class is not mapped.
    """
    mapper: Mapper | None = object_state(instance).mapper
    if mapper is None:
        raise exc.unmapped_instance(instance)
    return mapper


def object_state(instance: Any) -> InstanceState:
    """The state of an object.

    :raises UnmappedInstanceError: when its class is not mapped.
    """
    return state_of(instance)


def identity_key(
    class_: Any = None,
    ident: Any = None,
    *,
    instance: Any = None,
    row: Any = None,
    identity_token: Any = None,
) -> tuple[Any, ...]:
    """The key under which a session knows an object: ``(class, (primary key, ...), identity_token)``.

    :param class_: a mapped class, with *ident* or *row*.
    :param ident: the primary key; a tuple when it has several columns.
    :param instance: an object, instead of a class.
    :param row: a row with the primary key columns.
    :param identity_token: tells apart equal keys of several databases.

    >>> identity_key(User, 5)                                             # doctest: +SKIP
    (<class 'User'>, (5,), None)
    """
    if class_ is not None and (ident is None) != (row is None):
        mapper = class_mapper(class_)
        if row is not None:
            return mapper.identity_key_from_row(row, identity_token=identity_token)
        values = ident if isinstance(ident, Iterable) and not isinstance(ident, (str, bytes)) else (ident,)
        return mapper.identity_key_from_primary_key(values, identity_token=identity_token)
    if class_ is None and instance is not None:
        return object_mapper(instance).identity_key_from_instance(instance)
    raise exc.identity_key_arguments(sum(given is not None for given in (class_, ident, instance, row)))


for _kind in (Mapper, InstanceState, Attribute, InspectionAttr):
    inspects(_kind)(_itself)
