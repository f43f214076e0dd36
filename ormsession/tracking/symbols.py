"""The words in which attribute access is described: passive flags and status symbols.

``PassiveFlag`` says what an access may do to answer (run SQL, call a loader, make an empty value);
``LoaderStatus`` says what came back when that is not a plain value; ``AttributeOperation`` names what
a change event does.  All are enumerations, so that they compare fast and are the same after pickling.
"""

from __future__ import annotations

import enum


class PassiveFlag(enum.IntFlag):
    """What an attribute access may do when the value is not in the instance's dictionary."""

    NO_CHANGE = 0
    CALLABLES_OK = 1
    """Loader callables may be asked at all."""
    SQL_OK = 2
    """Loader callables may send SQL."""
    RELATED_OBJECT_OK = 4
    """Attributes of related objects may be loaded as well."""
    NO_AUTOFLUSH = 64
    """Loaders do not flush first."""
    NO_RAISE = 128
    """Loaders that are told to raise return no result instead."""
    INIT_OK = 8
    """A missing value may be answered by an empty one (``None``, an empty collection)."""
    LOAD_AGAINST_COMMITTED = 32
    """Loaders use the values of the database rather than pending changes."""
    NON_PERSISTENT_OK = 16
    """Loaders may run for objects that are not persistent."""
    DEFERRED_HISTORY_LOAD = 256
    """The load is only for history and may wait."""

    PASSIVE_OFF = CALLABLES_OK | SQL_OK | RELATED_OBJECT_OK | INIT_OK | NON_PERSISTENT_OK
    PASSIVE_MERGE = PASSIVE_OFF | NO_RAISE
    PASSIVE_NO_FETCH = PASSIVE_OFF ^ SQL_OK
    PASSIVE_RETURN_NO_VALUE = PASSIVE_OFF ^ INIT_OK
    PASSIVE_ONLY_PERSISTENT = PASSIVE_OFF ^ NON_PERSISTENT_OK
    PASSIVE_NO_INITIALIZE = PASSIVE_RETURN_NO_VALUE ^ CALLABLES_OK
    PASSIVE_NO_FETCH_RELATED = PASSIVE_OFF ^ RELATED_OBJECT_OK


class LoaderStatus(enum.Enum):
    """What an access answers with when it has no plain value."""

    PASSIVE_NO_RESULT = 0
    """The passive flags forbade what would have been needed."""
    ATTR_WAS_SET = 2
    """The loader put the value into the instance's dictionary itself."""
    ATTR_EMPTY = 3
    """The loader knows that there is no value."""
    NO_VALUE = 4
    """There is no value; a first change keeps this as its old value."""

    def __bool__(self) -> bool:
        return False


class NoKey(enum.Enum):
    """The key of a collection event whose collection has no keys."""

    NO_KEY = enum.auto()


class AttributeOperation(enum.Enum):
    """What a change event does to an attribute."""

    APPEND = "append"
    REMOVE = "remove"
    REPLACE = "replace"
    BULK_REPLACE = "bulk_replace"
    MODIFIED = "modified"


# Plain ints: flag arithmetic on every access must not build enum members.
NO_CHANGE = int(PassiveFlag.NO_CHANGE)
CALLABLES_OK = int(PassiveFlag.CALLABLES_OK)
SQL_OK = int(PassiveFlag.SQL_OK)
RELATED_OBJECT_OK = int(PassiveFlag.RELATED_OBJECT_OK)
INIT_OK = int(PassiveFlag.INIT_OK)
NON_PERSISTENT_OK = int(PassiveFlag.NON_PERSISTENT_OK)
LOAD_AGAINST_COMMITTED = int(PassiveFlag.LOAD_AGAINST_COMMITTED)
NO_AUTOFLUSH = int(PassiveFlag.NO_AUTOFLUSH)
NO_RAISE = int(PassiveFlag.NO_RAISE)
PASSIVE_OFF = int(PassiveFlag.PASSIVE_OFF)
PASSIVE_RETURN_NO_VALUE = int(PassiveFlag.PASSIVE_RETURN_NO_VALUE)
PASSIVE_NO_INITIALIZE = int(PassiveFlag.PASSIVE_NO_INITIALIZE)
PASSIVE_NO_FETCH = int(PassiveFlag.PASSIVE_NO_FETCH)
PASSIVE_NO_FETCH_RELATED = int(PassiveFlag.PASSIVE_NO_FETCH_RELATED)
PASSIVE_ONLY_PERSISTENT = int(PassiveFlag.PASSIVE_ONLY_PERSISTENT)
PASSIVE_MERGE = int(PassiveFlag.PASSIVE_MERGE)

PASSIVE_NO_RESULT = LoaderStatus.PASSIVE_NO_RESULT
ATTR_WAS_SET = LoaderStatus.ATTR_WAS_SET
ATTR_EMPTY = LoaderStatus.ATTR_EMPTY
NO_VALUE = LoaderStatus.NO_VALUE
NEVER_SET = LoaderStatus.NO_VALUE
NO_KEY = NoKey.NO_KEY

OP_APPEND = AttributeOperation.APPEND
OP_REMOVE = AttributeOperation.REMOVE
OP_REPLACE = AttributeOperation.REPLACE
OP_BULK_REPLACE = AttributeOperation.BULK_REPLACE
OP_MODIFIED = AttributeOperation.MODIFIED
