"""What a flush does, as data: operations on rows, and batches of operations that share one statement.

A batch is what is sent: one kind of operation on one table with one set of columns, so that all its rows are
one ``executemany``.  It holds states and parameter dictionaries side by side rather than a record per row,
because a flush of 50,000 objects would otherwise make 50,000 more objects.  `Batch.operations` gives the
records when somebody wants to look at single rows.

Where a value of a row comes from is said by its place:

* in ``rows``: it is known, and sent as a parameter;
* in ``expressions``: it is SQL and becomes part of the statement; such a batch has one row;
* in ``late``: it is an attribute that an earlier operation fills, read just before the batch is sent;
* in none of them: the server makes it (or nobody does, and it is NULL).
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from ..exc import state_text
from ..tracking.state import InstanceState
from .columns import TableColumns
from .links import Association, stored_value_of, value_of

Row = dict[str, Any]

NO_EXPRESSIONS: Mapping[str, Any] = MappingProxyType({})


class OperationKind(enum.Enum):
    """What happens to a row."""

    INSERT = "INSERT"
    UPDATE = "UPDATE"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class LateValue:
    """The parameter `name` of row number `row` is the attribute of an object as it is when the batch is sent."""

    row: int
    name: str
    state: InstanceState
    attribute: str

    def __str__(self) -> str:
        return f"{self.attribute} of {state_text(self.state)}"


class NotLoaded(enum.Enum):
    """Stands in a row for a value that has to be read from the database before the row can be sent."""

    NOT_LOADED = "not loaded"


NOT_LOADED = NotLoaded.NOT_LOADED


@dataclass(frozen=True, slots=True, eq=False)
class Operation:
    """One row of one batch.

    :param values: parameter name -> value, `LateValue` or SQL expression.
    """

    kind: OperationKind
    table: str
    state: InstanceState
    values: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.kind.value} {self.table} for {state_text(self.state)}"


@dataclass(frozen=True, slots=True, eq=False)
class AssociationBatch:
    """Rows of a secondary table that are inserted, or deleted, together.

    :param mapper: of a class that the rows refer to; by it the connection is found.
    """

    kind: OperationKind
    table: Any
    mapper: Any
    associations: tuple[Association, ...]

    def __len__(self) -> int:
        return len(self.associations)

    @property
    def rows(self) -> list[Row]:
        """The values of each row as they are known now; a row that goes is found by what the database has."""
        read = stored_value_of if self.kind is OperationKind.DELETE else value_of
        return [
            {column: read(state, attribute) for column, (state, attribute) in each.values.items()}
            for each in self.associations
        ]

    @property
    def operations(self) -> Iterator[Operation]:
        """The rows one by one."""
        for each, row in zip(self.associations, self.rows, strict=True):
            state = next(iter(each.values.values()))[0]
            yield Operation(self.kind, str(self.table.description), state, row)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns of the rows."""
        return tuple(self.associations[0].values)

    @property
    def table_name(self) -> str:
        """The name of the table as messages show it."""
        return str(self.table.description)

    def to_dict(self) -> dict[str, Any]:
        """The batch as plain data."""
        return {
            "operation": self.kind.value,
            "table": str(self.table.description),
            "columns": list(self.names),
            "rows": [
                {column: f"{attribute} of {state_text(state)}" for column, (state, attribute) in each.values.items()}
                for each in self.associations
            ],
        }

    def __str__(self) -> str:
        return _line(self.kind, str(self.table.description), len(self.associations), self.names)


def _line(kind: OperationKind, table: str, count: int, names: tuple[str, ...]) -> str:
    """One line of a printed plan."""
    rows = "row " if count == 1 else "rows"
    return f"{kind.value:<6}  {table:<20}  {count:>6} {rows}  {', '.join(names)}".rstrip()


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Operations of one kind on one table with one set of columns, in the order in which they are sent.

    :param names: the parameters that are columns of the INSERT, or of SET.
    :param states: one per row; an object may own rows in several batches, when it has several tables.
    :param rows: the parameters of each row.
    :param is_parking: the rows get a temporary value, so that others can take the one they have.
    """

    kind: OperationKind
    columns: TableColumns
    names: tuple[str, ...]
    states: Sequence[InstanceState]
    rows: Sequence[Row]
    expressions: Mapping[str, Any] = field(default_factory=lambda: NO_EXPRESSIONS)
    late: tuple[LateValue, ...] = ()
    is_parking: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def table_name(self) -> str:
        """The name of the table as messages show it."""
        return self.columns.name

    @property
    def operations(self) -> Iterator[Operation]:
        """The rows one by one."""
        late = {(value.row, value.name): value for value in self.late}
        for number, (state, row) in enumerate(zip(self.states, self.rows, strict=True)):
            values = {name: late.get((number, name), value) for name, value in row.items()}
            yield Operation(self.kind, self.columns.name, state, {**values, **self.expressions})

    def without(self, late: Sequence[LateValue]) -> Batch:
        """The batch without some of its late values; their columns are NULL."""
        left = tuple(value for value in self.late if value not in late)
        return Batch(self.kind, self.columns, self.names, self.states, self.rows, self.expressions, left)

    def part(self, numbers: Sequence[int]) -> Batch:
        """A batch of some of the rows, by number."""
        moved = {number: place for place, number in enumerate(numbers)}
        return Batch(
            self.kind,
            self.columns,
            self.names,
            [self.states[number] for number in numbers],
            [self.rows[number] for number in numbers],
            self.expressions,
            tuple(LateValue(moved[v.row], v.name, v.state, v.attribute) for v in self.late if v.row in moved),
        )

    def to_dict(self) -> dict[str, Any]:
        """The batch as plain data: kind, table, columns and the parameters of each row, with sources as text."""
        return {
            "operation": self.kind.value,
            "table": self.columns.name,
            "columns": list(self.names),
            "rows": [
                {name: str(value) if name in self.expressions or isinstance(value, LateValue) else value
                 for name, value in operation.values.items()}
                for operation in self.operations
            ],
        }  # fmt: skip

    def __str__(self) -> str:
        return _line(self.kind, self.columns.name, len(self.rows), self.names)
