"""Collections that are queries: ``lazy="dynamic"``.

The attribute answers with a query for the elements of its object, to which elements can be added and removed
(:class:`AppenderMixin`).  It asks the database at each use.  Every method that makes a query out of it makes a
plain one, bound to the session.  An object that is not in the database has no elements but those added to it.

It is an older way: ``"write_only"`` does the same with statements and never loads behind the program's back.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import IteratorResult
from sqlalchemy.exc import SAWarning

from .. import exc
from .._core import result_metadata
from ..sql.query import Query
from ..tracking.attributes import Values
from ..tracking.ownership import owner_of
from ..tracking.symbols import NO_AUTOFLUSH, PASSIVE_OFF
from .write_only import ElementWrites, WriteOnlyAttributeImpl, select_elements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ..tracking.state import InstanceState


class DynamicAttributeImpl(WriteOnlyAttributeImpl):
    """The implementation behind an attribute that answers with a query."""

    word = "dynamic"

    def __init__(self, class_: type, key: str, **options: Any) -> None:
        super().__init__(class_, key, **options)
        self.query_class: Any = appender_class(self.prop.query_class or Query)

    def view(self, state: InstanceState) -> Any:
        """What the attribute answers with."""
        return self.query_class(self, state)

    def existing(self, state: InstanceState, passive: int) -> Iterable[Any]:
        """The elements in the database; of a detached object, none."""
        query = self.view(state)
        owner = owner_of(state)
        if owner is None:
            return []
        return query._plain(owner).autoflush(not passive & NO_AUTOFLUSH).all()  # type: ignore[no-any-return]

    def _elements_to_replace(self, state: InstanceState, dict_: Values) -> list[Any]:
        if state.pk is None:
            return self.pending(state).added
        owner = owner_of(state)
        loaded = [] if owner is None else list(self.view(state))
        known = {id(item): item for item in (*loaded, *self.pending(state).added)}
        return list(known.values())


class AppenderMixin(ElementWrites):
    """A query for the elements of one object, to which elements can be added."""

    def __init__(self, impl: WriteOnlyAttributeImpl, state: InstanceState) -> None:
        Query.__init__(self, impl.prop.mapper.class_, None)  # type: ignore[arg-type]
        self._impl = impl
        self._state = state
        self.instance = state()
        self._select = select_elements(self.instance, impl.prop)

    @property
    def session(self) -> Any:
        """The session of the object, flushed if need be; None while the object is not in the database."""
        session = owner_of(self._state)
        if session is not None and session.autoflush and self.instance in session:
            session.flush()
        return None if self._state.pk is None else session

    @session.setter
    def session(self, session: Any) -> None:
        """The object's session holds, whatever somebody sets."""

    def _plain(self, session: Any) -> Any:
        """The same query without the object."""
        kind = self._impl.query_class.plain_class  # type: ignore[attr-defined]
        query = kind.__new__(kind)
        own = ("_impl", "_state", "instance")
        query.__dict__.update((name, value) for name, value in self.__dict__.items() if name not in own)
        query.session = session
        return query

    def _copy(self) -> Any:
        session = self.session
        if session is None:
            session = owner_of(self._state)
            if session is None or self._state.pk is None:
                raise exc.detached_dynamic(self._state, self._impl.key)
        return self._plain(session)

    def _added(self) -> list[Any]:
        if self._state.pk is not None:
            warnings.warn(exc.dynamic_detached_text(self._state), SAWarning, stacklevel=4)
        return self._impl.pending(self._state).added

    def _result(self) -> Any:
        session = self.session
        if session is not None:
            return self._plain(session)._result()
        class_ = self._impl.prop.mapper.class_
        rows = ((item,) for item in self._added())
        metadata = result_metadata([class_.__name__], [(class_,)], processors=None, filters=[id])
        return IteratorResult(metadata, rows).scalars()

    def __getitem__(self, index: Any) -> Any:
        session = self.session
        return self._added()[index] if session is None else self._plain(session)[index]

    def first(self) -> Any:
        """The first element, or None when there is none."""
        session = self.session
        return next(iter(self._added()), None) if session is None else self._plain(session).first()

    def count(self) -> int:
        """How many elements there are."""
        session = self.session
        return len(self._added()) if session is None else self._plain(session).count()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._result())

    def _sa_iterator(self) -> Iterator[Any]:
        history = self._impl.get_history(self._state, self.instance.__dict__, PASSIVE_OFF | NO_AUTOFLUSH)
        return iter(history.non_deleted())

    def append(self, item: Any) -> None:
        """Add an element; it is written at the next flush."""
        self.add(item)

    def extend(self, iterator: Iterable[Any]) -> None:
        """Add elements; they are written at the next flush."""
        self.add_all(iterator)


class AppenderQuery(AppenderMixin, Query):
    """The value of an attribute with ``lazy="dynamic"``."""

    plain_class = Query


def appender_class(query_class: Any) -> Any:
    """*query_class* together with :class:`AppenderMixin`."""
    if query_class is Query:
        return AppenderQuery
    return type(f"Appender{query_class.__name__}", (AppenderMixin, query_class), {"plain_class": query_class})
