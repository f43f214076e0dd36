"""Methods of a mapped class that take part in its life: validators and reconstructors.

``@validates`` marks a method that sees, and may replace, each value that is set to an attribute;
``@reconstructor`` marks one that runs when an object was loaded.  The decorators only leave a mark on the
function.  When the class is mapped, ``find_marked`` finds the marked ones, the nearest class first so that a
subclass may override; once the attributes are there they become listeners, of attribute events for
validators and of the load event for reconstructors.  There is no other mechanism behind them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event

from .. import exc
from ..tracking.state import InstanceState
from ..tracking.symbols import OP_BULK_REPLACE

if TYPE_CHECKING:
    from .mapper import Mapper

Method = TypeVar("Method", bound=Callable[..., Any])

_VALIDATES = "__sa_validators__"
_OPTIONS = "__sa_validation_opts__"
_RECONSTRUCTS = "__sa_reconstructor__"


def validates(*names: str, include_removes: bool = False, include_backrefs: bool = True) -> Callable[[Method], Method]:
    """Let a method check, and replace, values before they are set.

    :param names: the attributes.  The method gets the attribute's name and the value, and returns the value to set;
        what it raises goes to whoever sets the attribute.
    :param include_removes: the method gets a third argument, True when the value is being removed.
    :param include_backrefs: also see changes that come from the other side of a relationship.

    ::

        @validates("email")
        def check_email(self, key, address):
            if "@" not in address:
                raise ValueError(f"{key}: no address: {address}")
            return address
    """

    def mark(method: Method) -> Method:
        setattr(method, _VALIDATES, names)
        setattr(method, _OPTIONS, {"include_removes": include_removes, "include_backrefs": include_backrefs})
        return method

    return mark


def reconstructor(method: Method) -> Method:
    """Let a method without arguments run whenever an object was loaded; the constructor does not run then."""
    setattr(method, _RECONSTRUCTS, True)
    return method


def find_marked(mapper: Mapper) -> None:
    """Find the marked methods of the class that is about to be mapped.

    :raises InvalidRequestError: when two methods validate one attribute.
    """
    validators: dict[str, tuple[Any, dict[str, bool]]] = {}
    reconstructors: list[Any] = []
    for method in _methods(mapper.class_):
        names = _mark(method, _VALIDATES)
        if isinstance(names, tuple):
            for name in names:
                if name in validators:
                    raise exc.validator_exists(mapper, name)
                validators[name] = (method, _mark(method, _OPTIONS))
        elif _mark(method, _RECONSTRUCTS) is True:
            reconstructors.append(method)
    mapper.validators = validators
    mapper.reconstructors = tuple(reconstructors)


def listen_for_loads(mapper: Mapper) -> None:
    """Let the reconstructors run for each object that was loaded."""
    for method in mapper.reconstructors:
        event.listen(mapper.class_manager, "load", _on_load(method), raw=True)


def listen_for_values(mapper: Mapper, keys: Iterable[str]) -> None:
    """Let the validators of the attributes *keys* see their values."""
    for key in keys:
        if key in mapper.validators and key in mapper.class_manager:
            method, options = mapper.validators[key]
            _listen(mapper.class_manager[key], method, key, **options)


def _methods(cls: type) -> Iterator[Any]:
    """What the class and its bases define, each name once, as the nearest class defines it."""
    seen: set[str] = set()
    for base in cls.__mro__[:-1]:
        for name, value in base.__dict__.items():
            if name not in seen:
                seen.add(name)
                yield value


def _mark(method: Any, mark: str) -> Any:
    """A mark left by a decorator, on the method or on the function inside it."""
    own = getattr(method, mark, None)
    return getattr(getattr(method, "__func__", None), mark, None) if own is None else own


def _on_load(method: Any) -> Callable[[InstanceState, Any], None]:
    def reconstruct(state: InstanceState, context: Any) -> None:
        method(state())

    return reconstruct


def _listen(attribute: Any, method: Any, key: str, *, include_removes: bool, include_backrefs: bool) -> None:
    """Listen to every way in which a value gets to the attribute, be it one value or a collection."""

    def is_own(initiator: Any) -> bool:
        """Whether the change began here, not on the other side of a relationship."""
        return getattr(initiator, "impl", attribute.impl) is attribute.impl

    def check(state: InstanceState, value: Any) -> Any:
        return method(state(), key, value, False) if include_removes else method(state(), key, value)

    def set_value(state: InstanceState, value: Any, old: Any, initiator: Any) -> Any:
        return check(state, value) if include_backrefs or is_own(initiator) else value

    def append(state: InstanceState, value: Any, initiator: Any) -> Any:
        if is_own(initiator):
            # the elements of a collection that is replaced have been seen all together
            return value if getattr(initiator, "op", None) is OP_BULK_REPLACE else check(state, value)
        return check(state, value) if include_backrefs else value

    def replace(state: InstanceState, values: list[Any], initiator: Any) -> None:
        if include_backrefs or is_own(initiator):
            values[:] = [check(state, value) for value in values]

    def remove(state: InstanceState, value: Any, initiator: Any) -> None:
        if include_backrefs or is_own(initiator):
            method(state(), key, value, True)

    event.listen(attribute, "set", set_value, raw=True, retval=True)
    event.listen(attribute, "append", append, raw=True, retval=True)
    event.listen(attribute, "bulk_replace", replace, raw=True)
    if include_removes:
        event.listen(attribute, "remove", remove, raw=True)
