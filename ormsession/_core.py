"""The one door to names of SQLAlchemy that its documentation does not promise.

Each import says what it is needed for.  Everything else in the package uses documented names only, so a
new release of SQLAlchemy is checked by reading this file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import CursorResult

# events: the base class that gives a class of ours listeners of its own, and the descriptor that holds them.
from sqlalchemy.event.base import Events as Events
from sqlalchemy.event.base import dispatcher as dispatcher

# loading: what statements accept in options().
from sqlalchemy.sql.base import ExecutableOption as ExecutableOption

# loading: names the columns of a result that we fill ourselves, and the objects by which they are found in rows.
from sqlalchemy.engine.result import SimpleResultMetaData as SimpleResultMetaData

# sql: the compile state is the object that Core's compiler makes from a statement; a plugin may put its own
# in its place.  Its default versions do the joins, the FROM list and the column names for us.
from sqlalchemy.sql.base import CompileState as CompileState
from sqlalchemy.sql.dml import DeleteDMLState as DeleteDMLState
from sqlalchemy.sql.dml import InsertDMLState as InsertDMLState
from sqlalchemy.sql.dml import UpdateDMLState as UpdateDMLState
from sqlalchemy.sql.selectable import SelectState as SelectState

# sql: rewrites an expression over a table into one over an alias or subquery of it.
from sqlalchemy.sql.util import ColumnAdapter as ColumnAdapter

# sql: the columns in ORDER BY, without direction.
from sqlalchemy.sql.util import unwrap_order_by as unwrap_order_by

# mapping, sql: an entity takes part in the cache keys of the statements it is in.
from sqlalchemy.sql.cache_key import NO_CACHE as NO_CACHE
from sqlalchemy.sql.cache_key import HasCacheKey as HasCacheKey
from sqlalchemy.sql.visitors import InternalTraversal as InternalTraversal

# mapping, sql: what Core accepts where, and how it turns it into an expression.
from sqlalchemy.sql import coercions as coercions
from sqlalchemy.sql import roles as roles

# sql: lets sqlalchemy.inspect() answer for an alias.
from sqlalchemy.inspection import _inspects

# mapping: which tables a join or subquery is made of, and which of its key columns hold the same value.
from sqlalchemy.sql.util import find_tables as find_tables
from sqlalchemy.sql.util import reduce_columns as reduce_columns

# mapping: what sqlalchemy.inspect() answers, by type; a mapped class is entered, and taken out again.
from sqlalchemy.inspection import _registrars

# sql: the bases of a statement of our own.
from sqlalchemy.sql.base import Generative as Generative
from sqlalchemy.sql.selectable import ExecutableReturnsRows as ExecutableReturnsRows

# session: the result of a batch that returns nothing.
from sqlalchemy.engine.result import null_result as null_result

# sql: makes a row from values, for the elements of a bundle.
from sqlalchemy.engine.result import result_tuple as result_tuple

# session: Core need not find the columns of each new statement in a result from its cache, when loading knows their
# places.
PLAIN_CURSOR = "_result_disable_adapt_to_context"
"""An execution option that spares Core a third of what executing a cached entity statement costs."""


def position_in_result(result: Any, key: Any) -> int | None:
    """The place in the cursor row of a column that a cursor result has, or None.

    Core knows it for the expressions of the compiled statement, but does not publish it.
    """
    position: int | None = result._metadata._index_for_key(key, False)
    return position


def compile_state_functions(statement: Any) -> list[Any]:
    """The functions that a statement carries for its compile state; 2.0 and 2.1 keep them under different names."""
    pairs: Any = getattr(statement, "_compile_state_funcs", None) or getattr(statement, "_with_context_options", ())
    return [function for function, _ in pairs]


def has_raw_rows(result: Any) -> bool:
    """loading: whether the rows of a result may be fetched without making ``Row`` objects of them.

    They may not when the result is of another kind than usual, its columns were rearranged, or its rows are
    written to the log.
    """
    return type(result) is CursorResult and result._row_logging_fn is None and result._metadata._tuplefilter is None


def raw_fetchmany(result: Any) -> Callable[[int], Sequence[Any]]:
    """loading: what fetches some of the next rows, as the database driver gives them when that is possible."""
    return result._fetchmany_impl if has_raw_rows(result) else result.fetchmany  # type: ignore[no-any-return]


def raw_fetchall(result: Any) -> Sequence[Any]:
    """loading, unit of work: all rows, as the database driver gives them when that is possible."""
    return result._fetchall_impl() if has_raw_rows(result) else result.all()  # type: ignore[no-any-return]


def result_processors(result: Any) -> Any:
    """loading, unit of work: what converts the raw values of each column; None when nothing does."""
    return result._metadata._effective_processors if has_raw_rows(result) else None


def result_metadata(
    names: Sequence[Any],
    keys: Sequence[tuple[Any, ...]],
    *,
    processors: Any,
    filters: Sequence[Callable[[Any], Any] | None],
) -> Any:
    """loading: the columns of a result that we fill ourselves.

    :param names: of the columns.
    :param keys: for each, the objects by which it is found in a row beside its name.
    :param processors: what converts the raw values; None when nothing does.
    :param filters: by what ``unique()`` compares the values of each.
    """
    if "_create_unique_filters" in SimpleResultMetaData.__slots__:  # SQLAlchemy 2.1
        options: dict[str, Any] = {"_create_unique_filters": lambda result: filters}
    else:
        options = {"_unique_filters": filters}
    return SimpleResultMetaData(names, extra=keys, _processors=processors, **options)


def require_unique(result: Any, error: Callable[[], Exception]) -> None:
    """loading: a result whose rows repeat objects refuses to be fetched before ``unique()`` was called on it."""

    def refuse(row: Any) -> Any:
        raise error()

    result._unique_filter_state = (set(), refuse)


inspects = _inspects
inspectors = _registrars

# session: the dictionaries of execution options and binds that cannot change under a user's hands, and the
# sets of objects by identity that new, dirty and deleted are.
from sqlalchemy.util import IdentitySet as IdentitySet
from sqlalchemy.util import immutabledict as immutabledict

# tracking: says whether a class is, or behaves like, a list, a set or a dict.
from sqlalchemy.util import duck_type_collection as duck_type_collection


def collect_params(compiler: Any, statement: Any) -> None:
    """Let the compiler know the values of ``statement.params()``; 2.0 puts them into the statement itself."""
    if getattr(compiler, "_collect_params", False):
        compiler._add_to_params(statement)


# mapping: finds the condition between two selectables by their foreign keys, and the pairs of columns that a
# condition compares; sets of columns that know a column by identity, also through its annotated copies.
from sqlalchemy.sql.base import ColumnSet
from sqlalchemy.sql.util import join_condition as join_condition
from sqlalchemy.sql.util import selectables_overlap as selectables_overlap
from sqlalchemy.sql.util import visit_binary_product as visit_binary_product


def column_set(columns: Any) -> Any:
    """mapping: a set of columns."""
    return ColumnSet(columns)


# sql: which of several FROMs a join goes on from, and whether a table is in a FROM as itself.
from sqlalchemy.sql import util as _sql_util


def left_clauses_for(froms: Sequence[Any], target: Any, onclause: Any) -> list[int]:
    """The places of those FROMs that *target* can be joined to."""
    return _sql_util.find_left_clause_to_join_from(froms, target, onclause)


def left_clauses_matching(froms: Sequence[Any], left: Any) -> list[int]:
    """The places of those FROMs that are made from *left*."""
    return _sql_util.find_left_clause_that_matches_given(froms, left)


def clause_is_present(clause: Any, search: Any) -> bool:
    """Whether *clause* is *search* or a side of that join, rather than inside an alias or subquery."""
    return bool(_sql_util.clause_is_present(clause, search))  # type: ignore[no-untyped-call]
