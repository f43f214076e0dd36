"""Collections that are never loaded as a whole: ``lazy="write_only"``, and what ``"dynamic"`` shares with it.

The attribute answers with a :class:`WriteOnlyCollection`: what is added and removed is noted until the next
flush, and what is in the database is reached by a statement that the program runs itself.  Such a collection may
be as large as it likes.

* The changes are a :class:`PendingItems`, kept where any attribute keeps its value before the first change
  (``state.changes``): it goes when the changes go, by flush, expiry or rollback.
* Statements hold parameters that look up the object's columns when they are executed, so a statement made for a
  pending object is right after the flush that its execution begins with.
* Whoever asks for the history *with* what the database has gets an error here; the dynamic kind loads it.
* A collection holds its object strongly: ``session.get(User, 5).addresses`` works after the user is let go.  Only
  after an assignment it lies in the object's dictionary.

Rejected: a subclass of the usual collection implementation.  Nothing of it would stay but the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, insert, select, update
from sqlalchemy.sql import visitors

from .. import exc
from .._core import duck_type_collection
from ..mapping import hooks
from ..mapping.join_condition import MANYTOONE
from ..tracking.attributes import AttributeEventToken, Values
from ..tracking.collections import collection_adapter
from ..tracking.history import History
from ..tracking.related import Held, ObjectAttributeImpl
from ..tracking.symbols import (
    CALLABLES_OK,
    NO_KEY,
    NO_VALUE,
    OP_BULK_REPLACE,
    PASSIVE_NO_FETCH,
    PASSIVE_NO_INITIALIZE,
    PASSIVE_OFF,
    SQL_OK,
)

if TYPE_CHECKING:
    from ..mapping.relationship import RelationshipProperty
    from ..tracking.state import InstanceState


class PendingItems:
    """What was added to and removed from a collection since the last flush; elements are compared by identity."""

    __slots__ = ("_added", "_removed")

    def __init__(self) -> None:
        self._added: dict[int, Any] = {}
        self._removed: dict[int, Any] = {}

    @property
    def added(self) -> list[Any]:
        """The elements that joined."""
        return list(self._added.values())

    @property
    def removed(self) -> list[Any]:
        """The elements that left."""
        return list(self._removed.values())

    def add(self, item: Any) -> None:
        """*item* joins."""
        if self._removed.pop(id(item), None) is None:
            self._added[id(item)] = item

    def remove(self, item: Any) -> None:
        """*item* leaves."""
        if self._added.pop(id(item), None) is None:
            self._removed[id(item)] = item

    def history(self) -> History:
        """The changes alone, as a history."""
        return History(self.added, [], self.removed)

    def history_with(self, loaded: Iterable[Any]) -> History:
        """The changes together with what the database has."""
        known = {id(item): item for item in loaded}
        changed = {**self._added, **self._removed}
        return History(
            [item for key, item in self._added.items() if key not in known],
            [item for key, item in known.items() if key not in changed or key in self._added],
            [item for key, item in self._removed.items() if key in known],
        )


class KnownItems(list[Any]):
    """The elements that are known without SQL, as those look at them who expect a tracked collection."""

    def _sa_iterator(self) -> Iterator[Any]:
        return iter(self)


class WriteOnlyAttributeImpl(ObjectAttributeImpl):
    """The implementation behind an attribute whose collection is never loaded."""

    collection = True
    dynamic = True
    supports_population = False
    word = "write_only"
    kind = list

    def __init__(self, class_: type, key: str, *, prop: RelationshipProperty, **options: Any) -> None:
        super().__init__(class_, key, **options)
        if not prop.uselist or prop.direction is MANYTOONE:
            raise exc.unloaded_collection_needs_many(prop, self.word)
        self.prop = prop
        self._bulk_replace_token = AttributeEventToken(self, OP_BULK_REPLACE)

    def tokens_for(self, parent_token: Any) -> None:
        """Make *parent_token* what listeners see as ``initiator.parent_token``."""
        super().tokens_for(parent_token)
        self._bulk_replace_token.parent_token = parent_token

    def view(self, state: InstanceState) -> Any:
        """What the attribute answers with."""
        return WriteOnlyCollection(self, state)

    def existing(self, state: InstanceState, passive: int) -> Iterable[Any]:
        """The elements in the database.

        :raises InvalidRequestError: always, as they may be too many.
        """
        raise exc.full_iteration_not_permitted(self)

    # ------------------------------------------------------------ reading

    def pending(self, state: InstanceState) -> PendingItems:
        """The changes since the last flush; an empty record when there are none."""
        found = state.committed_state.get(self.key)
        return found if isinstance(found, PendingItems) else PendingItems()

    def get(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_OFF) -> Any:
        """The collection; the elements added since the last flush for those who must not send SQL."""
        may_load = passive & SQL_OK and passive & CALLABLES_OK
        return self.view(state) if may_load else KnownItems(self.pending(state).added)

    def get_collection(
        self, state: InstanceState, dict_: Values, user_data: Any = None, passive: int = PASSIVE_NO_INITIALIZE
    ) -> Any:
        """The elements that are known without SQL, or all when they may be loaded."""
        if not passive & SQL_OK:
            return self.pending(state).added
        return self.get_history(state, dict_, passive).sum()

    def get_history(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_NO_INITIALIZE) -> History:
        """The history; what the database has is part of it where *passive* allows SQL."""
        pending = self.pending(state)
        if state.pk is None or not (passive & CALLABLES_OK and passive & SQL_OK):
            return pending.history()
        return pending.history_with(self.existing(state, passive))

    def get_all_pending(self, state: InstanceState, dict_: Values, passive: int = PASSIVE_NO_FETCH) -> Held:
        """The objects that were added or removed since the last flush, with their states."""
        pending = self.pending(state)
        return [(item._sa_instance_state, item) for item in (*pending.added, *pending.removed)]

    def invalidate(self, old: Any) -> None:
        """The attribute was expired: collections in the program's hands stay good."""

    # ------------------------------------------------------------ writing

    def _note(self, state: InstanceState, dict_: Values) -> PendingItems:
        pending = self.pending(state)
        state.note_change(dict_, self.key, pending)
        assert state.changes is not None
        state.changes[self.key] = pending
        return pending

    def fire_append(self, state: InstanceState, dict_: Values, item: Any, initiator: Any) -> None:
        """*item* joins."""
        for listener in self.dispatch.append:
            item = listener(state, item, initiator or self._append_token, key=NO_KEY)
        self._note(state, dict_).add(item)
        self._note_parent(item, state, True)

    def fire_remove(self, state: InstanceState, dict_: Values, item: Any, initiator: Any) -> None:
        """*item* leaves."""
        self._note(state, dict_).remove(item)
        self._note_parent(item, state, False)
        for listener in self.dispatch.remove:
            listener(state, item, initiator or self._remove_token, key=NO_KEY)

    def append(
        self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF
    ) -> None:
        """Add an element."""
        self.fire_append(state, dict_, value, initiator)

    def remove(
        self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF
    ) -> None:
        """Remove an element."""
        self.fire_remove(state, dict_, value, initiator)

    def pop(self, state: InstanceState, dict_: Values, value: Any, initiator: Any, passive: int = PASSIVE_OFF) -> None:
        """Remove an element."""
        self.fire_remove(state, dict_, value, initiator)

    def set(
        self,
        state: InstanceState,
        dict_: Values,
        value: Any,
        initiator: Any = None,
        passive: int = PASSIVE_OFF,
        *,
        check_old: Any = None,
        pop: bool = False,
    ) -> None:
        """Replace all elements.

        :raises InvalidRequestError: when those in the database would have to be loaded for it.
        :raises TypeError: when *value* is no collection.
        """
        if isinstance(value, WriteOnlyCollection) and value._state is state:
            return
        values = _elements(value)
        before = self._elements_to_replace(state, dict_)
        token = initiator or self._bulk_replace_token
        for listener in self.dispatch.bulk_replace:
            listener(state, values, token)
        had, has = {id(item) for item in before}, {id(item) for item in values}
        self._note(state, dict_)
        for item in values:
            if id(item) not in had:
                self.fire_append(state, dict_, item, None)
        for item in before:
            if id(item) not in has:
                self.fire_remove(state, dict_, item, None)
        dict_[self.key] = self.view(state)

    def _elements_to_replace(self, state: InstanceState, dict_: Values) -> list[Any]:
        if state.pk is not None:
            raise exc.implicit_iteration(self)
        return self.pending(state).added

    def delete(self, state: InstanceState, dict_: Values) -> None:
        """Nothing to delete: there is no value.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError(f"{self} cannot be deleted: remove its elements")

    def set_committed_value(self, state: InstanceState, dict_: Values, value: Any) -> Any:
        """Refuse: such a collection cannot be filled as if it had been loaded.

        :raises NotImplementedError: always.
        """
        raise NotImplementedError("Dynamic attributes don't support collection population.")


def _elements(value: Any) -> list[Any]:
    adapter = collection_adapter(value) if hasattr(value, "_sa_adapter") else None
    if adapter is not None:
        return list(adapter)
    kind = duck_type_collection(value)
    if kind is None and not hasattr(value, "__iter__"):
        raise exc.other_collection_kind(value, list)
    return list(value.values()) if kind is dict else list(value)


# ---------------------------------------------------------------- statements for one object's elements


def column_value(instance: Any, prop: RelationshipProperty, column: Any) -> Callable[[], Any]:
    """What looks up the value of a column of *instance* at the time a statement is executed.

    :raises DetachedInstanceError: when called, for an expired object without a session.
    """
    mapper = prop.parent
    key = mapper.key_of(column)
    if key is None:
        raise exc.relationship_column_not_mapped(prop, column)

    def value() -> Any:
        state = instance._sa_instance_state
        if state.pk is not None and key in mapper.pk_keys:
            return state.identity[mapper.pk_keys.index(key)]
        found = state.manager[key].impl.get(state, instance.__dict__, PASSIVE_OFF)
        return None if found is NO_VALUE else found

    return value


def criterion_for(instance: Any, prop: RelationshipProperty) -> Any:
    """The condition for the elements of *instance*, with parameters that are looked up at execution."""
    clause = prop.join_condition.lazy_clause()
    parameters = {
        name: bindparam(None, callable_=column_value(instance, prop, column), type_=column.type, unique=True)
        for name, column in clause.columns.items()
    }

    def replace(element: Any, **kw: Any) -> Any:
        return parameters.get(element.key) if element.__visit_name__ == "bindparam" else None

    return visitors.replacement_traverse(clause.criterion, {}, replace)


def select_elements(instance: Any, prop: RelationshipProperty) -> Any:
    """The statement that selects the elements of *instance*, in the order of the relationship."""
    target = prop.aliased_entity.__clause_element__() if prop.aliased_entity else hooks.entity_clause(prop.mapper)
    statement = select(target).where(criterion_for(instance, prop))
    if prop.secondary is not None:
        statement = statement.select_from(target, prop.secondary)
    return statement.order_by(*prop.order_by) if prop.order_by else statement


class ElementWrites:
    """Adding and removing elements of a collection that is not loaded."""

    _impl: WriteOnlyAttributeImpl
    _state: InstanceState
    instance: Any

    def add(self, item: Any) -> None:
        """Add an element; it is written at the next flush."""
        self._impl.fire_append(self._state, self.instance.__dict__, item, None)

    def add_all(self, iterator: Iterable[Any]) -> None:
        """Add elements; they are written at the next flush."""
        for item in iterator:
            self.add(item)

    def remove(self, item: Any) -> None:
        """Remove an element; that is written at the next flush."""
        self._impl.fire_remove(self._state, self.instance.__dict__, item, None)


class WriteOnlyCollection(ElementWrites):
    """The value of an attribute with ``lazy="write_only"``: elements are added, removed and selected, not held.

    >>> session.scalars(user.addresses.select().where(Address.email.like("%org"))).all()   # doctest: +SKIP
    """

    def __init__(self, impl: WriteOnlyAttributeImpl, state: InstanceState) -> None:
        self._impl = impl
        self._state = state
        self.instance = state()

    def __iter__(self) -> Iterator[Any]:
        raise exc.no_iteration_of_write_only()

    def _sa_iterator(self) -> Iterator[Any]:
        if self._state.pk is not None:
            raise exc.implicit_iteration(self._impl)
        return iter(self._impl.pending(self._state).added)

    def select(self) -> Any:
        """A ``select`` of the elements."""
        return select_elements(self.instance, self._impl.prop)

    def insert(self) -> Any:
        """An ``insert`` of elements; of one-to-many, the columns that refer to the object are filled.

        :raises InvalidRequestError: for a relationship that more than equal columns decide.
        """
        prop = self._impl.prop
        statement = insert(prop.mapper.class_)
        if prop.secondary is not None:
            return statement
        given = {
            referring: bindparam(
                None, callable_=column_value(self.instance, prop, source), type_=source.type, unique=True
            )
            for source, referring in prop.synchronize_pairs
        }
        return statement.values(given)

    def update(self) -> Any:
        """An ``update`` of the elements."""
        return update(self._impl.prop.mapper.class_).where(self._criterion())

    def delete(self) -> Any:
        """A ``delete`` of the elements."""
        return delete(self._impl.prop.mapper.class_).where(self._criterion())

    def _criterion(self) -> Any:
        prop = self._impl.prop
        if prop.secondary is None:
            return criterion_for(self.instance, prop)
        mapper = prop.mapper
        keys = select(*mapper.primary_key).select_from(mapper.selectable, prop.secondary)
        matching = keys.where(criterion_for(self.instance, prop)).correlate(None).subquery()
        condition = [column == key for column, key in zip(mapper.primary_key, matching.c, strict=True)]
        return select(1).where(*condition).exists()
