"""Which table, and where it matters which row, comes before which.

Tables come in the order of their foreign keys, whether or not anything relates the mapped classes: a table is
written after those it refers to, and its rows are deleted before theirs.  That alone orders nearly every
flush, in whole batches.

Rows are looked at one by one only where order between tables cannot decide:

* a table refers to itself, or tables refer to each other in a circle;
* a unique value moves: one row gives it up, another takes it.

Then the values decide.  A row that *introduces* a key comes before a row that *refers* to it; a row that stops
referring comes before the row that *gives up* the key; a row that gives up a unique value comes before the
one that takes it.  Values that are not known (not loaded, or made by the server later) make no edge.

No edge between rows is final: whether a constraint is checked at once, at the end or never is known to the database
alone.  Edges of unique values are dropped first, those of foreign keys only when they form a circle of their own.
Where one of unique values was dropped, ``parking`` lets the row give up its value in another way.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import ForeignKeyConstraint, Table
from sqlalchemy.exc import InvalidRequestError

from ..tracking.state import InstanceState
from ..tracking.symbols import NO_VALUE
from .collecting import is_sql
from .columns import TableColumns
from .operations import Batch, OperationKind
from .ordering import Cycle, Edge, Order, put_in_order

RowNumber = tuple[int, int]
"""(index of a batch, number of a row in it)"""

Values = tuple[Any, ...]

CIRCLES_ONE_BY_ONE = 20
"""So many circles of foreign keys are opened with care; beyond that every foreign key may give way."""


@dataclass(frozen=True, slots=True)
class TableOrder:
    """Tables in the order in which they are written, and those whose rows may depend on each other."""

    tables: tuple[Table, ...] = ()
    entangled: frozenset[Table] = frozenset()
    edges: tuple[Edge[Any], ...] = ()
    """What the order was made from; those that it does not obey are optional."""


def order_of_tables(tables: Iterable[Table], more: Iterable[Edge[Any]] = ()) -> TableOrder:
    """The given tables ordered by their foreign keys; a circle is cut at a nullable key if it has one.

    :param more: what else asks for an order.
    """
    given = tuple(dict.fromkeys(tables))
    known = set(given)
    edges: list[Edge[Any]] = list(more)
    self_referring = set()
    for table in given:
        for constraint in _foreign_keys(table):
            target = constraint.referred_table
            if target is table:
                self_referring.add(table)
            elif target in known:
                nullable = all(column.nullable for column in constraint.columns)
                edges.append(Edge(target, table, f"{table.name} refers to {target.name}", optional=nullable))
    order = _cut_hard_edges_last(given, edges)
    circular = {table for edge in order.cut for table in (edge.before, edge.after)}
    return TableOrder(order.nodes, frozenset(self_referring | circular), tuple(edges))


def _foreign_keys(table: Table) -> list[ForeignKeyConstraint]:
    """The foreign keys whose tables are known, in an order that does not change from run to run."""
    resolved = [each for each in table.foreign_key_constraints if all(map(_resolves, each.elements))]
    return sorted(resolved, key=lambda constraint: tuple(constraint.column_keys))


def _resolves(element: Any) -> bool:
    """Whether the table that a foreign key names exists; one that does not cannot be in a flush."""
    try:
        return element.column is not None
    except InvalidRequestError:  # no such table, no such column
        return False


def _cut_hard_edges_last(nodes: Sequence[Any], edges: Sequence[Edge[Any]]) -> Order[Any]:
    """The order; hard edges give way only where they form a circle of their own."""
    for _ in range(CIRCLES_ONE_BY_ONE):
        try:
            return put_in_order(nodes, edges)
        except Cycle as cycle:
            circle = {(edge.before, edge.after) for edge in cycle.edges}
            edges = [replace(edge, optional=True) if (edge.before, edge.after) in circle else edge for edge in edges]
    return put_in_order(nodes, [replace(edge, optional=True) for edge in edges])


# ---------------------------------------------------------------- rows


@dataclass(frozen=True, slots=True)
class RowOrder:
    """Batches in parts, in an order that respects the values of their rows.

    :param parts: (index of a batch, numbers of the rows that go together; None for all of them).
    :param unmet: edges of unique values that no order obeys: a circle of rows passes values on.
    """

    parts: tuple[tuple[int, list[int] | None], ...]
    unmet: tuple[UniqueEdge, ...] = ()


@dataclass(frozen=True, slots=True)
class UniqueEdge(Edge[RowNumber]):
    """One row gives up unique values that another one takes; `columns` are those that are unique together."""

    columns: tuple[Any, ...] = ()


def order_of_rows(batches: Sequence[Batch], tables: TableOrder) -> RowOrder | None:
    """Divide batches where the values of their rows ask for it.

    :param batches: in the order that the tables give.
    :return: None when the order that was given is right already.
    """
    to_open = _batches_to_open(batches, tables)
    edges = _row_edges(batches, to_open)
    waiting = list(_late_edges(batches, to_open))
    if not edges and not waiting:
        return None
    edges += waiting
    opened = {edge.before[0] for edge in edges} | {edge.after[0] for edge in edges}
    nodes: list[RowNumber] = []
    level = _levels(waiting)
    for index, batch in enumerate(batches):
        rows = ((index, number) for number in (range(len(batch.rows)) if index in opened else (-1,)))
        nodes.extend(sorted(rows, key=lambda row: level.get(row, 0)))
    sources: dict[RowNumber, set[RowNumber]] = {}
    for edge in waiting:
        sources.setdefault(edge.after, set()).add(edge.before)
    parts: list[tuple[int, list[int] | None]] = []
    order = _cut_hard_edges_last(nodes, edges)
    for index, number in order.nodes:
        numbers = parts[-1][1] if parts and parts[-1][0] == index else None
        if number < 0:
            parts.append((index, None))
        elif numbers is None or level.get((index, number), 0) != level.get((index, numbers[-1]), 0):
            # a row that waits for another one's key cannot be sent together with it
            parts.append((index, [number]))
        else:
            numbers.append(number)
    return RowOrder(tuple(parts), tuple(edge for edge in order.cut if isinstance(edge, UniqueEdge)))


def edges_between_rows(batches: Sequence[Batch], tables: TableOrder) -> list[Edge[RowNumber]]:
    """What the values of rows ask of their order."""
    opened = _batches_to_open(batches, tables)
    return [*_row_edges(batches, opened), *_late_edges(batches, opened)]


def _late_edges(batches: Sequence[Batch], opened: Sequence[int]) -> Iterator[Edge[RowNumber]]:
    """A row with a value that another one's row makes comes after it."""
    place = {
        state: (index, number)
        for index in opened
        if batches[index].kind is OperationKind.INSERT
        for number, state in enumerate(batches[index].states)
    }
    for index in opened:
        batch = batches[index]
        for late in batch.late:
            before = place.get(late.state)
            if before is not None and before != (index, late.row) and late.name in batch.columns.attribute_of:
                column = batch.columns.column_of[batch.columns.attribute_of[late.name]]
                nullable = bool(column.nullable)
                yield Edge(
                    before, (index, late.row), f"its {late.attribute} is made by the database", optional=nullable
                )


