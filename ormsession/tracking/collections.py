"""Collections of tracked objects: which classes can be one, and how their methods are made to tell.

A class becomes a collection class by *roles*: its **appender** puts an element in, its **remover** takes
one out, its **iterator** gives them all.  The roles come from the decorators of :class:`collection`, or,
for classes that are or behave like ``list``, ``set`` or ``dict``, from what these types call them.
Instrumentation happens once per class: every mutating method gets its events (``mutators``), the roles
are entered as ``_sa_appender``, ``_sa_remover`` and ``_sa_iterator``.

The built-in types themselves cannot carry more than their elements; a subclass of each that has two slots
takes their place.  Which attribute of which object a collection belongs to stands in these two,
``_sa_attribute`` and ``_sa_owner``; the :class:`CollectionAdapter` is a view made when somebody asks, not
an object that each collection has to keep.
"""

from __future__ import annotations

import inspect as python_inspect
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any

from .. import exc
from .._core import duck_type_collection
from .mutators import DICT_METHODS, LIST_METHODS, SET_METHODS, about_to_change, entering, leaving, wrapped
from .symbols import NO_KEY

Method = Callable[..., Any]

_ROLES = ("appender", "remover", "iterator")
_KINDS: Mapping[Any, tuple[Mapping[str, Any], dict[str, str]]] = {
    list: (LIST_METHODS, {"appender": "append", "remover": "remove", "iterator": "__iter__"}),
    set: (SET_METHODS, {"appender": "add", "remover": "remove", "iterator": "__iter__"}),
    dict: (DICT_METHODS, {"iterator": "values"}),
}


class collection:
    """Decorators that say what the methods of a collection class do.

    >>> class Bag:                                                                     # doctest: +SKIP
    ...     @collection.appender
    ...     def put(self, item): ...
    """

    @staticmethod
    def appender(fn: Method) -> Method:
        """The method puts its argument into the collection."""
        fn._sa_instrument_role = "appender"  # type: ignore[attr-defined]
        return fn

    @staticmethod
    def remover(fn: Method) -> Method:
        """The method takes its argument out of the collection."""
        fn._sa_instrument_role = "remover"  # type: ignore[attr-defined]
        return fn

    @staticmethod
    def iterator(fn: Method) -> Method:
        """The method returns an iterator over all elements."""
        fn._sa_instrument_role = "iterator"  # type: ignore[attr-defined]
        return fn

    @staticmethod
    def internally_instrumented(fn: Method) -> Method:
        """The method tells of changes itself, through other methods: leave it alone."""
        fn._sa_instrumented = True  # type: ignore[attr-defined]
        return fn

    @staticmethod
    def adds(arg: int | str) -> Callable[[Method], Method]:
        """The method adds the argument *arg*, by position (1 is the first after ``self``) or name."""
        return _mark(_sa_instrument_before=("entering", arg))

    @staticmethod
    def replaces(arg: int | str) -> Callable[[Method], Method]:
        """The method adds the argument *arg* and returns the element that it removed for it, or None."""
        return _mark(_sa_instrument_before=("entering", arg), _sa_instrument_after="leaving")

    @staticmethod
    def removes(arg: int | str) -> Callable[[Method], Method]:
        """The method removes the argument *arg*, by position or name."""
        return _mark(_sa_instrument_before=("leaving", arg))

    @staticmethod
    def removes_return() -> Callable[[Method], Method]:
        """The method removes the element that it returns, or nothing when that is None."""
        return _mark(_sa_instrument_after="leaving")


def _mark(**marks: Any) -> Callable[[Method], Method]:
    def decorate(fn: Method) -> Method:
        for name, value in marks.items():
            setattr(fn, name, value)
        return fn

    return decorate


# ---------------------------------------------------------------- instrumentation of a class


def instrument_class(cls: type) -> None:
    """Make *cls* a collection class; one that is already stays as it is.

    :raises ArgumentError: when it has no appender, remover or iterator.
    """
    if cls.__dict__.get("_sa_instrumented") == id(cls):
        return
    kind = duck_type_collection(cls)
    defaults, roles = _KINDS.get(kind, ({}, {}))
    found: dict[str, str] = {}
    marked: dict[str, Method] = {}
    for name, method in _functions_of(cls):
        role = getattr(method, "_sa_instrument_role", None)
        if role is not None:
            found.setdefault(role, name)
        if (
            role in ("appender", "remover")
            or hasattr(method, "_sa_instrument_before")
            or hasattr(method, "_sa_instrument_after")
        ):
            marked[name] = method
    roles = {**roles, **found}
    for name, method in marked.items():
        if not hasattr(method, "_sa_instrumented"):
            setattr(cls, name, _with_marked_events(method))
    for name in defaults:
        default = getattr(cls, name, None)
        if default is not None and name not in marked and not hasattr(default, "_sa_instrumented"):
            setattr(cls, name, wrapped(defaults, name, default))
    for role in _ROLES:
        if role not in roles or not hasattr(cls, roles[role]):
            raise exc.no_collection_role(cls, role)
        setattr(cls, f"_sa_{role}", getattr(cls, roles[role]))
    if "_sa_attribute" not in dir(cls):
        cls._sa_attribute = cls._sa_owner = None  # type: ignore[attr-defined]
        cls._sa_adapter = property(collection_adapter)  # type: ignore[attr-defined]
    cls._sa_instrumented = id(cls)  # type: ignore[attr-defined]


