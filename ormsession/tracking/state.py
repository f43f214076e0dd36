"""The state of one tracked object: a weak reference to it that remembers a few things.

A state *is* a weak reference (``state()`` is the object or None).  An object therefore costs three
things that the garbage collector has to visit: the object, its dictionary and this.  A state with a
separate weak reference, a key tuple and dictionaries of its own costs seven, and makes loading two to
three times slower.

Rules

* The slots are set whenever a state is made; the row loop of ``loading`` sets them inline.  What is
  nearly always absent is an :class:`Optional` part and costs nothing until somebody writes it.
* Nobody touches ``__dict__`` of an object without need: while nobody asks for it, CPython keeps the values
  in the object itself and there is no dictionary to visit.  The state is read as an attribute.
* The state never holds its object strongly.  A changed object of a session is held by the session's
  identity map until it is flushed.
* Values live in the object's ``__dict__`` and nowhere else.  ``changes`` keeps the value *before* the
  first change of an attribute, ``NO_VALUE`` when none was loaded.
* Which of the five states of the life cycle holds is computed from ``pk``, ``session_id`` and
  ``is_deleted``, never stored.

Invariant: ``state()._sa_instance_state is state`` while the object lives.
Invariant: keys of ``changes`` and ``expired_keys`` are tracked attributes of the class.
Invariant: an attribute in ``expired_keys`` is absent from the object's dictionary, or was changed since.
Invariant: ``expired_keys`` is empty unless ``incomplete`` is set.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from .. import exc
from . import lifecycle
from .history import History
from .ownership import owner_of, owners
from .symbols import (
    ATTR_WAS_SET,
    INIT_OK,
    NO_VALUE,
    PASSIVE_NO_INITIALIZE,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
    SQL_OK,
)

if TYPE_CHECKING:
    from .instrumentation import ClassManager

STATE_KEY = "_sa_instance_state"

Values = dict[str, Any]
Memo = dict[int, Any]
Notes = dict[Any, Any]  # inside the class ``dict`` is a property

_NOTHING: frozenset[str] = frozenset()
_NO_CHANGES: dict[str, Any] = {}


class Optional:
    """A part of a state that is nearly always absent: kept in ``extras``, which exists when any part does."""

    __slots__ = ("default", "name")

    def __init__(self, default: Any = None) -> None:
        self.default = default

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, state: Any, owner: Any) -> Any:
        if state is None:
            return self
        extras = state.extras
        return self.default if extras is None else extras.get(self.name, self.default)

    def __set__(self, state: Any, value: Any) -> None:
        extras = state.extras
        if extras is None:
            extras = state.extras = {}
        extras[self.name] = value


class InstanceState(weakref.ref):  # type: ignore[type-arg]
    """What a session knows of one object; ``inspect(obj)`` returns it.

    It answers which of the five states the object is in, by which identity it is known, which of its
    attributes are loaded and what was changed.

    >>> inspect(User(name="ed")).transient                                          # doctest: +SKIP
    True
    """

    __slots__ = (
        "changes",  # None, or attribute -> value before its first change; dropped together with ``modified``
        "extras",  # None, or the optional parts below by name
        "incomplete",  # True while attributes may be absent on purpose: expired, deferred, loaded partially
        "manager",  # ClassManager of the object's class; written once
        "modified",  # True from the first change until flush, expiry or rollback
        "pk",  # None, or the primary key by which the object is known: the bare value of a one-column key, else a tuple
        "session_id",  # number of the owning session, or None; written by the session
    )

    manager: ClassManager
    pk: Any
    session_id: int | None
    modified: bool
    changes: Values | None
    incomplete: bool
    extras: Values | None

    identity_token = Optional()
    """Tells apart equal primary keys of several databases."""
    expired = Optional(False)
    """The whole object was expired and nothing was loaded since."""
    expired_keys = Optional(_NOTHING)
    """Attributes to be loaded at their next access; may be a set shared between objects."""
    load_options = Optional(())
    """Loader options that the query had which loaded the object."""
    load_path = Optional()
    """Where in that query the object stood."""
    insert_order = Optional()
    """Rank among the new objects of a session; written by add, read by the flush."""
    is_deleted = Optional(False)
    """The row was deleted in the transaction in progress; written by flush and rollback."""
    was_deleted = Optional(False)
    """The row was deleted, and that is committed."""
    orphaned_outside = Optional(False)
    """It lost a parent that it must have while that parent was in no session; a flush lets it out when pending."""
    last_known = Optional()
    """Attribute -> last value, for those whose value is needed after expiry."""
    loader_callables = Optional()
    """Attribute -> loader of this object only."""
    parents = Optional()
    """Relationship token -> parent state or False."""
    pending_changes = Optional()
    """Attribute -> what the other side changed in a collection that is not loaded."""
    placeholders = Optional()
    """Attribute -> empty collection that answered a read and is not the value yet."""
    peers = Optional()
    """The group of objects that came from the same result; written by loading where peers are asked for."""
    _info = Optional()

    is_instance = True
    is_mapper = is_aliased_class = is_selectable = is_clause_element = is_attribute = is_property = False

    # a plain weak reference hashes and compares its referent, that is the user's __eq__ and __hash__
    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__

    def __repr__(self) -> str:
        return f"<InstanceState of {exc.state_text(self)}>"

    # ------------------------------------------------------------ who and where

    @property
    def obj(self) -> InstanceState:
        """The weak reference to the object: the state itself, so ``state.obj()`` is the object."""
        return self

    @property
    def object(self) -> Any:
        """The object, or None when it has been garbage collected."""
        return self()

    @property
    def dict(self) -> Values:
        """The object's ``__dict__``; an empty one when the object is gone."""
        instance = self()
        return {} if instance is None else instance.__dict__

    @property
    def class_(self) -> type:
        """The class of the object."""
        instance = self()
        return self.manager.class_ if instance is None else type(instance)

    @property
    def mapper(self) -> Any:
        """The :class:`.Mapper` of the object's class."""
        return self.manager.mapper

    @property
    def session(self) -> Any:
        """The session that owns the object, or None."""
        return owner_of(self)

    @property
    def key(self) -> tuple[Any, ...] | None:
        """The identity key ``(class, (primary key, ...), identity_token)``, or None without an identity."""
        pk = self.pk
        if pk is None:
            return None
        return (self.manager.identity_class, pk if self.manager.pk_arity != 1 else (pk,), self.identity_token)

    @key.setter
    def key(self, key: tuple[Any, ...] | None) -> None:
        if key is None:
            self.pk = None
            return
        identity = key[1] if len(key) > 1 else key
        self.pk = identity[0] if self.manager.pk_arity == 1 and isinstance(identity, tuple) else identity
        if len(key) > 2 and key[2] is not None:
            self.identity_token = key[2]

    @key.deleter
    def key(self) -> None:
        self.pk = None

    identity_key = key

    @property
    def identity(self) -> tuple[Any, ...] | None:
        """The primary key as a tuple, or None without an identity."""
        key = self.key
        return None if key is None else key[1]

    @property
    def has_identity(self) -> bool:
        """True when the object stands for a row."""
        return self.pk is not None

    @property
    def _strong_obj(self) -> Any:
        """The object when its session keeps it alive, because it is new, changed or to be deleted; else None."""
        owner = owner_of(self)
        return None if owner is None else owner.held_object(self)

    def _dispose(self) -> None:
        """The object belongs to no session any more, whatever that session knows."""
        self.session_id = None

    @property
    def info(self) -> Notes:
        """A dictionary for the user's own notes about the object."""
        if self._info is None:
            self._info = {}
        notes: Notes = self._info
        return notes

    # ------------------------------------------------------------ life cycle

    @property
    def attached(self) -> bool:
        """True when a living session owns the object."""
        return self.session_id is not None and self.session_id in owners

    @property
    def object_state(self) -> lifecycle.ObjectState:
        """Which of the five states the object is in."""
        return lifecycle.state_of(has_key=self.pk is not None, is_attached=self.attached, is_deleted=self.is_deleted)

    @property
    def transient(self) -> bool:
        """True for an object that stands for no row and belongs to no session."""
        return self.pk is None and not self.attached

    @property
    def pending(self) -> bool:
        """True for an object that was added and is not yet inserted."""
        return self.pk is None and self.attached

    @property
    def persistent(self) -> bool:
        """True for an object that stands for a row and belongs to a session."""
        return self.pk is not None and self.attached and not self.is_deleted

    @property
    def deleted(self) -> bool:
        """True for an object whose row was deleted in the transaction in progress."""
        return self.pk is not None and self.attached and self.is_deleted

    @property
    def detached(self) -> bool:
        """True for an object that stands for a row and belongs to no session."""
        return self.pk is not None and not self.attached

    # ------------------------------------------------------------ attributes

    @property
    def attrs(self) -> AttributeStates:
        """The attributes by name; each gives ``value``, ``loaded_value`` and ``history``."""
        return AttributeStates(self)

    @property
    def committed_state(self) -> Values:
        """The changed attributes with their values before the first change."""
        return self.changes if self.changes is not None else _NO_CHANGES

    @property
    def expired_attributes(self) -> set[str]:
        """The attributes that are loaded at their next access."""
        keys = self.expired_keys
        if not isinstance(keys, set):
            keys = self.expired_keys = set(keys)
        return keys

    @property
    def callables(self) -> Values:
        """Loaders of this object only, by attribute."""
        if self.loader_callables is None:
            self.loader_callables = {}
        callables: Values = self.loader_callables
        return callables

    @property
    def unloaded(self) -> set[str]:
        """The attributes that have neither a value nor a change."""
        return set(self.manager).difference(self.committed_state).difference(self.dict)

    @property
    def unloaded_expirable(self) -> set[str]:
        """The same as :attr:`unloaded`."""
        return self.unloaded

    @property
    def unmodified(self) -> set[str]:
        """The attributes that have not been changed."""
        return set(self.manager).difference(self.committed_state)

    def unmodified_intersection(self, keys: Iterable[str]) -> set[str]:
        """Those of *keys* that have not been changed."""
        return set(keys).intersection(self.manager).difference(self.committed_state)

    def get_history(self, key: str, passive: int = PASSIVE_NO_INITIALIZE) -> History:
        """The history of one attribute."""
        return self.manager[key].impl.get_history(self, self.dict, passive)

    # ------------------------------------------------------------ changes

    def note_change(self, dict_: Values, key: str, old: Any) -> None:
        """The attribute *key* is about to change from *old*: keep that, and tell the session the first time."""
        if not self.modified:
            self.mark_modified(key)  # first: the session may refuse, and then nothing has changed
        changes = self.changes
        if changes is None:
            changes = self.changes = {}
        if key not in changes:
            changes[key] = old
        if self.last_known is not None and key in self.last_known:
            self.last_known[key] = NO_VALUE

    def mark_modified(self, key: str = "?") -> None:
        """Flag the object as changed and let its session hold it until the flush."""
        if self.session_id is not None:
            owner = owners.get(self.session_id)
            if owner is not None:
                instance = self()
                if instance is None:
                    raise exc.dereferenced(key, self.class_)
                owner.note_modified(self, instance)
        self.modified = True

    def _release(self) -> None:
        """The object has no changes any more: the session need not hold it."""
        if self.modified:
            self.modified = False
            if self.session_id is not None:
                owner = owners.get(self.session_id)
                if owner is not None:
                    owner.identity_map.modified.pop(self, None)

    def commit_all(self, dict_: Values) -> None:
        """The object is in step with its row: forget all changes."""
        self.changes = None
        if self.extras is not None:
            self.pending_changes = None
        if self.modified:
            self._release()
        if self.incomplete:
            self.expired = False
            if self.expired_keys:
                self.expired_keys = {key for key in self.expired_keys if key not in dict_}

    def commit(self, dict_: Values, keys: Iterable[str]) -> None:
        """The attributes *keys* are in step with the row: forget their changes."""
        changes = self.changes
        if changes:
            for key in keys:
                changes.pop(key, None)
        if self.pending_changes:
            for key in keys:
                self.pending_changes.pop(key, None)
        self.expired = False
        if self.expired_keys:
            self.expired_attributes.difference_update(set(keys).intersection(dict_))

    def reset(self, dict_: Values, key: str) -> None:
        """Drop the value, the change and the own loader of one attribute."""
        self._drop_collections(dict_, (key,))
        dict_.pop(key, None)
        if self.changes:
            self.changes.pop(key, None)
        if self.loader_callables:
            self.loader_callables.pop(key, None)

    def track_last_known_value(self, key: str) -> None:
        """Keep the value of *key* when it is expired, for those who need it afterwards."""
        if self.last_known is None:
            self.last_known = {}
        self.last_known.setdefault(key, NO_VALUE)

    # ------------------------------------------------------------ expiry

    def expire(self, dict_: Values) -> None:
        """Drop all values; each is loaded again at its next access."""
        manager = self.manager
        keys: set[str] | frozenset[str] = manager.expired_always
        for key in manager.expired_when_loaded:
            if key in dict_:
                keys = {*keys, key}
        extras = self.extras
        if extras is None:
            # the optional parts at once: pays for the commit of many objects
            self.extras = {"expired": True, "expired_keys": keys}
        else:
            if self.last_known:
                self.last_known.update((key, dict_[key]) for key in self.last_known if key in dict_)
            if self.loader_callables:
                self.loader_callables = None
            extras["expired"], extras["expired_keys"] = True, keys
        self.incomplete = True
        self.changes = None
        if self.modified:
            self._release()
        if manager.collection_keys:
            self._drop_collections(dict_, manager.collection_keys)
        for key in manager:
            dict_.pop(key, None)
        if manager.dispatch.expire:
            manager.dispatch.expire(self, None)

    def _drop_collections(self, dict_: Values, keys: Iterable[str]) -> None:
        """Forget the collections *keys* and what waits for them; whoever changes one of them later is warned."""
        for key in keys:
            impl: Any = self.manager[key].impl
            if impl.collection:
                impl.invalidate(dict_.get(key))
                for part in (self.placeholders, self.pending_changes):
                    if part:
                        part.pop(key, None)

    def expire_attributes(self, dict_: Values, keys: Iterable[str], *, keep_own_loaders: bool = False) -> None:
        """Drop the values of *keys*; each is loaded again at its next access.

        :param keep_own_loaders: attributes with a loader of their own are only unloaded, not marked.
        """
        names = list(keys)
        self._drop_collections(dict_, names)
        marked = self.expired_attributes
        self.incomplete = True
        for key in names:
            impl = self.manager[key].impl
            if impl.accepts_scalar_loader:
                if keep_own_loaders and (impl.load is not None or key in self.callables):
                    dict_.pop(key, None)
                    continue
                marked.add(key)
                if self.loader_callables:
                    self.loader_callables.pop(key, None)
            old = dict_.pop(key, NO_VALUE)
            if self.last_known and key in self.last_known and old is not NO_VALUE:
                self.last_known[key] = old
            if self.changes:
                self.changes.pop(key, None)
        if self.manager.dispatch.expire:
            self.manager.dispatch.expire(self, names)

    def load_expired(self, passive: int) -> Any:
        """Load all expired attributes that were not changed since, in one go."""
        if not passive & SQL_OK:
            return PASSIVE_NO_RESULT
        manager = self.manager
        keys = self.unmodified_intersection(self.expired_keys)
        keys.difference_update([key for key in keys if not manager[key].impl.load_on_unexpire])
        loader = manager.expired_attribute_loader
        if loader is None:
            raise exc.detached_refresh(self)
        loader(self, keys, passive)
        # what the loader could not find must not be asked for again at once
        self.expired_keys = _NOTHING
        return ATTR_WAS_SET

    # ------------------------------------------------------------ SQLAlchemy's own names for the above

    def _commit_all(self, dict_: Values, instance_dict: Any = None) -> None:
        self.commit_all(dict_)

    def _commit(self, dict_: Values, keys: Iterable[str]) -> None:
        self.commit(dict_, keys)

    def _expire(self, dict_: Values, modified_set: Any = None) -> None:
        self.expire(dict_)

    def _expire_attributes(self, dict_: Values, attribute_names: Iterable[str], no_loader: bool = False) -> None:
        self.expire_attributes(dict_, attribute_names, keep_own_loaders=no_loader)

    def _track_last_known_value(self, key: str) -> None:
        self.track_last_known_value(key)

    def _reset(self, dict_: Values, key: str) -> None:
        self.reset(dict_, key)

    @property
    def _empty_collections(self) -> Values:
        return self.placeholders or {}

    @property
    def _pending_mutations(self) -> Values:
        return self.pending_changes or {}

    @staticmethod
    def _instance_level_callable_processor(manager: Any, callable_: Any, key: str) -> Any:
        def set_loader(state: InstanceState, dict_: Values, row: Any) -> None:
            state.reset(dict_, key)
            state.callables[key] = callable_

        return set_loader

    @property
    def _last_known_values(self) -> Values | None:
        known: Values | None = self.last_known
        return known

    # ------------------------------------------------------------ copying

    def __reduce__(self) -> tuple[Any, ...]:
        if self.manager.dispatch.pickle:
            data = self._portable()
            self.manager.dispatch.pickle(self, data)
        else:
            data = self._portable()
        return (_restore, (self(),), data)

    def _portable(self) -> Values:
        """What another process can use: everything but the session."""
        data = {name: getattr(self, name) for name in ("pk", "modified", "changes", "incomplete")}
        if self.extras:
            local = ("insert_order", "is_deleted", "peers")
            data["extras"] = {name: value for name, value in self.extras.items() if name not in local}
        return data

    def __setstate__(self, data: Mapping[str, Any]) -> None:
        for name in ("pk", "modified", "changes", "incomplete", "extras"):
            if name in data:
                setattr(self, name, data[name])
        if self.manager.dispatch.unpickle:
            self.manager.dispatch.unpickle(self, data)

    def __copy__(self) -> InstanceState:
        return self

    def __deepcopy__(self, memo: Memo) -> InstanceState:
        # copy.deepcopy of an object enters the copy in the memo before it copies the dictionary
        copied = memo.get(id(self()))
        return self if copied is None else new_state(copied, self.manager)


