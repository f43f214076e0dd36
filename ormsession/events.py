"""The names of all events, what their listeners are called with, and how a listener finds its target.

Each class below lists the events of one kind of target as methods: the name is the event, the parameters
are what a listener receives (and the names under which ``named=True`` hands them over).  Core's
``sqlalchemy.event.listen`` finds the class by the name of the event.  The rooms call
:func:`bind_events` for the class that is the target; from then on its instances have ``.dispatch``::

    if session.dispatch.before_flush:
        session.dispatch.before_flush(session, context, objects)

Rules

* An event is emitted with *states*; the wrapper made at ``listen`` turns them into objects, unless the
  listener asked for ``raw=True``.  So an event without listeners costs one truth test.
* ``propagate=True`` reaches the classes below the target, those that exist and those to come.
* A class that is not mapped yet may be listened to: its listeners are *held* and applied when it, or with
  ``propagate`` a subclass of it, becomes a target.

The module knows no room: how a class, a scoped session or a factory leads to a target is told to it by
``resolve`` functions.
"""

from __future__ import annotations

import enum
import inspect as python_inspect
import weakref
from collections.abc import Callable
from typing import Any

from ._core import Events, dispatcher


class EventReturn(enum.Enum):
    """What a mapper event with ``retval=True`` may answer."""

    EXT_CONTINUE = "continue"
    EXT_STOP = "stop"
    EXT_SKIP = "skip"


EXT_CONTINUE = EventReturn.EXT_CONTINUE
EXT_STOP = EventReturn.EXT_STOP
EXT_SKIP = EventReturn.EXT_SKIP


class HeldTarget:
    """Stands for a class that is no target yet; keeps listeners until it, or a subclass, is one."""

    def __init__(self, events_class: type[TargetEvents], class_: type) -> None:
        self.events_class = events_class
        self.class_ = class_
        target_class: Any = events_class._target_class
        # Core enters listeners here, so that it finds them when they are removed; nothing is emitted
        self.dispatch: Any = events_class.dispatch._for_class(target_class)
        self.listeners: list[tuple[Any, dict[str, Any]]] = []


class TargetEvents(Events[Any]):
    """What the event classes below share: how targets are found and held."""

    # per event class; see bind_events
    _target_class: type | None = None
    _resolve: Callable[[Any], Any] | None = None
    _held: weakref.WeakKeyDictionary[type, HeldTarget] | None = None

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        if cls._resolve is not None:
            found = cls._resolve(target)
            if found is not None:
                return found
        elif cls._target_class is not None and _is_instance_or_subclass(target, cls._target_class):
            return target
        if cls._held is not None and isinstance(target, type):
            return cls._held.setdefault(target, HeldTarget(cls, target))
        return None

    @classmethod
    def _hold(cls, event_key: Any, options: dict[str, Any]) -> bool:
        """Keep a listener whose class is no target yet; False when it is one."""
        target = event_key.dispatch_target
        if not isinstance(target, HeldTarget):
            return False
        target.listeners.append((event_key, options))
        event_key.base_listen(named=False)
        if options.get("propagate") and cls._resolve is not None:
            for subclass in _subclasses(target.class_):
                found = cls._resolve(subclass)
                if found is not None:
                    cls._listen(event_key.with_dispatch_target(found), **options)
        return True

    @classmethod
    def _clear(cls) -> None:
        cls.dispatch._clear()
        if cls._held is not None:
            cls._held.clear()


def _subclasses(class_: type) -> list[type]:
    """All classes below *class_*."""
    below: list[type] = class_.__subclasses__()
    return [each for subclass in below for each in (subclass, *_subclasses(subclass))]


def _is_instance_or_subclass(target: Any, class_: type) -> bool:
    return issubclass(target, class_) if isinstance(target, type) else isinstance(target, class_)


def bind_events(
    events_class: type[TargetEvents],
    target_class: type,
    resolve: Callable[[Any], Any] | None = None,
    *,
    hold: bool = False,
) -> None:
    """Make *target_class* the target of *events_class*: its instances get ``dispatch``.

    :param resolve: from what a user listens to (a class, a factory) to the target, or None.
    :param hold: keep listeners for classes that are no targets yet.
    """
    target_class.dispatch = dispatcher(events_class)  # type: ignore[attr-defined]
    events_class._target_class = target_class
    events_class._resolve = resolve if resolve is None else staticmethod(resolve)
    events_class._held = weakref.WeakKeyDictionary() if hold else None


