"""The plan of a flush: from the states of a session to what will be sent, in order.

``make_plan`` is pure.  It opens no connection and changes nothing; the plan can be printed, compared and tested
without a database.  How it goes:

1. The states are sorted into *stages*: what a flush does with the objects of one mapper, saving or deleting.
2. The tables of all stages are put in the order of their foreign keys; saves run along it, deletes against it.
   Within a table UPDATE comes before INSERT, so that a value is free before it is taken.
3. Each stage is collected, table by table, into batches.
4. Where tables cannot decide, ``precedence`` looks at rows, and batches are divided.

A new object whose key is that of a deleted one takes over its row (an UPDATE instead of DELETE and INSERT), so that
rows which refer to it stay valid.

Mapper events may change what is to be sent, so a stage with listeners is framed: ``Opening`` fires ``before_*`` and
has its batches collected again, ``Closing`` fires ``after_*``.  A stage without listeners has no frame.

The steps of a plan are all there is: whatever else orders or fills rows (rules between related objects) adds nodes,
edges and late values here, and ``execution`` stays a loop.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from .. import exc
from ..exc import state_text
from ..mapping.mapper import Mapper
from ..tracking.state import InstanceState
from . import collecting
from .cascades import writing
from .columns import TableColumns, tables_of
from .explanation import OperationReason, OrderReason, mermaid_of, reasons_of_operations, reasons_of_order, table_of
from .links import NO_LINKS, Association, Link, Links, Relations
from .operations import AssociationBatch, Batch, LateValue, Operation, OperationKind
from .ordering import Edge
from .parking import parking_batches
from .precedence import TableOrder, order_of_rows, order_of_tables

NOTHING_REPLACED: Mapping[InstanceState, InstanceState] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class FlushInput:
    """The states that a flush is about; their objects are held by the caller until it is over.

    :param new: pending objects in the order in which they were added.
    :param dirty: persistent objects with changes.
    :param deleted: persistent objects whose rows are to go.
    """

    new: Sequence[InstanceState] = ()
    dirty: Sequence[InstanceState] = ()
    deleted: Sequence[InstanceState] = ()
    relations: Relations = field(default_factory=Relations)
    """What relationships add; made by ``preparation``."""
    unloaded: Sequence[tuple[InstanceState, Any]] = ()
    """(object, relationship) that the flush will load first; filled in a rehearsal only."""


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What a flush does with the objects of one mapper: save them, or delete them.

    :param replaced: new object -> deleted object whose row it takes over.
    :param unversioned: objects whose version has to be loaded before their rows can be made.
    """

    mapper: Mapper
    new: Sequence[InstanceState] = ()
    changed: Sequence[InstanceState] = ()
    deleted: Sequence[InstanceState] = ()
    replaced: Mapping[InstanceState, InstanceState] = field(default_factory=lambda: NOTHING_REPLACED)
    unversioned: Sequence[InstanceState] = ()
    links: Links = field(default_factory=lambda: NO_LINKS)

    @property
    def is_delete(self) -> bool:
        return bool(self.deleted)

    @property
    def has_listeners(self) -> bool:
        dispatch = self.mapper.dispatch
        if self.deleted:
            return bool(dispatch.before_delete or dispatch.after_delete)
        return bool(
            (self.new and (dispatch.before_insert or dispatch.after_insert))
            or (self.changed and (dispatch.before_update or dispatch.after_update))
        )

    def batches(self, columns: TableColumns) -> list[Batch]:
        """The rows of one table, UPDATE before INSERT."""
        if self.deleted:
            return collecting.deletes(columns, self.deleted)
        made: list[Batch] = []
        inserted: Sequence[InstanceState] = self.new
        updated: Sequence[InstanceState] = self.changed
        if self.replaced:
            inserted = [state for state in self.new if state not in self.replaced]
            updated = [*self.changed, *self.replaced]
        if updated:
            made += collecting.updates(columns, updated, self.replaced, self.links)
        if inserted:
            made += collecting.inserts(columns, inserted, self.links)
        return made


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """A stage begins: ``before_*`` listeners run, and missing versions are loaded."""

    stage: Stage

    def __str__(self) -> str:
        return f"before  {self.stage.mapper}"


