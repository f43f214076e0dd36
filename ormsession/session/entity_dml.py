"""INSERT, UPDATE and DELETE of entities in a session: the objects that are there must not show old values.

``session.execute(update(User).where(...).values(...))`` writes rows behind the objects of the session.  The
execution option ``synchronize_session`` says how they are brought in step:

==============  ==============================================================================================
``"evaluate"``  the criteria are decided in Python, for each object of the class (:mod:`..sql.evaluator`)
``"fetch"``     the database says which keys were hit, with RETURNING or a SELECT before
``"auto"``      the usual: evaluate when the criteria allow it, else fetch
``False``       not at all
==============  ==============================================================================================

Objects hit by an UPDATE get the new values where these can be worked out in Python, and lose the old ones where
not; they are loaded again at the next access.  Objects hit by a DELETE become deleted.  An object whose attributes
do not tell whether it was hit loses what the statement may have changed.

Which objects were hit is decided before the statement runs, and nothing is changed before it has succeeded.
A list of dictionaries makes a batch: rows are inserted, or updated by the primary keys in the dictionaries.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.sql.expression import ColumnClause

from .. import exc
from .._core import null_result
from ..sql.criteria import criteria_of_dml
from ..sql.dml import column_for, column_parameters
from ..sql.entity import entity_of
from ..sql.evaluator import UNKNOWN, Evaluation, Evaluator, UnevaluatableError
from ..tracking.state import InstanceState
from ..unitofwork import bulk
from . import membership

if TYPE_CHECKING:
    from .session import Session

STRATEGIES = ("auto", "evaluate", "fetch", False, None)


@dataclass(frozen=True, slots=True)
class DML:
    """One INSERT, UPDATE or DELETE of an entity to be executed."""

    session: Session
    connection: Any
    statement: Any
    parameters: Any
    options: Mapping[str, Any]
    """All execution options together: those of session, statement and call."""
    call_options: Mapping[str, Any]

    @property
    def entity(self) -> Any:
        """The mapper, or the alias, whose rows are written; None when the statement names a plain table."""
        return entity_of(self.statement.table)

    def run(self, statement: Any = None, parameters: Any = None) -> Any:
        """Execute the statement, or a variant of it, and return Core's result."""
        return self.connection.execute(
            self.statement if statement is None else statement,
            self.parameters if parameters is None else parameters,
            execution_options=self.call_options,
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """Which objects of the session a statement hits."""

    states: list[tuple[InstanceState, Any]]
    """Hit for certain, each with its object, so that it stays alive meanwhile."""
    unsure: list[tuple[InstanceState, Any]]
    """Objects whose attributes do not tell."""


def execute_entity_dml(dml: DML) -> Any:
    """Execute the statement and bring the objects of the session in step.

    :return: Core's result.
    :raises sqlalchemy.exc.ArgumentError: for an unknown ``synchronize_session``.
    :raises sqlalchemy.exc.InvalidRequestError: when objects cannot be brought in step as was asked.
    """
    strategy = dml.options.get("synchronize_session", "auto")
    if strategy not in STRATEGIES:
        raise exc.unknown_synchronization()
    if dml.entity is None or dml.options.get("dml_strategy") in ("core_only", "raw"):
        return dml.run()
    mapper = dml.entity.mapper
    if dml.statement.is_insert:
        return _insert(dml, column_parameters(mapper, dml.parameters), mapper)
    if isinstance(dml.parameters, Sequence):
        return _by_primary_key(dml, strategy)
    parameters = column_parameters(mapper, dml.parameters) if dml.statement.is_update else dml.parameters
    if not strategy:
        return dml.run(parameters=parameters)
    return _synchronized(dml, parameters, strategy)


# ---------------------------------------------------------------- INSERT


def _insert(dml: DML, parameters: Any, mapper: Any) -> Any:
    """Insert; dictionaries that do not all name the same columns are sent in groups that do."""
    if not isinstance(parameters, Sequence) or not parameters:
        return dml.run(parameters=parameters)
    if not dml.options.get("render_nulls"):
        parameters = _without_nulls_for_defaults(mapper, parameters)
    columns = parameters[0].keys()
    if dml.statement._returning or all(row.keys() == columns for row in parameters):
        return dml.run(parameters=parameters)
    result = None
    for _, rows in groupby(parameters, lambda row: frozenset(row)):
        result = dml.run(parameters=list(rows))
    return result


def _without_nulls_for_defaults(mapper: Any, parameters: Sequence[Mapping[str, Any]]) -> Sequence[Mapping[str, Any]]:
    """None for a column with a default means that the default applies."""
    defaulted = [
        column.key
        for column in mapper.local_table.c
        if column.default is not None or column.server_default is not None or column.primary_key
    ]
    if not any(row.get(key, UNKNOWN) is None for key in defaulted for row in parameters):
        return parameters
    return [{k: v for k, v in row.items() if v is not None or k not in defaulted} for row in parameters]


# ---------------------------------------------------------------- UPDATE by primary keys


def _by_primary_key(dml: DML, strategy: Any) -> Any:
    """UPDATE with a list of dictionaries: each names its row by the primary key."""
    if dml.statement._where_criteria or not dml.statement.is_update:
        if not dml.statement.is_update:
            raise exc.batch_delete()
        if strategy:
            raise exc.batch_with_criteria()
        parameters = column_parameters(dml.entity.mapper, dml.parameters)
        return dml.run(parameters=parameters)
    if strategy == "fetch":
        raise exc.batch_cannot_fetch()
    mapper = dml.entity.mapper
    bulk.update_mappings(dml.session, mapper, dml.parameters)
    if strategy:
        for row in dml.parameters:
            pk = tuple(row[key] for key in mapper.pk_keys)
            values = {key: value for key, value in row.items() if key in mapper.props and key not in mapper.pk_keys}
            for state, _ in _by_keys(dml.session, mapper, [pk]):
                _set_values(state, {key: _constant(value) for key, value in values.items()}, set(values))
    return null_result()


def _constant(value: Any) -> Evaluation | None:
    return None if hasattr(value, "__clause_element__") or hasattr(value, "is_clause_element") else lambda values: value


# ---------------------------------------------------------------- UPDATE and DELETE by criteria


def _synchronized(dml: DML, parameters: Any, strategy: str) -> Any:
    mapper = dml.entity.mapper
    present = _present(dml.session, mapper)
    new_values = _new_values(dml, parameters, is_needed=bool(present)) if dml.statement.is_update else {}
    hit = None if strategy == "fetch" else _evaluated(dml, present, is_required=strategy == "evaluate")
    if hit is not None:
        result = dml.run(parameters=parameters)
    else:
        result, keys = _run_and_fetch_keys(dml, parameters)
        hit = Hit(_by_keys(dml.session, mapper, keys), [])
    if dml.statement.is_update:
        changed = set(new_values) | _changed_by_the_way(mapper)
        for state, _ in hit.states:
            _set_values(state, new_values, changed)
        for state, _ in hit.unsure:
            state.expire_attributes(state.dict, changed.intersection(state.dict))
        membership.note_written(dml.session, [state for state, _ in (*hit.states, *hit.unsure)])
        return result
    for state, _ in hit.unsure:
        state.expire(state.dict)
    if hit.states:
        membership.become_deleted(dml.session, [state for state, _ in hit.states])
    return result


def _present(session: Session, mapper: Any) -> list[tuple[InstanceState, Any]]:
    """The objects of a class that the session has."""
    found = []
    for state in session.identity_map.all_states():
        if state.manager.mapper.isa(mapper):
            obj = state()
            if obj is not None:
                found.append((state, obj))
    return found


def _by_keys(session: Session, mapper: Any, keys: Iterable[tuple[Any, ...]]) -> list[tuple[InstanceState, Any]]:
    found = []
    identity_class = mapper.class_manager.identity_class
    for key in keys:
        state = session.identity_map.get_state(identity_class, key[0] if len(key) == 1 else tuple(key))
        obj = None if state is None else state()
        if state is not None and obj is not None:
            found.append((state, obj))
    return found


def _evaluated(dml: DML, present: list[tuple[InstanceState, Any]], *, is_required: bool) -> Hit | None:
    """Which of the objects are hit, decided in Python; None when that cannot be done."""
    parameters = dml.parameters if isinstance(dml.parameters, Mapping) else None
    try:
        if dml.entity.is_aliased_class:
            raise UnevaluatableError("Cannot evaluate criteria on an alias")
        is_hit = Evaluator(dml.entity.mapper, parameters).all_of(criteria_of_dml(dml.statement))
        decided = [(is_hit(state.dict), state, obj) for state, obj in present]
    except UnevaluatableError as error:
        if is_required:
            raise exc.unevaluatable_criteria(error) from error
        return None
    except TypeError:  # Python cannot compare what the database can
        if is_required:
            raise
        return None
    return Hit(
        [(state, obj) for value, state, obj in decided if value is not UNKNOWN and value],
        [(state, obj) for value, state, obj in decided if value is UNKNOWN],
    )


def _run_and_fetch_keys(dml: DML, parameters: Any) -> tuple[Any, list[tuple[Any, ...]]]:
    """Execute the statement and learn from the database which primary keys it hit."""
    statement, dialect = dml.statement, dml.connection.dialect
    mapper = dml.entity.mapper
    columns = mapper.primary_key
    if dml.entity.is_aliased_class:
        columns = tuple(dml.entity.adapt(column) for column in columns)
    returns = dialect.update_returning if statement.is_update else dialect.delete_returning
    if returns and not statement._returning and mapper.local_table.implicit_returning:
        result = dml.run(statement.return_defaults(*columns), parameters)
        rows = result.returned_defaults_rows
        if rows is not None:
            return result, [tuple(row) for row in rows]
    keys = select(*columns).where(*criteria_of_dml(statement))
    bound = dml.parameters if isinstance(dml.parameters, Mapping) else None
    found = [tuple(row) for row in dml.connection.execute(keys, bound)]
    return dml.run(parameters=parameters), found


# ---------------------------------------------------------------- new values


def _new_values(dml: DML, parameters: Any, *, is_needed: bool) -> dict[str, Evaluation | None]:
    """For each attribute that an UPDATE sets: a function that works out the new value, or None when Python cannot."""
    statement, mapper = dml.statement, dml.entity.mapper
    evaluator = Evaluator(mapper, dml.parameters if isinstance(dml.parameters, Mapping) else None)
    given = dict(statement._values or {})
    if isinstance(parameters, Mapping) and not given:
        given = {column_for(dml.entity, key): _constant_clause(value) for key, value in parameters.items()}
    values: dict[str, Evaluation | None] = {}
    for column, value in given.items():
        key = _attribute_key(mapper, column)
        if key is None:
            if isinstance(column, str) and is_needed:
                raise exc.attribute_not_synchronized(column)
            continue
        try:
            values[key] = value if callable(value) else evaluator.evaluation(value)
        except UnevaluatableError:
            values[key] = None
    return values


def _constant_clause(value: Any) -> Any:
    return _constant(value) or value


def _attribute_key(mapper: Any, column: Any) -> str | None:
    if isinstance(column, str):
        return column if column in mapper.props else None
    if isinstance(column, ColumnClause) and column.table is None:
        return None
    # a column of an alias stands for the table's
    keys = (mapper.key_of(origin) for origin in (column, *column.proxy_set))
    return next((key for key in keys if key is not None), None)


def _changed_by_the_way(mapper: Any) -> set[str]:
    """Attributes that every UPDATE of the table changes: columns with an onupdate value, computed ones."""
    keys: set[str] | None = mapper.memo.get("changed_by_every_update")
    if keys is None:
        keys = {
            prop.key
            for prop in mapper.column_props
            for column in prop.columns
            if any(getattr(column, name, None) is not None for name in ("onupdate", "server_onupdate", "computed"))
        }
        mapper.memo["changed_by_every_update"] = keys
    return keys


def _set_values(state: InstanceState, new_values: Mapping[str, Evaluation | None], changed: set[str]) -> None:
    """Put the new values on an object; attributes whose new value is not known are expired."""
    dict_ = state.dict
    before = dict(dict_)
    known: dict[str, Any] = {}
    for key in state.unmodified_intersection(new_values):
        evaluate = new_values[key]
        value = UNKNOWN if evaluate is None else evaluate(before)
        if key in before and value is not UNKNOWN:
            known[key] = value
    if known:
        dict_.update(known)
        if state.manager.dispatch.refresh:
            state.manager.dispatch.refresh(state, None, list(known))
        state.commit(dict_, known)
    expired = {key for key in changed if key in dict_ and key not in known}
    if expired:
        state.expire_attributes(dict_, expired)