def apply_held(events_class: type[TargetEvents], class_: type, target: Any) -> None:
    """*class_* has become a target: give it its held listeners, and those of its bases with ``propagate``."""
    for base in class_.__mro__:
        held = None if events_class._held is None else events_class._held.get(base)
        for event_key, options in () if held is None else held.listeners:
            # one that was removed since is not known to Core any more
            if event_key.contains() and (base is class_ or options.get("propagate")):
                events_class._listen(event_key.with_dispatch_target(target), **options)


# ---------------------------------------------------------------- session


class SessionEvents(TargetEvents):
    """Events of a session, of a session class, of a ``sessionmaker`` or ``scoped_session``."""

    _transitions = frozenset(
        (
            "before_attach", "after_attach",
            "transient_to_pending", "pending_to_transient", "pending_to_persistent", "persistent_to_transient",
            "persistent_to_deleted", "deleted_to_persistent", "deleted_to_detached", "persistent_to_detached",
            "detached_to_persistent", "loaded_as_persistent",
        )
    )  # fmt: skip

    @classmethod
    def _listen(cls, event_key: Any, *, raw: bool = False, restore_load_context: bool = False, **options: Any) -> None:
        if event_key.identifier in cls._transitions and not raw:
            listener = event_key._listen_fn

            def with_object(session: Any, state: Any) -> Any:
                instance = state()
                return None if instance is None else listener(session, instance)

            event_key = event_key.with_wrapper(with_object)
        event_key.base_listen(**options)

    def do_orm_execute(self, orm_execute_state: Any) -> None:
        """A statement is about to be executed; the state can change it or answer in its place."""

    def after_transaction_create(self, session: Any, transaction: Any) -> None:
        """A :class:`.SessionTransaction` begins."""

    def after_transaction_end(self, session: Any, transaction: Any) -> None:
        """A :class:`.SessionTransaction` is over."""

    def before_commit(self, session: Any) -> None:
        """``commit`` was called; nothing has been flushed yet."""

    def after_commit(self, session: Any) -> None:
        """The database has committed; the session cannot send SQL here."""

    def after_rollback(self, session: Any) -> None:
        """The database has rolled back."""

    def after_soft_rollback(self, session: Any, previous_transaction: Any) -> None:
        """A transaction of the session was rolled back, also one nested in another."""

    def before_flush(self, session: Any, flush_context: Any, instances: Any) -> None:
        """A flush begins; objects may be added, changed and deleted here."""

    def after_flush(self, session: Any, flush_context: Any) -> None:
        """The statements were sent; the session still shows the objects as new, dirty, deleted."""

    def after_flush_postexec(self, session: Any, flush_context: Any) -> None:
        """The flush is over and the objects are in their final state."""

    def after_begin(self, session: Any, transaction: Any, connection: Any) -> None:
        """A connection takes part in the transaction."""

    def before_attach(self, session: Any, instance: Any) -> None:
        """An object is about to belong to the session."""

    def after_attach(self, session: Any, instance: Any) -> None:
        """An object belongs to the session now."""

    def after_bulk_update(self, update_context: Any) -> None:
        """An UPDATE of an entity was executed."""

    def after_bulk_delete(self, delete_context: Any) -> None:
        """A DELETE of an entity was executed."""

    def transient_to_pending(self, session: Any, instance: Any) -> None:
        """A transient object was added."""

    def pending_to_transient(self, session: Any, instance: Any) -> None:
        """A pending object was expunged, or its add rolled back."""

    def persistent_to_transient(self, session: Any, instance: Any) -> None:
        """The insert of an object was rolled back."""

    def pending_to_persistent(self, session: Any, instance: Any) -> None:
        """A pending object was inserted."""

    def detached_to_persistent(self, session: Any, instance: Any) -> None:
        """A detached object was added."""

    def loaded_as_persistent(self, session: Any, instance: Any) -> None:
        """An object came from a row."""

    def persistent_to_deleted(self, session: Any, instance: Any) -> None:
        """The row of an object was deleted in a flush."""

    def deleted_to_persistent(self, session: Any, instance: Any) -> None:
        """The deletion of an object was rolled back."""

    def deleted_to_detached(self, session: Any, instance: Any) -> None:
        """The deletion of an object was committed, or the deleted object expunged."""

    def persistent_to_detached(self, session: Any, instance: Any) -> None:
        """An object was expunged, or its session closed."""


# ---------------------------------------------------------------- instances, attributes, instrumentation