_instrument_class = instrument_class


def _functions_of(cls: type) -> Iterator[tuple[str, Method]]:
    """The functions of a class and its bases, each name once, nearest first."""
    seen: set[str] = set()
    for base in cls.__mro__:
        for name, value in list(vars(base).items()):
            if name not in seen and python_inspect.isfunction(value):
                seen.add(name)
                yield name, value


def _with_marked_events(method: Method) -> Method:
    """A method with the events that its marks, or its role, ask for."""
    role = getattr(method, "_sa_instrument_role", None)
    before = getattr(method, "_sa_instrument_before", None)
    after = getattr(method, "_sa_instrument_after", None)
    if before is None and after is None:
        before = ("entering" if role == "appender" else "leaving", 1)
    signature = python_inspect.signature(method)
    names = list(signature.parameters)

    @wraps(method)
    def tell(self: Any, *args: Any, _sa_initiator: Any = None, **kw: Any) -> Any:
        if before is not None:
            what, place = before
            args, kw, item = _argument(names, place, args, kw)
            if what == "entering":
                item = entering(self, item, _sa_initiator, NO_KEY)
            else:
                leaving(self, item, _sa_initiator, NO_KEY)
            args, kw = _with_argument(names, place, args, kw, item)
        if after is None:
            return method(self, *args, **kw)
        about_to_change(self, _sa_initiator)
        returned = method(self, *args, **kw)
        if returned is not None:
            leaving(self, returned, _sa_initiator, NO_KEY)
        return returned

    tell._sa_instrumented = True  # type: ignore[attr-defined]
    return tell


def _place_of(names: list[str], place: int | str, args: tuple[Any, ...]) -> tuple[int, str | None]:
    """Position among *args*, and name, of the argument that is the element."""
    if isinstance(place, str):
        return (names.index(place) - 1 if place in names else len(args)), place
    return place - 1, names[place] if place < len(names) else None


def _argument(names: list[str], place: int | str, args: tuple[Any, ...], kw: dict[str, Any]) -> tuple[Any, Any, Any]:
    position, name = _place_of(names, place, args)
    if position < len(args):
        return args, kw, args[position]
    if name in kw:
        return args, kw, kw[name]
    raise exc.missing_collection_argument(place)


def _with_argument(
    names: list[str], place: int | str, args: tuple[Any, ...], kw: dict[str, Any], item: Any
) -> tuple[Any, Any]:
    position, name = _place_of(names, place, args)
    if position < len(args):
        return (*args[:position], item, *args[position + 1 :]), kw
    assert name is not None
    return args, {**kw, name: item}


# ---------------------------------------------------------------- the built-in types


