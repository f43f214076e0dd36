"""The registry: what maps classes, and knows which ones it has mapped.

Registries are independent of each other: each can be configured and disposed alone, as long as no class of
one refers to a class of another.  A registry holds its classes weakly.  What keeps a mapped class alive is
its entry with ``sqlalchemy.inspect``; a program that maps classes by the dozen disposes of their registry
when it has done with them.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import MetaData

from ..events import RegistryEvents, bind_events
from . import configuration
from .mapped_class import keyword_constructor
from .mapper import Mapper


class registry:
    """Maps classes.

    :param metadata: the ``MetaData`` of the tables; a new one when left out.
    :param class_registry: the dictionary in which classes are found by name.
    :param type_annotation_map: Python type to SQL type, for columns that are written as annotations.
    :param constructor: the ``__init__`` of mapped classes that have none; None leaves them without.

    ::

        mapping = registry()
        mapping.map_imperatively(User, users)
    """

    dispatch: Any  # put here by bind_events

    def __init__(
        self,
        *,
        metadata: MetaData | None = None,
        class_registry: Any = None,
        type_annotation_map: Mapping[Any, Any] | None = None,
        constructor: Callable[..., None] | None = keyword_constructor,
    ) -> None:
        self.metadata = MetaData() if metadata is None else metadata
        self.constructor = constructor
        self.type_annotation_map: dict[Any, Any] = dict(type_annotation_map or {})
        self._class_registry: Any = {} if class_registry is None else class_registry
        # class name -> mapped classes of that name, for relationships that name their target; written by enter
        self._named: dict[str, weakref.WeakSet[type]] = {}
        # managers of the mapped classes; written by enter and forget_mappers
        self._managers: weakref.WeakKeyDictionary[Any, None] = weakref.WeakKeyDictionary()
        # True from the moment a mapper is made until all are configured; read before every use of a mapped class
        self._new_mappers = False
        # registries whose classes ours refer to, and the other way round; written by add_dependency
        self.dependencies: weakref.WeakSet[registry] = weakref.WeakSet()
        self.dependents: weakref.WeakSet[registry] = weakref.WeakSet()
        configuration.registries.add(self)

    def map_imperatively(self, class_: type, local_table: Any = None, **options: Any) -> Mapper:
        """Map a class to a table, a join, or a subquery.

        :param class_: a plain class, a dataclass or an attrs class.
        :param local_table: what objects are selected from; only tables inside it can be written.
        :param options: ``properties`` (attribute name to column, or to a property such as ``column_property(...)``),
            ``include_properties``, ``exclude_properties`` (columns or their names), ``column_prefix``, ``primary_key``,
            ``version_id_col``, ``version_id_generator``, ``eager_defaults``, ``batch``, ``confirm_deleted_rows``,
            ``passive_updates``, ``passive_deletes``, ``allow_partial_pks``.
        :return: the :class:`Mapper`.
        :raises ArgumentError: when the class cannot be mapped so; it says why, and the class is as before.

        ::

            mapping.map_imperatively(User, users, properties={"login": users.c.user_name})
        """
        return Mapper(class_, local_table, registry=self, **options)

    # ------------------------------------------------------------ its mappers

    @property
    def mappers(self) -> frozenset[Mapper]:
        """The mappers of this registry."""
        return frozenset(manager.mapper for manager in list(self._managers))

    def classes_named(self, name: str) -> set[type]:
        """The mapped classes of that name; several when they come from different modules."""
        return set(self._named.get(name, ()))

    @property
    def has_mappers(self) -> bool:
        """Whether any class is mapped."""
        return bool(self._managers)

    def enter(self, mapper: Mapper) -> None:
        """A mapper has been made."""
        self._managers[mapper.class_manager] = None
        self._named.setdefault(mapper.class_.__name__, weakref.WeakSet()).add(mapper.class_)
        mapper.class_manager.before_first_instance = mapper.ensure_configured
        self.flag_new_mapper()

    def leave(self, mapper: Mapper) -> None:
        """A mapper could not be finished."""
        self._managers.pop(mapper.class_manager, None)
        self._named.get(mapper.class_.__name__, weakref.WeakSet()).discard(mapper.class_)

    def forget_mappers(self) -> None:
        """Take the mapping off all classes of this registry."""
        for mapper in self.mappers:
            mapper.dispose()
        self._managers.clear()
        self._named.clear()
        self._new_mappers = False
        for other in self.dependencies:
            other.dependents.discard(self)
        self.dependencies.clear()

    def add_dependency(self, other: registry) -> None:
        """A class of this registry refers to one of *other*."""
        if other is not self:
            self.dependencies.add(other)
            other.dependents.add(self)

    # ------------------------------------------------------------ configuring

    def configure(self, cascade: bool = False) -> None:
        """Configure the mappers of this registry that are new.

        :param cascade: also those of registries that this one depends on.
        :raises InvalidRequestError: when other registries would have to be configured and *cascade* is False.
        """
        configuration.configure_registries((self,), cascade=cascade)

    def dispose(self, cascade: bool = False) -> None:
        """Take the mapping off all classes of this registry; they are plain classes again.

        :param cascade: also off the classes of registries that depend on this one.
        :raises InvalidRequestError: when there are such registries and *cascade* is False.
        """
        configuration.dispose_registries((self,), cascade=cascade)

    @property
    def has_new_mappers(self) -> bool:
        """Whether mappers wait to be configured, here or in a registry that this one depends on."""
        return self._new_mappers

    def flag_new_mapper(self) -> None:
        """A mapper waits to be configured: every class that may refer to it looks again before it is used."""
        for dependent in configuration.with_dependents((self,)):
            dependent._await_configuration()

    def _await_configuration(self) -> None:
        if not self._new_mappers:
            for manager in list(self._managers):
                manager.before_first_instance = manager.mapper.ensure_configured
            self._new_mappers = True

    def waiting_mappers(self) -> list[Mapper]:
        """The mappers that have not been configured, and those that failed."""
        waiting = [mapper for mapper in self.mappers if not mapper.configured or mapper.configure_error is not None]
        return sorted(waiting, key=lambda mapper: mapper.number)

    def all_configured(self) -> None:
        """All mappers have been configured."""
        self._new_mappers = False
        for manager in list(self._managers):
            manager.before_first_instance = None


bind_events(RegistryEvents, registry)
