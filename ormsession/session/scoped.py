"""``scoped_session``: one session per scope (thread, task, request), reached through one object.

A registry answers with the session of the present scope and makes one when there is none.  Everything a
session can do is passed on to it: the proxies are made from the session class itself, once, so they carry
its signatures and documentation and cannot fall behind it.
"""

from __future__ import annotations

import functools
import threading
import warnings
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, Protocol

from sqlalchemy.exc import SAWarning

from .. import exc
from .session import Session

_VALUES = (
    "autobegin",
    "autoflush",
    "bind",
    "execution_options",
    "expire_on_commit",
    "hash_key",
    "identity_map",
    "join_transaction_mode",
    "twophase",
)
"""Attributes of session objects that the class does not show."""


class Scope(Protocol):
    """Where the sessions of all scopes are kept."""

    def __call__(self) -> Any:
        """The session of the present scope; made when there is none."""

    def has(self) -> bool:
        """True when the present scope has a session."""

    def set(self, session: Any) -> None:
        """Give the present scope a session."""

    def clear(self) -> None:
        """Take the session of the present scope out."""


class ScopedRegistry:
    """Keeps one session per value of a function, such as the current request."""

    def __init__(self, create: Callable[[], Any], scopefunc: Callable[[], Hashable]) -> None:
        self._create = create
        self.scopefunc = scopefunc
        self.registry: dict[Hashable, Any] = {}
        """Scope -> session.  Filled at first use in a scope, emptied by ``remove``."""

    def __call__(self) -> Any:
        """The session of the present scope; made when there is none."""
        scope = self.scopefunc()
        session = self.registry.get(scope)
        return self.registry.setdefault(scope, self._create()) if session is None else session

    def has(self) -> bool:
        """True when the present scope has a session."""
        return self.scopefunc() in self.registry

    def set(self, session: Any) -> None:
        """Give the present scope a session."""
        self.registry[self.scopefunc()] = session

    def clear(self) -> None:
        """Take the session of the present scope out."""
        self.registry.pop(self.scopefunc(), None)


class ThreadLocalRegistry:
    """Keeps one session per thread."""

    def __init__(self, create: Callable[[], Any]) -> None:
        self._create = create
        self.registry = threading.local()

    def __call__(self) -> Any:
        """The session of this thread; made when there is none."""
        if not self.has():
            self.registry.value = self._create()
        return self.registry.value

    def has(self) -> bool:
        """True when this thread has a session."""
        return hasattr(self.registry, "value")

    def set(self, session: Any) -> None:
        """Give this thread a session."""
        self.registry.value = session

    def clear(self) -> None:
        """Take the session of this thread out."""
        if self.has():
            del self.registry.value


class scoped_session:
    """A session per scope behind one object.

    :param session_factory: makes a session; usually a :class:`.sessionmaker`.
    :param scopefunc: returns what the present scope is; by default the thread.

    >>> Session = scoped_session(sessionmaker(engine))                                # doctest: +SKIP
    >>> Session.add(User(name="ed")); Session.commit(); Session.remove()              # doctest: +SKIP
    """

    def __init__(self, session_factory: Any, scopefunc: Callable[[], Hashable] | None = None) -> None:
        self.session_factory = session_factory
        self.registry: Scope = (
            ThreadLocalRegistry(session_factory) if scopefunc is None else ScopedRegistry(session_factory, scopefunc)
        )

    def __call__(self, **kw: Any) -> Any:
        """The session of the present scope.

        :param kw: arguments for a new session.
        :raises InvalidRequestError: when the scope has one already and *kw* are given.
        """
        if not kw:
            return self.registry()
        if self.registry.has():
            raise exc.scope_occupied()
        session = self.session_factory(**kw)
        self.registry.set(session)
        return session

    def configure(self, **kw: Any) -> None:
        """Change the arguments of sessions made from now on; see :meth:`.sessionmaker.configure`."""
        if self.registry.has():
            warnings.warn(exc.SCOPE_OCCUPIED, SAWarning, stacklevel=2)
        self.session_factory.configure(**kw)

    def remove(self) -> None:
        """Close the session of the present scope and forget it."""
        if self.registry.has():
            self.registry().close()
        self.registry.clear()

    def query_property(self, query_cls: Any = None) -> Any:
        """A class attribute that gives a :class:`.Query` for the class it is read from.

        :param query_cls: the query class; by default that of the session.
        """
        return _QueryProperty(self.registry, query_cls)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class _QueryProperty:
    """What ``query_property`` puts on a class."""

    def __init__(self, scope: Scope, query_cls: Any) -> None:
        self._scope = scope
        self._query_cls = query_cls

    def __get__(self, instance: Any, owner: type) -> Any:
        if self._query_cls is not None:
            return self._query_cls(owner, session=self._scope())
        return self._scope().query(owner)


def _method_proxy(name: str, method: Callable[..., Any]) -> Any:
    @functools.wraps(method)
    def proxy(self: scoped_session, *args: Any, **kw: Any) -> Any:
        return getattr(self.registry(), name)(*args, **kw)

    return proxy


def _value_proxy(name: str, doc: str | None) -> Any:
    def read(self: scoped_session) -> Any:
        return getattr(self.registry(), name)

    read.__doc__ = doc or f"``{name}`` of the session of the present scope; see :class:`.Session`."

    def write(self: scoped_session, value: Any) -> None:
        setattr(self.registry(), name, value)

    return property(read, write)


def _install_proxies() -> None:
    """Give :class:`scoped_session` everything that sessions have and it does not."""
    names = [name for base in Session.__mro__[:-1] for name in vars(base)]
    for name in dict.fromkeys((*names, *_VALUES)):
        is_public = not name.startswith("_") or name in ("__contains__", "__iter__")
        if not is_public or name == "dispatch" or name in vars(scoped_session):
            continue
        attribute = getattr(Session, name, None)
        if callable(attribute):
            bound_to_class = getattr(attribute, "__self__", None) is Session
            setattr(scoped_session, name, staticmethod(attribute) if bound_to_class else _method_proxy(name, attribute))
        else:
            setattr(scoped_session, name, _value_proxy(name, attribute.__doc__ if attribute is not None else None))


_install_proxies()
