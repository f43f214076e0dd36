"""What stands behind one mapped attribute.

A ``MapperProperty`` says what an attribute of a mapped class is: columns (``ColumnProperty``) or another
name for an attribute (``SynonymProperty``).  It is written by the user in ``properties=``, or made by
the mapper for each column that nobody mentioned.

Life of a property: made; given to a mapper (``set_parent``); its attribute is put on the class
(``instrument_class``); later, when mappers are configured, ``init`` and ``post_instrument_class`` run once.
A property belongs to one mapper.

Kinds of properties added by other modules need only this interface; the mapper never asks for a kind
where a method can be asked instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .. import exc
from .._core import coercions, roles
from ..tracking.attributes import Attribute, ScalarAttributeImpl
from ..tracking.registration import register_attribute
from . import hooks
from .inspection import InspectionAttr
from .synonym import SynonymAttribute

if TYPE_CHECKING:
    from .mapper import Mapper


class MapperProperty:
    """Base of everything that may stand in ``properties=``.

    ``key`` is the name of the attribute and ``parent`` the mapper; both are None until the property has
    been given to a mapper.
    """

    is_property: ClassVar[bool] = True
    is_mapper = is_selectable = is_aliased_class = is_instance = is_attribute = is_clause_element = is_bundle = False

    key: str
    parent: Mapper
    doc: str | None

    def __init__(self, *, info: dict[Any, Any] | None = None, doc: str | None = None) -> None:
        self.doc = doc
        self._info = info  # dictionary of the user; made when somebody asks for it
        self._is_configured = False  # written by init, read by the mapper

    @property
    def info(self) -> dict[Any, Any]:
        """A dictionary for the user's own notes about the attribute."""
        if self._info is None:
            self._info = {}
        return self._info

    @property
    def class_attribute(self) -> Any:
        """The attribute on the mapped class that this property stands behind."""
        return getattr(self.parent.class_, self.key)

    def set_parent(self, mapper: Mapper, key: str) -> None:
        """Enter the property under *key* in *mapper*."""
        owner: Mapper | None = self.__dict__.get("parent")
        if owner is not None and owner is not mapper and not owner.is_disposed:
            raise exc.property_in_two_mappers(key, mapper, owner)
        if owner is not mapper:
            self._is_configured = False  # it may have been, for a mapper that was disposed of
        self.parent = mapper
        self.key = key

    def instrument_class(self, mapper: Mapper) -> None:
        """Put the attribute on the mapped class."""
        raise NotImplementedError

    def init(self) -> None:
        """Finish what needs other mappers; runs once, when mappers are configured."""
        if not self._is_configured:
            self._is_configured = True
            self.do_init()

    def do_init(self) -> None:
        """What a kind of property does in :meth:`init`."""

    def post_instrument_class(self, mapper: Mapper) -> None:
        """Runs when the property has been configured."""

    def __str__(self) -> str:
        if "parent" not in self.__dict__:
            return f"{type(self).__name__} of no mapper"
        return f"{self.parent.class_.__name__}.{self.key}"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at 0x{id(self):x}; {self.__dict__.get('key', 'no key')}>"


