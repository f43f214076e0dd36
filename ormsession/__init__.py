"""The session layer of an ORM on SQLAlchemy Core: sessions, identity map, unit of work, without ``sqlalchemy.orm``.

Everything public is importable from here; the rooms behind this door are described in the README.
"""

from __future__ import annotations

from . import exc as exc
from .tracking.access import (
    del_attribute,
    flag_dirty,
    flag_modified,
    get_attribute,
    get_history,
    init_collection,
    set_attribute,
    set_committed_value,
    was_deleted,
)
from .tracking.history import History
from .tracking.instrumentation import instance_dict, instance_state, is_instrumented
from .tracking.ownership import object_session
from .tracking.state import InstanceState
from .tracking.symbols import (
    NO_KEY,
    NO_VALUE,
    PASSIVE_NO_FETCH,
    PASSIVE_NO_INITIALIZE,
    PASSIVE_NO_RESULT,
    PASSIVE_OFF,
)

__version__ = "0.1.0"

__all__ = [
    "NO_KEY",
    "NO_VALUE",
    "PASSIVE_NO_FETCH",
    "PASSIVE_NO_INITIALIZE",
    "PASSIVE_NO_RESULT",
    "PASSIVE_OFF",
    "History",
    "InstanceState",
    "del_attribute",
    "exc",
    "flag_dirty",
    "flag_modified",
    "get_attribute",
    "get_history",
    "init_collection",
    "instance_dict",
    "instance_state",
    "is_instrumented",
    "object_session",
    "set_attribute",
    "set_committed_value",
    "was_deleted",
]