class _Linked:
    """The two slots of a built-in collection, None as long as they were not written."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        if name in ("_sa_attribute", "_sa_owner"):
            return None
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    @property
    def _sa_adapter(self) -> CollectionAdapter | None:
        return collection_adapter(self)

    def __copy__(self) -> Any:
        # a copy belongs to no object: it is the plain type
        plain = next(kind for kind, instrumented in _CANNED.items() if isinstance(self, instrumented))
        return plain(self)

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        itself: Any = self
        elements = dict(itself) if isinstance(itself, dict) else list(itself)
        return (_restore, (type(self), elements, self._sa_attribute, self._sa_owner))


class InstrumentedList(_Linked, list[Any]):
    """The list that an attribute holds."""

    __slots__ = ("__weakref__", "_sa_attribute", "_sa_owner")


class InstrumentedSet(_Linked, set[Any]):
    """The set that an attribute holds."""

    __slots__ = ("_sa_attribute", "_sa_owner")


class InstrumentedDict(_Linked, dict[Any, Any]):
    """The dict that an attribute holds; needs an appender before it can be a collection class."""

    __slots__ = ("__weakref__", "_sa_attribute", "_sa_owner")


def _restore(cls: Any, elements: Any, attribute: Any, owner: Any) -> Any:
    """A built-in collection that is unpickled, or copied together with its object."""
    made = cls.__new__(cls)
    if isinstance(made, dict):
        dict.update(made, elements)
    elif isinstance(made, set):
        set.update(made, elements)
    else:
        list.extend(made, elements)
    if attribute is not None and owner is not None:
        made._sa_attribute, made._sa_owner = attribute, owner
    return made


_CANNED: Mapping[Any, type] = {list: InstrumentedList, set: InstrumentedSet, dict: InstrumentedDict}


def prepare_instrumentation(factory: Any) -> Callable[[], Any]:
    """What makes collections for an attribute whose collection class, or factory, is *factory*.

    :raises ArgumentError: when what it makes is no collection class.
    """
    factory = _CANNED.get(factory, factory)
    made = factory if isinstance(factory, type) else type(factory())
    if made in _CANNED:
        instrumented, original = _CANNED[made], factory

        def converting() -> Any:
            return instrumented(original())

        instrument_class(instrumented)
        return converting
    instrument_class(made)
    return factory  # type: ignore[no-any-return]


# ---------------------------------------------------------------- the view of a collection by its roles


class CollectionAdapter:
    """A collection seen through its roles, whatever its class: ``collection_adapter(parent.children)``."""

    __slots__ = ("attr", "data", "owner_state")

    def __init__(self, attr: Any, owner_state: Any, data: Any) -> None:
        self.attr = attr
        self.owner_state = owner_state
        self.data = data

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CollectionAdapter) and other.data is self.data and other.attr is self.attr

    def __hash__(self) -> int:
        return id(self.data)

    @property
    def empty(self) -> bool:
        """True while the collection only answers a read and is not the attribute's value yet."""
        return bool(self.attr.is_placeholder(self.owner_state, self.data))

    @property
    def _referenced_by_owner(self) -> bool:
        return self.owner_state.dict.get(self.attr.key) is self.data

    def _refuse_placeholder(self) -> None:
        if self.empty:
            raise exc.placeholder_collection(self.attr)

    def append_with_event(self, item: Any, initiator: Any = None) -> None:
        """Add an element with events."""
        self.data._sa_appender(item, _sa_initiator=initiator)

    def append_without_event(self, item: Any) -> None:
        """Add an element without events."""
        self._refuse_placeholder()
        self.data._sa_appender(item, _sa_initiator=False)

    def append_multiple_without_event(self, items: Iterable[Any]) -> None:
        """Add elements without events."""
        self._refuse_placeholder()
        append = self.data._sa_appender
        for item in items:
            append(item, _sa_initiator=False)

    def remove_with_event(self, item: Any, initiator: Any = None) -> None:
        """Remove an element with events."""
        self.data._sa_remover(item, _sa_initiator=initiator)

    def remove_without_event(self, item: Any) -> None:
        """Remove an element without events."""
        self._refuse_placeholder()
        self.data._sa_remover(item, _sa_initiator=False)

    def clear_with_event(self, initiator: Any = None) -> None:
        """Remove all elements with events."""
        for item in list(self):
            self.data._sa_remover(item, _sa_initiator=initiator)

    def clear_without_event(self) -> None:
        """Remove all elements without events."""
        self._refuse_placeholder()
        for item in list(self):
            self.data._sa_remover(item, _sa_initiator=False)

    def fire_append_event(self, item: Any, initiator: Any = None, key: Any = NO_KEY) -> Any:
        """Tell that an element enters; what shall enter instead is returned."""
        return entering(self.data, item, initiator, key)

    def fire_remove_event(self, item: Any, initiator: Any = None, key: Any = NO_KEY) -> None:
        """Tell that an element leaves."""
        leaving(self.data, item, initiator, key)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.data._sa_iterator())

    def __len__(self) -> int:
        return len(list(self.data._sa_iterator()))

    def __bool__(self) -> bool:
        return True


def collection_adapter(collection: Any) -> CollectionAdapter | None:
    """The view of a collection that belongs to an attribute; None for one that belongs to none (any more)."""
    attribute = collection._sa_attribute
    if attribute is None:
        return None
    return CollectionAdapter(attribute, collection._sa_owner, collection)


# ---------------------------------------------------------------- dicts keyed by something of their values