@dataclass(frozen=True, slots=True, eq=False)
class Closing:
    """A stage is over: ``after_*`` listeners run."""

    stage: Stage

    def __str__(self) -> str:
        return f"after   {self.stage.mapper}"


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """A batch at its place, with the stage it is part of."""

    stage: Stage
    batch: Batch

    def __str__(self) -> str:
        return str(self.batch)


@dataclass(frozen=True, slots=True, eq=False)
class AssociationStep:
    """Rows of a secondary table at their place."""

    batch: AssociationBatch

    def __str__(self) -> str:
        return str(self.batch)


AnyStep = Step | AssociationStep | Opening | Closing


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """The steps of a flush in order.

    >>> print(session.plan_flush())                                            # doctest: +SKIP
    #  operation  table  rows  statement
    1  INSERT     users  2     INSERT INTO users (name) VALUES (:name)
    """

    steps: tuple[AnyStep, ...]
    input: FlushInput
    replaced: Mapping[InstanceState, InstanceState] = field(default_factory=lambda: NOTHING_REPLACED)
    tables: TableOrder = field(default_factory=TableOrder)

    def __bool__(self) -> bool:
        """True when there is anything to do; changed objects whose rows are right already are nothing to do."""
        return bool(self.steps or self.input.new or self.input.deleted)

    @property
    def batches(self) -> tuple[Batch | AssociationBatch, ...]:
        """What is sent, in order."""
        return tuple(step.batch for step in self.steps if isinstance(step, (Step, AssociationStep)))

    @property
    def operations(self) -> Iterator[Operation]:
        """The operations on single rows, in order."""
        for batch in self.batches:
            yield from batch.operations

    @property
    def loads(self) -> tuple[str, ...]:
        """What a flush has to load first, and the plan therefore does not know; empty in a plan that is executed."""
        return tuple(f"{prop} of {state_text(state)}" for state, prop in self.input.unloaded)

    @property
    def reasons(self) -> list[OperationReason]:
        """Why each operation is there."""
        return list(reasons_of_operations(self.batches, self.input.relations, self.replaced))

    @property
    def edges(self) -> list[OrderReason]:
        """Why batches stand before others."""
        return reasons_of_order(self.batches, self.tables)

    def explain(self) -> str:
        """The plan with a reason for every operation and for the order, as text."""
        parts = [str(self), "Operations", *map(str, self.reasons)]
        edges = self.edges
        return "\n".join([*parts, "Order", *map(str, edges)] if edges else parts)

    def to_dict(self) -> dict[str, Any]:
        """The plan as plain data."""
        return {"batches": [batch.to_dict() for batch in self.batches]}

    def to_mermaid(self) -> str:
        """The plan as a Mermaid flow chart: a box for each batch, an arrow for each reason of the order."""
        return mermaid_of(self.batches, self.edges)

    def __str__(self) -> str:
        batches = self.batches
        first = [f"loads first: {each}" for each in self.loads]
        return "\n".join([*first, table_of(batches) if batches else "nothing to send"])


