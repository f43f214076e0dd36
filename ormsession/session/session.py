"""The session: where a program meets its objects and its database.

The methods of :class:`Session` are short on purpose; each hands over to the module of its concept:

``membership``   which objects belong to the session, and every move between their states
``transaction``  root, savepoints, what may be called when; ``snapshot`` and ``enlistment`` below it
``flushing``     writing changes: plan, execute, register
``execution``    executing statements; ``execute_state`` for listeners
``merge``        copying objects into the session
``binds``        which engine serves what
``owner``        what lower rooms may ask of a session
``legacy``       older modes, translated

Rules

* A session belongs to one thread at a time; so do its objects.
* Everything that needs a transaction begins one (unless ``autobegin`` is off), and nothing else does.
* After any failure of a flush or commit, database and objects are as they were before it.

Long: the public face of a session is one class, and most of it is docstrings; a method that does more than
hand over does not belong here.

Invariant: every object that carries the session's number is in the identity map, in ``_new``, or is deleted in
the transaction in progress.
"""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any

from sqlalchemy.exc import SAWarning, StatementError

from .. import exc
from .._core import IdentitySet, immutabledict
from ..events import SessionEvents, bind_events
from ..loading.identity import get_by_key, primary_key
from ..loading.peers import check_fetch
from ..loading.refresh import refresh as refresh_state
from ..mapping.lookup import mapper_of
from ..sql.query import Query
from ..tracking.identity import IdentityMap
from ..tracking.ownership import new_owner_number
from ..tracking.ownership import owners as _sessions
from ..tracking.state import InstanceState
from ..tracking.symbols import PASSIVE_NO_FETCH
from ..unitofwork import bulk
from ..unitofwork.plan import Plan
from . import binds as bind_rules
from . import enlistment, execution, flushing, legacy, membership
from .class_methods import SessionClassMethods
from .execute_state import Listener, Request
from .execution import EMPTY
from .merge import Merge
from .owner import BoundOwner, StateOwner
from .transaction import (
    ACTIVE,
    CLOSED,
    COMMITTED,
    DEACTIVE,
    PREPARED,
    PROVISIONING_CONNECTION,
    SessionTransaction,
    SessionTransactionOrigin,
)

__all__ = [
    "ACTIVE",
    "CLOSED",
    "COMMITTED",
    "DEACTIVE",
    "PREPARED",
    "PROVISIONING_CONNECTION",
    "Session",
    "_sessions",
]


