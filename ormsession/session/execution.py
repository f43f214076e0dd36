"""Executing a statement in a session.

Every statement takes the same way: find the mapper it speaks of, let ``do_orm_execute`` listeners have a
look, flush when that is due, find the connection, execute.  What comes back is Core's result, unless the
statement speaks of entities: then ``loading`` makes objects of the rows, or ``sql`` brings the objects of
the session in step with what an INSERT, UPDATE or DELETE did.

Rules

* Only statements about entities flush first.
* A session without listeners makes no :class:`.ORMExecuteState`.
* Options: those of the session are weakest, then the statement's, then the call's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._core import PLAIN_CURSOR, CompileState, coercions, immutabledict, roles
from ..loading.context import DEFAULT_OPTIONS
from ..loading.result import load_result
from ..sql.entity import is_entity_statement, statement_subject
from .entity_dml import DML, execute_entity_dml
from .execute_state import Listener, ORMExecuteState, Request, load_options

if TYPE_CHECKING:
    from .session import Session

EMPTY: immutabledict[str, Any] = immutabledict()
ONLY_PLAIN_CURSOR: immutabledict[str, Any] = immutabledict({PLAIN_CURSOR: True})


def mapper_spoken_of(statement: Any) -> Any:
    """The mapper of the leading entity of a statement, or None when it speaks of none."""
    subject = statement_subject(statement)
    return None if subject is None else subject.mapper


def execute(session: Session, request: Request, listeners: Sequence[Listener]) -> Any:
    """Execute what was asked for.

    :param listeners: the ``do_orm_execute`` listeners that have not been asked yet.
    :return: a result, or the first value of its first row when the request wants that.
    """
    statement = request.statement
    mapper = mapper_spoken_of(statement)
    binding = dict(request.bind_arguments)
    binding["clause"] = statement
    if mapper is not None and "mapper" not in binding:
        binding["mapper"] = mapper
    parameters, local = request.parameters, request.options
    if listeners:
        state = _state(session, request, mapper, binding)
        for place, listener in enumerate(listeners, 1):
            state.waiting = listeners[place:]
            answer = listener(state)
            if answer is not None:
                return answer
        statement, binding = state.statement, state.bind_arguments
        parameters = state.parameters or request.parameters
        local = state.local_execution_options
        mapper = mapper_spoken_of(statement)
    if request.purpose is not None or not is_entity_statement(statement):
        return _execute_core(session, Request(statement, parameters, local, binding, request.wants_scalar))
    return _execute_entity(session, Request(statement, parameters, local, binding, request.wants_scalar))


def _state(session: Session, request: Request, mapper: Any, binding: dict[str, Any]) -> ORMExecuteState:
    """What listeners are handed."""
    parameters = request.parameters
    if isinstance(parameters, Mapping):
        parameters = dict(parameters)
    elif parameters is None:
        parameters = {}
    return ORMExecuteState(
        session=session,
        statement=request.statement,
        parameters=parameters,
        execution_options=immutabledict(_all_options(session, request.statement, request.options)),
        local_execution_options=immutabledict(request.options),
        bind_arguments=binding,
        mapper=mapper if mapper is not None or request.purpose is None else binding.get("mapper"),
        request=request,
    )


def _all_options(session: Session, statement: Any, local: Mapping[str, Any]) -> Mapping[str, Any]:
    """The execution options of session, statement and call together."""
    own = getattr(statement, "_execution_options", EMPTY)
    if not session.execution_options:
        return {**own, **local} if own and local else own or local
    return {**session.execution_options, **own, **local}


def _connection(session: Session, binding: Mapping[str, Any]) -> Any:
    return session._connection_for_bind(
        session.get_bind(**{k: v for k, v in binding.items() if not k.startswith("_sa_")})
    )


def _execute_core(session: Session, request: Request) -> Any:
    """Execute a statement that speaks of no entity: the result is Core's."""
    connection = _connection(session, request.bind_arguments)
    run = connection.scalar if request.wants_scalar else connection.execute
    return run(request.statement, request.parameters, execution_options=request.options)


def _execute_entity(session: Session, request: Request) -> Any:
    """Execute a statement about entities: flush before, and bring the objects in step after."""
    statement = request.statement
    options = _all_options(session, statement, request.options)
    if options.get("autoflush", True):
        session._autoflush()
    connection = _connection(session, request.bind_arguments)
    if statement.is_dml and not statement.is_from_statement:
        raw = execute_entity_dml(
            DML(session, connection, statement, request.parameters or None, options, request.options)
        )
    else:
        raw = connection.execute(statement, request.parameters, execution_options=_cursor_options(statement, request))
    compile_state = _compile_state_of(raw)
    if compile_state is None:
        return raw.scalar() if request.wants_scalar else raw
    loading = DEFAULT_OPTIONS
    propagated = _propagated_options(statement)
    if options or propagated:
        loading = load_options(options, propagated)
    result = load_result(session, raw, compile_state, options=loading)
    return result.scalar() if request.wants_scalar else result


def _cursor_options(statement: Any, request: Request) -> Mapping[str, Any]:
    """The options of the call, and that Core may hand out a bare cursor when ``loading`` makes the rows."""
    if statement.__visit_name__ not in ("select", "orm_from_statement"):
        return request.options
    return {**request.options, PLAIN_CURSOR: True} if request.options else ONLY_PLAIN_CURSOR


def _compile_state_of(raw: Any) -> Any:
    """The compile state that says what objects the rows become, or None when they stay plain rows."""
    context = getattr(raw, "context", None)
    if context is None or not raw.returns_rows:
        return None
    compile_state = context.compiled.compile_state
    layout: Any = getattr(compile_state, "layout", None)
    return compile_state if layout and isinstance(compile_state, CompileState) else None


def _propagated_options(statement: Any) -> tuple[Any, ...]:
    """The loader options that loaded objects keep for their own later loads."""
    given = getattr(statement, "_with_options", ())
    return tuple(option for option in given if option.propagate_to_loaders) if given else ()


def get_options(
    session: Session, populate_existing: bool | None, options: Mapping[str, Any]
) -> tuple[bool, Mapping[str, Any]]:
    """Whether ``Session.get`` loads over what an object has, and the execution options that say so.

    The argument of the call wins over its options, those win over the session's.
    """
    if populate_existing is None:
        return bool({**session.execution_options, **options}.get("populate_existing")), options
    return populate_existing, {**options, "populate_existing": populate_existing}


def as_statement(statement: Any) -> Any:
    """Anything executable as Core understands it.

    :raises ArgumentError: when it is not executable.
    """
    return coercions.expect(roles.StatementRole, statement)
