"""Results of entity statements: Core's own ``Result`` objects around the row loops.

:func:`load_result` takes the cursor result of an executed entity statement and returns the result that the
program gets.  What it needs of the statement is made once and kept on the compile state, that is with the
compiled statement in Core's cache: a :class:`StatementLoader` with a row loop per entity, and the names of the
columns.

Rows are fetched raw, a thousand at a time, and loaded chunk by chunk: the driver's tuples are gone again before
the garbage collector looks at them.  A result that is not streamed loads all of them at its first fetch, as
the program may do anything with the connection between two rows.  With ``yield_per`` a chunk is what was asked
for, and the next one is fetched when it is used up.

* One entity alone: the loop's list is the result; ``Row`` objects are made by Core only when somebody wants rows.
* Plain columns alone: the driver's tuples become Core's rows directly.
* Anything else: each element of the row is loaded by a loop or reader of its own, for the whole chunk, and the
  lists are zipped.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import Result
from sqlalchemy.engine import ChunkedIteratorResult

from .. import exc
from .._core import raw_fetchall, raw_fetchmany, require_unique, result_metadata, result_processors
from ..sql.columns import column_choice
from ..sql.eager_loads import loads_eagerly
from ..sql.layout import BundleSlot, ColumnSlot, EntitySlot, Layout, Slot, located, row_keys
from ..tracking.ownership import Owner
from .context import DEFAULT_OPTIONS, LoadContext, LoadOptions
from .eager import eager_steps, load_along, own_related_loaders
from .joined import put_joined
from .options import options_below, related_choices
from .peers import make_peers
from .recipe import Processors, recipe_for
from .rows import Rows, column_reader, entity_loop
from .steps import IN_ROW, related_words
from .way import ReachedBy

if TYPE_CHECKING:
    from ..sql.compile import EntitySelectState

CHUNK = 1000
"""Rows that are fetched and loaded together; between 200 and 1,000 it makes no difference."""

Load = Callable[[Rows, LoadContext], Sequence[Any]]


class StatementLoader:
    """How the rows of one compiled statement are loaded; kept with it."""

    __slots__ = ("is_eager", "is_scalar", "load", "metadata", "multiplies_rows", "names", "processors", "slots")

    def __init__(self, layout: Layout, processors: Processors | None, compile_state: EntitySelectState) -> None:
        self.processors = processors
        """The driver's result processors that the loops were made with."""
        self.slots = layout
        self.names = [slot.name if slot.name is None else str(slot.name) for slot in layout]
        self.is_scalar = len(layout) == 1 and isinstance(layout[0], EntitySlot)
        """Whether :attr:`load` returns one object per row rather than a tuple."""
        self.multiplies_rows = False
        """Whether an object may stand in several rows, one for each element of a collection."""
        self.is_eager = False
        """Whether loading sends statements for related objects, for which the cursor must not stay open."""
        row_processors: Processors | None = None
        self.load: Load
        if _is_plain(layout):
            self.load = _rows_as_they_are
            row_processors = processors[: len(layout)] if processors else None
        else:
            loads = [self._slot_load(slot, compile_state) for slot in layout]
            self.load = loads[0] if self.is_scalar else partial(_zipped, loads)
        self.metadata: Callable[[Sequence[tuple[Any, ...]]], Any] = partial(
            result_metadata,
            self.names,
            processors=row_processors,
            filters=[_unique_filter(slot) for slot in layout],
        )
        """Describes the columns of a result, given the objects by which they are found in its rows."""

    def _slot_load(self, slot: Slot, compile_state: EntitySelectState) -> Load:
        if isinstance(slot, EntitySlot):
            return self._entity_load(slot, compile_state)
        if isinstance(slot, BundleSlot):
            return self._bundle_load(slot, compile_state)
        read = column_reader(slot, self.processors)
        return lambda rows, context: read(rows)

    def _bundle_load(self, slot: BundleSlot, compile_state: EntitySelectState) -> Load:
        loads = [self._slot_load(each, compile_state) for each in slot.slots]
        element = slot.row_processor(compile_state.select_statement)

        def load(rows: Rows, context: LoadContext) -> list[Any]:
            return [element(values) for values in _zipped(loads, rows, context)]

        return load

    def _entity_load(self, slot: EntitySlot, compile_state: EntitySelectState, way: ReachedBy | None = None) -> Load:
        mapper = slot.mapper
        mapper.ensure_configured()
        choices = related_choices(compile_state, slot.entity)
        words = related_words(mapper, choices)
        choice_of = partial(column_choice, compile_state.column_options, slot.entity)
        loop = entity_loop(recipe_for(slot, self.processors, choice_of, own_related_loaders(mapper, words)))
        way = way or ReachedBy.to(mapper, compile_state)
        joined = [(each.prop, self._entity_load(each.slot, compile_state, way.on(each.prop))) for each in slot.joined]
        in_row = {prop.key for prop, _ in joined}
        steps = tuple(
            step
            for step in eager_steps(mapper, choices, way)
            if step.prop.key not in in_row and step.word not in IN_ROW and loads_eagerly(compile_state)
        )
        self.multiplies_rows = self.multiplies_rows or any(prop.uselist for prop, _ in joined)
        has_peers = "peers" in words.values()
        if steps or self.multiplies_rows:
            self.is_eager = True

        def load(rows: Rows, context: LoadContext) -> list[Any]:
            instances = loop(rows, context)
            word = context.options.execution_options.get("fetch")
            if has_peers or word is not None or context.session.fetch == "peers":
                make_peers(instances, context.session, word)
            for prop, load_joined in joined:
                put_joined(instances, load_joined(rows, _context_below(context, prop.key)), prop)
            if steps:
                load_along(instances, steps, way, context, load_all)
            return instances

        return load