class KeyFuncDict(dict[Any, Any]):
    """A dict whose keys are computed from its values.

    :param keyfunc: gives the key of a value.
    :param ignore_unpopulated_attribute: leave out a value whose key is not there, instead of raising.
    """

    def __init__(
        self, keyfunc: Callable[[Any], Any], *dict_args: Any, ignore_unpopulated_attribute: bool = False
    ) -> None:
        self.keyfunc = keyfunc
        self.ignore_unpopulated_attribute = ignore_unpopulated_attribute
        super().__init__(*dict_args)

    @classmethod
    def _unreduce(cls, keyfunc: Any, values: Any, attribute: Any = None, owner: Any = None) -> KeyFuncDict:
        made = cls(keyfunc)
        dict.update(made, values)
        made._sa_attribute, made._sa_owner = attribute, owner  # type: ignore[attr-defined]
        return made

    def __reduce__(self) -> tuple[Any, ...]:
        link = (getattr(self, "_sa_attribute", None), getattr(self, "_sa_owner", None))
        return (KeyFuncDict._unreduce, (self.keyfunc, dict(self), *link))

    def _key_for(self, value: Any, initiator: Any) -> Any:
        key = self.keyfunc(value)
        if key is NO_KEY:
            if not self.ignore_unpopulated_attribute:
                raise exc.unpopulated_key(value, initiator or getattr(self, "_sa_attribute", None), self.keyfunc)
        elif key is None and not self.ignore_unpopulated_attribute and isinstance(self.keyfunc, AttributeKey):
            exc.warn_key_is_none(initiator or getattr(self, "_sa_attribute", None), self.keyfunc)
        return key

    @collection.appender
    @collection.internally_instrumented
    def set(self, value: Any, _sa_initiator: Any = None) -> None:
        """Put a value under its key."""
        key = self._key_for(value, _sa_initiator)
        if key is not NO_KEY:
            self.__setitem__(key, value, _sa_initiator)  # type: ignore[call-arg]

    @collection.remover
    @collection.internally_instrumented
    def remove(self, value: Any, _sa_initiator: Any = None) -> None:
        """Take a value out, wherever its key says it is.

        :raises InvalidRequestError: when another value is there.
        """
        key = self._key_for(value, _sa_initiator)
        if key is NO_KEY:
            return
        if key not in self or self[key] != value:
            raise exc.keyed_value_not_found(value, self, key)
        self.__delitem__(key, _sa_initiator)  # type: ignore[call-arg]


MappedCollection = KeyFuncDict


class AttributeKey:
    """The key function of :func:`attribute_keyed_dict`: an attribute of the value, ``NO_KEY`` when it is not loaded."""

    __slots__ = ("attr_name", "getter")

    def __init__(self, attr_name: str) -> None:
        self.attr_name = attr_name
        self.getter = operator.attrgetter(attr_name)

    def __call__(self, value: Any) -> Any:
        state = getattr(value, "_sa_instance_state", None)
        if state is not None and self.attr_name in state.manager:
            return populated_value(value, self.attr_name)
        return self.getter(value)

    def __reduce__(self) -> tuple[Any, ...]:
        return (AttributeKey, (self.attr_name,))


def populated_value(instance: Any, key: str) -> Any:
    """The value of a tracked attribute, loaded if need be; ``NO_KEY`` when it was never set."""
    values = instance.__dict__
    if key in values:
        return values[key]
    state = instance._sa_instance_state
    current = state.manager[key].impl.get(state, values)
    return NO_KEY if current is None and key not in values else current


class KeyedDictFactory:
    """Makes the collections of one attribute: a key function with its options."""

    __slots__ = ("ignore_unpopulated_attribute", "keyfunc", "made_class")

    def __init__(self, keyfunc: Callable[[Any], Any], ignore_unpopulated_attribute: bool) -> None:
        self.keyfunc = keyfunc
        self.ignore_unpopulated_attribute = ignore_unpopulated_attribute

        class KeyedDict(KeyFuncDict):
            """Knows its key function, so that it can be made from pairs alone, as ``dataclasses.asdict`` does."""

            def __init__(self, *dict_args: Any) -> None:
                super().__init__(keyfunc, *dict_args, ignore_unpopulated_attribute=ignore_unpopulated_attribute)

        self.made_class = KeyedDict

    def __call__(self) -> KeyFuncDict:
        return self.made_class()


def keyfunc_mapping(keyfunc: Callable[[Any], Any], *, ignore_unpopulated_attribute: bool = False) -> KeyedDictFactory:
    """A ``collection_class``: a dict keyed by a function of its values.

    :param keyfunc: gives the key of a value.
    :param ignore_unpopulated_attribute: leave out values without a key instead of raising.
    """
    return KeyedDictFactory(keyfunc, ignore_unpopulated_attribute)


mapped_collection = keyfunc_mapping


def attribute_keyed_dict(attr_name: str, *, ignore_unpopulated_attribute: bool = False) -> KeyedDictFactory:
    """A ``collection_class``: a dict keyed by an attribute of its values.

    :param attr_name: the name of the attribute.
    :param ignore_unpopulated_attribute: leave out values whose attribute is not set instead of raising.
    """
    return KeyedDictFactory(AttributeKey(attr_name), ignore_unpopulated_attribute)


attribute_mapped_collection = attribute_keyed_dict

for _class in (InstrumentedList, InstrumentedSet):
    instrument_class(_class)
instrument_class(KeyFuncDict)
