"""What a class gets when its instances are to be tracked, and how it gets rid of it again.

``register_class`` gives the class

* ``_sa_class_manager``, its :class:`ClassManager`: the tracked attributes by name, the events of its
  instances, and the slots that rooms above fill;
* an ``__init__`` around its own, which gives each new object its state and emits ``init``;
* ``__setattr__`` and ``__delattr__``, which see every write of a tracked attribute and hand everything
  else on to what the class had before;
* ``__copy__``, when it has none: a copy is a new transient object and must not share the state.

A write of a *plain* attribute (one value, no listener, old value not needed) is handled in
``__setattr__`` itself; all others go through their implementation.  Which attributes are plain is kept
in ``ClassManager.plain`` and renewed when a listener arrives.

A class that defines ``__setattr__`` or ``__delattr__`` in Python keeps them: tracked attributes stand on
it behind data descriptors, which see also what is written with ``object.__setattr__``.  The same is done
for a subclass that is not registered itself, when its first instance is made.

Invariant: every key in ``plain`` has an implementation that answers ``is_plain``.
"""

from __future__ import annotations

import functools
import inspect as python_inspect
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from .. import events, exc
from .attributes import Attribute, WriteWatch
from .state import STATE_KEY, InstanceState, new_state
from .symbols import NO_VALUE

MANAGER_KEY = "_sa_class_manager"
_ABSENT = object()