def _unique_filter(slot: Slot) -> Callable[[Any], Any] | None:
    """By what ``unique()`` knows equal elements: objects by identity, values by themselves where they can be hashed."""
    if isinstance(slot, EntitySlot):
        return id
    type_ = getattr(getattr(slot, "expression", None), "type", None)
    if type_ is None or (type_.hashable and not type_._isnull):
        return None

    def refuse_unhashable(value: Any) -> Any:
        if not type_.hashable or not isinstance(value, Hashable):
            raise exc.unhashable_values(type_)
        return value

    return refuse_unhashable


def _context_below(context: LoadContext, key: str) -> LoadContext:
    """The context for the objects that a relationship leads to, in the same rows."""
    if not context.options.propagated:
        return context
    options = replace(context.options, propagated=options_below(context.options.propagated, key))
    below = LoadContext(context.session, options, context.statement)
    below.identity_map, below.seen = context.identity_map, context.seen
    return below


def _is_plain(layout: Layout) -> bool:
    """Whether the driver's rows are the result's: plain columns only, in place."""
    return all(isinstance(slot, ColumnSlot) and slot.position == index for index, slot in enumerate(layout))


def _rows_as_they_are(rows: Rows, context: LoadContext) -> Rows:
    return rows


def _zipped(loads: Sequence[Load], rows: Rows, context: LoadContext) -> list[tuple[Any, ...]]:
    return list(zip(*[load(rows, context) for load in loads], strict=True))


def statement_loader(result: Any, compile_state: EntitySelectState) -> StatementLoader:
    """How rows of *result* are loaded; made at the first execution of its compiled statement."""
    processors = result_processors(result)
    loader: StatementLoader | None = compile_state.loader
    if loader is None or loader.processors != processors:
        layout = located(compile_state.layout, result)
        loader = StatementLoader(layout, processors, compile_state)
        if layout is compile_state.layout:  # the columns of a text may be others at its next execution
            compile_state.loader = loader
    return loader


def load_result(
    owner: Owner,
    cursor_result: Any,
    compile_state: EntitySelectState,
    *,
    options: LoadOptions = DEFAULT_OPTIONS,
) -> Result[Any]:
    """The result of an entity statement, whose rows hold objects.

    :param owner: the session that the objects belong to.
    :param cursor_result: what Core returned for the statement; nothing has been fetched from it.
    :param compile_state: that of the compiled statement, with its ``layout``.
    :param options: what the caller wants.
    :return: a result that loads objects while rows are fetched from it.
    """
    try:
        loader = statement_loader(cursor_result, compile_state)
        if options.yield_per and loader.multiplies_rows:
            raise exc.yield_per_of_joined_collections()
    except BaseException:
        cursor_result.close()
        raise
    statement = cursor_result.context.invoked_statement
    context = LoadContext(owner, options, statement)
    metadata = loader.metadata(_keys_of(loader, statement, compile_state))
    result: Result[Any] = ChunkedIteratorResult(
        metadata,
        partial(_chunks, cursor_result, loader, context),
        source_supports_scalars=loader.is_scalar,
        raw=cursor_result,
        dynamic_yield_per=cursor_result.context._is_server_side,
    )
    if loader.multiplies_rows:
        require_unique(result, exc.unique_required)
    if options.yield_per:
        result = result.yield_per(options.yield_per)
    return result.freeze()() if options.prebuffer_rows else result


def _keys_of(loader: StatementLoader, statement: Any, compile_state: EntitySelectState) -> list[tuple[Any, ...]]:
    """What ``row._mapping[...]`` accepts beside names; other aliases for each statement of one compiled form."""
    if statement is not compile_state.select_statement and hasattr(statement, "_raw_columns"):
        keys = row_keys(statement)
        if len(keys) == len(loader.slots):
            return keys
    return [slot.keys for slot in loader.slots]


def load_all(owner: Owner, cursor_result: Any, *, options: LoadOptions = DEFAULT_OPTIONS) -> Sequence[Any]:
    """All objects of a statement that selects one entity and returns few rows, without a result around them."""
    compile_state = cursor_result.context.compiled.compile_state
    loader = statement_loader(cursor_result, compile_state)
    context = LoadContext(owner, options, compile_state.select_statement)
    return loader.load(raw_fetchall(cursor_result), context)


def _chunks(result: Any, loader: StatementLoader, context: LoadContext, size: int | None) -> Iterator[Sequence[Any]]:
    """Lists of loaded rows: of *size* each, or one of all."""
    load, fetch = loader.load, raw_fetchmany(result)
    try:
        if size is None:
            if loader.is_eager:
                yield load(raw_fetchall(result), context)
                return
            everything: list[Any] = []
            while rows := fetch(CHUNK):
                everything += load(rows, context)
            yield everything
            return
        while rows := fetch(size):
            yield load(rows, context)
    except GeneratorExit:
        raise
    except BaseException:
        result.close()
        raise
