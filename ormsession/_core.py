"""The one door to names of SQLAlchemy that its documentation does not promise.

Each import says what it is needed for.  Everything else in the package uses documented names only, so a
new release of SQLAlchemy is checked by reading this file.
"""

from __future__ import annotations

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
