"""The mapper: what is known about one mapped class.

A mapper is the hub that every room above reads.  Its facts (which attribute stands for which column, the
primary key, the tables) are computed once and kept in tuples and dictionaries that are replaced, never
changed, when a property is added later: whoever holds one of them holds a consistent answer.

How one comes to be: ``registry.map_imperatively`` makes it.  The constructor is the list of steps; each
concerns this class alone, and when one fails the class is left as it was.  What needs other mappers happens
in ``configure``, which ``configuration`` calls once.

Rules

* Nothing here builds a statement or knows a session.
* ``memo`` belongs to the rooms above: what they derive from the mapper lives there under keys of their own
  and goes when the mapper changes or is disposed.
* A mapper is a cache key by identity, so statements about it are compiled once.

Invariant: ``key_of(column)`` names a property of ``column_props`` for each column in ``primary_key``.
Invariant: every key of ``props`` is an attribute of the mapped class.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Literal

from .. import exc
from .._core import HasCacheKey, InternalTraversal
from ..events import MapperEvents, apply_held, bind_events
from ..tracking.instrumentation import ClassManager, opt_manager_of_class
from ..tracking.symbols import PASSIVE_OFF
from . import configuration, hooks, mapped_class, validation
from .columns import (
    arrange,
    as_property,
    column_behind_synonym,
    mark_writable,
    own_column,
    properties_by_column,
    tables_of,
)
from .inspection import InspectionAttr, descriptors_of
from .namespace import ColumnNamespace, Namespace
from .options import MapperOptions, parse_options
from .primary_key import primary_key_of, primary_keys_by_table
from .properties import ColumnProperty, MapperProperty, SynonymProperty
from .relationship import RelationshipProperty

if TYPE_CHECKING:
    from ..tracking.state import InstanceState
    from .registry import registry as Registry


_numbers = itertools.count(1)


class Mapper(InspectionAttr, HasCacheKey):
    """How one class is mapped; ``inspect(User)`` returns it.

    Made by :meth:`registry.map_imperatively`, never directly.

    >>> inspect(User).primary_key, inspect(User).attrs.keys()          # doctest: +SKIP
    ((Column('id', ...),), ['id', 'name'])
    """

    is_mapper = True
    is_selectable = False
    inherit_cache = True
    _cache_key_traversal = [("mapper", InternalTraversal.dp_plain_obj)]

    # what a class without a hierarchy answers
    inherits: Mapper | None = None
    single = False
    concrete = False
    polymorphic_on: Any = None
    polymorphic_identity: Any = None

    dispatch: Any  # put here by bind_events
    class_manager: Any = ClassManager  # that of the class; on Mapper itself, for listeners, those of all classes
    validators: Mapping[str, tuple[Any, dict[str, bool]]]
    reconstructors: tuple[Any, ...]
    orphan_parents: list[tuple[str, type]]
    """(attribute, class) of the relationships with delete-orphan that lead here; written when they are configured."""

    def __init__(
        self,
        class_: type,
        local_table: Any = None,
        properties: Mapping[str, Any] | None = None,
        *,
        registry: Registry | None = None,
        **options: Any,
    ) -> None:
        if registry is None:
            raise exc.mapper_made_directly()
        mapped_class.check_class(class_)
        self.class_ = class_
        self.registry = registry
        self.local_table = self.persist_selectable = mapped_class.checked_selectable(class_, local_table)
        self._set_options(parse_options(class_, {"properties": properties, **options}))
        self.configured = False  # written by configure
        self.configure_error: BaseException | None = None  # what configure raised; kept until the mapper is disposed
        self.is_disposed = False
        self.orphan_parents = []
        self.memo: dict[Any, Any] = {}  # see the head of the module

        self.number = next(_numbers)  # mappers are configured in the order in which they were made
        validation.find_marked(self)
        apply_held(MapperEvents, class_, self)
        self.dispatch.instrument_class(self, class_)
        self.class_manager = mapped_class.instrument(self)
        try:
            self._set_properties(arrange(self))
            for prop in self.props.values():
                prop.instrument_class(self)
            validation.listen_for_loads(self)
            validation.listen_for_values(self, self.props)
            registry.enter(self)
            self.dispatch.after_mapper_constructed(self, class_)
        except BaseException:
            registry.leave(self)
            self.dispose()
            raise

    # ------------------------------------------------------------ facts

    def _set_options(self, options: MapperOptions) -> None:
        """Options that are facts as they are, where the rooms above read them."""
        self.options = options
        self.eager_defaults: bool | Literal["auto"] = options.eager_defaults
        self.batch = options.batch
        self.confirm_deleted_rows = options.confirm_deleted_rows
        self.passive_updates = options.passive_updates
        self.passive_deletes = options.passive_deletes
        self.allow_partial_pks = options.allow_partial_pks
        self.always_refresh = options.always_refresh

    def _set_properties(self, props: Mapping[str, MapperProperty]) -> None:
        """Compute everything that follows from the properties."""
        for key, prop in props.items():
            prop.set_parent(self, key)
        self.props: Mapping[str, MapperProperty] = props
        self.column_props: tuple[ColumnProperty, ...] = tuple(
            p for p in props.values() if isinstance(p, ColumnProperty)
        )
        self.tables: tuple[Any, ...] = tables_of(self.persist_selectable)
        self._columntoproperty: Mapping[Any, ColumnProperty] = properties_by_column(self.column_props)
        self.pks_by_table: Mapping[Any, tuple[Any, ...]] = primary_keys_by_table(self)
        self.primary_key: tuple[Any, ...] = primary_key_of(self)
        self.pk_keys: tuple[str, ...] = tuple(self._columntoproperty[column].key for column in self.primary_key)
        mark_writable(self)
        self._set_version(self.options.version_id_col)
        self.memo.clear()
        manager = self.class_manager
        manager.identity_class = self.class_
        manager.pk_arity = len(self.primary_key)

    def _set_version(self, column: Any) -> None:
        self.version_id_col: Any = None
        self.version_id_key: str | None = None
        self.version_id_generator: Any = self.options.version_id_generator
        if self.version_id_generator is None:
            self.version_id_generator = next_number
        if column is not None:
            self.version_id_col = own_column(self, column, "version_id_col")
            self.version_id_key = self.key_of(self.version_id_col)
            if self.version_id_key is None:
                raise exc.option_column_not_mapped(self, "version_id_col", self.version_id_col)

    def key_of(self, column: Any) -> str | None:
        """The name of the attribute that stands for *column*, or None when it is not mapped."""
        prop = self._columntoproperty.get(column)
        return None if prop is None else prop.key

    def is_identifying(self, prop: ColumnProperty) -> bool:
        """Whether the attribute finds the row of an object: part of the primary key, or the version."""
        return prop.key in self.pk_keys or prop.key == self.version_id_key

    # ------------------------------------------------------------ what it is

    @property
    def mapper(self) -> Mapper:
        """The mapper itself; aliases answer with the mapper they stand for."""
        return self

    @property
    def entity(self) -> type:
        """The mapped class."""
        return self.class_

    @property
    def entity_namespace(self) -> type:
        """Where Core's ``filter_by`` finds the names of attributes: the class."""
        return self.class_

    @property
    def selectable(self) -> Any:
        """What the class is selected from."""
        return self.persist_selectable

    @property
    def base_mapper(self) -> Mapper:
        """The mapper at the root of the hierarchy."""
        return self

    @property
    def with_polymorphic_mappers(self) -> list[Mapper]:
        """The mappers whose columns are selected along with this one's."""
        return []

    @property
    def self_and_descendants(self) -> frozenset[Mapper]:
        """This mapper and those that inherit from it."""
        return frozenset((self,))

    @property
    def polymorphic_map(self) -> dict[Any, Mapper]:
        """Discriminator value to mapper."""
        return {}

    def iterate_to_root(self) -> Iterator[Mapper]:
        """This mapper, its parent, and so on."""
        mapper: Mapper | None = self
        while mapper is not None:
            yield mapper
            mapper = mapper.inherits

    def polymorphic_iterator(self) -> Iterator[Mapper]:
        """This mapper and all below it."""
        return iter(self.self_and_descendants)

    def isa(self, other: Mapper) -> bool:
        """Whether this mapper is *other* or inherits from it."""
        return self is other or any(mapper is other for mapper in self.iterate_to_root())

    def common_parent(self, other: Mapper) -> bool:
        """Whether both belong to one hierarchy."""
        return self.base_mapper is other.base_mapper

    # ------------------------------------------------------------ properties

    @property
    def attrs(self) -> Namespace[MapperProperty]:
        """All properties by attribute name; configures the mappers first."""
        self.ensure_configured()
        return Namespace(self.props)

    @property
    def column_attrs(self) -> Namespace[ColumnProperty]:
        """The properties that stand for columns."""
        return self._properties_of_kind(ColumnProperty)

    @property
    def synonyms(self) -> Namespace[SynonymProperty]:
        """The properties that are other names."""
        return self._properties_of_kind(SynonymProperty)

    @property
    def relationships(self) -> Namespace[RelationshipProperty]:
        """The properties that lead to other mapped classes."""
        return self._properties_of_kind(RelationshipProperty)

    @property
    def composites(self) -> Namespace[MapperProperty]:
        """The properties that put several columns into one value."""
        self.ensure_configured()
        return Namespace({})

    def _properties_of_kind(self, kind: type[Any]) -> Namespace[Any]:
        self.ensure_configured()
        return Namespace({key: prop for key, prop in self.props.items() if isinstance(prop, kind)})

    @property
    def columns(self) -> ColumnNamespace:
        """The mapped columns by attribute name."""
        return ColumnNamespace({prop.key: prop.columns[0] for prop in self.column_props})

    c = columns

    @property
    def all_orm_descriptors(self) -> Namespace[Any]:
        """Everything on the class and its bases that takes part in mapping, attributes and extensions alike."""
        return Namespace(descriptors_of(self.class_))

    @property
    def iterate_properties(self) -> Iterator[MapperProperty]:
        """All properties, in order, without configuring."""
        return iter(self.props.values())

    def has_property(self, key: str) -> bool:
        """Whether there is a property of that name."""
        return key in self.props

    def get_property(self, key: str, _configure_mappers: bool = False) -> MapperProperty:
        """The property of that name.

        :raises InvalidRequestError: when there is none.
        """
        if _configure_mappers:
            self.ensure_configured()
        try:
            return self.props[key]
        except KeyError:
            raise exc.no_property(self, key) from None

    def get_property_by_column(self, column: Any) -> ColumnProperty:
        """The property that stands for a column.

        :raises UnmappedColumnError: when the column is not mapped.
        """
        prop = self._columntoproperty.get(column)
        if prop is None:
            raise exc.unmapped_column(self, column)
        return prop

    def add_property(self, key: str, prop: Any) -> None:
        """Map one more attribute, also when the class is in use already.

        :param key: the name of the attribute; a column attribute of that name is replaced.
        :param prop: a column, or a property such as ``column_property(...)`` or ``synonym(...)``.
        """
        if "class_manager" not in self.__dict__:
            # a listener of instrument_class adds it: the class has no attributes yet
            self._set_options(self.options.with_property(key, prop))
            return
        prop = as_property(self, key, prop)
        added: dict[str, MapperProperty] = {key: prop}
        if isinstance(prop, SynonymProperty) and prop.map_column:
            others = {name: other for name, other in self.props.items() if name != key}
            added = {prop.name: column_behind_synonym(self, key, prop, others), key: prop}
        before = self.props
        try:
            # replaced properties keep their place in the order
            self._set_properties({**before, **added})
            for each in added.values():
                each.instrument_class(self)
        except BaseException:
            for name in added.keys() - before.keys():
                self.class_manager.uninstrument_attribute(name)
            self._set_properties(before)
            raise
        validation.listen_for_values(self, added)
        if self.configured:
            for each in added.values():
                each.init()
                each.post_instrument_class(self)
            hooks.install_loaders(self)
        else:
            self.registry.flag_new_mapper()

    # ------------------------------------------------------------ identity

    def identity_key_from_primary_key(self, primary_key: Iterable[Any], identity_token: Any = None) -> tuple[Any, ...]:
        """The identity key for primary key values in the order of :attr:`primary_key`."""
        return (self.class_manager.identity_class, tuple(primary_key), identity_token)

    def identity_key_from_row(self, row: Any, identity_token: Any = None, adapter: Any = None) -> tuple[Any, ...]:
        """The identity key for a row that has the primary key columns.

        :param row: a ``Row`` or ``RowMapping``.
        :param adapter: translates columns, when the row was selected from something derived from the table.
        """
        columns: Iterable[Any] = self.primary_key
        if adapter is not None:
            columns = [adapter.columns[column] for column in columns]
        values = getattr(row, "_mapping", row)
        return self.identity_key_from_primary_key((values[column] for column in columns), identity_token)

    def identity_key_from_instance(self, instance: Any) -> tuple[Any, ...]:
        """The identity key for the primary key values that *instance* has now."""
        state = mapped_class.state_of(instance)
        return self.identity_key_from_primary_key(self._primary_key_values(state), state.identity_token)

    def primary_key_from_instance(self, instance: Any) -> list[Any]:
        """The primary key values that *instance* has now, in the order of :attr:`primary_key`."""
        return self._primary_key_values(mapped_class.state_of(instance))

    def _primary_key_values(self, state: InstanceState) -> list[Any]:
        manager = state.manager
        values = state.dict
        return [manager[key].impl.get(state, values, PASSIVE_OFF) for key in self.pk_keys]

    # ------------------------------------------------------------ configuration

    def ensure_configured(self) -> None:
        """Configure all new mappers of the registry, when there are any."""
        if self.registry._new_mappers:
            configuration.configure_registries((self.registry,), cascade=True)

    @property
    def _post_inspect(self) -> None:
        # Core reads this attribute of everything it inspects before it uses it in a statement
        self.ensure_configured()

    def configure(self) -> None:
        """Finish the properties and let the rooms above install their loaders; called once by configuration."""
        finished: set[MapperProperty] = set()
        # a relationship to the class itself may add a property on the way: its other side
        while waiting := [prop for prop in self.props.values() if prop not in finished]:
            for prop in waiting:
                prop.init()
                prop.post_instrument_class(self)
            finished.update(waiting)
        hooks.install_loaders(self)
        self.configured = True
        self.dispatch.mapper_configured(self, self.class_)

    def dispose(self) -> None:
        """Take the mapping off the class again."""
        self.is_disposed = True
        self.configured = True
        mapped_class.restore(self)
        self.memo.clear()

    def _is_orphan(self, state: InstanceState) -> bool:
        """True when an attribute with delete-orphan should hold the object of *state*, and none does."""
        return any(
            not opt_manager_of_class(parent)[key].impl.hasparent(state, optimistic=state.pk is not None)  # type: ignore[index]
            for key, parent in self.orphan_parents
        )

    def __clause_element__(self) -> Any:
        return hooks.entity_clause(self)

    def __str__(self) -> str:
        return f"Mapper[{self.class_.__name__}({mapped_class.table_name(self.local_table)})]"

    def __repr__(self) -> str:
        return f"<Mapper at 0x{id(self):x}; {self.class_.__name__}>"


def next_number(version: int | None) -> int:
    """The usual version of a row: how often it was written."""
    return 1 if version is None else version + 1


def _mapper_target(target: Any) -> Any:
    """What a user means by a target of mapper events: all mappers, one of them, or that of a mapped class."""
    if isinstance(target, Mapper) or (isinstance(target, type) and issubclass(target, Mapper)):
        return target
    manager = opt_manager_of_class(target)
    return None if manager is None else manager.mapper


bind_events(MapperEvents, Mapper, _mapper_target, hold=True)