class ClassManager(dict[str, Attribute]):
    """The tracked attributes of one class by name, with what else is known of its instances."""

    STATE_ATTR = STATE_KEY
    MANAGER_ATTR = MANAGER_KEY

    def __init__(self, class_: Any) -> None:
        super().__init__()
        self.class_ = class_
        self.mapper: Any = None
        """The mapper of the class; written by mapping, None while the class is only instrumented."""
        self.identity_class: type = class_
        """The class under which instances stand in identity maps: the base of a mapped hierarchy."""
        self.pk_arity = 1
        """How many columns the primary key has; written by mapping."""
        self.expired_attribute_loader: Callable[[InstanceState, set[str], int], Any] | None = None
        """Loads expired attributes; filled by loading when mappings are configured."""
        self.before_first_instance: Callable[[], None] | None = None
        """Called before a construction as long as it is set; mapping configures here and then empties it."""
        self.has_instances = False
        """An instance was constructed while ``init`` events were listened to; ``first_init`` is over."""
        self.init_method: Callable[..., None] | None = None
        self.plain: set[str] = set()
        """Attributes whose writes only keep the old value; renewed by ``refresh_plain``."""
        self.needs_data_descriptors = _writes_by_itself(class_)
        self.expired_always: frozenset[str] = frozenset()
        """Attributes that expiry of the whole object marks; renewed with ``plain``."""
        self.expired_when_loaded: tuple[str, ...] = ()
        """Attributes that it marks only when they have a value."""
        self.collection_keys: tuple[str, ...] = ()
        """Attributes that hold collections."""
        self._replaced: dict[str, Any] = {}
        self._own_keys: set[str] = set()
        self.parent: ClassManager | None = None
        self._watched: weakref.WeakSet[type] = weakref.WeakSet()
        """Subclasses that are not registered and whose instances have been made."""
        for base in reversed(class_.__mro__[1:]):
            inherited = base.__dict__.get(MANAGER_KEY)
            if inherited is not None:
                self.parent = inherited  # the nearest one is the last
                self.update(inherited)
                self.dispatch._update(inherited.dispatch)

    dispatch: Any

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __repr__(self) -> str:
        return f"<ClassManager of {self.class_.__name__}>"

    @property
    def is_mapped(self) -> bool:
        """True when the class has a mapper."""
        return self.mapper is not None

    def is_instrumented(self, key: str, search: bool = False) -> bool:
        """True when *key* is tracked on this very class, or, with *search*, on it or a base."""
        return key in self if search else key in self._own_keys

    @property
    def attributes(self) -> Iterator[Attribute]:
        """The tracked attributes."""
        return iter(self.values())

    def subclass_managers(self, recursive: bool) -> list[ClassManager]:
        """The managers of the instrumented subclasses, direct ones or all."""
        found: list[ClassManager] = []
        for subclass in self.class_.__subclasses__():
            manager = subclass.__dict__.get(MANAGER_KEY)
            if manager is not None and manager is not self:
                found.append(manager)
                if recursive:
                    found.extend(manager.subclass_managers(True))
        return found

    # ------------------------------------------------------------ attributes

    def install_descriptor(self, key: str, descriptor: Any) -> None:
        """Put a descriptor on the class; ``uninstall_descriptor`` restores what was there."""
        if key in (STATE_KEY, MANAGER_KEY):
            raise exc.reserved_attribute(key)
        self._replaced.setdefault(key, self.class_.__dict__.get(key, _ABSENT))
        setattr(self.class_, key, descriptor)

    def uninstall_descriptor(self, key: str) -> None:
        """Take a descriptor off the class again."""
        before = self._replaced.pop(key, _ABSENT)
        if before is not _ABSENT:
            setattr(self.class_, key, before)
        elif key in self.class_.__dict__:
            delattr(self.class_, key)

    install_member = install_descriptor
    uninstall_member = uninstall_descriptor

    def instrument_attribute(self, key: str, attribute: Attribute) -> None:
        """Track *key*, here and on subclasses that do not track it themselves."""
        if key in (STATE_KEY, MANAGER_KEY):
            raise exc.reserved_attribute(key)
        descriptor = WriteWatch(attribute) if self.needs_data_descriptors else attribute
        if key in self._own_keys:
            setattr(self.class_, key, descriptor)
        else:
            self._own_keys.add(key)
            self.install_descriptor(key, descriptor)
        self._spread(key, attribute)

    def _spread(self, key: str, attribute: Attribute) -> None:
        self[key] = attribute
        self.refresh_plain()
        for manager in self.subclass_managers(False):
            if key not in manager._own_keys:
                if manager.needs_data_descriptors:
                    manager.install_descriptor(key, WriteWatch(attribute))
                manager._spread(key, attribute)

    def uninstrument_attribute(self, key: str) -> None:
        """Stop tracking *key*, here and on subclasses that inherited it."""
        self._own_keys.discard(key)
        if key in self._replaced:
            self.uninstall_descriptor(key)
        self.pop(key, None)
        self.refresh_plain()
        for manager in self.subclass_managers(False):
            if key not in manager._own_keys:
                manager.uninstrument_attribute(key)

    def refresh_plain(self) -> None:
        """Renew what is derived from the attributes: which are plain, which expire."""
        plain, always, loaded, collections = set(), set(), [], []
        for key, attribute in self.items():
            impl = attribute.impl
            if impl.collection:
                collections.append(key)
            if impl.is_plain and not self.needs_data_descriptors:
                plain.add(key)
            if not impl.accepts_scalar_loader:
                continue
            if impl.expire_missing:
                always.add(key)
            else:
                loaded.append(key)
        # in place: ``__setattr__`` has bound the set
        self.plain.clear()
        self.plain.update(plain)
        self.expired_always, self.expired_when_loaded = frozenset(always), tuple(loaded)
        self.collection_keys = tuple(collections)

    # ------------------------------------------------------------ instances

    def new_instance(self, state: InstanceState | None = None) -> Any:
        """A new object with a transient state, made without calling its constructor."""
        instance = self.class_.__new__(self.class_)
        new_state(instance, self)
        return instance

    def setup_instance(self, instance: Any) -> InstanceState:
        """The state of *instance*, which gets one when it has none."""
        state: InstanceState | None = instance.__dict__.get(STATE_KEY)
        if state is None:
            if type(instance) is not self.class_:
                self.watch_subclass(type(instance))
            state = new_state(instance, self)
        return state

    def watch_subclass(self, subclass: type) -> None:
        """Before the first instance of an unregistered *subclass*: see what it may write past us."""
        if subclass in self._watched:
            return
        self._watched.add(subclass)
        if not self.needs_data_descriptors and _writes_by_itself(subclass):
            for key, attribute in self.items():
                setattr(subclass, key, WriteWatch(attribute))

    def has_state(self, instance: Any) -> bool:
        """True when *instance* has a state."""
        return STATE_KEY in instance.__dict__

    def unregister(self) -> None:
        """Give the class back as it was."""
        for key in list(self._own_keys):
            self.uninstrument_attribute(key)
        for key in list(self._replaced):
            self.uninstall_descriptor(key)
        if MANAGER_KEY in self.class_.__dict__:
            delattr(self.class_, MANAGER_KEY)


# ---------------------------------------------------------------- registration