class InstanceEvents(TargetEvents):
    """Events of the instances of a class."""

    _added = 0
    """How many listeners were ever added: constructors look again at theirs when it has changed."""

    @classmethod
    def _listen(
        cls,
        event_key: Any,
        *,
        raw: bool = False,
        propagate: bool = False,
        restore_load_context: bool = False,
        **options: Any,
    ) -> None:
        if cls._hold(event_key, {"raw": raw, "propagate": propagate, **options}):
            return
        InstanceEvents._added += 1
        target, listener = event_key.dispatch_target, event_key._listen_fn
        if not raw and event_key.identifier != "first_init":  # which has no object yet

            def with_object(state: Any, *args: Any) -> Any:
                return listener(state.obj(), *args)

            event_key = event_key.with_wrapper(with_object)
        event_key.base_listen(propagate=propagate, **options)
        if propagate and not isinstance(target, type):
            for manager in target.subclass_managers(True):
                event_key.with_dispatch_target(manager).base_listen(propagate=True, **options)

    def first_init(self, manager: Any, cls: Any) -> None:
        """The first instance of a class is being constructed."""

    def init(self, target: Any, args: Any, kwargs: Any) -> None:
        """The constructor was called; ``kwargs`` may be changed in place."""

    def init_failure(self, target: Any, args: Any, kwargs: Any) -> None:
        """The constructor raised."""

    def load(self, target: Any, context: Any) -> None:
        """The object was made from a row."""

    def refresh(self, target: Any, context: Any, attrs: Any) -> None:
        """Attributes were loaded again from a row."""

    def refresh_flush(self, target: Any, flush_context: Any, attrs: Any) -> None:
        """Attributes got values in a flush that the database or a default made."""

    def expire(self, target: Any, attrs: Any) -> None:
        """Attributes were expired; None means all."""

    def pickle(self, target: Any, state_dict: Any) -> None:
        """The object is being pickled."""

    def unpickle(self, target: Any, state_dict: Any) -> None:
        """The object was unpickled."""


class AttributeEvents(TargetEvents):
    """Events of one attribute."""

    @classmethod
    def _listen(
        cls,
        event_key: Any,
        *,
        raw: bool = False,
        retval: bool = False,
        include_key: bool = False,
        active_history: bool = False,
        propagate: bool = False,
        **options: Any,
    ) -> None:
        target, listener = event_key.dispatch_target, event_key._listen_fn

        def adapted(state: Any, *args: Any, **keys: Any) -> Any:
            answer = listener(state if raw else state(), *args, **(keys if include_key else {}))
            return answer if retval else (args[0] if args else None)

        event_key = event_key.with_wrapper(adapted)
        attributes = [target]
        if propagate:
            for manager in target.class_.__dict__["_sa_class_manager"].subclass_managers(True):
                inherited = manager.get(target.key)
                if inherited is not None and inherited not in attributes:
                    attributes.append(inherited)
        for attribute in attributes:
            if active_history:
                attribute.impl.active_history = True
            event_key.with_dispatch_target(attribute).base_listen(propagate=propagate, **options)
            _refresh_plain(attribute)

    def append(self, target: Any, value: Any, initiator: Any) -> Any:
        """An element is added to a collection."""

    def append_wo_mutation(self, target: Any, value: Any, initiator: Any) -> Any:
        """An element that the collection has already is added to it."""

    def bulk_replace(self, target: Any, values: Any, initiator: Any) -> None:
        """A collection is replaced by another."""

    def remove(self, target: Any, value: Any, initiator: Any) -> None:
        """A value is removed."""

    def set(self, target: Any, value: Any, oldvalue: Any, initiator: Any) -> Any:
        """A value is set."""

    def init_scalar(self, target: Any, value: Any, dict_: Any) -> Any:
        """An attribute without a value is read."""

    def init_collection(self, target: Any, collection: Any, collection_adapter: Any) -> None:
        """An empty collection is made."""

    def dispose_collection(self, target: Any, collection: Any, collection_adapter: Any) -> None:
        """A collection is replaced and belongs to no object any more."""

    def modified(self, target: Any, initiator: Any) -> None:
        """``flag_modified`` was called."""


def _refresh_plain(attribute: Any) -> None:
    """Writes of an attribute that is listened to must go through its implementation."""
    manager = attribute.class_.__dict__.get("_sa_class_manager")
    if manager is not None:
        for affected in (manager, *manager.subclass_managers(True)):
            affected.refresh_plain()


class InstrumentationEvents(TargetEvents):
    """Events of classes that get or lose their instrumentation."""

    @classmethod
    def _listen(cls, event_key: Any, *, propagate: bool = True, **options: Any) -> None:
        listened, listener = event_key.target, event_key._listen_fn

        def for_class(class_: type, *args: Any) -> Any:
            if class_ is listened or (propagate and isinstance(listened, type) and issubclass(class_, listened)):
                return listener(class_, *args)
            return None

        event_key.with_wrapper(for_class).base_listen(propagate=propagate, **options)

    @classmethod
    def _clear(cls) -> None:
        super()._clear()
        instrumentation_factory.dispatch._clear()

    def class_instrument(self, cls: Any) -> None:
        """A class is tracked from now on."""

    def class_uninstrument(self, cls: Any) -> None:
        """A class is about to be tracked no more."""

    def attribute_instrument(self, cls: Any, key: Any, inst: Any) -> None:
        """An attribute is tracked from now on."""