def _levels(edges: Iterable[Edge[RowNumber]]) -> dict[RowNumber, int]:
    """How many rows have to be sent one after the other before a row can be; circles are left at what was found."""
    following: dict[RowNumber, list[RowNumber]] = {}
    waits: dict[RowNumber, int] = {}
    for edge in edges:
        following.setdefault(edge.before, []).append(edge.after)
        waits[edge.after] = waits.get(edge.after, 0) + 1
    level = {row: 0 for row in following if row not in waits}
    current = list(level)
    while current:
        reached = []
        for row in current:
            for after in following.get(row, ()):
                level[after] = max(level.get(after, 0), level[row] + 1)
                waits[after] -= 1
                if not waits[after]:
                    reached.append(after)
        current = reached
    return level


def _batches_to_open(batches: Sequence[Batch], tables: TableOrder) -> list[int]:
    """The batches whose rows have to be looked at: of tables that depend on themselves, and all around them."""
    several_rows: dict[Table, int] = {}
    for batch in batches:
        several_rows[batch.columns.table] = several_rows.get(batch.columns.table, 0) + len(batch.rows)
    opened = {table for table in tables.entangled if several_rows.get(table, 0) > 1}
    opened |= _tables_with_moving_values(batches)
    reached = len(opened) - 1
    while reached < len(opened):
        reached = len(opened)
        for table in tables.tables:
            targets = {constraint.referred_table for constraint in _foreign_keys(table)}
            if table in opened:
                opened |= targets.intersection(several_rows)
            elif targets & opened:
                opened.add(table)
        if not opened:
            break
    return [index for index, batch in enumerate(batches) if batch.columns.table in opened]


def _tables_with_moving_values(batches: Sequence[Batch]) -> set[Table]:
    """The tables in which one row gives up a unique value that another one takes."""
    by_table: dict[Table, list[Batch]] = {}
    for batch in batches:
        by_table.setdefault(batch.columns.table, []).append(batch)
    found = set()
    for table, members in by_table.items():
        first = members[0].columns
        if any(_moves(members, [first.column_of[attribute] for attribute in unique]) for unique in first.unique_sets):
            found.add(table)
    return found


def _moves(batches: Sequence[Batch], columns: Sequence[Any]) -> bool:
    """Whether one row gives up values of these columns that another one takes."""
    touching = [(batch, names) for batch in batches if (names := _names_of(batch.columns, columns))]
    touching = [(batch, names) for batch, names in touching if _writes(batch, names)]
    givers = [pair for pair in touching if pair[0].kind is not OperationKind.INSERT]
    takers = [pair for pair in touching if pair[0].kind is not OperationKind.DELETE]
    if not givers or not takers:  # before any value is read: the usual end
        return False
    given_up = {values for batch, names in givers for _, values in _given_up(batch, names)}
    return any(values in given_up for batch, names in takers for _, values in _introduced(batch, names))