def make_plan(flush_input: FlushInput) -> Plan:
    """Plan a flush.

    :param flush_input: the states that it is about.
    :return: what has to be sent, in order.
    :raises FlushError: when a row cannot be written as it is; nothing was sent and nothing changed.
    """
    replaced = _replaced_rows(flush_input)
    saves = _save_stages(flush_input, replaced)
    deletes = _delete_stages(flush_input, replaced)
    stages = saves + deletes
    relations = flush_input.relations
    if len(stages) == 1 and len(tables := tables_of(stages[0].mapper)) == 1 and not tables[0].own_references:
        entangled = frozenset((tables[0].table,)) if relations.links else frozenset()
        order = TableOrder((tables[0].table,), entangled)
    else:
        mappers = dict.fromkeys(stage.mapper for stage in stages)
        order = order_of_tables(
            (columns.table for mapper in mappers for columns in tables_of(mapper)), _related_tables(mappers)
        )
    steps = _steps_in_table_order(saves, deletes, order)
    steps = _steps_in_row_order(steps, order)
    if not relations:
        return Plan(tuple(_framed(steps, stages)), flush_input, replaced, order)
    steps, afterwards = _without_circles(steps, relations, order)
    return Plan(
        (
            *_association_steps(OperationKind.DELETE, relations.removed),
            *_before_deletes(list(_framed(steps, stages)), _linked_steps(relations.updates_before)),
            *_association_steps(OperationKind.INSERT, relations.added),
            *_linked_steps(afterwards),
        ),
        flush_input,
        replaced,
        order,
    )


def _related_tables(mappers: Iterable[Mapper]) -> Iterator[Edge[Any]]:
    """The order that relationships ask of tables, also where no foreign key says so."""
    for mapper in mappers:
        for prop in writing(mapper):
            if prop.secondary is None and not prop.post_update:
                for source, referring in prop.synchronize_pairs:
                    if source.table is not referring.table:
                        yield Edge(source.table, referring.table, f"{prop} leads from one to the other", optional=True)


# ---------------------------------------------------------------- what relationships add


def _association_steps(kind: OperationKind, rows: Mapping[Any, Association]) -> list[AssociationStep]:
    """The rows of secondary tables, one batch for each table."""
    by_table: dict[Any, list[Association]] = {}
    for association in rows.values():
        by_table.setdefault((association.table, tuple(association.values)), []).append(association)
    return [
        AssociationStep(AssociationBatch(kind, table, _any_mapper(members), tuple(members)))
        for (table, _), members in by_table.items()
    ]


def _any_mapper(associations: Sequence[Association]) -> Mapper:
    state, _ = next(iter(associations[0].values.values()))
    mapper: Mapper = state.manager.mapper
    return mapper


def _linked_steps(links: Links) -> list[Step]:
    """UPDATEs that give rows nothing but values of other objects."""
    steps = []
    for mapper, states in _by_mapper(links).items():
        chosen = {state: links[state] for state in states}
        stage = Stage(mapper, links=chosen)
        for columns in tables_of(mapper):
            steps += [Step(stage, batch) for batch in collecting.linked_updates(columns, chosen)]
    return steps


def _before_deletes(steps: list[AnyStep], more: Sequence[Step]) -> list[AnyStep]:
    """Steps with others before the first one that deletes."""
    for place, step in enumerate(steps):
        if not isinstance(step, AssociationStep) and step.stage.is_delete:
            return [*steps[:place], *more, *steps[place:]]
    return [*steps, *more]


def _without_circles(steps: Sequence[Step], relations: Relations, order: TableOrder) -> tuple[list[Step], Links]:
    """The steps without values that come too late, and those values to be set when all rows are there.

    :raises CircularDependencyError: when such a column must not be NULL meanwhile.
    """
    coming = {state for step in steps if step.batch.kind is OperationKind.INSERT for state in step.batch.states}
    afterwards = {state: dict(links) for state, links in relations.updates_after.items()}
    kept: list[Step] = []
    for step in steps:
        batch = step.batch
        too_late = [late for late in batch.late if late.state in coming and late.state is not batch.states[late.row]]
        too_late += [late for late in batch.late if late.state is batch.states[late.row] and _is_reference(step, late)]
        for late in too_late:
            attribute = batch.columns.attribute_of[late.name]
            if not batch.columns.column_of[attribute].nullable:
                raise exc.circular_rows(batch.states[late.row], late.state, batch.columns.column_of[attribute])
            link = step.stage.links[batch.states[late.row]][attribute]
            afterwards.setdefault(batch.states[late.row], {})[attribute] = link
        if too_late:
            step = Step(step.stage, batch.without(too_late))
        if batch.kind is OperationKind.INSERT:
            if batch.columns.table in order.entangled:
                _postpone_known_keys(step, coming, afterwards)
            coming.difference_update(batch.states)
        kept.append(step)
    return kept, afterwards


