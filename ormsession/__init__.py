"""The session layer of an ORM on SQLAlchemy Core: sessions, identity map, unit of work, without ``sqlalchemy.orm``.

Everything public is importable from here; the rooms behind this door are described in the README.
"""

from __future__ import annotations

from . import exc as exc
from .events import EXT_CONTINUE, EXT_SKIP, EXT_STOP
from .loading.dynamic import AppenderQuery
from .loading.options import (
    Load,
    UserDefinedOption,
    contains_eager,
    defaultload,
    defer,
    immediateload,
    joinedload,
    lazyload,
    load_only,
    noload,
    raiseload,
    selectinload,
    subqueryload,
    undefer,
    undefer_group,
)
from .loading.peers import ImplicitLoad, LoadReport
from .loading.write_only import WriteOnlyCollection
from .mapping.cascades import CascadeOptions
from .mapping.configuration import clear_mappers, configure_mappers
from .mapping.join_condition import MANYTOMANY, MANYTOONE, ONETOMANY, foreign, remote
from .mapping.keyed_collections import column_keyed_dict
from .mapping.lookup import class_mapper, identity_key, inspect, object_mapper, object_state
from .mapping.mapper import Mapper
from .mapping.properties import (
    ColumnProperty,
    MapperProperty,
    SynonymProperty,
    column_property,
    deferred,
    synonym,
    undeferred,
)
from .mapping.registry import registry
from .mapping.relationship import RelationshipProperty, backref, relationship
from .mapping.validation import reconstructor, validates
from .session.execute_state import ORMExecuteState
from .session.factory import sessionmaker
from .session.membership import close_all_sessions, make_transient, make_transient_to_detached
from .session.scoped import scoped_session
from .session.session import Session
from .session.transaction import SessionTransaction, SessionTransactionOrigin
from .sql.alias import aliased
from .sql.attribute import InstrumentedAttribute, QueryableAttribute
from .sql.bundle import Bundle, DictBundle
from .sql.comparator import PropComparator
from .sql.criteria import LoaderCriteriaOption, with_loader_criteria
from .sql.joins import join, outerjoin
from .sql.object_criterion import with_parent
from .sql.query import Query
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
from .tracking.collections import attribute_keyed_dict, collection, keyfunc_mapping
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
    "EXT_CONTINUE",
    "EXT_SKIP",
    "EXT_STOP",
    "MANYTOMANY",
    "MANYTOONE",
    "NO_KEY",
    "NO_VALUE",
    "ONETOMANY",
    "PASSIVE_NO_FETCH",
    "PASSIVE_NO_INITIALIZE",
    "PASSIVE_NO_RESULT",
    "PASSIVE_OFF",
    "AppenderQuery",
    "Bundle",
    "CascadeOptions",
    "ColumnProperty",
    "DictBundle",
    "History",
    "ImplicitLoad",
    "InstanceState",
    "InstrumentedAttribute",
    "Load",
    "LoadReport",
    "LoaderCriteriaOption",
    "Mapper",
    "MapperProperty",
    "ORMExecuteState",
    "PropComparator",
    "Query",
    "QueryableAttribute",
    "RelationshipProperty",
    "Session",
    "SessionTransaction",
    "SessionTransactionOrigin",
    "SynonymProperty",
    "UserDefinedOption",
    "WriteOnlyCollection",
    "aliased",
    "attribute_keyed_dict",
    "backref",
    "class_mapper",
    "clear_mappers",
    "close_all_sessions",
    "collection",
    "column_keyed_dict",
    "column_property",
    "configure_mappers",
    "contains_eager",
    "defaultload",
    "defer",
    "deferred",
    "del_attribute",
    "exc",
    "flag_dirty",
    "flag_modified",
    "foreign",
    "get_attribute",
    "get_history",
    "identity_key",
    "immediateload",
    "init_collection",
    "inspect",
    "instance_dict",
    "instance_state",
    "is_instrumented",
    "join",
    "joinedload",
    "keyfunc_mapping",
    "lazyload",
    "load_only",
    "make_transient",
    "make_transient_to_detached",
    "noload",
    "object_mapper",
    "object_session",
    "object_state",
    "outerjoin",
    "raiseload",
    "reconstructor",
    "registry",
    "relationship",
    "remote",
    "scoped_session",
    "selectinload",
    "sessionmaker",
    "set_attribute",
    "set_committed_value",
    "subqueryload",
    "synonym",
    "undefer",
    "undefer_group",
    "undeferred",
    "validates",
    "was_deleted",
    "with_loader_criteria",
    "with_parent",
]