def _names_of(columns: TableColumns, table_columns: Iterable[Any]) -> tuple[str, ...] | None:
    """The attributes that stand for columns of the table; None when one is not mapped."""
    names = []
    for column in table_columns:
        attribute = columns.attribute_of.get(column.key)
        if attribute is None:
            return None
        names.append(attribute)
    return tuple(names)


def _row_edges(batches: Sequence[Batch], opened: Sequence[int]) -> list[Edge[RowNumber]]:
    edges: list[Edge[RowNumber]] = []
    by_table: dict[Table, list[int]] = {}
    for index in opened:
        by_table.setdefault(batches[index].columns.table, []).append(index)
    for table, indexes in by_table.items():
        first = batches[indexes[0]]
        for unique in first.columns.unique_sets:
            edges += _unique_edges(batches, indexes, tuple(first.columns.column_of[attribute] for attribute in unique))
        for constraint in _foreign_keys(table):
            targets = by_table.get(constraint.referred_table)
            if targets:
                edges += _reference_edges(batches, indexes, targets, constraint)
    return edges


def _collect(
    batches: Sequence[Batch], indexes: Iterable[int], columns: Sequence[Any], read: Any
) -> dict[Values, list[RowNumber]]:
    """Value -> rows, for what *read* finds in each batch."""
    found: dict[Values, list[RowNumber]] = {}
    for index in indexes:
        names = _names_of(batches[index].columns, columns)
        for number, value in read(batches[index], names):
            found.setdefault(value, []).append((index, number))
    return found


def _unique_edges(
    batches: Sequence[Batch], indexes: Sequence[int], columns: Sequence[Any]
) -> Iterator[Edge[RowNumber]]:
    given_up = _collect(batches, indexes, columns, _given_up)
    if given_up:
        for value, takers in _collect(batches, indexes, columns, _introduced).items():
            for giver in given_up.get(value, ()):
                for taker in takers:
                    if giver != taker:
                        reason = f"gives up the unique value {value!r}"
                        yield UniqueEdge(giver, taker, reason, optional=True, columns=tuple(columns))


def _reference_edges(
    batches: Sequence[Batch], referring: Sequence[int], referred: Sequence[int], constraint: ForeignKeyConstraint
) -> Iterator[Edge[RowNumber]]:
    local = [element.parent for element in constraint.elements]
    remote = [element.column for element in constraint.elements]
    introduced = _collect(batches, referred, remote, _introduced)
    if introduced:
        for value, rows in _collect(batches, referring, local, _introduced).items():
            for before in introduced.get(value, ()):
                for after in rows:
                    if before != after:
                        yield Edge(before, after, f"has the key {value!r} that is referred to")
    given_up = _collect(batches, referred, remote, _given_up)
    if given_up:
        for value, rows in _collect(batches, referring, local, _given_up).items():
            for after in given_up.get(value, ()):
                for before in rows:
                    if before != after:
                        yield Edge(before, after, f"no longer refers to the key {value!r}")


def _introduced(batch: Batch, names: tuple[str, ...] | None) -> Iterator[tuple[int, Values]]:
    """(row number, values) of the rows that have these values afterwards and did not before."""
    if names is None or batch.kind is OperationKind.DELETE or not _writes(batch, names):
        return
    parameters = [(batch.columns.written[name][0], name) for name in names]
    for number, (state, row) in enumerate(zip(batch.states, batch.rows, strict=True)):
        dict_ = state.dict
        # the row knows more than the object: values that it takes from other objects
        yield from _known(number, tuple(row.get(parameter, dict_.get(name)) for parameter, name in parameters))


def _given_up(batch: Batch, names: tuple[str, ...] | None) -> Iterator[tuple[int, Values]]:
    """(row number, values) of the rows that had these values before and have them no more."""
    if names is None or batch.kind is OperationKind.INSERT or not _writes(batch, names):
        return
    for number, state in enumerate(batch.states):
        yield from _known(number, tuple(_stored(batch.columns, state, name) for name in names))


def _known(number: int, values: Values) -> Iterator[tuple[int, Values]]:
    """Nothing when a value is NULL, unknown, SQL, or of a kind that cannot be compared."""
    for value in values:
        if value is None or is_sql(type(value)) or type(value).__hash__ is None:
            return
    yield number, values


def _writes(batch: Batch, names: tuple[str, ...]) -> bool:
    """Whether rows of the batch touch any of these attributes."""
    if batch.kind is not OperationKind.UPDATE:
        return True
    written = {batch.columns.attribute_of[name] for name in batch.names}
    return not written.isdisjoint(names)


def _stored(columns: TableColumns, state: InstanceState, attribute: str) -> Any:
    """The value in the database, None when it is not known."""
    keys = columns.mapper.pk_keys
    if attribute in keys and state.pk is not None:
        return state.pk if len(keys) == 1 else state.pk[keys.index(attribute)]
    if attribute in state.committed_state:
        before = state.committed_state[attribute]
        return None if before is NO_VALUE else before
    return state.dict.get(attribute)
