"""What listeners of ``do_orm_execute`` are handed: one execution of one statement, before it happens.

A listener may look, change options and parameters, or answer in place of the session: what it returns, if
not None, is the result.  ``invoke_statement`` runs the statement for such a listener; the listeners that
have not been asked yet are asked then, those before it are not asked again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from .. import exc
from .._core import immutabledict
from ..loading.context import LoadOptions

if TYPE_CHECKING:
    from .session import Session

Listener = Callable[["ORMExecuteState"], Any]


@dataclass(frozen=True, slots=True)
class Request:
    """What the caller of ``Session.execute`` and its relatives asked for."""

    statement: Any
    parameters: Any
    options: Mapping[str, Any]
    """The execution options of the call alone."""
    bind_arguments: Mapping[str, Any]
    wants_scalar: bool = False
    """The first column of the first row is wanted, not a result."""
    purpose: str | None = None
    """Why the session itself sends the statement: ``"column"`` for attributes of one object; None for a user's."""
    loaded_from: Any = None
    """The state for whose attribute the session sends it, or None."""


_LOAD_WORDS = ("populate_existing", "yield_per", "prebuffer_rows", "identity_token")


def load_options(options: Mapping[str, Any], propagated: tuple[Any, ...]) -> LoadOptions:
    """What a SELECT of entities takes from its execution options.

    :param options: the options of session, statement and call together.
    :param propagated: loader options that the loaded objects keep.
    """
    words = {word: options[word] for word in _LOAD_WORDS if word in options}
    return LoadOptions(**words, propagated=propagated, execution_options=options)


@dataclass(slots=True)
class ORMExecuteState:
    """One call of ``Session.execute`` as ``do_orm_execute`` listeners see it.

    >>> @event.listens_for(session, "do_orm_execute")                                 # doctest: +SKIP
    ... def tag(state):
    ...     if state.is_select:
    ...         state.update_execution_options(logging_token="report")
    """

    session: Session
    statement: Any
    """The statement; a listener may put another one here."""
    parameters: Any
    """The parameters, a dictionary or a list of them; may be changed or replaced."""
    execution_options: immutabledict[str, Any]
    """The options of session, statement and call together, as they were before any listener changed them."""
    local_execution_options: immutabledict[str, Any]
    """The options of the call, with what listeners added."""
    bind_arguments: dict[str, Any]
    """What the bind is found by: ``mapper``, ``clause``, ``bind``."""
    mapper: Any
    """The mapper that the statement speaks of, or None."""
    request: Request
    waiting: Sequence[Listener] = field(default=())
    """The listeners that have not been asked yet; written as each is called."""

    def invoke_statement(
        self,
        statement: Any = None,
        params: Any = None,
        execution_options: Mapping[str, Any] | None = None,
        bind_arguments: Mapping[str, Any] | None = None,
    ) -> Any:
        """Execute the statement now, for a listener that answers itself.

        :param statement: another statement.
        :param params: parameters to add to those of the call, set by set for an executemany.
        :param execution_options: options to add.
        :param bind_arguments: bind arguments to add.
        :return: the result.
        """
        request = Request(
            self.statement if statement is None else statement,
            self._with_parameters(params),
            self.local_execution_options.union(execution_options or {}),
            {**self.bind_arguments, **(bind_arguments or {})},
            self.request.wants_scalar,
            self.request.purpose,
            self.request.loaded_from,
        )
        return self.session._execute_request(request, tuple(self.waiting))

    def _with_parameters(self, params: Any) -> Any:
        if not params:
            return self.parameters
        if not self.is_executemany:
            return {**(self.parameters or {}), **params}
        if len(params) != len(self.parameters):
            raise exc.parameter_sets_differ(len(self.parameters), len(params))
        return [{**own, **added} for own, added in zip(self.parameters, params, strict=True)]

    def update_execution_options(self, **options: Any) -> None:
        """Add execution options for this execution."""
        self.local_execution_options = self.local_execution_options.union(options)

    # ------------------------------------------------------------ what kind of statement it is

    @property
    def is_executemany(self) -> bool:
        """True when the parameters are a list with several sets."""
        return isinstance(self.parameters, list) and len(self.parameters) > 1

    @property
    def is_orm_statement(self) -> bool:
        """True when the statement speaks of entities."""
        return self.mapper is not None

    @property
    def is_select(self) -> bool:
        """True for a SELECT, or a set operation of several."""
        return bool(self.statement.is_select)

    @property
    def is_from_statement(self) -> bool:
        """True for entities that are loaded from another statement."""
        return bool(getattr(self.statement, "is_from_statement", False))

    @property
    def is_insert(self) -> bool:
        """True for an INSERT."""
        return bool(self.statement.is_dml and self.statement.is_insert)

    @property
    def is_update(self) -> bool:
        """True for an UPDATE."""
        return bool(self.statement.is_dml and self.statement.is_update)

    @property
    def is_delete(self) -> bool:
        """True for a DELETE."""
        return bool(self.statement.is_dml and self.statement.is_delete)

    @property
    def bind_mapper(self) -> Any:
        """The mapper by which the bind is found, or None."""
        return self.bind_arguments.get("mapper")

    @property
    def all_mappers(self) -> list[Any]:
        """The mappers of the entities that the statement returns or changes, each once."""
        if not self.is_orm_statement:
            return []
        if self.request.purpose is None and (self.is_select or self.is_from_statement):
            entities = (each.get("entity") for each in self.statement.column_descriptions)
            found = (
                getattr(getattr(e, "_sa_class_manager", None), "mapper", None) or getattr(e, "mapper", None)
                for e in entities
            )
            return list(dict.fromkeys(mapper for mapper in found if mapper is not None))
        return [self.mapper]

    # ------------------------------------------------------------ why it is executed

    @property
    def is_column_load(self) -> bool:
        """True when the session loads expired or deferred attributes of one object, or refreshes it."""
        return self.request.purpose == "column"

    @property
    def is_relationship_load(self) -> bool:
        """True when the session loads objects for a relationship."""
        return self.request.purpose == "relationship"

    @property
    def lazy_loaded_from(self) -> Any:
        """The state for whose attribute a SELECT loads objects; None for others.

        :raises InvalidRequestError: for a statement that is no SELECT.
        """
        if not self.is_select:
            raise exc.not_a_select()
        return self.request.loaded_from

    @property
    def load_options(self) -> LoadOptions:
        """How a SELECT loads.

        :raises InvalidRequestError: for a statement that is no SELECT.
        """
        if not self.is_select:
            raise exc.not_a_select()
        return load_options(self.execution_options, ())

    @property
    def update_delete_options(self) -> Mapping[str, Any]:
        """The options of an UPDATE or DELETE.

        :raises InvalidRequestError: for another statement.
        """
        if not (self.is_update or self.is_delete):
            raise exc.not_an_update_or_delete()
        return self.execution_options

    @property
    def user_defined_options(self) -> list[Any]:
        """The options of the statement that are not the package's own."""
        statement = self.statement
        given = list(statement._with_options)
        for before in getattr(statement, "_memoized_select_entities", ()):  # put there before with_only_columns()
            given.extend(before._with_options)
        return [option for option in given if not option._is_compile_state]