class ColumnProperty(MapperProperty):
    """An attribute that stands for one column, for several that hold the same value, or for an expression.

    Made by :func:`column_property` and :func:`deferred`, and by the mapper for each column of its table.

    ``columns`` are the columns of the mapped selectable (or the expression); the first is the one that is
    selected.  ``is_writable`` tells whether a flush writes the attribute.
    """

    Comparator: ClassVar[Any] = None  # filled by sql: the class that gives column attributes their operators

    columns: list[Any]

    def __init__(
        self,
        column: Any,
        *additional_columns: Any,
        group: str | None = None,
        deferred: bool = False,
        raiseload: bool = False,
        comparator_factory: Any = None,
        active_history: bool = False,
        expire_on_flush: bool = True,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        self.columns = [as_labeled_column(each) for each in (column, *additional_columns)]
        self.group = group
        self.deferred = deferred
        self.raiseload = raiseload
        self.comparator_factory = comparator_factory
        self.active_history = active_history
        self.expire_on_flush = expire_on_flush
        self.is_writable = False  # written by the mapper, which knows its tables
        if doc is None:
            doc = next((d for c in reversed(self.columns) if (d := getattr(c, "doc", None)) is not None), None)
        super().__init__(info=info, doc=doc)

    @property
    def expression(self) -> Any:
        """The column or expression that is selected for the attribute."""
        return self.columns[0]

    def instrument_class(self, mapper: Mapper) -> None:
        """Put a column attribute on the mapped class."""
        register_column_attribute(self, mapper)


class SynonymProperty(MapperProperty):
    """Another name for an attribute of the same class; made by :func:`synonym`."""

    def __init__(
        self,
        name: str,
        *,
        map_column: bool | None = None,
        descriptor: Any = None,
        comparator_factory: Any = None,
        info: dict[Any, Any] | None = None,
        doc: str | None = None,
    ) -> None:
        super().__init__(info=info, doc=doc)
        self.name = name
        self.map_column = bool(map_column)
        self.descriptor = descriptor
        self.comparator_factory = comparator_factory

    def instrument_class(self, mapper: Mapper) -> None:
        """Put the other name on the mapped class, in front of a property that the class has there."""
        cls = mapper.class_
        descriptor = self.descriptor
        if descriptor is None:
            found = getattr(cls, self.key, None)
            if hasattr(found, "__get__") and not isinstance(found, (Attribute, InspectionAttr)):
                descriptor = found
        attribute: Any = SynonymAttribute(cls, self, descriptor)
        mapper.class_manager.instrument_attribute(self.key, attribute)


def as_labeled_column(expression: Any) -> Any:
    """A column as it is; any other SQL expression with a label, so that it has a name in a statement.

    :raises ArgumentError: when *expression* is not SQL.
    """
    if isinstance(expression, str):
        # Core would take it for a literal value, which is hardly ever meant
        raise exc.text_as_column(expression)
    return coercions.expect(roles.LabeledColumnExprRole, expression)


def register_column_attribute(prop: ColumnProperty, mapper: Mapper) -> None:
    """Put the attribute of a column property on the mapped class."""
    column = prop.columns[0]
    # a changed primary key or version is written with its old value in the WHERE clause
    needs_old_value = prop.active_history or mapper.is_identifying(prop)
    attribute = register_attribute(
        mapper.class_,
        prop.key,
        attribute_class=hooks.attribute_class,
        impl_class=ScalarAttributeImpl,
        comparator=hooks.comparator_for(prop, mapper),
        parententity=mapper,
        active_history=needs_old_value,
        compare=column.type.compare_values,
        load_on_unexpire=not prop.deferred,
    )
    # also when there is none: the docstring of the descriptor's class says nothing about the attribute
    attribute.__doc__ = prop.doc


# ---------------------------------------------------------------- constructors for properties=


def column_property(
    column: Any,
    *additional_columns: Any,
    group: str | None = None,
    deferred: bool = False,
    raiseload: bool = False,
    comparator_factory: Any = None,
    active_history: bool = False,
    expire_on_flush: bool = True,
    info: dict[Any, Any] | None = None,
    doc: str | None = None,
) -> ColumnProperty:
    """An attribute for a column with options, for several columns of equal value, or for an SQL expression.

    :param column: a column of the mapped table, or any SQL expression, which is then only read.
    :param additional_columns: columns that always hold the same value, as both sides of a join do.
    :param group: load together with the other deferred columns of this group.
    :param deferred: leave the column out of SELECT; it is loaded at its first access.
    :param raiseload: raise at that access instead.
    :param comparator_factory: a subclass of ``ColumnProperty.Comparator`` for other operators.
    :param active_history: load the old value before a change.
    :param expire_on_flush: read an expression anew after its object was flushed.
    :param info: a dictionary for the user's own notes.
    :param doc: the docstring of the attribute.

    ::

        properties={"full_name": column_property(users.c.first + " " + users.c.last)}
    """
    return ColumnProperty(
        column,
        *additional_columns,
        doc=doc,
        info=info,
        group=group,
        deferred=deferred,
        raiseload=raiseload,
        active_history=active_history,
        expire_on_flush=expire_on_flush,
        comparator_factory=comparator_factory,
    )


def deferred(column: Any, *additional_columns: Any, **options: Any) -> ColumnProperty:
    """An attribute whose column is left out of SELECT and loaded at its first access.

    :param options: ``group``, ``raiseload`` and the other options of :func:`column_property`.

    ::

        properties={"photo": deferred(users.c.photo, group="large")}
    """
    return column_property(column, *additional_columns, **{"deferred": True, **options})


def undeferred(column: Any, *additional_columns: Any, **options: Any) -> ColumnProperty:
    """An attribute whose column is always part of SELECT, as columns usually are.

    :param options: the options of :func:`column_property`.
    """
    return column_property(column, *additional_columns, **{**options, "deferred": False})


def synonym(
    name: str,
    *,
    map_column: bool | None = None,
    descriptor: Any = None,
    comparator_factory: Any = None,
    info: dict[Any, Any] | None = None,
    doc: str | None = None,
) -> SynonymProperty:
    """Another name for an attribute of the same class.

    :param name: the attribute that is meant.
    :param map_column: map the column that has the synonym's own name under *name*.
    :param descriptor: a Python property that reads and writes on objects; by default the one that the class defines
        under the synonym's name.
    :param comparator_factory: a subclass of ``ColumnProperty.Comparator`` for other operators.
    :param info: a dictionary for the user's own notes.
    :param doc: the docstring of the attribute.

    ::

        properties={"login": synonym("user_name")}
    """
    return SynonymProperty(
        name,
        map_column=map_column,
        descriptor=descriptor,
        comparator_factory=comparator_factory,
        info=info,
        doc=doc,
    )