class AttributeState:
    """One attribute of one object: ``inspect(obj).attrs.name``."""

    __slots__ = ("key", "state")

    def __init__(self, state: InstanceState, key: str) -> None:
        self.state = state
        self.key = key

    @property
    def loaded_value(self) -> Any:
        """The value in the object's dictionary, or ``NO_VALUE``; never loads."""
        return self.state.dict.get(self.key, NO_VALUE)

    @property
    def value(self) -> Any:
        """The value as attribute access gives it; loads when it is absent."""
        return getattr(self.state(), self.key)

    @property
    def history(self) -> History:
        """The history as far as it is known without loading."""
        return self.state.get_history(self.key, PASSIVE_NO_INITIALIZE)

    def load_history(self) -> History:
        """The history, with the value loaded when it is absent."""
        return self.state.get_history(self.key, PASSIVE_OFF ^ INIT_OK)


class AttributeStates(Mapping[str, AttributeState]):
    """The tracked attributes of one object by name, also as attributes."""

    __slots__ = ("_state",)

    def __init__(self, state: InstanceState) -> None:
        self._state = state

    def __getitem__(self, key: str) -> AttributeState:
        if key not in self._state.manager:
            raise KeyError(key)
        return AttributeState(self._state, key)

    def __getattr__(self, key: str) -> AttributeState:
        try:
            return self[key]
        except KeyError:
            raise AttributeError(f"{self._state.class_.__name__} has no mapped attribute {key!r}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._state.manager)

    def __len__(self) -> int:
        return len(self._state.manager)


def forget(state: InstanceState) -> None:
    """The object of *state* was garbage collected: its session's identity map drops it."""
    session_id = state.session_id
    if session_id is not None and owners is not None:  # None while the interpreter shuts down
        owner = owners.get(session_id)
        if owner is not None:
            owner.identity_map.discard(state)


def new_state(instance: Any, manager: ClassManager) -> InstanceState:
    """Give *instance* a fresh, transient state and return it."""
    state = InstanceState(instance, forget)
    state.manager = manager
    state.pk = None
    state.session_id = None
    state.modified = False
    state.changes = None
    state.incomplete = False
    state.extras = None
    object.__setattr__(instance, STATE_KEY, state)
    return state


def _restore(instance: Any) -> InstanceState:
    """The state of an object that is being unpickled."""
    manager = getattr(type(instance), "_sa_class_manager", None)
    if manager is None:
        raise exc.unpickled_without_mapping(type(instance))
    return new_state(instance, manager)
