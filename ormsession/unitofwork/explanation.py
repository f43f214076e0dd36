"""Explains a plan to people: as a table, as a diagram, and with a reason for everything in it.

A plan is complete without this module; nothing here runs in a flush.  Reasons are worked out when somebody asks:

* an operation is there because an object is new, has changed, takes a value from another object, or goes, and
  then because of a mark or of the relationship that takes it along;
* a batch stands before another one because their tables, or their rows, depend on each other.  The edges are
  found again from the finished plan, by the same functions that ordered it, so they cannot differ from it.

A dependency that no order could obey is listed as well, and says so: the database may check it later, or the plan
goes around it (with a value that is set afterwards, or with a temporary one).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..exc import state_text
from ..tracking.state import InstanceState
from .links import Link, Relations
from .operations import AssociationBatch, Batch, Operation, OperationKind
from .ordering import Edge
from .precedence import TableOrder, edges_between_rows
from .statements import text_of

AnyBatch = Batch | AssociationBatch


@dataclass(frozen=True, slots=True, eq=False)
class OperationReason:
    """Why an operation is in a plan.

    :param batch: the number of the batch, counted from 1 as the printed plan does.
    """

    batch: int
    operation: Operation
    reason: str

    def __str__(self) -> str:
        return f"{self.batch}: {self.operation}: {self.reason}"


@dataclass(frozen=True, slots=True)
class OrderReason:
    """Why one batch stands before another one.

    :param before: number of a batch, counted from 1.
    :param after: number of the batch that depends on it.
    :param is_obeyed: False for what no order can obey, because it is part of a circle.
    """

    before: int
    after: int
    reason: str
    is_obeyed: bool = True

    def __str__(self) -> str:
        note = "" if self.is_obeyed else " (part of a circle, not obeyed)"
        return f"{self.before} before {self.after}: {self.reason}{note}"


# ---------------------------------------------------------------- operations


def reasons_of_operations(
    batches: Sequence[AnyBatch], relations: Relations, replaced: Mapping[InstanceState, InstanceState]
) -> Iterator[OperationReason]:
    """A reason for each operation of these batches, in their order."""
    for number, batch in enumerate(batches, 1):
        if isinstance(batch, AssociationBatch):
            verb = "joined" if batch.kind is OperationKind.INSERT else "parted"
            for each, operation in zip(batch.associations, batch.operations, strict=True):
                objects = " and ".join(dict.fromkeys(state_text(state) for state, _ in each.values.values()))
                yield OperationReason(number, operation, f"{objects} were {verb} in {each.reason}")
        else:
            for operation in batch.operations:
                yield OperationReason(number, operation, _reason_of_row(batch, operation, relations, replaced))


def _reason_of_row(
    batch: Batch, operation: Operation, relations: Relations, replaced: Mapping[InstanceState, InstanceState]
) -> str:
    state = operation.state
    if batch.is_parking:
        return f"gives up {', '.join(batch.names)} for a moment, so that another row can take the value"
    if operation.kind is OperationKind.DELETE:
        return relations.doomed.get(state, "is marked for deletion")
    links = _links_of(batch, state, relations)
    found = [f"{attribute} comes from {_source_text(link)}" for attribute, link in links.items()]
    if operation.kind is OperationKind.INSERT:
        return "; ".join(["is new", *found])
    if state in replaced:
        return "; ".join([f"takes over the row of {state_text(replaced[state])}, which is deleted", *found])
    written = [batch.columns.attribute_of.get(name, name) for name in batch.names]
    changed = [attribute for attribute in written if attribute not in links]
    if changed:
        found.insert(0, f"{', '.join(changed)} changed")
    return "; ".join(found)


def _links_of(batch: Batch, state: InstanceState, relations: Relations) -> dict[str, Link]:
    """The values of the row that come from other objects, or are NULL because they no longer do."""
    late = {value.name for value in batch.late if batch.states[value.row] is state}
    found: dict[str, Link] = {}
    for links in (relations.links, relations.updates_after, relations.updates_before):
        for attribute, link in links.get(state, {}).items():
            name = batch.columns.written.get(attribute, ("",))[0]
            if name in batch.names and (not link.is_late or name in late):
                found.setdefault(attribute, link)
    return found


def _source_text(link: Link) -> str:
    if link.source is None:
        return f"nowhere any more ({link.reason})"
    return f"{link} ({link.reason})"


# ---------------------------------------------------------------- order


def reasons_of_order(batches: Sequence[AnyBatch], tables: TableOrder) -> list[OrderReason]:
    """Why batches stand where they stand, each reason once, in the order of the batches."""
    found = [*_between_tables(batches, tables), *_between_rows(batches, tables), *_around_secondary(batches)]
    return sorted(dict.fromkeys(found), key=lambda each: (each.before, each.after))


def _between_tables(batches: Sequence[AnyBatch], tables: TableOrder) -> Iterator[OrderReason]:
    edges: dict[Any, list[Edge[Any]]] = {}
    for edge in tables.edges:
        edges.setdefault((edge.before, edge.after), []).append(edge)
    numbered = [(number, batch) for number, batch in enumerate(batches, 1) if isinstance(batch, Batch)]
    for number, batch in numbered:
        for other_number, other in numbered:
            saves = OperationKind.DELETE not in (batch.kind, other.kind)
            deletes = batch.kind is other.kind is OperationKind.DELETE
            if not saves and not deletes:
                continue
            pair = (batch.columns.table, other.columns.table)
            for edge in edges.get(pair if saves else pair[::-1], ()):
                if not edge.optional or number < other_number:
                    yield OrderReason(number, other_number, edge.reason, number < other_number)


def _between_rows(batches: Sequence[AnyBatch], tables: TableOrder) -> Iterator[OrderReason]:
    numbers = [number for number, batch in enumerate(batches, 1) if isinstance(batch, Batch) and not batch.is_parking]
    rows = [batches[number - 1] for number in numbers]
    for edge in edges_between_rows([batch for batch in rows if isinstance(batch, Batch)], tables):
        before, after = edge.before, edge.after
        if before[0] != after[0]:
            giver = rows[before[0]]
            subject = state_text(giver.states[before[1]]) if isinstance(giver, Batch) else ""
            yield OrderReason(
                numbers[before[0]], numbers[after[0]], f"{subject} {edge.reason}", is_obeyed=before < after
            )


def _around_secondary(batches: Sequence[AnyBatch]) -> Iterator[OrderReason]:
    """Rows of secondary tables go before the rows that they refer to, and come after them."""
    for number, batch in enumerate(batches, 1):
        if not isinstance(batch, AssociationBatch):
            continue
        states = {state for each in batch.associations for state, _ in each.values.values()}
        wanted = OperationKind.INSERT if batch.kind is OperationKind.INSERT else OperationKind.DELETE
        for other_number, other in enumerate(batches, 1):
            if isinstance(other, Batch) and other.kind is wanted and not states.isdisjoint(other.states):
                reason = f"{batch.table.description} refers to {other.columns.name}"
                pair = (other_number, number) if batch.kind is OperationKind.INSERT else (number, other_number)
                yield OrderReason(*pair, reason)


# ---------------------------------------------------------------- forms


def table_of(batches: Sequence[AnyBatch]) -> str:
    """The batches as a table: number, operation, table, rows, statement."""
    lines = [("#", "operation", "table", "rows", "statement")]
    for number, batch in enumerate(batches, 1):
        lines.append((str(number), batch.kind.value, batch.table_name, str(len(batch)), text_of(batch)))
    widths = [max(len(line[place]) for line in lines) for place in range(4)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(line, widths, strict=False)), line[4]]) for line in lines
    )


def mermaid_of(batches: Sequence[AnyBatch], edges: Sequence[OrderReason]) -> str:
    """The batches as a Mermaid flow chart, an arrow for each reason of the order."""
    lines = ["flowchart TD"]
    for number, batch in enumerate(batches, 1):
        rows = "1 row" if len(batch) == 1 else f"{len(batch)} rows"
        lines.append(f'    b{number}["{number}. {batch.kind.value} {batch.table_name}<br/>{rows}"]')
    drawn: dict[tuple[int, int], OrderReason] = {}
    for edge in edges:
        drawn.setdefault((edge.before, edge.after), edge)
    for edge in drawn.values():
        arrow = "-->" if edge.is_obeyed else "-.->"
        label = edge.reason.replace('"', "'").replace("<", "#lt;").replace(">", "#gt;")
        lines.append(f'    b{edge.before} {arrow}|"{label}"| b{edge.after}')
    return "\n".join(lines)
