"""What a row means for an object that the session knows already.

As a rule: nothing.  The object may have been read by the program, even changed, and rows of later statements
must not change it behind the program's back.  Three things make a difference:

* the object is *incomplete*: attributes that are absent (expired, deferred, loaded partially) and were not
  set since are filled from the row;
* the execution has ``populate_existing``: the row overwrites all values and changes, once per result;
* the execution locks rows (``with_for_update`` of ``get``): a version id that differs from the object's means
  that the object is out of date.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .. import exc
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_VALUE
from .steps import relationships_of

if TYPE_CHECKING:
    from .context import LoadContext
    from .recipe import Recipe, Row


class KnownObjects:
    """Handles the rows of one entity whose objects are already there."""

    __slots__ = ("_recipe", "_version")

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._version = recipe.version

    def is_touched(self, context: LoadContext) -> bool:
        """Whether also complete objects have to be handed to :meth:`meet`."""
        return context.populate_existing or self._recipe.mapper.always_refresh or self._checks_version(context)

    def _checks_version(self, context: LoadContext) -> bool:
        return context.options.check_version and self._version is not None

    def meet(self, instance: Any, state: InstanceState, row: Row, context: LoadContext) -> None:
        """A row of the object of *state* was fetched.

        :raises StaleDataError: when the version id was to be checked and differs.
        """
        if self._checks_version(context):
            self._check_version(instance, state, row)
        if context.populate_existing or self._recipe.mapper.always_refresh:
            if state not in context.seen:
                context.seen.add(state)
                self._overwrite(instance, state, row, context)
        elif state.incomplete:
            self._complete(instance, state, row, context)

    def _complete(self, instance: Any, state: InstanceState, row: Row, context: LoadContext) -> None:
        """Fill the attributes that are absent and were not set since."""
        values = instance.__dict__
        changes = state.committed_state
        filled: list[str] = []
        for source in self._recipe.attributes:
            key = source.key
            if key not in values and key not in changes:
                values[key] = source.value(row)
                filled.append(key)
        if filled:
            mark_loaded(state, values, filled)
            if state.manager.dispatch.refresh:
                state.manager.dispatch.refresh(state, context, set(filled))

    def _overwrite(self, instance: Any, state: InstanceState, row: Row, context: LoadContext) -> None:
        """Make the object what the row says."""
        recipe = self._recipe
        values = instance.__dict__
        for source in recipe.attributes:
            values[source.key] = source.value(row)
        for key in recipe.absent:
            state.reset(values, key)
        for prop in relationships_of(recipe.mapper):
            state.reset(values, prop.key)
        if recipe.own_loaders:
            state.callables.update(recipe.own_loaders)
        state.commit_all(values)
        if context.options.propagated:
            state.load_options = context.options.propagated
        state.expired = False
        state.expired_keys = recipe.missing
        state.incomplete = bool(recipe.absent)
        if state.manager.dispatch.refresh:
            state.manager.dispatch.refresh(state, context, None)

    def _check_version(self, instance: Any, state: InstanceState, row: Row) -> None:
        source = self._version
        assert source is not None
        known = state.committed_state.get(source.key, NO_VALUE)
        if known is NO_VALUE:
            known = instance.__dict__.get(source.key, NO_VALUE)
        found = source.value(row)
        if known is not NO_VALUE and known != found:
            raise exc.version_differs(state, known, found)


def mark_loaded(state: InstanceState, values: dict[str, Any], keys: list[str]) -> None:
    """*keys* have just been filled from the database: they are neither expired nor have they loaders of their own."""
    state.expired = False
    if state.expired_keys:
        state.expired_keys = {key for key in state.expired_keys if key not in values}
    if state.loader_callables:
        for key in keys:
            state.loader_callables.pop(key, None)
    state.incomplete = any(prop.key not in values for prop in state.manager.mapper.column_props)
