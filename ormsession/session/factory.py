"""``sessionmaker``: the arguments of sessions, kept in one place.

Each factory has a subclass of the session class for itself, so that listening to the factory reaches its
sessions and no others.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .class_methods import SessionClassMethods
from .session import Session


class sessionmaker(SessionClassMethods):
    """Makes sessions with the same arguments.

    :param bind: for all sessions; as for the other parameters, see :class:`.Session`.
    :param class_: the session class.
    :param kw: further arguments of the session class.

    >>> make_session = sessionmaker(engine, expire_on_commit=False)                   # doctest: +SKIP
    >>> with make_session.begin() as session:                                         # doctest: +SKIP
    ...     session.add(User(name="ed"))
    """

    class_: type[Session]

    def __init__(
        self,
        bind: Any = None,
        *,
        class_: type[Session] = Session,
        autoflush: bool = True,
        expire_on_commit: bool = True,
        info: dict[Any, Any] | None = None,
        **kw: Any,
    ) -> None:
        self.kw: dict[str, Any] = {
            **kw,
            "bind": bind,
            "autoflush": autoflush,
            "expire_on_commit": expire_on_commit,
        }
        """The arguments of new sessions; changed by ``configure``."""
        if info is not None:
            self.kw["info"] = info
        self.class_ = type(class_.__name__, (class_,), {"__module__": class_.__module__})

    def __call__(self, **local_kw: Any) -> Session:
        """A new session.

        :param local_kw: arguments for this one; they win over those of the factory, and ``info`` is merged.
        """
        arguments = {**self.kw, **local_kw}
        if "info" in self.kw and "info" in local_kw:
            arguments["info"] = {**self.kw["info"], **local_kw["info"]}
        return self.class_(**arguments)

    @contextlib.contextmanager
    def begin(self) -> Iterator[Session]:
        """A block with a new session and a transaction, which is committed at its end; then the session is closed."""
        with self() as session, session.begin():
            yield session

    def configure(self, **new_kw: Any) -> None:
        """Change the arguments of sessions made from now on."""
        self.kw.update(new_kw)

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.kw.items())
        return f"{type(self).__name__}(class_={self.class_.__name__!r}, {arguments})"
