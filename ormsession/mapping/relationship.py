"""An attribute that leads to objects of another mapped class.

A :class:`RelationshipProperty` keeps what the user said until mappers are configured; only then is the
target known, and with it the join condition, the direction, whether the attribute holds one object or a
collection, and the attribute on the other side.  The steps are those of ``do_init``.

The attribute stands on the class from the start, so that it can be used in statements and listened to;
its implementation is put behind it at the end of configuration (``post_instrument_class``).

What a relationship means when objects are loaded, flushed or cascaded is decided by the rooms above, which
read the facts here.  Nothing here builds a statement or knows a session.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar

from .. import exc
from .._core import coercions, roles
from ..tracking.instrumentation import opt_manager_of_class
from ..tracking.registration import complete_attribute, register_pending_attribute
from . import hooks
from .cascades import CascadeOptions
from .join_condition import (
    MANYTOMANY,
    MANYTOONE,
    ONETOMANY,
    JoinCondition,
    JoinSides,
    RelationshipDirection,
    columns_of,
)
from .naming import resolved
from .overlaps import note_writer
from .properties import MapperProperty
from .reverse import add_reverse, generate_backref

if TYPE_CHECKING:
    from .mapper import Mapper

LAZY = (
    "select", "joined", "selectin", "subquery", "immediate", "raise", "raise_on_sql", "noload",
    "write_only", "dynamic", "peers",
)  # fmt: skip
_LAZY_SYNONYMS: dict[Any, str] = {True: "select", False: "joined", None: "noload"}


class RelationshipProperty(MapperProperty):
    """A relationship of one mapped class to another; made by :func:`relationship`.

    Facts that stand after configuration: ``mapper`` (the target), ``direction``, ``uselist``,
    ``join_condition`` and what it offers, ``_reverse_property`` (the relationships on the other side).
    """

    Comparator: ClassVar[Any] = None  # filled by sql: the class that gives relationship attributes their operators
    mapper: Mapper
    join_condition: JoinCondition
    direction: RelationshipDirection
    uselist: bool | None

    def __init__(self, argument: Any = None, secondary: Any = None, **options: Any) -> None:
        super().__init__(info=options.pop("info", None), doc=options.pop("doc", None))
        settings = {**DEFAULTS, **options}
        unknown = set(options).difference(DEFAULTS)
        if unknown:
            raise TypeError(f"relationship() got an unexpected keyword argument {sorted(unknown)[0]!r}")
        self.argument = argument
        self.secondary = secondary
        self.primaryjoin = settings["primaryjoin"]
        self.secondaryjoin = settings["secondaryjoin"]
        self.foreign_keys_argument = settings["foreign_keys"]
        self.remote_side_argument = settings["remote_side"]
        if settings["_local_remote_pairs"] is not None:
            self.remote_side_argument = [remote_column for _, remote_column in settings["_local_remote_pairs"]]
        self.order_by = settings["order_by"]
        self.uselist = settings["uselist"]
        self.collection_class = settings["collection_class"]
        self.back_populates = settings["back_populates"]
        self.backref = settings["backref"]
        self.overlaps = _words(settings["overlaps"])
        self.post_update = settings["post_update"]
        self.viewonly = settings["viewonly"]
        self.lazy: str = _LAZY_SYNONYMS.get(settings["lazy"], settings["lazy"])
        self.passive_deletes = settings["passive_deletes"]
        self.passive_updates = settings["passive_updates"]
        self.active_history = settings["active_history"]
        self.enable_typechecks = settings["enable_typechecks"]
        self.join_depth = settings["join_depth"]
        self.single_parent = settings["single_parent"]
        self.innerjoin = settings["innerjoin"]
        self.distinct_target_key = settings["distinct_target_key"]
        self.load_on_pending = settings["load_on_pending"]
        self.omit_join = settings["omit_join"]
        self.comparator_factory = settings["comparator_factory"]
        self.query_class = settings["query_class"]
        self.sync_backref = settings["sync_backref"]
        self._reverse_property: set[RelationshipProperty] = set()
        """The relationships on the other side, which are kept in step with this one."""
        self._back_key: str | None = None
        """The attribute of the target that changes along with this one; None for none."""
        self._check_settings(settings)
        self._cascade = _cascades(settings["cascade"], viewonly=self.viewonly)

    def _check_settings(self, settings: dict[str, Any]) -> None:
        if self.lazy not in LAZY:
            raise exc.unknown_lazy(self.lazy, LAZY)
        if self.viewonly and self.sync_backref:
            raise exc.viewonly_with_sync_backref()
        if self.backref and self.back_populates:
            raise exc.backref_and_back_populates()
        if settings["cascade_backrefs"] not in (False, None):
            raise exc.cascade_backrefs_removed()

    @property
    def cascade(self) -> CascadeOptions:
        """Which operations on an object reach what the attribute holds."""
        return self._cascade

    @cascade.setter
    def cascade(self, words: Any) -> None:
        self._cascade = _cascades(words, viewonly=self.viewonly)
        if "mapper" in self.__dict__:
            self._check_cascades()
            self.parent.memo.clear()

    # ------------------------------------------------------------ on the class

    def instrument_class(self, mapper: Mapper) -> None:
        """Put the attribute on the class; what is behind it comes with configuration."""
        register_pending_attribute(
            mapper.class_,
            self.key,
            attribute_class=hooks.attribute_class,
            comparator=hooks.comparator_for(self, mapper),
            parententity=mapper,
            doc=self.doc,
        )

    def post_instrument_class(self, mapper: Mapper) -> None:
        """Put the implementation behind the attribute."""
        implementation = hooks.relationship_impl(self)
        if implementation is None:
            return
        attribute = mapper.class_manager[self.key]
        impl_class, options = implementation
        if self.viewonly:
            options = {**options, "records_changes": False}
        complete_attribute(
            attribute,
            impl_class=impl_class,
            uselist=bool(self.uselist),
            useobject=True,
            active_history=self.active_history or not self.refers_by_key,
            typecallable=self.collection_class,
            trackparent=self.tracks_parents,
            backref=self._back_key,
            **options,
        )
        hooks.install_cascades(self, attribute)

    @property
    def refers_by_key(self) -> bool:
        """The row of the object names the primary key of what it refers to, so nothing has to be loaded to know it."""
        return self.direction is MANYTOONE and self.remote_side == set(self.mapper.primary_key)

    @property
    def tracks_parents(self) -> bool:
        """Objects held must know who holds them: an orphan is recognised by it."""
        return self.cascade.delete_orphan or (self.direction is ONETOMANY and not self.viewonly) or self.single_parent

    # ------------------------------------------------------------ configuration

    def do_init(self) -> None:
        """Find the target, the join condition and the other side."""
        self.mapper = self._target()
        self.parent.registry.add_dependency(self.mapper.registry)
        self.secondary = self._secondary()
        self.join_condition = self._joined()
        self.primaryjoin, self.secondaryjoin = self.join_condition.primaryjoin, self.join_condition.secondaryjoin
        self.direction = self.join_condition.direction
        if self.uselist is None:
            self.uselist = self.direction is not MANYTOONE
        self.order_by = self._ordering()
        self._check_cascades()
        if self.cascade.delete_orphan:
            self.mapper.orphan_parents.append((self.key, self.parent.class_))
        if callable(self.back_populates) and not hasattr(self.back_populates, "is_attribute"):
            self.back_populates = self.back_populates()
        self.back_populates = getattr(self.back_populates, "key", self.back_populates)
        if not (self.back_populates is None or isinstance(self.back_populates, str)):
            raise exc.invalid_back_populates(self.back_populates)
        if self.back_populates:
            add_reverse(self, self.back_populates)
        elif self.backref:
            generate_backref(self, self.backref)
        note_writer(self)

    def _target(self) -> Mapper:
        argument = self.argument
        if isinstance(argument, str):
            argument = resolved(self, argument)
        if callable(argument) and not isinstance(argument, type) and not hasattr(argument, "is_mapper"):
            argument = argument()
        if isinstance(argument, type):
            manager = opt_manager_of_class(argument)
            if manager is None or manager.mapper is None:
                raise exc.UnmappedClassError(argument)
            found: Mapper = manager.mapper
            return found
        elif getattr(argument, "is_mapper", False):
            mapper: Mapper = argument
            return mapper
        elif getattr(argument, "is_aliased_class", False) or hasattr(argument, "_aliased_insp"):
            entity = getattr(argument, "_aliased_insp", argument)
            self.aliased_entity = entity
            aliased_mapper: Mapper = entity.mapper
            return aliased_mapper
        raise exc.relationship_target(self, argument)

    aliased_entity: Any = None

    @property
    def entity(self) -> Any:
        """What the relationship leads to: a mapper, or an alias of one."""
        self.parent.ensure_configured()
        return self.aliased_entity if self.aliased_entity is not None else self.mapper

    def _secondary(self) -> Any:
        secondary = self._value(self.secondary)
        if secondary is None:
            return None
        if isinstance(secondary, type):
            raise exc.secondary_is_a_class(self, secondary)
        if getattr(secondary, "is_selectable", False) and secondary in self.parent.tables + self.mapper.tables:
            exc.warn_secondary_is_mapped(self)
        return secondary

    def _value(self, value: Any) -> Any:
        """An argument that may be given as a name or a function."""
        if isinstance(value, str):
            value = resolved(self, value)
        if callable(value) and not isinstance(value, type) and not hasattr(value, "__clause_element__"):
            value = value()
        return value

    def _columns(self, argument: Any, name: str) -> list[Any]:
        argument = self._value(argument)
        if argument is None or argument is False:
            return []
        many = argument if isinstance(argument, (list, tuple, set, frozenset)) else [argument]
        try:
            return columns_of(
                [coercions.expect(roles.ColumnArgumentRole, self._value(each), argname=name) for each in many]
            )
        except exc.ArgumentError:
            raise
        except Exception as error:
            raise exc.column_expected(self, name, argument) from error

    def _condition(self, value: Any, name: str) -> Any:
        value = self._value(value)
        return None if value is None else coercions.expect(roles.OnClauseRole, value, argname=name, legacy=False)

    def _joined(self) -> JoinCondition:
        parent, entity = self.parent, self.aliased_entity or self.mapper
        target = entity.selectable if self.aliased_entity is not None else self.mapper.persist_selectable
        sides = JoinSides(
            str(self),
            parent.persist_selectable,
            target,
            parent.local_table,
            target if self.aliased_entity is not None else self.mapper.local_table,
            self.secondary,
            self._are_mapped,
        )
        return JoinCondition(
            sides,
            primaryjoin=self._condition(self.primaryjoin, "primaryjoin"),
            secondaryjoin=self._condition(self.secondaryjoin, "secondaryjoin"),
            foreign_keys=self._columns(self.foreign_keys_argument, "foreign_keys"),
            remote_side=self._columns(self.remote_side_argument, "remote_side"),
            writes=not self.viewonly,
        )

    def _are_mapped(self, *columns: Any) -> bool:
        """True when each column belongs to the parent, the target or the secondary table."""
        selectables = [self.parent.persist_selectable, self.mapper.persist_selectable]
        if self.aliased_entity is not None:
            selectables.append(self.aliased_entity.selectable)
        if self.secondary is not None:
            selectables.append(self.secondary)
        return all(any(selectable.c.contains_column(column) for selectable in selectables) for column in columns)

    def _ordering(self) -> Any:
        order = self._value(self.order_by)
        if order is False or order is None:
            return False
        many = order if isinstance(order, (list, tuple)) else [order]
        return [coercions.expect(roles.ColumnArgumentRole, self._value(each), argname="order_by") for each in many]

    def _check_cascades(self) -> None:
        if self.cascade.delete_orphan and not self.single_parent and self.direction in (MANYTOONE, MANYTOMANY):
            raise exc.orphan_on_many_side(self)
        if self.passive_deletes == "all" and ("delete" in self.cascade or "delete-orphan" in self.cascade):
            raise exc.passive_deletes_all_with_delete(self)
        if self.direction is MANYTOONE and self.passive_deletes:
            exc.warn_passive_deletes_on_many_to_one(self)

    # ------------------------------------------------------------ facts by the names that others use

    @property
    def target(self) -> Any:
        """The selectable that the relationship leads to."""
        return self.aliased_entity.selectable if self.aliased_entity is not None else self.mapper.persist_selectable

    @property
    def local_remote_pairs(self) -> list[tuple[Any, Any]]:
        """Pairs of columns that are equal in a join: (parent's, related row's)."""
        return self.join_condition.local_remote_pairs

    @property
    def synchronize_pairs(self) -> list[tuple[Any, Any]]:
        """Pairs of columns for writing: (where the value comes from, the column that refers)."""
        return self.join_condition.synchronize_pairs

    @property
    def secondary_synchronize_pairs(self) -> list[tuple[Any, Any]]:
        """The same between target and secondary table."""
        return self.join_condition.secondary_synchronize_pairs

    @property
    def local_columns(self) -> set[Any]:
        """The parent's columns in the condition."""
        return set(self.join_condition.local_columns)

    @property
    def remote_side(self) -> set[Any]:
        """The related rows' columns in the condition."""
        return set(self.join_condition.remote_columns)

    @property
    def _calculated_foreign_keys(self) -> set[Any]:
        return set(self.join_condition.foreign_key_columns)

    @property
    def refers_to_itself(self) -> bool:
        """Parent and target are the same hierarchy: objects of one class refer to each other."""
        return self.mapper.common_parent(self.parent)

    _is_self_referential = refers_to_itself


