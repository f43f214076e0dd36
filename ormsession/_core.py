"""The one door to names of SQLAlchemy that its documentation does not promise.

Each import says what it is needed for.  Everything else in the package uses documented names only, so a
new release of SQLAlchemy is checked by reading this file.
"""

from __future__ import annotations

from typing import Any

# events: the base class that gives a class of ours listeners of its own, and the descriptor that holds them.
from sqlalchemy.event.base import Events as Events
from sqlalchemy.event.base import dispatcher as dispatcher

# sql: the compile state is the object that Core's compiler makes from a statement; a plugin may put its own
# in its place.  Its default versions do the joins, the FROM list and the column names for us.
from sqlalchemy.sql.base import CompileState as CompileState
from sqlalchemy.sql.dml import DeleteDMLState as DeleteDMLState
from sqlalchemy.sql.dml import InsertDMLState as InsertDMLState
from sqlalchemy.sql.dml import UpdateDMLState as UpdateDMLState
from sqlalchemy.sql.selectable import SelectState as SelectState

# sql: rewrites an expression over a table into one over an alias or subquery of it.
from sqlalchemy.sql.util import ColumnAdapter as ColumnAdapter

# mapping, sql: an entity takes part in the cache keys of the statements it is in.
from sqlalchemy.sql.cache_key import HasCacheKey as HasCacheKey
from sqlalchemy.sql.visitors import InternalTraversal as InternalTraversal
# mapping, sql: what Core accepts where, and how it turns it into an expression.
from sqlalchemy.sql import coercions as coercions
from sqlalchemy.sql import roles as roles
# sql: lets sqlalchemy.inspect() answer for an alias.
from sqlalchemy.inspection import _inspects as inspects

# mapping: which tables a join or subquery is made of, and which of its key columns hold the same value.
from sqlalchemy.sql.util import find_tables as find_tables
from sqlalchemy.sql.util import reduce_columns as reduce_columns

# mapping: what sqlalchemy.inspect() answers, by type; a mapped class is entered, and taken out again.
from sqlalchemy.inspection import _registrars as inspectors

# sql: the bases of a statement of our own.
from sqlalchemy.sql.base import Generative as Generative
from sqlalchemy.sql.selectable import ExecutableReturnsRows as ExecutableReturnsRows


def position_in_result(result: Any, key: Any) -> int | None:
    """The place in the cursor row of a column that a cursor result has, or None.

    Core knows it for the expressions of the compiled statement, but does not publish it.
    """
    position: int | None = result._metadata._index_for_key(key, False)
    return position