def register_class(class_: Any, *, init_method: Callable[..., None] | None = None) -> ClassManager:
    """Track the instances of *class_* and return its manager; a class that is tracked already keeps it.

    :param init_method: the constructor of a class that has none.
    :raises InvalidRequestError: when instances cannot carry a state (no ``__dict__``, no ``__weakref__``).
    """
    manager = opt_manager_of_class(class_)
    if manager is not None:
        return manager
    _check_trackable(class_)
    manager = ClassManager(class_)
    setattr(class_, MANAGER_KEY, manager)
    if init_method is not None and class_.__init__ is object.__init__:
        manager.init_method = init_method
    manager.install_descriptor("__init__", _make_init(manager))
    if manager.needs_data_descriptors:
        for key, attribute in manager.items():  # inherited ones
            manager.install_descriptor(key, WriteWatch(attribute))
    else:
        manager.install_descriptor("__setattr__", _make_setattr(manager))
        manager.install_descriptor("__delattr__", _make_delattr(manager))
    if not hasattr(class_, "__copy__"):
        manager.install_descriptor("__copy__", _copy_instance)
    events.instrumentation_factory.dispatch.class_instrument(class_)
    events.apply_held(events.InstanceEvents, class_, manager)
    return manager


def unregister_class(class_: type) -> None:
    """Stop tracking the instances of *class_* and give it back as it was."""
    manager = opt_manager_of_class(class_)
    if manager is not None:
        events.instrumentation_factory.dispatch.class_uninstrument(class_)
        manager.unregister()


def _check_trackable(class_: type) -> None:
    if getattr(class_, "__dictoffset__", 1) == 0:
        raise exc.untrackable_class(
            class_,
            "__dict__",
            "Define it without __slots__ (slots=False for dataclasses and attrs), or add '__dict__' to them.",
        )
    if getattr(class_, "__weakrefoffset__", 1) == 0:
        raise exc.untrackable_class(class_, "__weakref__", "Add '__weakref__' to its __slots__.")


def _writes_by_itself(class_: type) -> bool:
    """True when the class or a base defines ``__setattr__`` or ``__delattr__``, other than ours."""
    return any(
        not getattr(base.__dict__[name], "_is_tracking", False)
        for base in class_.__mro__[:-1]
        for name in ("__setattr__", "__delattr__")
        if name in base.__dict__
    )


def _make_init(manager: ClassManager) -> Callable[..., None]:
    """The constructor of a tracked class, around its own one."""
    class_: Any = manager.class_
    original: Callable[..., None] = manager.init_method or class_.__init__

    # [number of listeners ever added when last looked, has this class any?]: asking three event
    # collections whether they are empty costs as much as the rest of a construction
    listened_at, is_listened = -1, False

    @functools.wraps(original)
    def __init__(self: Any, /, *args: Any, **kw: Any) -> None:
        nonlocal listened_at, is_listened
        if STATE_KEY in self.__dict__:  # a subclass's constructor made the state
            original(self, *args, **kw)
            return
        if type(self) is class_:
            own = manager
        else:
            own = getattr(type(self), MANAGER_KEY)
            if own.class_ is not type(self):
                own.watch_subclass(type(self))
        if own.before_first_instance is not None:
            own.before_first_instance()
        state = new_state(self, own)
        if listened_at != events.InstanceEvents._added:
            listened_at = events.InstanceEvents._added
            is_listened = bool(own.dispatch.init or own.dispatch.init_failure or own.dispatch.first_init)
        if is_listened:
            _init_with_events(original, state, args, kw)
        else:
            original(self, *args, **kw)

    __init__._is_tracking = True  # type: ignore[attr-defined]
    return __init__


def _init_with_events(
    original: Callable[..., None], state: InstanceState, args: tuple[Any, ...], kw: dict[str, Any]
) -> None:
    manager = state.manager
    args, kw = _with_defaults(original, state, args, kw)
    if not manager.has_instances:
        manager.has_instances = True
        manager.dispatch.first_init(manager, manager.class_)
    manager.dispatch.init(state, args, kw)
    try:
        original(state(), *args, **kw)
    except BaseException:
        manager.dispatch.init_failure(state, args, kw)
        raise


