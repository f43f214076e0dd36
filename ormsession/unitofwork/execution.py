"""Sends the steps of a plan and puts on the objects what came back.

The loop is in `execute`: each step of the plan is a batch to send, or the opening or closing of a stage with mapper
events.  What a batch leaves behind goes into the `FlushOutcome`.

Rules

* Until `FlushOutcome.finish`, objects keep their changes and histories; only values that statements made are put on
  them, through `Undo`.  When a step fails, they are taken back and the error goes on: the objects are as before.
* Rows are counted wherever the database counts them reliably.  An UPDATE that does not find its rows is an error, a
  DELETE too when the row has a version, else a warning.
* Values that the server made come back with the statement (RETURNING); where that cannot be and they are wanted at
  once, with one SELECT for the whole batch; else they are loaded when somebody asks for them.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult
from sqlalchemy.exc import SAWarning

from .. import exc
from .._core import raw_fetchall, result_processors
from ..mapping.mapper import Mapper
from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_AUTOFLUSH, NO_VALUE, PASSIVE_OFF
from . import collecting
from .assignment import Undo
from .columns import TableColumns, tables_of
from .links import NO_LINKS, Links
from .operations import AssociationBatch, Batch, OperationKind, Row
from .outcome import FlushOutcome
from .plan import AssociationStep, Closing, Opening, Plan, Stage, Step
from .statements import (
    KEYS,
    InsertForm,
    Sending,
    UpdateForm,
    association_statement,
    delete_statement,
    insert_form,
    select_statement,
    update_form,
    update_statement,
)

__all__ = ["FlushOutcome", "execute"]


def execute(plan: Plan, source: Owner) -> FlushOutcome:
    """Send a plan.

    :param plan: what `make_plan` returned; its objects must not have changed since.
    :param source: who gives connections, and the identity map in which conflicts are looked up.
    :return: what happened; its `finish` makes the objects clean.
    :raises StaleDataError: when rows are not there, or have another version.
    :raises FlushError: when the database did not make a key or a version.
    """
    outcome = FlushOutcome(plan)
    execution = _Execution(plan, source, outcome)
    try:
        for state in plan.replaced:
            execution.take_replaced_key(state)
        for step in plan.steps:
            if isinstance(step, Step):
                execution.send(step)
            elif isinstance(step, Opening):
                execution.open(step.stage)
            elif isinstance(step, AssociationStep):
                execution.send_associations(step.batch)
            else:
                execution.close(step)
        outcome.find_identities()
    except BaseException:
        outcome.take_back()
        raise
    return outcome


class _Execution:
    """One run through a plan; thrown away afterwards."""

    def __init__(self, plan: Plan, source: Owner, outcome: FlushOutcome) -> None:
        self.plan = plan
        self.source = source
        self.outcome = outcome
        self.undo: Undo = outcome.undo
        # mapper -> connection of the transaction; filled at the first use
        self.connections: dict[Mapper, Connection] = {}
        # opened stage -> per table, the changed objects that no batch of the plan holds; written by `open`
        self.left_over: dict[Stage, dict[TableColumns, list[InstanceState]]] = {}

    def connection(self, mapper: Mapper) -> Connection:
        found = self.connections.get(mapper)
        if found is None:
            found = self.connections[mapper] = self.source.connection_for(mapper)
        return found

    # ------------------------------------------------------------ stages with listeners

    def open(self, stage: Stage) -> None:
        """Fire ``before_*`` and load missing versions; the stage's batches are collected again from now on."""
        dispatch, mapper = stage.mapper.dispatch, stage.mapper
        connection = self.connection(mapper)
        if stage.links:
            self.show_linked(stage)
        for listeners, states in (
            (dispatch.before_insert, stage.new),
            (dispatch.before_update, stage.changed),
            (dispatch.before_delete, stage.deleted),
        ):
            if listeners:
                for state in states:
                    listeners(mapper, connection, state)
        key = mapper.version_id_key
        for state in stage.unversioned:
            assert key is not None  # else no object would lack it
            state.manager[key].impl.get(state, state.dict)
        planned: dict[TableColumns, set[InstanceState]] = {}
        for batch in (step.batch for step in self.plan.steps if isinstance(step, Step) and step.stage is stage):
            planned.setdefault(batch.columns, set()).update(batch.states)
        self.left_over[stage] = {
            columns: [state for state in stage.changed if state not in planned.get(columns, ())]
            for columns in tables_of(mapper)
        }

    def show_linked(self, stage: Stage) -> None:
        """Listeners see the values that come from other objects as far as they are known."""
        for state in (*stage.new, *stage.changed):
            for attribute, link in stage.links.get(state, {}).items():
                if not link.is_late:
                    state.note_change(state.dict, attribute, state.dict.get(attribute, NO_VALUE))
                    self.undo.assign(attribute, (state,), (link.value,))

    def close(self, closing: Closing) -> None:
        """Send what the listeners added, and fire ``after_*``."""
        stage = closing.stage
        for columns, unplanned in self.left_over.pop(stage).items():
            for batch in collecting.updates(columns, unplanned):
                self.send_batch(batch)
        dispatch, mapper = stage.mapper.dispatch, stage.mapper
        for listeners, states in (
            (dispatch.after_insert, stage.new),
            (dispatch.after_update, stage.changed),
            (dispatch.after_delete, stage.deleted),
        ):
            if listeners:
                connection = self.connection(mapper)
                for state in states:
                    listeners(mapper, connection, state)

    # ------------------------------------------------------------ batches

    def send(self, step: Step) -> None:
        """Send a batch; one of an opened stage is collected again, because listeners may have changed its objects."""
        batch, stage = step.batch, step.stage
        if batch.is_parking:
            self.park(batch)
            return
        if stage not in self.left_over:
            self.send_batch(batch, stage.links)
            return
        if batch.kind is OperationKind.INSERT:
            again = collecting.inserts(batch.columns, batch.states, stage.links)
        elif batch.kind is OperationKind.UPDATE:
            again = collecting.updates(batch.columns, batch.states, stage.replaced, stage.links)
        else:
            again = collecting.deletes(batch.columns, batch.states)
        for each in again:
            self.send_batch(each, stage.links)

    def send_batch(self, batch: Batch, links: Links = NO_LINKS) -> None:
        for late in batch.late:
            batch.rows[late.row][late.name] = late.state.dict.get(late.attribute)
        if links:
            self.take_linked(batch, links)
        connection = self.connection(batch.columns.mapper)
        if batch.kind is OperationKind.INSERT:
            self.insert(batch, connection)
        elif batch.kind is OperationKind.UPDATE:
            self.update(batch, connection)
        else:
            _delete(batch, connection)

    def take_linked(self, batch: Batch, links: Links) -> None:
        """Put the values that rows take from other objects on their own objects too."""
        names = {attribute: name for name, attribute in batch.columns.attribute_of.items()}
        for state, row in zip(batch.states, batch.rows, strict=True):
            for attribute in links.get(state, ()):
                name = names.get(attribute)
                if name is not None and name in row:
                    self.undo.assign(attribute, (state,), (row[name],))

    def take_replaced_key(self, state: InstanceState) -> None:
        """A new object that takes over a row may have to get its key from another object; no statement sets it."""
        linked = self.plan.input.relations.links.get(state, {})
        for attribute in state.manager.mapper.pk_keys:
            if attribute in linked:
                self.undo.assign(attribute, (state,), (linked[attribute].value,))

    def send_associations(self, batch: AssociationBatch) -> None:
        """Insert or delete rows of a secondary table."""
        connection = self.connection(batch.mapper)
        rows = batch.rows
        statement = association_statement(batch.table, batch.kind, batch.names)
        result = connection.execute(statement, rows)
        if batch.kind is OperationKind.DELETE and _counts_many(connection) and result.rowcount != len(rows):
            raise exc.stale_associations(batch.table, len(rows), result.rowcount)

    # ------------------------------------------------------------ INSERT

    def insert(self, batch: Batch, connection: Connection) -> None:
        columns, states, rows = batch.columns, batch.states, batch.rows
        form = insert_form(columns, batch.names, batch.expressions, connection.dialect, single=len(rows) == 1)
        self.warn_of_known_keys(batch)
        if form.sending is Sending.TOGETHER:
            result = connection.execute(form.statement, rows)
            self.take_filled(form.filled, states, result, is_insert=True)
        elif form.sending is Sending.TOGETHER_RETURNING:
            result = connection.execute(form.statement, rows)
            # the driver's tuples: making rows of them costs 8 % of a flush of many inserts
            returned = raw_fetchall(result) if result_processors(result) is None else result.all()
            if len(returned) != len(rows):
                raise exc.wrong_number_of_rows_inserted(columns.mapper, len(rows), len(returned))
            # a row may be longer: Core may append the column by which it sorted
            for place, (_, attribute) in enumerate(form.fetched):
                self.undo.assign(attribute, states, [row[place] for row in returned])
            self.take_filled(form.filled, states, result, is_insert=True)
        else:
            for state, row in zip(states, rows, strict=True):
                self.take_inserted(columns, form, state, connection.execute(form.statement, row))
        version = columns.version
        if version is not None:
            self.take_version_of_insert(batch, form)
        self.after(columns, states, form, connection)

    def take_inserted(
        self, columns: TableColumns, form: InsertForm, state: InstanceState, result: CursorResult[Any]
    ) -> None:
        """Take what the INSERT of one row gave back."""
        values: Any = ()
        if form.sending is Sending.ONE_BY_ONE_RETURNING:
            values = result.first()
        elif form.fetched:
            key = result.inserted_primary_key
            by_column = {} if key is None else dict(zip(columns.table.primary_key, key, strict=True))
            values = [by_column.get(column) for column, _ in form.fetched] if by_column else None
        if values is None:
            raise exc.no_row_inserted(columns.mapper)
        for (_, attribute), value in zip(form.fetched, values, strict=True):
            self.undo.assign(attribute, (state,), (value,))
        self.take_filled(form.filled, (state,), result, is_insert=True)

    def take_version_of_insert(self, batch: Batch, form: InsertForm) -> None:
        version = batch.columns.version
        assert version is not None
        if version.generator is not None:
            self.undo.assign(version.attribute, batch.states, [row[version.name] for row in batch.rows])
        elif version.attribute not in form.unknown and version.attribute not in form.selected:
            for state in batch.states:
                if state.dict.get(version.attribute) is None:
                    raise exc.null_version(state)

    def warn_of_known_keys(self, batch: Batch) -> None:
        """Say it when a new object has the key of another one in the session; the database will refuse the row."""
        mapper = batch.columns.mapper
        identity_map = self.source.identity_map
        if not batch.columns.is_first or not identity_map.spaces.get(mapper.class_manager.identity_class):
            return
        keys = mapper.pk_keys
        going = self.plan.input.deleted
        for state in batch.states:
            values = tuple(map(state.dict.get, keys))
            if None in values:
                continue
            pk = values[0] if len(keys) == 1 else values
            known = identity_map.get_state(mapper.class_manager.identity_class, pk, state.identity_token)
            if known is None or known is state or known() is None or known in going:
                continue
            if not self.has_row(known):
                continue
            warnings.warn(exc.conflicting_identity_text(state, known), SAWarning, stacklevel=2)

    def has_row(self, known: InstanceState) -> bool:
        """Whether an object that is there still stands for a row; an expired one is looked up."""
        if known.expired:
            try:
                known.load_expired(PASSIVE_OFF | NO_AUTOFLUSH)
            except exc.ObjectDeletedError:
                self.source.row_is_gone(known)
                return False
        return True

    # ------------------------------------------------------------ UPDATE

    def update(self, batch: Batch, connection: Connection) -> None:
        columns, states, rows = batch.columns, batch.states, batch.rows
        form = update_form(columns, batch.names, batch.expressions, connection.dialect)
        if form.fetched:
            for state, row in zip(states, rows, strict=True):
                self.update_one_returning(columns, form, state, connection.execute(form.statement, row))
        elif len(rows) > 1 and columns.version is not None and not _counts_many(connection):
            for state, row in zip(states, rows, strict=True):
                result = connection.execute(form.statement, row)
                _check_count("update", columns, result, 1, connection)
                self.take_filled(form.filled, (state,), result, is_insert=False)
        else:
            result = connection.execute(form.statement, rows if len(rows) > 1 else rows[0])
            _check_count("update", columns, result, len(rows), connection)
            self.take_filled(form.filled, states, result, is_insert=False)
        version = columns.version
        if version is not None and version.generator is not None and version.name in batch.rows[0]:
            self.undo.assign(version.attribute, states, [row[version.name] for row in rows])
        self.after(columns, states, form, connection)

    def park(self, batch: Batch) -> None:
        """Give rows a temporary value; their objects hear nothing of it."""
        columns, connection = batch.columns, self.connection(batch.columns.mapper)
        result = connection.execute(update_statement(columns), batch.rows[0])
        _check_count("update", columns, result, 1, connection)

    def update_one_returning(
        self, columns: TableColumns, form: UpdateForm, state: InstanceState, result: CursorResult[Any]
    ) -> None:
        returned = result.all()
        if len(returned) != 1:
            raise exc.stale_rows("update", columns.name, 1, len(returned))
        for (_, attribute), value in zip(form.fetched, returned[0], strict=True):
            self.undo.assign(attribute, (state,), (value,))
        self.take_filled(form.filled, (state,), result, is_insert=False)

    # ------------------------------------------------------------ what statements leave on the objects

    def take_filled(
        self,
        filled: Sequence[tuple[str, str]],
        states: Sequence[InstanceState],
        result: CursorResult[Any],
        *,
        is_insert: bool,
    ) -> None:
        """Take the values of Python's defaults from the parameters that were sent."""
        if not filled:
            return
        sent: Any = result.last_inserted_params() if is_insert else result.last_updated_params()
        sent_rows: Sequence[Row] = sent if isinstance(sent, list) else [sent]
        for name, attribute in filled:
            if name in sent_rows[0]:
                self.undo.assign(attribute, states, [row[name] for row in sent_rows])
        self.tell_refreshed(states, [attribute for _, attribute in filled])

    def after(
        self,
        columns: TableColumns,
        states: Sequence[InstanceState],
        form: InsertForm | UpdateForm,
        connection: Connection,
    ) -> None:
        """Read at once what RETURNING could not give, and note what is unknown now."""
        if form.selected:
            self.select(columns, states, form.selected, connection)
        if form.unknown:
            self.outcome.unknown.append((states, form.unknown))
        if form.fetched or form.selected:
            self.tell_refreshed(states, [*(attribute for _, attribute in form.fetched), *form.selected])

    def select(
        self,
        columns: TableColumns,
        states: Sequence[InstanceState],
        attributes: tuple[str, ...],
        connection: Connection,
    ) -> None:
        single = len(columns.pk) == 1
        by_key = {tuple(state.dict.get(key.attribute) for key in columns.pk): state for state in states}
        keys = [key[0] for key in by_key] if single else list(by_key)
        for row in connection.execute(select_statement(columns, attributes), {KEYS: keys}):
            state = by_key[tuple(row[: len(columns.pk)])]
            for attribute, value in zip(attributes, row[len(columns.pk) :], strict=True):
                self.undo.assign(attribute, (state,), (value,))

    def tell_refreshed(self, states: Iterable[InstanceState], attributes: list[str]) -> None:
        for state in states:
            dispatch = state.manager.dispatch
            if not dispatch.refresh_flush:
                return
            names = [key for key in attributes if key not in state.manager.mapper.pk_keys]
            if names:
                dispatch.refresh_flush(state, self.plan, names)


