"""Every error of the package: the tree, and one constructor function per message.

::

    SQLAlchemyError                       (sqlalchemy.exc)
    +-- InvalidRequestError               (sqlalchemy.exc)
    |   +-- UnmappedError
    |   |   +-- UnmappedInstanceError
    |   |   +-- UnmappedClassError
    |   +-- UnmappedColumnError
    |   +-- ObjectDeletedError
    |   +-- LoaderStrategyException
    +-- ArgumentError                     (sqlalchemy.exc)
    |   +-- MappedAnnotationError
    +-- StaleDataError
    |       ConcurrentModificationError   (its older name)
    +-- FlushError
    +-- ObjectDereferencedError
    +-- DetachedInstanceError

A message says what happened (class, key, attribute), why that is not allowed and what to do instead.
Messages are worded here and nowhere else, so that the same mistake reads the same from every room: the
functions below *return* the exception, the caller raises it.  The module knows no room; what it is given
are classes, objects and names.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.exc import (
    ArgumentError,
    IllegalStateChangeError,
    InvalidRequestError,
    MultipleResultsFound,
    NoResultFound,
    PendingRollbackError,
    SQLAlchemyError,
    UnboundExecutionError,
)

__all__ = [
    "NO_STATE",
    "ArgumentError",
    "ConcurrentModificationError",
    "DetachedInstanceError",
    "FlushError",
    "IllegalStateChangeError",
    "InvalidRequestError",
    "LoaderStrategyException",
    "MappedAnnotationError",
    "MultipleResultsFound",
    "NoResultFound",
    "ObjectDeletedError",
    "ObjectDereferencedError",
    "PendingRollbackError",
    "SQLAlchemyError",
    "StaleDataError",
    "UnboundExecutionError",
    "UnmappedClassError",
    "UnmappedColumnError",
    "UnmappedError",
    "UnmappedInstanceError",
]

NO_STATE = (AttributeError, KeyError)
"""What asking an object for its state raises when it is not tracked."""


class StaleDataError(SQLAlchemyError):
    """A statement matched another number of rows than the objects that it was sent for."""


ConcurrentModificationError = StaleDataError


class FlushError(SQLAlchemyError):
    """The objects of a session cannot be written as they are."""


class ObjectDereferencedError(SQLAlchemyError):
    """An operation needs an object that has been garbage collected."""


class DetachedInstanceError(SQLAlchemyError):
    """An attribute has to be loaded, and its object belongs to no session."""

    code = "bhk3"


class UnmappedError(InvalidRequestError):
    """Something was expected to be mapped and is not."""


class UnmappedInstanceError(UnmappedError):
    """An instance of a mapped class was expected.

    :param obj: what was given instead.
    :param msg: another message than the usual one.
    """

    def __init__(self, obj: object, msg: str | None = None) -> None:
        super().__init__(msg or _unmapped_instance_text(obj))


class UnmappedClassError(UnmappedError):
    """A mapped class was expected.

    :param cls: what was given instead.
    :param msg: another message than the usual one.
    """

    def __init__(self, cls: Any, msg: str | None = None) -> None:
        super().__init__(msg or f"Class '{_class_name(cls)}' is not mapped")


class UnmappedColumnError(InvalidRequestError):
    """A column was expected to belong to a mapped attribute."""


class ObjectDeletedError(InvalidRequestError):
    """The row of an object is gone.

    :param state: the state of the object.
    :param msg: another message than the usual one.
    """

    def __init__(self, state: Any, msg: str | None = None) -> None:
        super().__init__(msg or f"Instance '{state_text(state)}' has been deleted, or its row is otherwise not present.")


class LoaderStrategyException(InvalidRequestError):
    """A loading strategy does not exist for an attribute.

    :param msg: what was asked for.
    """

    def __init__(self, msg: str) -> None:
        super().__init__(msg)


class MappedAnnotationError(ArgumentError):
    """An annotation of a mapped class cannot be understood."""


# ---------------------------------------------------------------- how things are named in messages


def _class_name(cls: Any) -> str:
    return f"{cls.__module__}.{cls.__qualname__}" if isinstance(cls, type) else repr(cls)


def state_text(state: Any) -> str:
    """The object of *state* as messages show it: ``<User at 0x7f...>``."""
    return "None" if state is None else f"<{state.class_.__name__} at 0x{id(state()):x}>"


def instance_text(instance: Any) -> str:
    """Any object as messages show it: ``<User at 0x7f...>``."""
    return f"<{type(instance).__name__} at 0x{id(instance):x}>"


# ---------------------------------------------------------------- tracking


def _unmapped_instance_text(obj: object) -> str:
    cls = type(obj)
    if isinstance(obj, type):
        return (
            f"Class '{_class_name(obj)}' is not mapped; was a class ({_class_name(obj)}) supplied where an instance was required?"
        )
    if hasattr(cls, "_sa_class_manager"):
        return (
            f"Class '{_class_name(cls)}' is mapped, but this instance lacks instrumentation. "
            f"This occurs when the instance is created before {_class_name(cls)} was mapped."
        )
    return f"Class '{_class_name(cls)}' is not mapped"


def unmapped_instance(obj: object) -> UnmappedInstanceError:
    """*obj* is no instance of a mapped class."""
    return UnmappedInstanceError(obj)


def unknown_attribute(cls: type, key: str) -> InvalidRequestError:
    """*key* is no tracked attribute of *cls*."""
    return InvalidRequestError(
        f"Class '{_class_name(cls)}' has no mapped attribute named '{key}'; "
        "use plain attribute access for attributes that are not mapped"
    )


def no_value_to_delete(attribute: Any) -> AttributeError:
    """``del`` of an attribute that has no value."""
    return AttributeError(f"{attribute} object does not have a value")


def not_associated(child: Any, parent_state: Any, key: str) -> ValueError:
    """*child* was to be removed from an attribute that does not hold it."""
    return ValueError(f"Object {instance_text(child)} not associated with {state_text(parent_state)} on attribute '{key}'")


def cannot_flag_modified(key: str) -> InvalidRequestError:
    """``flag_modified`` for an attribute that is not loaded."""
    return InvalidRequestError(f"Can't flag attribute '{key}' modified; it's not present in the object state")


def reserved_attribute(key: str) -> KeyError:
    """A mapped attribute with a name that the tracking needs for itself."""
    return KeyError(f"{key!r}: requested attribute name conflicts with instrumentation attribute of the same name.")


def untrackable_class(cls: type, missing: str, cure: str) -> InvalidRequestError:
    """Instances of *cls* cannot carry a state."""
    return InvalidRequestError(f"Class '{_class_name(cls)}' can't be tracked: its instances have no {missing}. {cure}")


def unpickled_without_mapping(cls: type) -> UnmappedInstanceError:
    """A pickled object whose class is not mapped in this process."""
    return UnmappedInstanceError(
        cls,
        f"Cannot deserialize object of type <class '{_class_name(cls)}'> - no mapper() has been configured for this class "
        "within the current Python process!",
    )


def key_taken(state: Any) -> InvalidRequestError:
    """The identity map already holds another object under the key of *state*."""
    return InvalidRequestError(
        f"Can't attach instance {state_text(state)}; another instance with key {state.key} is already present in this session."
    )


def dereferenced(key: str, cls: type) -> ObjectDereferencedError:
    """An attribute of an object that is gone was to be changed."""
    return ObjectDereferencedError(
        f"Can't emit change event for attribute '{key}' - parent object of type <{cls.__name__}> has been garbage collected."
    )


def loader_without_value(attribute: Any) -> KeyError:
    """A loader said that it put a value and did not."""
    return KeyError(f"Deferred loader for attribute {str(attribute.key)!r} failed to populate correctly")


def parents_not_tracked(attribute: Any) -> AssertionError:
    """``hasparent`` of an attribute that holds no objects."""
    return AssertionError(f"This AttributeImpl is not configured to track parents: {attribute}")


def collections_not_tracked(cls: type, key: str) -> ArgumentError:
    """An attribute that holds a collection was asked for."""
    return ArgumentError(f"Attribute '{cls.__name__}.{key}' can't hold a collection: only single values are tracked")


def detached_refresh(state: Any) -> DetachedInstanceError:
    """Expired attributes of an object without a session were asked for."""
    return DetachedInstanceError(
        f"Instance {state_text(state)} is not bound to a Session; attribute refresh operation cannot proceed"
    )


def not_a_collection(cls: type, key: str) -> ArgumentError:
    """A collection was asked of an attribute that holds none."""
    return ArgumentError(f"Attribute '{cls.__name__}.{key}' does not hold a collection")


def boolean_passive() -> ArgumentError:
    """``passive`` given as a boolean."""
    return ArgumentError("'passive' takes one of the PASSIVE_ flags, such as PASSIVE_NO_INITIALIZE, not a boolean")
