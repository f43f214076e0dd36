"""The row loop: raw rows of the database driver in, objects out.

One loop is made per entity of a compiled statement and kept with it.  It is handed a list of rows and a
:class:`.LoadContext` (whose session, which options) and returns a list with one object, or None, per row::

    load = entity_loop(recipe)
    users = load(rows, context)

Everything about one execution lies in the context; everything about the statement is bound to local
names of the loop, which calls nothing of ours for a row that makes a new object.  Such an object costs two
things that the garbage collector has to visit: itself and its state, which also is its weak reference.

How the values get into an object decides half of the time.  CPython keeps the attributes of an instance
in an array inside the instance as long as nobody asks for its ``__dict__``, for classes of up to 30
attributes; ``object.__setattr__`` fills that array, so no dictionary exists at all.  Per 100,000 rows of five
columns, as a multiple of Core's ``.all()``: this 1.8, a dictionary per object 2.4, SQLAlchemy's ORM 7.8.
Classes with more attributes, and those whose attributes are data descriptors (which would see the write),
get a dictionary.  Rejected: a loop generated as source, which is 6 % faster than these closures.

Objects that the session knows already are left as they are, unless they are *incomplete* (expired, loaded
partially) or the execution wants more; that is the work of :mod:`.known`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from inspect import getattr_static
from typing import TYPE_CHECKING, Any

from ..tracking.state import STATE_KEY, InstanceState, forget
from .known import KnownObjects
from .recipe import Processors, Recipe, Row, source_of

if TYPE_CHECKING:
    from ..sql.layout import ColumnSlot
    from .context import LoadContext

Rows = Sequence[Row]
RowLoop = Callable[[Rows, "LoadContext"], list[Any]]

INLINE_ATTRIBUTES = 28
"""Up to how many values are put into an instance one by one; CPython shares 30 keys between instances."""


def entity_loop(recipe: Recipe) -> RowLoop:
    """The loop that makes objects from rows.

    :param recipe: which columns fill which attributes.
    :return: a function of rows and context; its list has an element per row, None where the key is NULL.
    """
    manager = recipe.mapper.class_manager
    identity_class = manager.identity_class
    cls = manager.class_
    new: Callable[[type], Any] = cls.__new__
    keys_of = _key_reader(recipe)
    plain = tuple((source.key, source.position) for source in recipe.attributes if source.processor is None)
    converted = tuple(
        (source.key, source.position, source.processor) for source in recipe.attributes if source.processor
    )
    fill = _dictionary_filler(recipe)
    is_partial = bool(recipe.absent)
    known = KnownObjects(recipe)
    put = object.__setattr__

    # Long: a call per row or attribute would cost what the scenario "load" of examples/performance has won
    def load(rows: Rows, context: LoadContext) -> list[Any]:
        space = context.space(identity_class)
        get = space.get
        session_id = context.session.hash_key
        finish = _finisher(recipe, context)
        is_known_touched = known.is_touched(context)
        loaded: list[Any] = []
        append = loaded.append
        for pk, row in zip(keys_of(rows), rows, strict=False):
            state = get(pk)
            if state is None or (instance := state()) is None:
                if pk is None:
                    append(None)
                    continue
                instance = new(cls)
                state = InstanceState(instance, forget)
                state.manager = manager
                state.pk = pk
                state.session_id = session_id
                state.modified = False
                state.changes = None
                state.incomplete = is_partial
                state.extras = None
                if fill is None:
                    put(instance, STATE_KEY, state)
                    for key, position in plain:
                        put(instance, key, row[position])
                    for key, position, convert in converted:
                        put(instance, key, convert(row[position]))
                else:
                    fill(instance, state, row)
                space[pk] = state
                if finish is not None:
                    finish(state)
            elif is_known_touched or state.incomplete:
                known.meet(instance, state, row, context)
            append(instance)
        if context.fresh:
            context.emit_loaded()
        return loaded

    return load


def _key_reader(recipe: Recipe) -> Callable[[Rows], Iterable[Any]]:
    """What takes the primary keys out of many rows: bare values or tuples, None where a row holds no object."""
    if len(recipe.primary_key) == 1:
        (source,) = recipe.primary_key
        return _reader(source.position, source.processor)
    readers = [_reader(source.position, source.processor) for source in recipe.primary_key]
    is_null = all if recipe.mapper.allow_partial_pks else any

    def keys(rows: Rows) -> Iterable[Any]:
        for pk in zip(*[reader(rows) for reader in readers], strict=True):
            yield None if None in pk and is_null(part is None for part in pk) else pk

    return keys


def _reader(position: int, processor: Any) -> Callable[[Rows], list[Any]]:
    if processor is None:
        return lambda rows: [row[position] for row in rows]
    return lambda rows: [processor(row[position]) for row in rows]


def column_reader(slot: ColumnSlot, processors: Processors | None) -> Callable[[Rows], list[Any]]:
    """What takes the values of a plain column out of many rows."""
    source = source_of(slot.name, slot.position, processors)
    return _reader(source.position, source.processor)


def _dictionary_filler(recipe: Recipe) -> Callable[[Any, InstanceState, Row], None] | None:
    """What gives an instance its dictionary, for classes that cannot be filled one attribute after the other."""
    sources = recipe.attributes
    cls = recipe.mapper.class_
    if len(sources) <= INLINE_ATTRIBUTES and _takes_plain_writes(cls, [source.key for source in sources]):
        return None
    set_dictionary = _dictionary_setter(cls)

    def fill(instance: Any, state: InstanceState, row: Row) -> None:
        values: dict[str, Any] = {STATE_KEY: state}
        for source in sources:
            values[source.key] = source.value(row)
        set_dictionary(instance, values)

    return fill


def _takes_plain_writes(cls: type, keys: Iterable[str]) -> bool:
    """Whether ``object.__setattr__`` puts a value of these attributes into an instance, and does nothing else."""
    return not any(hasattr(type(getattr_static(cls, key, None)), "__set__") for key in keys)


def _dictionary_setter(cls: type) -> Callable[[Any, dict[str, Any]], None]:
    """What replaces the ``__dict__`` of an instance without passing through a ``__setattr__`` of its class."""
    slots = (base.__dict__.get("__dict__") for base in cls.__mro__)
    setter: Callable[[Any, dict[str, Any]], None] = next(slot.__set__ for slot in slots if slot is not None)
    return setter


def _finisher(recipe: Recipe, context: LoadContext) -> Callable[[InstanceState], None] | None:
    """What else is done with each new object of one execution; None, as a rule."""
    extras: dict[str, Any] = {}
    if context.options.identity_token is not None:
        extras["identity_token"] = context.options.identity_token
    if context.options.propagated:
        extras["load_options"] = context.options.propagated
    if recipe.missing:
        extras["expired_keys"] = recipe.missing
    own_loaders = recipe.own_loaders
    is_heard = context.is_observed or bool(recipe.mapper.class_manager.dispatch.load)
    if not (extras or own_loaders or is_heard or context.populate_existing):
        return None

    def finish(state: InstanceState) -> None:
        if extras:
            state.extras = dict(extras)
        if own_loaders:
            state.loader_callables = dict(own_loaders)
        if context.populate_existing:
            context.seen.add(state)
        if is_heard:
            context.fresh.append(state)

    return finish
