"""``Query``: the older way to write and run a ``select``.

A query is a ``select`` with a session to run it and three habits of its own:

* its SQL labels every column with the table's name, while its rows keep the plain names;
* one entity gives objects rather than rows, and equal rows with entities are given once;
* it refuses calls that would not do what they say, such as ``filter()`` after ``limit()``.

Every generative method returns a new query around a new ``select``; nothing is computed before the query is
run.  The methods that only hand on to ``Select`` are made by :func:`_generative` from one table each.

A query that was made by ``union()`` and the like selects from a subquery, and must translate what is said about
the entities to the subquery's columns.  It carries a ``ColumnAdapter`` for that and applies it to each clause
that it is given (``_adapted``).

The session is whatever was handed in: it needs ``execute``, ``get`` and ``no_autoflush``.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any

import sqlalchemy
from sqlalchemy import func, literal_column, select
from sqlalchemy.sql.expression import LABEL_STYLE_NONE, LABEL_STYLE_TABLENAME_PLUS_COL, Subquery

from .. import exc
from .._core import coercions, roles
from ..events import QueryEvents, bind_events
from .alias import aliased
from .bulk_query import BulkDelete, BulkUpdate
from .compile import EntitySelectState
from .eager_loads import EagerLoads
from .entity import BUNDLE_NOTE, FROM_NOTE, QUERY_NOTE, adapter_to, entity_of, owning_entity
from .from_statement import FromStatement
from .joins import joined_entity
from .object_criterion import with_parent
from .relationship import joined_argument


def _generative(name: str, doc: str, *, before_limit: bool = False, adapts: Any = None) -> Callable[..., Any]:
    """A method that hands on to the method of the same name of ``Select``.

    :param before_limit: refuse the call when the query has a LIMIT or OFFSET.
    :param adapts: the role of the clauses it is given, when those may speak of entities inside a subquery.
    """

    def method(self: Query, *args: Any, **kwargs: Any) -> Query:
        self._refuse_on_statement()
        if before_limit:
            self._refuse_after_limit(name)
        if args and args[0] is False and name in ("order_by", "group_by"):
            args = (None,)  # the older way to take it away
        if adapts is not None:
            args = self._adapted(args, adapts)
        return self._with(getattr(self._select, name)(*args, **kwargs))

    method.__name__ = name
    method.__qualname__ = f"Query.{name}"
    method.__doc__ = doc
    return method


class Query:
    """A ``select`` with a session to run it; ``session.query(User)`` makes one.

    :param entities: a mapped class, attribute, alias or SQL expression, or a sequence of them.
    :param session: the session that runs the query.

    >>> session.query(User).filter(User.name == "ed").order_by(User.id).all()  # doctest: +SKIP
    """

    dispatch: Any

    def __init__(self, entities: Any, session: Any = None) -> None:
        self.session = session
        self._statement: FromStatement | None = None  # set by from_statement(); the query only runs it then
        self._params: dict[str, Any] = {}
        self._execution_options: dict[str, Any] = {}
        self._adapter: Any = None  # of a query on a subquery: translates clauses to its columns
        self._has_assertions = True
        self._only_return_tuples = False
        self._filters_by_joined = True  # filter_by() means the entity joined last
        self._set_entities(entities)

    def _set_entities(self, entities: Any) -> None:
        self._select: Any = select(*(entities if isinstance(entities, (tuple, list)) else (entities,)))

    # ------------------------------------------------------------ making a new query

    def _copy(self) -> Query:
        copy = type(self).__new__(type(self))
        copy.__dict__.update(self.__dict__)
        return copy

    def _with(self, statement: Any) -> Query:
        copy = self._copy()
        copy._select = statement
        return copy

    def _adapted(self, clauses: Sequence[Any], role: Any) -> tuple[Any, ...]:
        if self._adapter is None:
            return tuple(clauses)
        return tuple(
            clause if clause is None else self._adapter.traverse(coercions.expect(role, clause)) for clause in clauses
        )

    # ------------------------------------------------------------ what is refused

    def _refuse_on_statement(self) -> None:
        if self._statement is not None:
            raise exc.query_has_statement()

    def _refuse_after_limit(self, method: str) -> None:
        if self._has_assertions and (self._select._limit_clause is not None or self._select._offset_clause is not None):
            raise exc.query_has_limit(method)

    def _no_criterion_assertion(self, method: str, order_by: bool = True, distinct: bool = True) -> None:
        """Refuse a call that must come before any criterion."""
        statement = self._select
        criteria = (
            statement._where_criteria
            or self._statement is not None
            or statement._from_obj
            or statement._setup_joins
            or statement._limit_clause is not None
            or statement._offset_clause is not None
            or statement._group_by_clauses
            or (order_by and statement._order_by_clauses)
            or (distinct and statement._distinct)
        )
        if self._has_assertions and criteria:
            raise exc.query_has_criterion(method)

    # ------------------------------------------------------------ building

    filter = _generative("filter", "Add criteria, joined by AND.", before_limit=True, adapts=roles.WhereHavingRole)
    where = _generative("where", "The same as :meth:`filter`.", before_limit=True, adapts=roles.WhereHavingRole)
    having = _generative("having", "Add HAVING criteria.", before_limit=True, adapts=roles.WhereHavingRole)
    order_by = _generative(
        "order_by", "Add ORDER BY; ``None`` takes it away.", before_limit=True, adapts=roles.OrderByRole
    )
    group_by = _generative(
        "group_by", "Add GROUP BY; ``None`` takes it away.", before_limit=True, adapts=roles.GroupByRole
    )
    distinct = _generative("distinct", "Select each row once; expressions make DISTINCT ON.", adapts=roles.ByOfRole)
    limit = _generative("limit", "Select so many rows at most; ``None`` takes the limit away.")
    offset = _generative("offset", "Leave out so many rows at the beginning.")
    add_columns = _generative("add_columns", "Add to what each row holds.", adapts=roles.ColumnsClauseRole)
    correlate = _generative("correlate", "Leave these FROMs to an enclosing statement.")
    with_hint = _generative("with_hint", "Add a hint about a table.")
    with_statement_hint = _generative("with_statement_hint", "Add a hint about the statement.")
    prefix_with = _generative("prefix_with", "Put text behind the word SELECT.")
    suffix_with = _generative("suffix_with", "Put text at the end.")
    add_cte = _generative("add_cte", "Add a common table expression.")

    def filter_by(self, **values: Any) -> Query:
        """Add criteria on attributes of the entity joined last, else selected first, by name.

        :raises sqlalchemy.exc.InvalidRequestError: when that entity has no such attribute.
        """
        self._refuse_on_statement()
        namespace, entity = self._filter_namespace()
        criteria = []
        for name, value in values.items():
            try:
                attribute = getattr(namespace, name)
            except AttributeError:
                raise exc.no_property_to_filter_by(entity, name) from None
            criteria.append(attribute == value)
        return self.filter(*criteria)  # type: ignore[no-any-return]

    def _filter_namespace(self) -> tuple[Any, Any]:
        statement = self._select
        if statement._setup_joins and self._filters_by_joined:
            element: Any = statement._setup_joins[-1][0]
            if joined_entity(element) is not None:
                return joined_entity(element).entity_namespace, element
        elif statement._from_obj and self._adapter is None:
            element = statement._from_obj[0]
        elif statement._raw_columns:
            element = statement._raw_columns[0]
        else:
            raise exc.query_without_entities()
        entity = owning_entity(element) if entity_of(element) is None else entity_of(element)
        if entity is None:
            origin = element if hasattr(element, "c") else next(iter(element._from_objects), element)
            return getattr(origin, "entity_namespace", None) or getattr(origin, "c", None), origin
        return entity.entity_namespace, element

    def join(self, target: Any, onclause: Any = None, *, isouter: bool = False, full: bool = False) -> Query:
        """Join to an entity or FROM clause, or along a relationship.

        :param target: what is joined, or a relationship attribute.
        :param onclause: the ON clause or a relationship attribute; made from foreign keys when not given.
        :param isouter: LEFT OUTER JOIN.
        :param full: FULL OUTER JOIN.
        """
        self._refuse_on_statement()
        self._refuse_after_limit("join")
        if onclause is not None and self._adapter is not None:
            onclause = self._adapted((onclause,), roles.OnClauseRole)[0]
        query = self._with(self._select.join(target, onclause, isouter=isouter, full=full))
        query._filters_by_joined = True
        return query

    def outerjoin(self, target: Any, onclause: Any = None, *, full: bool = False) -> Query:
        """LEFT OUTER JOIN; as :meth:`join`."""
        return self.join(target, onclause, isouter=True, full=full)

    def reset_joinpoint(self) -> Query:
        """Let :meth:`filter_by` mean the first entity again, rather than the one joined last."""
        copy = self._copy()
        copy._filters_by_joined = False
        return copy

    def with_parent(self, instance: Any, property: Any = None, from_entity: Any = None) -> Query:
        """[1.x] Only what a relationship of an object leads to; :func:`with_parent` is the modern spelling.

        :param instance: the object.
        :param property: its relationship; the first that leads to the entity of the query when not given.
        :param from_entity: what stands for the related entity; the entity of the query when not given.
        """
        _warn_legacy("Query.with_parent()", "the with_parent() function as a criterion")
        entity = joined_argument(from_entity or self._filter_namespace()[1])
        if property is None:
            relationships = instance._sa_instance_state.mapper.relationships.values()
            property = next((each for each in relationships if each.mapper is entity.mapper), None)
            if property is None:
                raise exc.no_relationship_to_parent(instance, entity.class_)
        return self.filter(with_parent(instance, property, entity.entity))  # type: ignore[no-any-return]

    def select_from(self, *from_obj: Any) -> Query:
        """Say what is selected from."""
        self._no_criterion_assertion("select_from")
        return self._with(self._select.select_from(*from_obj))

    def with_entities(self, *entities: Any) -> Query:
        """The same query with other entities or columns in its rows."""
        return self._with(self._select.with_only_columns(*self._adapted(entities, roles.ColumnsClauseRole)))

    def add_entity(self, entity: Any, alias: Any = None) -> Query:
        """Add an entity to what each row holds."""
        return self.add_columns(entity if alias is None else aliased(entity, alias))  # type: ignore[no-any-return]

    def slice(self, start: Any, stop: Any) -> Query:
        """The rows from *start* up to, not including, *stop*."""
        self._refuse_on_statement()
        return self._with(self._select.slice(start, stop))

    def options(self, *options: Any) -> Query:
        """Add loader options."""
        flat = [each for option in options for each in (option if isinstance(option, (tuple, list)) else (option,))]
        if self._statement is not None:
            copy = self._copy()
            copy._statement = self._statement.options(*flat)
            return copy
        return self._with(self._select.options(*flat))

    def with_for_update(
        self,
        *,
        nowait: bool = False,
        read: bool = False,
        of: Any = None,
        skip_locked: bool = False,
        key_share: bool = False,
    ) -> Query:
        """Lock the rows; the arguments are those of ``Select.with_for_update``."""
        return self._with(
            self._select.with_for_update(nowait=nowait, read=read, of=of, skip_locked=skip_locked, key_share=key_share)
        )

    def params(self, *params: Any, **kwargs: Any) -> Query:
        """Give values to bound parameters, as a dictionary or as keywords."""
        if len(params) > 1:
            raise exc.params_need_one_dictionary()
        copy = self._copy()
        copy._params = {**self._params, **(params[0] if params else {}), **kwargs}
        return copy

    def execution_options(self, **options: Any) -> Query:
        """Set options of the execution."""
        copy = self._copy()
        copy._execution_options = {**self._execution_options, **options}
        return copy

    def get_execution_options(self) -> dict[str, Any]:
        """The options of the execution set so far."""
        return self._execution_options

    def populate_existing(self) -> Query:
        """Overwrite what objects of the session have, pending changes included."""
        return self.execution_options(populate_existing=True)

    def autoflush(self, setting: bool) -> Query:
        """Flush the session before the query runs, or not."""
        return self.execution_options(autoflush=setting)

    def yield_per(self, count: int) -> Query:
        """Fetch so many rows at a time."""
        return self.execution_options(yield_per=count)

    def enable_eagerloads(self, value: bool) -> Query:
        """Load related objects along, as mapping and options say, or not at all."""
        return self.options(EagerLoads(value))

    def enable_assertions(self, value: bool) -> Query:
        """Refuse calls that do not do what they say, or not."""
        copy = self._copy()
        copy._has_assertions = value
        return copy

    def only_return_tuples(self, value: bool) -> Query:
        """Give rows even when there is one entity."""
        copy = self._copy()
        copy._only_return_tuples = value
        return copy

    def tuples(self) -> Query:
        """[1.x] Give rows even when there is one entity."""
        warnings.warn(
            "Query.tuples() is deprecated, Row now behaves like a tuple: call only_return_tuples(True)",
            sqlalchemy.exc.SADeprecationWarning,
            stacklevel=2,
        )
        return self.only_return_tuples(True)

    def with_transformation(self, function: Callable[[Query], Query]) -> Query:
        """What *function* makes of the query."""
        return function(self)

    def with_session(self, session: Any) -> Query:
        """The same query, run by another session."""
        copy = self._copy()
        copy.session = session
        return copy

    def set_label_style(self, style: Any) -> Query:
        """How columns of :attr:`statement` are labelled."""
        return self._with(self._select.set_label_style(style))

    def from_statement(self, statement: Any) -> Query:
        """Make the entities from the rows of another statement.

        :param statement: ``text()``, a select, a set operation or another query.
        """
        self._no_criterion_assertion("from_statement")
        copy = self._copy()
        copy._statement = self._select._annotate({QUERY_NOTE: True}).from_statement(
            coercions.expect(roles.SelectStatementRole, statement)
        )
        return copy

    # ------------------------------------------------------------ set operations

    def union(self, *others: Any) -> Query:
        """UNION with other queries."""
        return self._from_set_operation(sqlalchemy.union, others)

    def union_all(self, *others: Any) -> Query:
        """UNION ALL with other queries."""
        return self._from_set_operation(sqlalchemy.union_all, others)

    def intersect(self, *others: Any) -> Query:
        """INTERSECT with other queries."""
        return self._from_set_operation(sqlalchemy.intersect, others)

    def intersect_all(self, *others: Any) -> Query:
        """INTERSECT ALL with other queries."""
        return self._from_set_operation(sqlalchemy.intersect_all, others)

    def except_(self, *others: Any) -> Query:
        """EXCEPT with other queries."""
        return self._from_set_operation(sqlalchemy.except_, others)

    def except_all(self, *others: Any) -> Query:
        """EXCEPT ALL with other queries."""
        return self._from_set_operation(sqlalchemy.except_all, others)

    def _from_set_operation(self, operation: Callable[..., Any], others: Sequence[Any]) -> Query:
        if not others:
            return self
        subquery = operation(self, *others).subquery()
        copy = self._copy()
        statement: Any = select(*self._select._raw_columns)._annotate({FROM_NOTE: subquery}).select_from(subquery)
        copy._adapter = adapter = adapter_to(subquery)
        if not statement._propagate_attrs:  # a plain Core statement, which nobody will translate later
            statement = statement.with_only_columns(*[adapter.traverse(each) for each in statement._raw_columns])
        copy._select = statement.options(*self._select._with_options)
        copy._params = {}
        return copy

    # ------------------------------------------------------------ the statement

    @property
    def statement(self) -> Any:
        """The query as a ``select``; of :meth:`from_statement`, that statement."""
        query = self._before_compile()
        if query._statement is not None:
            return query._statement.params(query._params) if query._params else query._statement
        statement = query._select
        if query._execution_options:
            statement = statement.execution_options(**query._execution_options)
        return statement.params(query._params) if query._params else statement

    @property
    def selectable(self) -> Any:
        """The query as Core sees it inside another statement."""
        return self.__clause_element__()

    def __clause_element__(self) -> Any:
        statement = self.statement
        if self._statement is not None:
            return statement
        return statement.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)

    def _before_compile(self) -> Query:
        query = self
        for listener in self.dispatch.before_compile:
            query = listener(query) or query
        return query

    def _final_statement(self, legacy_query_style: bool = True) -> Any:
        """The statement that is executed: labelled with table names, with rows under plain names."""
        query = self._before_compile()
        if query._statement is not None:
            return query._statement
        statement = query._select
        if not legacy_query_style:
            return statement
        return statement._annotate({QUERY_NOTE: True}).set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL)

    _statement_20 = _final_statement  # the name by which sqlalchemy.testing asks for it

    def _compile_state(self) -> Any:
        """What compiling the query makes of its entities; raises whatever that raises."""
        return self._final_statement().compile().compile_state

    _compile_context = _compile_state

    def subquery(self, name: str | None = None, with_labels: bool = False, reduce_columns: bool = False) -> Subquery:
        """The query as a subquery.

        :param name: its name; made up when not given.
        :param with_labels: label its columns with the table's name.
        :param reduce_columns: leave out columns that are equal by foreign key or criterion.
        """
        self._refuse_on_statement()
        statement = self.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL).statement if with_labels else self.statement
        if reduce_columns:
            statement = statement.reduce_columns()
        return statement.subquery(name)  # type: ignore[no-any-return]

    def cte(self, name: str | None = None, recursive: bool = False, nesting: bool = False) -> Any:
        """The query as a common table expression."""
        self._refuse_on_statement()
        return self.statement.cte(name=name, recursive=recursive, nesting=nesting)

    def scalar_subquery(self) -> Any:
        """The query as a value."""
        self._refuse_on_statement()
        return self.statement.scalar_subquery()

    def label(self, name: str | None) -> Any:
        """The query as a value under a name."""
        return self.scalar_subquery().label(name)

    def exists(self) -> Any:
        """``EXISTS (SELECT 1 ...)`` for the rows of the query."""
        self._refuse_on_statement()
        statement = self.statement.with_only_columns(literal_column("1"), maintain_column_froms=True)
        return sqlalchemy.exists(statement)

    def as_scalar(self) -> Any:
        """The older name of :meth:`scalar_subquery`."""
        _warn_legacy("Query.as_scalar()", "Query.scalar_subquery()")
        return self.scalar_subquery()

    @property
    def whereclause(self) -> Any:
        """The criteria so far, or None."""
        return self._select.whereclause

    @property
    def column_descriptions(self) -> list[dict[str, Any]]:
        """What each element of a row is: name, type, expression, entity."""
        if self._select._propagate_attrs:
            return EntitySelectState.get_column_descriptions(self._select._annotate({QUERY_NOTE: True}))
        described = self._select.set_label_style(LABEL_STYLE_NONE).column_descriptions
        return [{**each, "aliased": False, "entity": None} for each in described]

    @property
    def is_single_entity(self) -> bool:
        """Whether the query gives objects rather than rows."""
        columns = self._select._raw_columns
        if self._only_return_tuples or len(columns) != 1:
            return False
        bundle = columns[0]._annotations.get(BUNDLE_NOTE)
        return entity_of(columns[0]) is not None if bundle is None else bundle.single_entity

    # ------------------------------------------------------------ running it

    def _result(self) -> Any:
        statement = self._final_statement()
        columns = self._select._raw_columns
        options = self._execution_options
        result = self.session.execute(statement, self._params or None, execution_options=options)
        if self.is_single_entity:
            result = result.scalars()
        if "yield_per" not in options and any(entity_of(column) is not None for column in columns):
            result = result.unique(_row_key(columns))
        return result

    def all(self) -> list[Any]:
        """All rows, or all objects when there is one entity."""
        return self._result().all()  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._result())

    def first(self) -> Any:
        """The first row, or None when there is none."""
        query = self if self._statement is not None else self.limit(1)
        return query._result().first()

    def one(self) -> Any:
        """The only row.

        :raises sqlalchemy.exc.NoResultFound: when there is none.
        :raises sqlalchemy.exc.MultipleResultsFound: when there are several.
        """
        return self._result().one()

    def one_or_none(self) -> Any:
        """The only row, or None when there is none.

        :raises sqlalchemy.exc.MultipleResultsFound: when there are several.
        """
        return self._result().one_or_none()

    def scalar(self) -> Any:
        """The first element of the only row, or None when there is no row.

        :raises sqlalchemy.exc.MultipleResultsFound: when there are several.
        """
        row = self.one_or_none()
        return row if row is None or self.is_single_entity else row[0]

    def count(self) -> int:
        """How many rows the query gives: ``SELECT count(*) FROM (...)``."""
        inner = self.set_label_style(LABEL_STYLE_TABLENAME_PLUS_COL).enable_assertions(False)
        statement = select(func.count(literal_column("*"))).select_from(inner.statement.subquery())
        options = self._execution_options
        return self.session.execute(statement, self._params or None, execution_options=options).scalar()  # type: ignore[no-any-return]

    def __getitem__(self, item: Any) -> Any:
        if not isinstance(item, slice):
            if item < 0:
                raise exc.negative_index()
            rows = list(self.slice(item, item + 1))
            return rows[0]
        start, stop, step = item.start, item.stop, item.step
        if isinstance(start, int) and isinstance(stop, int) and stop - start <= 0:
            return []
        if any(isinstance(bound, int) and bound < 0 for bound in (start, stop)):
            raise exc.negative_index()
        rows = list(self.slice(start, stop))
        return rows if step is None else rows[::step]

    def get(self, ident: Any) -> Any:
        """[1.x] The object with a primary key; ``session.get()`` is the modern spelling."""
        _warn_legacy("Query.get()", "Session.get()")
        self._no_criterion_assertion("get", order_by=False, distinct=False)
        entities = self._select._raw_columns
        if len(entities) != 1 or entity_of(entities[0]) is None or entity_of(entities[0]).is_aliased_class:
            raise exc.query_get_needs_entity()
        options = self._execution_options
        return self.session.get(
            entity_of(entities[0]).entity,
            ident,
            options=self._select._with_options,
            populate_existing=bool(options.get("populate_existing")),
            with_for_update=self._select._for_update_arg,
            execution_options=options,
        )

    def update(self, values: Any, synchronize_session: Any = "auto", update_args: Any = None) -> int:
        """UPDATE the rows that the query selects.

        :param values: new values by attribute or name, a dictionary or a list of pairs.
        :param synchronize_session: how objects are brought in step: "auto", "evaluate", "fetch" or False.
        :param update_args: dialect options of the UPDATE.
        :return: the number of rows matched.
        """
        return BulkUpdate(self, values, dict(update_args or {})).run(synchronize_session)

    def delete(self, synchronize_session: Any = "auto", delete_args: Any = None) -> int:
        """DELETE the rows that the query selects.

        :param synchronize_session: how objects are brought in step: "auto", "evaluate", "fetch" or False.
        :param delete_args: dialect options of the DELETE.
        :return: the number of rows matched.
        """
        return BulkDelete(self, dict(delete_args or {})).run(synchronize_session)

    def __str__(self) -> str:
        statement = self._final_statement()
        try:
            bind = self.session.get_bind(clause=statement) if self.session is not None else None
        except exc.UnboundExecutionError:
            bind = None
        return str(statement.compile(bind))


def _row_key(columns: Sequence[Any]) -> Callable[[Any], Any] | None:
    """By what equal rows are known when values in them cannot be hashed; None when all can."""
    types = [None if entity_of(each) is not None else getattr(each, "type", None) for each in columns]
    if all(each is None or (each.hashable and not each._isnull) for each in types):
        return None

    def key(row: Any) -> tuple[Any, ...]:
        return tuple(id(value) if is_object(value, type_) else value for value, type_ in zip(row, types, strict=True))

    def is_object(value: Any, type_: Any) -> bool:
        return type_ is None or not isinstance(value, Hashable)

    return key


def _warn_legacy(old: str, new: str) -> None:
    warnings.warn(f"{old} is legacy: use {new}", sqlalchemy.exc.LegacyAPIWarning, stacklevel=3)


bind_events(QueryEvents, Query)