NOT_GIVEN: Any = object()
"""For a parameter where None is an answer: ``cascade=None`` is none at all."""

DEFAULTS: dict[str, Any] = {
    "uselist": None,
    "collection_class": None,
    "primaryjoin": None,
    "secondaryjoin": None,
    "back_populates": None,
    "order_by": False,
    "backref": None,
    "overlaps": None,
    "post_update": False,
    "cascade": NOT_GIVEN,
    "viewonly": False,
    "lazy": "select",
    "passive_deletes": False,
    "passive_updates": True,
    "active_history": False,
    "enable_typechecks": True,
    "foreign_keys": None,
    "remote_side": None,
    "join_depth": None,
    "comparator_factory": None,
    "single_parent": False,
    "innerjoin": False,
    "distinct_target_key": None,
    "load_on_pending": False,
    "query_class": None,
    "omit_join": None,
    "sync_backref": None,
    "cascade_backrefs": False,
    "bake_queries": True,
    "_local_remote_pairs": None,
    "_legacy_inactive_history_style": False,
}
"""The options of :func:`relationship` and what they are when nobody says."""


def _words(value: Any) -> frozenset[str]:
    words: Iterable[str] = () if value is None else value.replace(",", " ").split()
    return frozenset(words)


def _cascades(given: Any, *, viewonly: bool) -> CascadeOptions:
    if given is NOT_GIVEN:
        return CascadeOptions("merge" if viewonly else "save-update, merge")
    cascade = CascadeOptions(given)
    if viewonly and cascade.writing:
        raise exc.cascade_on_viewonly(", ".join(cascade.writing))
    return cascade


