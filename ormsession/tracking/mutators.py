"""What it means to change a list, a set or a dict: each mutating method, with its events.

A table per built-in kind gives for every method that changes the collection a wrapper: it takes the
original method and returns one that tells the attribute, before the element enters or leaves, and then
does what the original does.  Methods that change many elements are written in terms of those that change
one, so that each element has its event and a class that overrides ``append`` is asked for all of them.

The wrappers serve the built-in types and every class that behaves like one.  They talk to a collection
through two attributes of it: ``_sa_attribute``, the implementation of the attribute that it belongs to
(None when it belongs to none), and ``_sa_owner``, the state of the object.  ``_sa_initiator=False`` as an
argument means: without events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from .. import exc
from .symbols import NO_KEY

Method = Callable[..., Any]
Wrapper = Callable[[Method], Method]


def entering(collection: Any, item: Any, initiator: Any, key: Any) -> Any:
    """*item* is about to enter: tell the attribute, and return what shall enter instead."""
    attribute = collection._sa_attribute
    if initiator is False or attribute is None:
        return item
    return attribute.fire_append(collection, item, initiator, key)


def entering_again(collection: Any, item: Any, initiator: Any, key: Any) -> None:
    """*item* was added and is there already."""
    attribute = collection._sa_attribute
    if initiator is not False and attribute is not None:
        attribute.fire_append_wo_mutation(collection, item, initiator, key)


def leaving(collection: Any, item: Any, initiator: Any, key: Any) -> None:
    """*item* is about to leave, or has just left after :func:`about_to_change`."""
    attribute = collection._sa_attribute
    if initiator is not False and attribute is not None:
        attribute.fire_remove(collection, item, initiator, key)


def about_to_change(collection: Any, initiator: Any = None) -> None:
    """Something will leave that is known only afterwards: keep the collection as it is now."""
    attribute = collection._sa_attribute
    if initiator is not False and attribute is not None:
        attribute.keep_old_collection(collection)


def _like(wrapper: Method, method: Method) -> Method:
    wrapper.__doc__ = getattr(method, "__doc__", None)
    wrapper.__name__ = getattr(method, "__name__", wrapper.__name__)
    wrapper._sa_instrumented = True  # type: ignore[attr-defined]
    return wrapper


# ---------------------------------------------------------------- list


def _list_append(fn: Method) -> Method:
    def append(self: Any, item: Any, _sa_initiator: Any = None) -> None:
        fn(self, entering(self, item, _sa_initiator, NO_KEY))

    return append


def _list_remove(fn: Method) -> Method:
    def remove(self: Any, value: Any, _sa_initiator: Any = None) -> None:
        leaving(self, value, _sa_initiator, NO_KEY)
        fn(self, value)

    return remove


def _list_insert(fn: Method) -> Method:
    def insert(self: Any, index: int, value: Any) -> None:
        fn(self, index, entering(self, value, None, index))

    return insert


def _list_setitem(fn: Method) -> Method:
    def setitem(self: Any, index: Any, value: Any) -> None:
        if isinstance(index, slice):
            _set_slice(self, index, value)
            return
        existing = self[index]
        if existing is not None:
            leaving(self, existing, None, index)
        fn(self, index, entering(self, value, None, index))

    return setitem


def _set_slice(collection: Any, index: slice, value: Any) -> None:
    if value is collection:
        return
    values = list(value)
    if index.step is None or index.step == 1:
        start, stop, _ = index.indices(len(collection))
        for _ in range(start, max(start, stop)):
            del collection[start]
        for place, item in enumerate(values, start):
            collection.insert(place, item)
        return
    places = range(*index.indices(len(collection)))
    if len(values) != len(places):
        raise exc.slice_sizes(len(values), len(places))
    for place, item in zip(places, values, strict=True):
        collection[place] = item


def _list_delitem(fn: Method) -> Method:
    def delitem(self: Any, index: Any) -> None:
        if isinstance(index, slice):
            for item in self[index]:
                leaving(self, item, None, NO_KEY)
        else:
            leaving(self, self[index], None, index)
        fn(self, index)

    return delitem


def _list_extend(fn: Method) -> Method:
    def extend(self: Any, iterable: Iterable[Any]) -> None:
        for value in list(iterable):
            self.append(value)

    return extend


def _list_iadd(fn: Method) -> Method:
    def iadd(self: Any, iterable: Iterable[Any]) -> Any:
        for value in list(iterable):
            self.append(value)
        return self

    return iadd


def _list_pop(fn: Method) -> Method:
    def pop(self: Any, index: int = -1) -> Any:
        about_to_change(self)
        item = fn(self, index)
        leaving(self, item, None, index)
        return item

    return pop


def _list_clear(fn: Method) -> Method:
    def clear(self: Any) -> None:
        for item in list(self):
            leaving(self, item, None, NO_KEY)
        fn(self)

    return clear


LIST_METHODS: Mapping[str, Wrapper] = {
    "append": _list_append,
    "remove": _list_remove,
    "insert": _list_insert,
    "__setitem__": _list_setitem,
    "__delitem__": _list_delitem,
    "extend": _list_extend,
    "__iadd__": _list_iadd,
    "pop": _list_pop,
    "clear": _list_clear,
}


# ---------------------------------------------------------------- set


def _set_add(fn: Method) -> Method:
    def add(self: Any, value: Any, _sa_initiator: Any = None) -> None:
        if value in self:
            entering_again(self, value, _sa_initiator, NO_KEY)
        else:
            value = entering(self, value, _sa_initiator, NO_KEY)
        fn(self, value)

    return add


def _set_discard(fn: Method) -> Method:
    def discard(self: Any, value: Any, _sa_initiator: Any = None) -> None:
        if value in self:
            leaving(self, value, _sa_initiator, NO_KEY)
            fn(self, value)

    return discard


def _set_remove(fn: Method) -> Method:
    def remove(self: Any, value: Any, _sa_initiator: Any = None) -> None:
        if value in self:
            leaving(self, value, _sa_initiator, NO_KEY)
        fn(self, value)

    return remove


def _set_pop(fn: Method) -> Method:
    def pop(self: Any) -> Any:
        about_to_change(self)
        item = fn(self)
        leaving(self, item, None, NO_KEY)
        return item

    return pop


def _set_clear(fn: Method) -> Method:
    def clear(self: Any) -> None:
        for item in list(self):
            self.remove(item)

    return clear


def _become(collection: Any, wanted: Any) -> None:
    """Add and remove what it takes for the set to have the elements *wanted*."""
    have = set(collection)
    for item in have - wanted:
        collection.remove(item)
    for item in wanted - have:
        collection.add(item)


def _set_update(fn: Method) -> Method:
    def update(self: Any, *others: Iterable[Any]) -> None:
        for other in others:
            for item in list(other):
                self.add(item)

    return update


def _set_difference_update(fn: Method) -> Method:
    def difference_update(self: Any, *others: Iterable[Any]) -> None:
        for other in others:
            for item in list(other):
                self.discard(item)

    return difference_update


def _set_intersection_update(fn: Method) -> Method:
    def intersection_update(self: Any, *others: Iterable[Any]) -> None:
        _become(self, set(self).intersection(*others))

    return intersection_update


def _set_symmetric_difference_update(fn: Method) -> Method:
    def symmetric_difference_update(self: Any, other: Iterable[Any]) -> None:
        _become(self, set(self).symmetric_difference(other))

    return symmetric_difference_update


def _in_place(method: str) -> Wrapper:
    """An operator such as ``|=``: the method of that name, for other sets only."""

    def wrap(fn: Method) -> Method:
        def operate(self: Any, other: Any) -> Any:
            if not isinstance(other, set | frozenset) and not hasattr(other, "_sa_attribute"):
                return NotImplemented
            getattr(self, method)(other)
            return self

        return operate

    return wrap


SET_METHODS: Mapping[str, Wrapper] = {
    "add": _set_add,
    "discard": _set_discard,
    "remove": _set_remove,
    "pop": _set_pop,
    "clear": _set_clear,
    "update": _set_update,
    "difference_update": _set_difference_update,
    "intersection_update": _set_intersection_update,
    "symmetric_difference_update": _set_symmetric_difference_update,
    "__ior__": _in_place("update"),
    "__isub__": _in_place("difference_update"),
    "__iand__": _in_place("intersection_update"),
    "__ixor__": _in_place("symmetric_difference_update"),
}


# ---------------------------------------------------------------- dict

_ABSENT = object()


def _dict_setitem(fn: Method) -> Method:
    def setitem(self: Any, key: Any, value: Any, _sa_initiator: Any = None) -> None:
        if key in self:
            leaving(self, self[key], _sa_initiator, key)
        fn(self, key, entering(self, value, _sa_initiator, key))

    return setitem


def _dict_delitem(fn: Method) -> Method:
    def delitem(self: Any, key: Any, _sa_initiator: Any = None) -> None:
        if key in self:
            leaving(self, self[key], _sa_initiator, key)
        fn(self, key)

    return delitem


def _dict_clear(fn: Method) -> Method:
    def clear(self: Any) -> None:
        for key in list(self):
            leaving(self, self[key], None, key)
        fn(self)

    return clear


def _dict_pop(fn: Method) -> Method:
    def pop(self: Any, key: Any, default: Any = _ABSENT) -> Any:
        about_to_change(self)
        is_there = key in self
        item = fn(self, key) if default is _ABSENT else fn(self, key, default)
        if is_there:
            leaving(self, item, None, key)
        return item

    return pop


def _dict_popitem(fn: Method) -> Method:
    def popitem(self: Any) -> Any:
        about_to_change(self)
        key, item = fn(self)
        leaving(self, item, None, key)
        return key, item

    return popitem


def _dict_setdefault(fn: Method) -> Method:
    def setdefault(self: Any, key: Any, default: Any = None) -> Any:
        if key not in self:
            self[key] = default
            return default
        value = self[key]
        if value is default:
            entering_again(self, value, None, key)
        return value

    return setdefault


def _dict_update(fn: Method) -> Method:
    def update(self: Any, other: Any = (), /, **kw: Any) -> None:
        pairs = [(key, other[key]) for key in other.keys()] if hasattr(other, "keys") else list(other)  # noqa: SIM118
        for key, value in (*pairs, *kw.items()):
            if key in self and self[key] is value:
                entering_again(self, value, None, key)
            else:
                self[key] = value

    return update


def _dict_ior(fn: Method) -> Method:
    def ior(self: Any, other: Any) -> Any:
        self.update(other)
        return self

    return ior


DICT_METHODS: Mapping[str, Wrapper] = {
    "__setitem__": _dict_setitem,
    "__delitem__": _dict_delitem,
    "clear": _dict_clear,
    "pop": _dict_pop,
    "popitem": _dict_popitem,
    "setdefault": _dict_setdefault,
    "update": _dict_update,
    "__ior__": _dict_ior,
}


def wrapped(methods: Mapping[str, Wrapper], name: str, method: Method) -> Method:
    """*method* with its events."""
    return _like(methods[name](method), method)