def _postpone_known_keys(
    step: Step, coming: set[InstanceState], afterwards: dict[InstanceState, dict[str, Link]]
) -> None:
    """Rows that refer to the given key of a row that comes after them refer to nothing at first."""
    batch = step.batch
    late = {(value.row, value.name) for value in batch.late}
    sent: set[InstanceState] = set()  # of this batch; never a copy of all that is coming, for there may be many batches
    for number, (state, row) in enumerate(zip(batch.states, batch.rows, strict=True)):
        sent.add(state)
        for attribute, link in step.stage.links.get(state, {}).items():
            name = batch.columns.written[attribute][0] if attribute in batch.columns.written else ""
            if link.source not in coming or link.source in sent or (number, name) in late:
                continue
            if row.get(name) is not None and batch.columns.column_of[attribute].nullable:
                row[name] = None
                afterwards.setdefault(state, {})[attribute] = link


def _is_reference(step: Step, late: LateValue) -> bool:
    """True when a row that waits for its own object does so because the object refers to itself."""
    links = step.stage.links.get(late.state, {})
    return step.batch.columns.attribute_of.get(late.name) in links


# ---------------------------------------------------------------- stages


def _replaced_rows(flush_input: FlushInput) -> Mapping[InstanceState, InstanceState]:
    """New object -> deleted object with the same identity."""
    if not flush_input.new or not flush_input.deleted:
        return NOTHING_REPLACED
    going = {(state.manager.identity_class, state.pk, state.identity_token): state for state in flush_input.deleted}
    found: dict[InstanceState, InstanceState] = {}
    links = flush_input.relations.links
    for state in flush_input.new:
        values, linked = state.dict, links.get(state, {})
        pk = tuple(linked[key].value if key in linked else values.get(key) for key in state.manager.mapper.pk_keys)
        try:
            old = going.pop((state.manager.identity_class, pk if len(pk) != 1 else pk[0], state.identity_token), None)
        except TypeError:  # a value without a hash is no key
            old = None
        if old is not None:
            found[state] = old
    return found


def _by_mapper(states: Iterable[InstanceState]) -> dict[Mapper, list[InstanceState]]:
    groups: dict[Mapper, list[InstanceState]] = {}
    # objects of one class nearly always come one after the other
    for manager, members in groupby(states, attrgetter("manager")):
        groups.setdefault(manager.mapper, []).extend(members)
    return groups


def _save_stages(flush_input: FlushInput, replaced: Mapping[InstanceState, InstanceState]) -> list[Stage]:
    new = _by_mapper(flush_input.new)
    changed = _by_mapper(flush_input.dirty)
    replacing: dict[Any, dict[InstanceState, InstanceState]] = {}
    for state, old in replaced.items():
        replacing.setdefault(state.manager.mapper, {})[state] = old
    stages = []
    for mapper in dict.fromkeys((*new, *changed)):
        ordered = _by_key(mapper, changed.get(mapper, ()))
        stage = Stage(
            mapper,
            new.get(mapper, ()),
            ordered,
            replaced=replacing.get(mapper, NOTHING_REPLACED),
            unversioned=_without_version(mapper, ordered),
            links=flush_input.relations.links,
        )
        stages += [stage] if mapper.batch else _one_by_one(stage)
    return stages


def _one_by_one(stage: Stage) -> list[Stage]:
    """A stage for each object, so that its events stand right beside its statements."""
    taken = stage.replaced
    new = [
        Stage(
            stage.mapper,
            (state,),
            replaced={state: taken[state]} if state in taken else NOTHING_REPLACED,
            links=stage.links,
        )
        for state in stage.new
    ]
    unversioned = set(stage.unversioned)
    return new + [
        Stage(stage.mapper, (), (state,), unversioned=(state,) if state in unversioned else (), links=stage.links)
        for state in stage.changed
    ]