def _with_defaults(
    original: Callable[..., None], state: InstanceState, args: tuple[Any, ...], kw: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as the constructor is going to see them, for the listeners of ``init``."""
    try:
        bound = python_inspect.signature(original).bind(state(), *args, **kw)
    except (TypeError, ValueError):
        return args, kw  # wrong arguments, which the constructor will refuse itself, or no signature
    bound.apply_defaults()
    return bound.args[1:], bound.kwargs


def _make_setattr(manager: ClassManager) -> Callable[[Any, str, Any], None]:
    plain = manager.plain
    attributes = manager
    write_untracked: Any = manager.class_.__setattr__ if manager.parent is None else object.__setattr__

    def __setattr__(self: Any, name: str, value: Any) -> None:
        if name in plain:
            # inlined ScalarAttributeImpl.set and InstanceState.note_change: the tracked write of
            # examples/performance, 95 ns instead of 250
            dict_ = self.__dict__
            try:
                state = dict_[STATE_KEY]
            except KeyError:
                state = attributes.setup_instance(self)
            changes = state.changes
            if changes is None or name not in changes:
                before = dict_.get(name, NO_VALUE)
                if changes is not None and state.modified and state.extras is None:
                    changes[name] = before
                else:
                    state.note_change(dict_, name, before)
            dict_[name] = value
        elif name in attributes:
            dict_ = self.__dict__
            state = dict_.get(STATE_KEY) or attributes.setup_instance(self)
            attributes[name].impl.set(state, dict_, value)
        else:
            write_untracked(self, name, value)

    __setattr__._is_tracking = True  # type: ignore[attr-defined]
    return __setattr__


def _make_delattr(manager: ClassManager) -> Callable[[Any, str], None]:
    def __delattr__(self: Any, name: str) -> None:
        attribute = manager.get(name)
        if attribute is None:
            object.__delattr__(self, name)
        else:
            attribute.impl.delete(manager.setup_instance(self), self.__dict__)

    __delattr__._is_tracking = True  # type: ignore[attr-defined]
    return __delattr__


def _copy_instance(instance: Any) -> Any:
    """``copy.copy`` of a tracked object: a new transient object with the same loaded values."""
    class_: Any = type(instance)
    copied = class_.__new__(class_)
    values = dict(instance.__dict__)
    values.pop(STATE_KEY, None)
    copied.__dict__.update(values)
    manager = getattr(class_, MANAGER_KEY)
    state = new_state(copied, manager)
    for key in manager.collection_keys:
        if key in values:  # each object has a collection of its own
            del copied.__dict__[key]
            impl = manager[key].impl
            impl.set_committed_value(state, copied.__dict__, impl._items(values[key]))
    return copied


# ---------------------------------------------------------------- lookup


def opt_manager_of_class(class_: Any) -> ClassManager | None:
    """The manager of this very class, or None."""
    try:
        found: ClassManager | None = class_.__dict__.get(MANAGER_KEY)
    except AttributeError:
        return None
    return found


def manager_of_class(class_: type) -> ClassManager:
    """The manager of this very class.

    :raises UnmappedClassError: when it has none.
    """
    manager = opt_manager_of_class(class_)
    if manager is None:
        raise exc.no_manager(class_)
    return manager


def instance_state(instance: Any) -> InstanceState:
    """The state of a tracked object; ``exc.NO_STATE`` is what it raises for others."""
    state: InstanceState = instance._sa_instance_state
    return state


def instance_dict(instance: Any) -> dict[str, Any]:
    """The dictionary in which the values of a tracked object lie."""
    values: dict[str, Any] = instance.__dict__
    return values


def is_instrumented(instance: Any, key: str) -> bool:
    """True when *key* is a tracked attribute of the object's class.

    :param instance: an instance of a mapped class.
    :param key: the name of an attribute.
    """
    manager: ClassManager | None = getattr(type(instance), MANAGER_KEY, None)
    return manager is not None and manager.is_instrumented(key, search=True)


def _resolve_instance_target(target: Any) -> Any:
    """A class manager for what a user listens to: itself, a class, a mapper, or all of them."""
    if isinstance(target, ClassManager):
        return target
    if isinstance(target, type):
        if issubclass(target, ClassManager):
            return target
        manager = opt_manager_of_class(target)
        if manager is not None:
            return manager
    # a mapper has the manager of its class, the class of mappers that of all
    manager = getattr(target, "class_manager", None)
    return manager if manager is ClassManager or isinstance(manager, ClassManager) else None


# SQLAlchemy's name for the target of instrumentation events
_instrumentation_factory = events.instrumentation_factory

events.bind_events(events.InstanceEvents, ClassManager, _resolve_instance_target, hold=True)