class Session(StateOwner, SessionClassMethods):
    """Loads, holds and writes the objects of mapped classes, in transactions.

    :param bind: the engine or connection for everything that has no bind of its own.
    :param autoflush: write pending changes before statements about entities.
    :param expire_on_commit: load objects again after a commit.
    :param autobegin: begin transactions by itself; else ``begin()`` has to be called.
    :param twophase: use two-phase transactions.
    :param binds: engines or connections by mapped class, base class, mapper or table.
    :param info: initial content of ``info``.
    :param query_cls: what ``query()`` returns.
    :param join_transaction_mode: what to do with the transaction in which a connection given as bind already is.
    :param close_resets_only: ``close()`` leaves the session usable.
    :param execution_options: options for every connection and statement.
    :param future: accepted; there is only one style.
    :param enable_baked_queries: accepted; statements are always cached.
    :param autocommit: [1.x] no transaction between calls.
    :param weak_identity_map: [1.x] False keeps all objects until ``prune()``.
    :param fetch: how absent attributes are loaded when they are used: ``"one"`` object at a time, for all ``"peers"``
        of the same result, with a warning (``"warn"``), or not (``"raise"``).

    >>> with Session(engine) as session, session.begin():                             # doctest: +SKIP
    ...     session.add(User(name="ed"))
    """

    def __init__(
        self,
        bind: Any = None,
        *,
        autoflush: bool = True,
        expire_on_commit: bool = True,
        autobegin: bool = True,
        twophase: bool = False,
        binds: Mapping[Any, Any] | None = None,
        info: Mapping[Any, Any] | None = None,
        query_cls: Any = None,
        join_transaction_mode: str = "conditional_savepoint",
        close_resets_only: bool = True,
        execution_options: Mapping[str, Any] | None = None,
        future: bool = True,
        enable_baked_queries: bool = True,
        autocommit: bool = False,
        weak_identity_map: bool = True,
        fetch: str = "one",
    ) -> None:
        self.bind = bind
        self._binds: immutabledict[Any, Any] = immutabledict(bind_rules.entries_of(binds)) if binds else EMPTY
        self.autoflush = autoflush
        self.expire_on_commit = expire_on_commit
        self.autobegin = autobegin
        self.twophase = twophase
        self.join_transaction_mode = enlistment.check_mode(join_transaction_mode)
        self.execution_options: immutabledict[str, Any] = (
            immutabledict(execution_options) if execution_options else EMPTY
        )
        self._query_cls = query_cls or Query
        self._info: dict[Any, Any] | None = dict(info) if info else None
        """The user's notes; made when somebody asks."""
        self._close_resets_only = close_resets_only
        self._transaction = None
        self._nested_transaction: SessionTransaction | None = None
        """The innermost savepoint, None outside of one; written by the savepoints themselves."""
        self._block = None
        self._is_closed = False
        self._flushing = False
        self._flushing_thread = None
        self._is_writing = False
        """The statements of a flush are being sent; changes made now come too late for it."""
        self._legacy = None
        self.fetch = check_fetch(fetch)
        self.load_reports = []
        self._renew_collections()
        self.hash_key = new_owner_number(self)
        if autocommit or not weak_identity_map:
            self._legacy = legacy.LegacyModes(self, autocommit=autocommit, weak_identity_map=weak_identity_map)

    def _renew_collections(self) -> None:
        """Begin with empty collections; whoever still loads into the old identity map finds out."""
        self.identity_map = IdentityMap()
        self._new = {}
        self._deleted = {}

    # ------------------------------------------------------------ what the session holds

    @property
    def info(self) -> dict[Any, Any]:
        """A dictionary for the user's own notes about the session."""
        if self._info is None:
            self._info = {}
        return self._info

    @property
    def new(self) -> Any:
        """The pending objects: added, not yet inserted."""
        return IdentitySet(self._new.values())

    @property
    def dirty(self) -> Any:
        """The persistent objects that were changed, whether or not the change comes to anything."""
        deleted = self._deleted
        return IdentitySet(instance for state, instance in self.identity_map.modified.items() if state not in deleted)

    @property
    def deleted(self) -> Any:
        """The objects that are marked for deletion and not yet deleted."""
        return IdentitySet(self._deleted.values())

    def __contains__(self, instance: Any) -> bool:
        """True when *instance* is pending or persistent in this session."""
        state = membership.state_of(instance)
        return state in self._new or self.identity_map.contains_state(state)

    def __iter__(self) -> Iterator[Any]:
        """The pending and persistent objects."""
        return iter([*self._new.values(), *self.identity_map.values()])

    def is_modified(self, instance: Any, include_collections: bool = True) -> bool:
        """True when *instance* has a change that a flush would write; nothing is loaded to find out.

        :param include_collections: look at collections too.
        """
        state = membership.state_of(instance)
        if not state.modified:
            return False
        values = instance.__dict__
        for attribute in state.manager.values():
            if include_collections or not attribute.impl.collection:
                added, _, deleted = attribute.impl.get_history(state, values, PASSIVE_NO_FETCH)
                if added or deleted:
                    return True
        return False

    def _is_clean(self) -> bool:
        """True when a flush would have nothing to look at."""
        return not (self._new or self._deleted or self.identity_map.modified)

    # ------------------------------------------------------------ objects

    def add(self, instance: Any) -> None:
        """Place an object into the session: a transient one becomes pending, a detached one persistent.

        :raises InvalidRequestError: when it belongs to another session, or another object has its key.
        """
        state = membership.state_of(instance)
        if self._is_writing:
            self._warn_used_while_writing("Session.add()")
        membership.add(self, state)

    def add_all(self, instances: Iterable[Any]) -> None:
        """Place several objects into the session; see :meth:`add`."""
        for instance in instances:
            self.add(instance)

    def delete(self, instance: Any) -> None:
        """Mark an object; the next flush deletes its row.

        :raises InvalidRequestError: when it stands for no row.
        """
        state = membership.state_of(instance)
        if self._is_writing:
            self._warn_used_while_writing("Session.delete()")
        membership.delete(self, state)

    def delete_all(self, instances: Iterable[Any]) -> None:
        """Mark several objects for deletion; see :meth:`delete`."""
        for instance in instances:
            self.delete(instance)

    def expunge(self, instance: Any) -> None:
        """Remove an object from the session; its row is not touched."""
        membership.expunge(self, membership.state_of(instance))

    def expunge_all(self) -> None:
        """Remove all objects from the session."""
        membership.expunge_all(self)

    def merge(self, instance: Any, *, load: bool = True, options: Sequence[Any] | None = None) -> Any:
        """Copy the state of an object onto the session's own object of the same row.

        :param instance: an object in any state, of any session; it is left alone.
        :param load: False takes the object for its row and asks the database nothing.
        :param options: loader options for what is loaded.
        :return: the session's object.
        """
        return self.merge_all((instance,), load=load, options=options)[0]

    def merge_all(
        self, instances: Iterable[Any], *, load: bool = True, options: Sequence[Any] | None = None
    ) -> list[Any]:
        """Merge several objects, with what they have in common merged once; see :meth:`merge`."""
        states = [membership.state_of(instance) for instance in instances]
        if self._is_writing:
            self._warn_used_while_writing("Session.merge()")
        if load:
            self._autoflush()
        merging = Merge(self, load=load, options=options)
        with self.no_autoflush:
            return [merging.merge(state) for state in states]

    def _warn_used_while_writing(self, operation: str) -> None:
        warnings.warn(exc.USED_DURING_FLUSH.format(operation), SAWarning, stacklevel=3)

    # ------------------------------------------------------------ loading

    def get(
        self,
        entity: Any,
        ident: Any,
        *,
        options: Sequence[Any] | None = None,
        populate_existing: bool | None = None,
        with_for_update: Any = None,
        identity_token: Any = None,
        execution_options: Mapping[str, Any] | None = EMPTY,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Any:
        """The object with a primary key; the identity map first, then the database.

        :param entity: a mapped class.
        :param ident: the value, a tuple of values, or a dictionary of attribute names.
        :param options: loader options.
        :param populate_existing: load again, over what the object has.
        :param with_for_update: True or a dictionary: lock the row.
        :param identity_token: tells apart equal keys of several databases.
        :param execution_options: options for the statement.
        :param bind_arguments: arguments for :meth:`get_bind`.
        :return: the object, or None when there is no such row.

        >>> session.get(User, 5), session.get(Version, (5, 10))                        # doctest: +SKIP
        """
        mapper = mapper_of(entity)
        pk = primary_key(mapper, ident)
        options_of_call = execution_options or EMPTY
        if populate_existing is not None or options_of_call or self.execution_options:
            populate_existing, options_of_call = execution.get_options(self, populate_existing, options_of_call)
        source = self if not bind_arguments else BoundOwner(self, bind_arguments)
        return get_by_key(
            source,
            mapper,
            pk,
            options=options or (),
            populate_existing=bool(populate_existing),
            with_for_update=with_for_update,
            identity_token=identity_token,
            execution_options=options_of_call,
        )

    def get_one(self, entity: Any, ident: Any, **options: Any) -> Any:
        """The object with a primary key; see :meth:`get`.

        :raises NoResultFound: when there is no such row.
        """
        instance = self.get(entity, ident, **options)
        if instance is None:
            raise exc.row_required()
        return instance

    def query(self, *entities: Any, **kw: Any) -> Any:
        """A :class:`.Query` for entities and columns."""
        return self._query_cls(entities, self, **kw)

    def refresh(
        self,
        instance: Any,
        attribute_names: Iterable[str] | None = None,
        with_for_update: Any = None,
        *,
        lockmode: str | None = None,
    ) -> None:
        """Load a persistent object again.

        :param attribute_names: only these; other changes stay.
        :param with_for_update: True or a dictionary: lock the row.
        :param lockmode: [1.x] ``"read"``, ``"update"`` or ``"update_nowait"``.
        :raises InvalidRequestError: when the object is not persistent here, or its row is gone.
        """
        state = membership.state_of(instance)
        if lockmode is not None:
            with_for_update = legacy.lock_of(lockmode)
        self._validate_persistent(state)
        if with_for_update == {}:
            raise exc.ambiguous_for_update()
        for reached in membership.cascade("refresh-expire", state):
            if reached is not state:
                self._expire(reached)
        refresh_state(self, state, attribute_names, with_for_update=with_for_update or None)

    def expire(self, instance: Any, attribute_names: Iterable[str] | None = None) -> None:
        """Drop what is known of a persistent object; it is loaded again at the next access.

        :param attribute_names: only these.
        :raises InvalidRequestError: when the object is not persistent in this session.
        """
        state = membership.state_of(instance)
        self._validate_persistent(state)
        if attribute_names is not None:
            state.expire_attributes(instance.__dict__, attribute_names)
            return
        for reached in membership.cascade("refresh-expire", state):
            self._expire(reached)

    def expire_all(self) -> None:
        """Expire all persistent objects."""
        for state in self.identity_map.all_states():
            self._expire(state)

    def _expire(self, state: InstanceState) -> None:
        instance = state()
        if state in self._new:  # its parent forgets it, and it cannot be without one
            self.let_out(state)
        elif instance is not None:
            state.expire(instance.__dict__)

    def _validate_persistent(self, state: InstanceState) -> None:
        if not self.identity_map.contains_state(state):
            raise exc.not_persistent(state)

    def enable_relationship_loading(self, obj: Any) -> None:
        """Let an object without a row load its relationships as if it had one."""
        state = membership.state_of(obj)
        if state.session_id != self.hash_key:
            membership.claim(self, state)

    # ------------------------------------------------------------ statements

    def execute(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY,
        bind_arguments: Mapping[str, Any] | None = None,
        _add_event: Listener | None = None,
        **legacy_binding: Any,
    ) -> Any:
        """Execute a statement in the current transaction.

        :param statement: anything executable of Core; entities in a SELECT become objects.
        :param params: a dictionary, or a list of them.
        :param execution_options: options for this call.
        :param bind_arguments: arguments for :meth:`get_bind`.
        :return: a :class:`~sqlalchemy.Result`.

        >>> session.execute(select(User.id, User.name)).all()                          # doctest: +SKIP
        """
        request = self._request(statement, params, execution_options, bind_arguments, legacy_binding)
        listeners: Any = self.dispatch.do_orm_execute
        if listeners or _add_event is not None:
            listeners = (*listeners, _add_event) if _add_event is not None else tuple(listeners)
            return self._execute_request(request, listeners)
        return execution.execute(self, request, ())

    def scalar(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY,
        bind_arguments: Mapping[str, Any] | None = None,
        **legacy_binding: Any,
    ) -> Any:
        """Execute a statement and return the first column of its first row, or None; see :meth:`execute`."""
        request = self._request(statement, params, execution_options, bind_arguments, legacy_binding, wants_scalar=True)
        return self._execute_request(request, tuple(self.dispatch.do_orm_execute))

    def scalars(
        self,
        statement: Any,
        params: Any = None,
        *,
        execution_options: Mapping[str, Any] = EMPTY,
        bind_arguments: Mapping[str, Any] | None = None,
        **legacy_binding: Any,
    ) -> Any:
        """Execute a statement and return the first column of its rows; see :meth:`execute`."""
        return self.execute(
            statement, params, execution_options=execution_options, bind_arguments=bind_arguments, **legacy_binding
        ).scalars()

    def _request(
        self,
        statement: Any,
        params: Any,
        execution_options: Mapping[str, Any] | None,
        bind_arguments: Mapping[str, Any] | None,
        legacy_binding: Mapping[str, Any],
        *,
        wants_scalar: bool = False,
    ) -> Request:
        if isinstance(statement, str):
            statement = legacy.text_of(statement)
        if legacy_binding:
            bind_arguments = legacy.bind_arguments_of(legacy_binding, bind_arguments)
        statement = execution.as_statement(statement)
        return Request(statement, params, execution_options or EMPTY, bind_arguments or EMPTY, wants_scalar)

    def _execute_request(self, request: Request, listeners: Sequence[Listener]) -> Any:
        return execution.execute(self, request, listeners)

    def connection(
        self,
        bind_arguments: Mapping[str, Any] | None = None,
        execution_options: Mapping[str, Any] | None = None,
    ) -> Any:
        """The connection of the current transaction.

        :param bind_arguments: arguments for :meth:`get_bind`.
        :param execution_options: options for a connection that is not in use yet, such as an isolation level.
        :return: the :class:`~sqlalchemy.Connection`.
        """
        bind = self.get_bind(**(bind_arguments or {}))
        return self._connection_for_bind(bind, execution_options=execution_options)

    # ------------------------------------------------------------ flush

    def flush(self, objects: Sequence[Any] | None = None) -> None:
        """Write all changes to the database, inside the current transaction.

        When it fails, the transaction is rolled back; the session is usable again after :meth:`rollback`.

        :param objects: [1.x] only these.
        """
        if self._flushing:
            raise exc.already_flushing()
        if self._is_clean():
            return
        if objects is not None:
            legacy.warn_flush_of_objects()
        self._flushing, self._flushing_thread = True, threading.get_ident()
        try:
            flushing.flush(self, objects)
        finally:
            self._flushing = False

    def plan_flush(self) -> Plan:
        """What a flush would send now, in order and with reasons; sends nothing and changes nothing.

        Listeners do not run.  Where a flush has to load something first, such as the children of a deleted
        object, the plan names it in ``loads`` and does without.

        :return: a plan that prints as a table; ``explain()`` adds the reasons, ``to_dict()`` and ``to_mermaid()``
            give it as data and as a diagram.
        :raises FlushError: when a flush would refuse the objects as they are.

        >>> session.add(User(name="ed"))                                              # doctest: +SKIP
        >>> print(session.plan_flush())                                               # doctest: +SKIP
        #  operation  table  rows  statement
        1  INSERT     users  1     INSERT INTO users (name) VALUES (:name)
        """
        return flushing.rehearse(self)

    def _autoflush(self) -> None:
        """Flush before a statement about entities."""
        if self.autoflush and not self._flushing and not self._is_clean():
            try:
                self.flush()
            except StatementError as error:
                error.add_detail(exc.AUTOFLUSH_DETAIL)
                raise

    @property
    def no_autoflush(self) -> Any:
        """A block in which nothing is flushed implicitly.

        >>> with session.no_autoflush:                                                 # doctest: +SKIP
        ...     session.scalars(select(User)).all()
        """
        return self._without_autoflush()

    @contextlib.contextmanager
    def _without_autoflush(self) -> Iterator[Session]:
        before, self.autoflush = self.autoflush, False
        try:
            yield self
        finally:
            self.autoflush = before

    def bulk_save_objects(
        self,
        objects: Iterable[Any],
        return_defaults: bool = False,
        update_changed_only: bool = True,
        preserve_order: bool = True,
    ) -> None:
        """Insert or update objects in batches, without making them members of the session.

        :param return_defaults: fetch generated primary keys.
        :param update_changed_only: write only changed attributes of objects that have a row.
        :param preserve_order: keep the order of the objects, at the price of more batches.
        """
        states = [membership.state_of(instance) for instance in objects]
        with self._framed_bulk():
            bulk.save_objects(
                self,
                states,
                preserve_order=preserve_order,
                return_defaults=return_defaults,
                update_changed_only=update_changed_only,
            )

    def bulk_insert_mappings(
        self, mapper: Any, mappings: Iterable[dict[str, Any]], return_defaults: bool = False, render_nulls: bool = False
    ) -> None:
        """Insert rows given as dictionaries of attribute names, in batches.

        :param mapper: a mapped class.
        :param return_defaults: put generated primary keys into the dictionaries.
        :param render_nulls: send None as NULL, also where the column has a default.
        """
        with self._framed_bulk():
            bulk.insert_mappings(
                self, mapper_of(mapper), mappings, return_defaults=return_defaults, render_nulls=render_nulls
            )

    def bulk_update_mappings(self, mapper: Any, mappings: Iterable[dict[str, Any]]) -> None:
        """Update rows given as dictionaries of attribute names, the primary key included, in batches.

        :param mapper: a mapped class.
        """
        with self._framed_bulk():
            bulk.update_mappings(self, mapper_of(mapper), mappings)

    @contextlib.contextmanager
    def _framed_bulk(self) -> Iterator[None]:
        """A level of the transaction for one bulk operation; a failure rolls it back as it does for a flush."""
        if self._flushing:
            raise exc.already_flushing()
        self._flushing, self._flushing_thread = True, threading.get_ident()
        try:
            transaction = self._frame()
            try:
                yield
                transaction.commit()
            except BaseException as error:
                transaction.rollback(_cause=error)
                raise
        finally:
            self._flushing = False

    # ------------------------------------------------------------ transactions

    def begin(self, nested: bool = False, *, subtransactions: bool = False) -> SessionTransaction:
        """Begin a transaction; as a context manager it commits, or rolls back, at the end of the block.

        :param nested: begin a savepoint.
        :param subtransactions: [1.x] when a transaction is open, begin a level inside it.
        :return: the :class:`.SessionTransaction`.
        :raises InvalidRequestError: when a transaction is open already.
        """
        if nested:
            return self._autobegin_t()._begin(nested=True)
        if subtransactions:
            return legacy.begin_counted(self)
        if self._block is not None:
            self._refuse_in_ended_block()
        if self._transaction is not None:
            raise exc.already_begun()
        if self._is_closed:
            raise exc.session_closed()
        return SessionTransaction(self, SessionTransactionOrigin.BEGIN)

    def begin_nested(self) -> SessionTransaction:
        """Begin a savepoint; see :meth:`begin`."""
        return self.begin(nested=True)

    def commit(self) -> None:
        """Write all changes and commit the transaction with everything inside it."""
        transaction = self._autobegin_t()
        transaction.commit(_to_root=not transaction._is_counted)

    def rollback(self) -> None:
        """Roll back the transaction with everything inside it, database and objects."""
        if self._flushing:
            self._refuse_other_threads()
        transaction = self._transaction
        if transaction is not None:
            transaction.rollback(_to_root=not transaction._is_counted)

    def prepare(self) -> None:
        """Write all changes and prepare a two-phase commit; ``commit()`` or ``rollback()`` follow."""
        self._autobegin_t().prepare()

    def close(self) -> None:
        """Remove all objects, end the transaction without commit and give connections back."""
        self._close(is_final=not self._close_resets_only)

    def reset(self) -> None:
        """As :meth:`close`; the session stays usable also when ``close_resets_only`` is off."""
        self._close()

    def invalidate(self) -> None:
        """As :meth:`close`, for connections that are no longer usable: they do not return to the pool."""
        self._close(invalidate=True)

    def _close(self, *, invalidate: bool = False, is_final: bool = False) -> None:
        if self._flushing:
            self._refuse_other_threads()
        if is_final:
            self._is_closed = True
        membership.expunge_all(self)
        if self._transaction is not None:
            for transaction in list(self._transaction._levels()):
                transaction._forget_objects()
                transaction.close(invalidate)
        if self._legacy is not None:
            self._legacy.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def is_active(self) -> bool:
        """False between a failed flush and the ``rollback()`` that is due then."""
        return self._transaction is None or self._transaction.is_active

    @property
    def transaction(self) -> SessionTransaction | None:
        """The innermost transaction [1.x]; see :meth:`get_transaction`."""
        return legacy.transaction_of(self)

    def in_transaction(self) -> bool:
        """True when a transaction is open."""
        return self._transaction is not None

    def in_nested_transaction(self) -> bool:
        """True when a savepoint is open."""
        return self._nested_transaction is not None

    def get_transaction(self) -> SessionTransaction | None:
        """The root transaction, or None."""
        if self._transaction is None:
            return None
        *_, root = self._transaction._levels()
        return root

    def get_nested_transaction(self) -> SessionTransaction | None:
        """The innermost savepoint, or None."""
        return self._nested_transaction

    # ------------------------------------------------------------ binds

    @property
    def binds(self) -> Mapping[Any, Any]:
        """Engines and connections by class and table; replaced as a whole, never changed in place."""
        return self._binds

    def bind_mapper(self, mapper: Any, bind: Any) -> None:
        """Let *bind* serve a mapped class, or all below an unmapped one."""
        self._binds = self._binds.union(bind_rules.entries_for(mapper, bind))

    def bind_table(self, table: Any, bind: Any) -> None:
        """Let *bind* serve a table."""
        self._binds = self._binds.union(bind_rules.entries_for(table, bind))

    def get_bind(self, mapper: Any = None, *, clause: Any = None, bind: Any = None, **kw: Any) -> Any:
        """The engine or connection for a mapper or statement; may be overridden.

        :param mapper: a mapped class or mapper.
        :param clause: a statement or table.
        :param bind: the answer, when the caller knows it.
        :raises UnboundExecutionError: when there is none.
        """
        if bind is not None:
            return bind
        if not self._binds and self.bind is not None:
            return self.bind
        return bind_rules.find_bind(self._binds, self.bind, mapper, clause)

    # ------------------------------------------------------------ older spellings

    def prune(self) -> int:
        """Let go of objects that nobody else uses [1.x, for ``weak_identity_map=False``]; returns how many went."""
        return legacy.prune(self)


def _session_target(target: Any) -> Any:
    """What a user listens to, as the session or session class whose events it means."""
    if isinstance(target, Session) or (isinstance(target, type) and issubclass(target, Session)):
        return target
    factory = getattr(target, "session_factory", None)
    if factory is not None:  # a scoped session
        if not isinstance(getattr(factory, "class_", factory), type) or not issubclass(
            getattr(factory, "class_", factory), Session
        ):
            raise exc.not_a_session_factory()
        return getattr(factory, "class_", factory)
    class_ = getattr(target, "class_", None)
    return class_ if isinstance(class_, type) and issubclass(class_, Session) else None


bind_events(SessionEvents, Session, _session_target)