def _delete_stages(flush_input: FlushInput, replaced: Mapping[InstanceState, InstanceState]) -> list[Stage]:
    kept = set(replaced.values())
    going = _by_mapper(state for state in flush_input.deleted if state not in kept)
    stages = []
    for mapper, states in going.items():
        ordered = _by_key(mapper, states)
        stages.append(Stage(mapper, deleted=ordered, unversioned=_without_version(mapper, ordered)))
    return stages


def _by_key(mapper: Mapper, states: Sequence[InstanceState]) -> Sequence[InstanceState]:
    """The states by primary key: sessions that write the same rows lock them in the same order."""
    if len(states) < 2:
        return states
    sort_keys = [column.type.sort_key_function for column in mapper.primary_key]
    try:
        if not any(sort_keys):
            return sorted(states, key=attrgetter("pk"))
        return sorted(states, key=lambda state: _sortable_key(state, sort_keys))
    except TypeError as error:
        raise exc.unsortable_keys(error) from error


def _sortable_key(state: InstanceState, sort_keys: Sequence[Any]) -> tuple[Any, ...]:
    pk = state.pk if len(sort_keys) > 1 else (state.pk,)
    return tuple(value if key is None else key(value) for key, value in zip(sort_keys, pk, strict=True))


def _without_version(mapper: Mapper, states: Sequence[InstanceState]) -> Sequence[InstanceState]:
    """The objects whose version is expired: it must be read before the row can be compared with it."""
    key = mapper.version_id_key
    if key is None:
        return ()
    return [state for state in states if key not in state.dict and key not in state.committed_state]


# ---------------------------------------------------------------- steps


def _steps_in_table_order(saves: Sequence[Stage], deletes: Sequence[Stage], order: TableOrder) -> list[Step]:
    rank = {table: index for index, table in enumerate(order.tables)}
    planned: list[tuple[tuple[int, ...], Step]] = []
    for direction, stages in enumerate((saves, deletes)):
        for number, stage in enumerate(stages):
            for columns in tables_of(stage.mapper):
                place = -rank[columns.table] if direction else rank[columns.table]
                planned += [((direction, place, number), Step(stage, batch)) for batch in stage.batches(columns)]
    planned.sort(key=lambda entry: entry[0])
    return [step for _, step in planned]


def _steps_in_row_order(steps: list[Step], order: TableOrder) -> list[Step]:
    if len(steps) == 1 and len(steps[0].batch.rows) == 1:
        return steps
    if not order.entangled and all(step.batch.kind is OperationKind.INSERT for step in steps):
        return steps
    batches = [step.batch for step in steps]
    found = order_of_rows(batches, order)
    if found is None:
        return steps
    parked = [Step(Stage(batch.columns.mapper), batch) for batch in parking_batches(batches, found.unmet)]
    return parked + [
        steps[index] if numbers is None else Step(steps[index].stage, steps[index].batch.part(numbers))
        for index, numbers in found.parts
    ]


def _framed(steps: Sequence[Step], stages: Sequence[Stage]) -> Iterator[Step | Opening | Closing]:
    """The steps, with the frames of the stages that need one: just before its first batch, just after its last."""
    left: dict[Stage, int] = {stage: 0 for stage in stages if stage.has_listeners or stage.unversioned}
    if not left:
        yield from steps
        return
    opened: set[Stage] = set()
    for step in steps:
        if step.stage in left:
            left[step.stage] += 1
    # a stage without rows so far: its listeners may add some
    empty = [stage for stage, count in left.items() if not count]
    for stage in empty:
        if not stage.is_delete:
            yield Opening(stage)
            yield Closing(stage)
    for step in steps:
        stage = step.stage
        if stage not in left:
            yield step
            continue
        if stage not in opened:
            opened.add(stage)
            yield Opening(stage)
        yield step
        left[stage] -= 1
        if not left[stage]:
            yield Closing(stage)
