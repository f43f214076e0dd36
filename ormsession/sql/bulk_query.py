"""UPDATE and DELETE by a :class:`.Query`: its criteria, without making objects of the rows.

A query that is more than criteria (LIMIT, ORDER BY, GROUP BY, DISTINCT, joins) is refused, since UPDATE and DELETE
have no such thing; such a query can be named in a subquery instead.

Listeners of ``before_compile_update`` and ``after_bulk_update`` (and those of DELETE) are handed a
:class:`BulkUpdate`: ``query``, ``values``, ``session``, ``mapper``, and afterwards ``result`` and ``rowcount``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy
from sqlalchemy.sql.expression import TableClause

from .. import exc
from .entity import owning_entity

if TYPE_CHECKING:
    from .query import Query


class BulkUpdate:
    """An UPDATE by a query.

    :param query: the query whose criteria select the rows.
    :param values: new values by attribute or name, a dictionary or a list of pairs.
    :param options: dialect options of the statement.
    """

    verb = "update"

    def __init__(self, query: Query, values: Any, options: dict[str, Any]) -> None:
        self.query = query
        self.values = values
        self.session = query.session
        self.result: Any = None  # Core's result, once the statement ran
        self._options = options

    @property
    def mapper(self) -> Any:
        """The mapper of the entity whose rows are written; None when the query is on a plain table."""
        return getattr(owning_entity(self._target), "mapper", None)

    @property
    def rowcount(self) -> int:
        """The number of rows matched."""
        return int(self.result.rowcount)

    @property
    def _target(self) -> Any:
        """The entity, or the plain table, whose rows are written."""
        columns = self.query._select._raw_columns
        if len(columns) == 1:
            entity = columns[0]._annotations.get("parententity")
            if entity is not None or isinstance(columns[0], TableClause):
                return columns[0] if entity is None else entity.__clause_element__()
        raise exc.bulk_needs_entity(self.verb)

    def run(self, synchronize_session: Any) -> int:
        """Execute the statement and return the number of rows matched."""
        self._refuse_what_cannot_be_said()
        for listener in getattr(self.query.dispatch, f"before_compile_{self.verb}"):
            self.query = listener(self.query, self) or self.query
        query = self.query
        statement = self._statement()
        if self._options:
            statement = statement.with_dialect_options(**self._options)
        statement._where_criteria = query._select._where_criteria
        options = {**query._execution_options, "synchronize_session": synchronize_session}
        self.result = self.session.execute(statement, query._params or None, execution_options=options)
        getattr(self.session.dispatch, f"after_bulk_{self.verb}")(self)
        self.result.close()
        return self.rowcount

    def _statement(self) -> Any:
        statement = sqlalchemy.update(self._target)
        if isinstance(self.values, dict):
            return statement.values(self.values)
        if self._options.pop("preserve_parameter_order", False):
            return statement.ordered_values(*self.values)
        return statement.values(dict(self.values))

    def _refuse_what_cannot_be_said(self) -> None:
        select = self.query._select
        found = [
            name
            for name, is_there in (
                ("limit()", select._limit_clause is not None),
                ("offset()", select._offset_clause is not None),
                ("order_by()", select._order_by_clauses),
                ("group_by()", select._group_by_clauses),
                ("distinct()", select._distinct),
                ("join(), outerjoin(), select_from(), or from_self()", select._from_obj or select._setup_joins),
                ("from_statement()", self.query._statement is not None),
            )
            if is_there
        ]
        if found:
            raise exc.bulk_query_says_too_much(self.verb, found[0])


class BulkDelete(BulkUpdate):
    """A DELETE by a query."""

    verb = "delete"

    def __init__(self, query: Query, options: dict[str, Any]) -> None:
        super().__init__(query, None, options)

    def _statement(self) -> Any:
        return sqlalchemy.delete(self._target)