# ---------------------------------------------------------------- DELETE, and counting rows


def _delete(batch: Batch, connection: Connection) -> None:
    columns, rows = batch.columns, batch.rows
    statement = delete_statement(columns)
    if len(rows) > 1 and columns.version is not None and not _counts_many(connection):
        matched = sum(connection.execute(statement, row).rowcount for row in rows)
        if not connection.dialect.supports_sane_rowcount:
            _warn_not_verified("deleted", connection)
        elif matched != len(rows):
            raise exc.stale_rows("delete", columns.name, len(rows), matched)
        return
    result = connection.execute(statement, rows if len(rows) > 1 else rows[0])
    _check_count("delete", columns, result, len(rows), connection)


def _counts_many(connection: Connection) -> bool:
    dialect = connection.dialect
    return bool(dialect.supports_sane_rowcount and dialect.supports_sane_multi_rowcount)


def _check_count(
    verb: str, columns: TableColumns, result: CursorResult[Any], expected: int, connection: Connection
) -> None:
    """Compare the rows that a statement matched with the objects that it was sent for."""
    countable = _counts_many(connection) if expected > 1 else connection.dialect.supports_sane_rowcount
    if not countable:
        if columns.version is not None:
            _warn_not_verified("updated" if verb == "update" else "deleted", connection)
        return
    matched = result.rowcount
    if matched == expected:
        return
    if verb == "update" or columns.version is not None:
        raise exc.stale_rows(verb, columns.name, expected, matched)
    if matched >= 0 and columns.mapper.confirm_deleted_rows:
        warnings.warn(exc.rows_to_delete_missing_text(columns.name, expected, matched), SAWarning, stacklevel=2)


def _warn_not_verified(verb: str, connection: Connection) -> None:
    warnings.warn(exc.version_not_verified_text(connection.dialect, verb), SAWarning, stacklevel=2)
