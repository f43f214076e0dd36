"""What mapping does to the class itself, and how it is undone.

A mapped class carries, besides what tracking gives it and the attributes of its properties:

* ``__mapper__`` and ``__table__``, for people and for tools that look for them;
* ``__clause_element__``, by which Core accepts the class in a statement;
* a constructor that takes keyword arguments, when it has none of its own.

Core's ``inspect`` finds the state of an instance through an entry for the class; there is none for
``object`` or ``type``, so that other object mappers can live in the same process.

Classes whose instances cannot be tracked are refused here, before anything was changed.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from sqlalchemy import FromClause, Select
from sqlalchemy.sql.expression import SelectBase

from .. import exc
from .._core import inspectors
from ..tracking.instrumentation import (
    ClassManager,
    instance_state,
    opt_manager_of_class,
    register_class,
    unregister_class,
)
from ..tracking.state import STATE_KEY, InstanceState
from ..tracking.symbols import NO_VALUE

if TYPE_CHECKING:
    from .mapper import Mapper

_IMMUTABLE_TYPE = 1 << 8  # Py_TPFLAGS_IMMUTABLETYPE: attributes of the class cannot be set


class EntityClause:
    """``__clause_element__`` of a mapped class; instances do not have it."""

    def __get__(self, instance: Any, owner: type) -> Any:
        manager = opt_manager_of_class(owner)
        if instance is not None or manager is None or manager.mapper is None:
            raise AttributeError("__clause_element__")
        return manager.mapper.__clause_element__


def check_class(cls: Any) -> None:
    """Refuse what cannot be mapped.

    :raises ArgumentError: naming the class, what is in the way and what to do.
    """
    if not isinstance(cls, type):
        raise exc.class_expected(cls)
    manager = opt_manager_of_class(cls)
    if manager is not None and manager.mapper is not None:
        raise exc.already_mapped(cls)
    if cls.__flags__ & _IMMUTABLE_TYPE:
        raise exc.builtin_class(cls)
    for name, cure in (
        ("__dict__", "define it without __slots__ (slots=False for dataclasses and attrs), or add '__dict__' to them"),
        ("__weakref__", "add '__weakref__' to its __slots__, or derive it from a type that allows weak references"),
    ):
        if not any(name in base.__dict__ for base in cls.__mro__):
            raise exc.unmappable_class(cls, f"its instances have no {name}", cure)
    if is_frozen(cls):
        raise exc.unmappable_class(
            cls, "it is frozen, so loaded values could not be set", "define it without frozen=True"
        )


def is_frozen(cls: type) -> bool:
    """Whether instances of a dataclass or attrs class refuse to be changed."""
    parameters = getattr(cls, "__dataclass_params__", None)
    if dataclasses.is_dataclass(cls) and parameters is not None and parameters.frozen:
        return True
    return hasattr(cls, "__attrs_attrs__") and getattr(cls.__setattr__, "__name__", "") == "_frozen_setattrs"


def checked_selectable(cls: type, selectable: Any) -> Any:
    """What a class is mapped to, refused when rows cannot be selected from it.

    :raises ArgumentError: for None, for a ``select()`` that is no subquery, and for anything else.
    """
    if selectable is None:
        raise exc.no_table(cls)
    if isinstance(selectable, (Select, SelectBase)):
        raise exc.mapped_to_select(cls)
    if not isinstance(selectable, FromClause):
        raise exc.not_selectable(cls, selectable)
    return selectable


def table_name(selectable: Any) -> str:
    """How messages name what a class is mapped to."""
    name = getattr(selectable, "description", None)
    return str(name if name is not None else selectable)


def instrument(mapper: Mapper) -> ClassManager:
    """Track the class and put the marks of mapping on it."""
    cls = mapper.class_
    manager = register_class(cls, init_method=mapper.registry.constructor)
    manager.mapper = mapper
    manager.install_descriptor("__mapper__", mapper)
    manager.install_descriptor("__table__", mapper.local_table)
    if "__clause_element__" not in cls.__dict__:
        manager.install_descriptor("__clause_element__", EntityClause())
    inspectors[cls] = state_of
    return manager


def restore(mapper: Mapper) -> None:
    """Give the class back as it was before it was mapped."""
    manager = mapper.class_manager
    if manager.mapper is mapper:
        manager.mapper = None
        manager.before_first_instance = None
        inspectors.pop(mapper.class_, None)
        unregister_class(mapper.class_)


def state_of(instance: Any) -> InstanceState:
    """The state of an instance.

    :raises UnmappedInstanceError: when it is not tracked.
    """
    try:
        return instance_state(instance)
    except exc.NO_STATE:
        raise exc.unmapped_instance(instance) from None


def keyword_constructor(self: Any, **values: Any) -> None:
    """The constructor of a mapped class that has none: sets an attribute for each keyword argument.

    :raises TypeError: for a keyword that is no attribute of the class.
    """
    cls = type(self)
    dict_ = self.__dict__
    state: InstanceState = dict_[STATE_KEY]
    manager = state.manager
    if values.keys() <= manager.plain and state.changes is None and state.session_id is None and cls is manager.class_:
        # what a tracked write of each does to a new object, for the constructors of examples/performance: 2 us, not 5
        if values:
            dict_.update(values)
            state.changes = dict.fromkeys(values, NO_VALUE)
            state.modified = True
        return
    for name, value in values.items():
        if not hasattr(cls, name):
            raise TypeError(f"{name!r} is an invalid keyword argument for {cls.__name__}")
        setattr(self, name, value)


keyword_constructor.__name__ = "__init__"