def relationship(argument: Any = None, secondary: Any = None, **options: Any) -> RelationshipProperty:
    """An attribute that leads to objects of another mapped class.

    :param argument: the other class: itself, its name, or a function that returns it.
    :param secondary: the table between both, for many-to-many.
    :param options:
        *Which rows*: ``primaryjoin``, ``secondaryjoin`` (conditions, when the foreign keys do not say),
        ``foreign_keys``, ``remote_side`` (columns), ``order_by``, ``viewonly``.
        *What the attribute holds*: ``uselist``, ``collection_class``.
        *The other side*: ``back_populates`` (its name there), ``backref`` (make it there), ``sync_backref``,
        ``overlaps``.
        *What operations reach*: ``cascade``, ``single_parent``, ``passive_deletes``, ``passive_updates``,
        ``post_update``.
        *How it is loaded*: ``lazy``, ``innerjoin``, ``join_depth``, ``load_on_pending``, ``active_history``,
        ``omit_join``, ``distinct_target_key``.
        *Else*: ``comparator_factory``, ``enable_typechecks``, ``info``, ``doc``.
    :raises ArgumentError: for a combination that makes no sense; when mappers are configured, for conditions that
        cannot be found.

    ::

        properties={"addresses": relationship(Address, back_populates="user", cascade="all, delete-orphan")}
    """
    return RelationshipProperty(argument, secondary, **options)


def backref(name: str, **options: Any) -> tuple[str, dict[str, Any]]:
    """The attribute to be made on the other side of a relationship, with options of its own.

    :param name: its name there.
    :param options: those of :func:`relationship`.

    ::

        relationship(Address, backref=backref("user", lazy="joined"))
    """
    return (name, options)