class InstrumentationFactory:
    """The one target of instrumentation events."""

    dispatch: Any


instrumentation_factory = InstrumentationFactory()
bind_events(
    InstrumentationEvents,
    InstrumentationFactory,
    lambda target: instrumentation_factory if isinstance(target, type) else None,
)


# ---------------------------------------------------------------- mapper


class MapperEvents(TargetEvents):
    """Events of a mapper, of a mapped class or of all mappers."""

    @classmethod
    def _accept_with(cls, target: Any, identifier: str) -> Any:
        found = super()._accept_with(target, identifier)
        # a round of configuration concerns all mappers
        if identifier in ("before_configured", "after_configured") and not isinstance(found, type):
            return None
        return found

    @classmethod
    def _listen(
        cls, event_key: Any, *, raw: bool = False, retval: bool = False, propagate: bool = False, **options: Any
    ) -> None:
        if cls._hold(event_key, {"raw": raw, "retval": retval, "propagate": propagate, **options}):
            return
        target, listener = event_key.dispatch_target, event_key._listen_fn
        names = list(python_inspect.signature(getattr(cls, event_key.identifier)).parameters)[1:]
        position = names.index("target") if "target" in names and not raw else None
        if position is not None or not retval:

            def adapted(*args: Any) -> Any:
                if position is not None:
                    args = (*args[:position], args[position].obj(), *args[position + 1 :])
                answer = listener(*args)
                return answer if retval else EXT_CONTINUE

            event_key = event_key.with_wrapper(adapted)
        event_key.base_listen(propagate=propagate, **options)
        if propagate and not isinstance(target, type):
            for mapper in target.self_and_descendants:
                if mapper is not target:
                    event_key.with_dispatch_target(mapper).base_listen(propagate=True, **options)

    def instrument_class(self, mapper: Any, class_: Any) -> None:
        """A class is about to be instrumented for a mapper."""

    def after_mapper_constructed(self, mapper: Any, class_: Any) -> None:
        """A mapper exists; it is not configured yet."""

    def before_mapper_configured(self, mapper: Any, class_: Any) -> None:
        """A mapper is about to be configured."""

    def mapper_configured(self, mapper: Any, class_: Any) -> None:
        """A mapper has been configured."""

    def before_configured(self) -> None:
        """A round of configuration begins."""

    def after_configured(self) -> None:
        """A round of configuration is over."""

    def before_insert(self, mapper: Any, connection: Any, target: Any) -> None:
        """An object is about to be inserted; its column attributes may be changed."""

    def after_insert(self, mapper: Any, connection: Any, target: Any) -> None:
        """An object was inserted."""

    def before_update(self, mapper: Any, connection: Any, target: Any) -> None:
        """A changed object is about to be updated; its column attributes may be changed."""

    def after_update(self, mapper: Any, connection: Any, target: Any) -> None:
        """A changed object was handled; an UPDATE was sent when there was something to send."""

    def before_delete(self, mapper: Any, connection: Any, target: Any) -> None:
        """An object is about to be deleted."""

    def after_delete(self, mapper: Any, connection: Any, target: Any) -> None:
        """An object was deleted."""


class RegistryEvents(TargetEvents):
    """Events of a registry."""

    def before_configured(self, registry: Any) -> None:
        """The registry has mappers that are about to be configured."""

    def after_configured(self, registry: Any) -> None:
        """The mappers of the registry have been configured."""


# ---------------------------------------------------------------- query


class QueryEvents(TargetEvents):
    """Events of a :class:`.Query`."""

    @classmethod
    def _listen(cls, event_key: Any, *, retval: bool = False, bake_ok: bool = False, **options: Any) -> None:
        if not retval:
            listener = event_key._listen_fn

            def keep_query(query: Any, *args: Any) -> Any:
                listener(query, *args)
                return query

            event_key = event_key.with_wrapper(keep_query)
        event_key.base_listen(**options)

    def before_compile(self, query: Any) -> Any:
        """A query is about to become a SELECT; with ``retval=True`` another may be returned."""

    def before_compile_update(self, query: Any, update_context: Any) -> Any:
        """A query is about to become an UPDATE."""

    def before_compile_delete(self, query: Any, delete_context: Any) -> Any:
        """A query is about to become a DELETE."""
