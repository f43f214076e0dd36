"""What a flush did to its objects, and the two ways it can end: finished, or taken back.

Between the last statement and `finish` the objects still carry their changes and histories, so that listeners of
``after_flush`` see what was written.  `finish` is one loop over the objects of each kind.  It touches states only;
identity maps and the other collections of a session are the session's own business.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, groupby
from operator import attrgetter
from typing import Any

from .. import exc
from ..mapping.mapper import Mapper
from ..tracking.identity import IdentityMap
from ..tracking.state import InstanceState
from .assignment import Undo
from .plan import Plan


class FlushOutcome:
    """The objects of a flush, by what happened to them.

    Made at the start of the execution and filled while it goes on; complete when `execute` returns it.
    """

    def __init__(self, plan: Plan) -> None:
        self.inserted: list[InstanceState] = list(plan.input.new)
        """New objects whose rows were inserted, or took over the row of a deleted one."""
        self.updated: list[InstanceState] = list(plan.input.dirty)
        """Changed objects, also those for which there was nothing to send."""
        self.deleted: list[InstanceState] = list(plan.input.deleted)
        """Objects whose rows were deleted or taken over."""
        self.rekeyed: list[tuple[InstanceState, Any]] = []
        """Changed objects whose primary key is another one now, with the one before.  Written by `finish`."""
        self._links = plan.input.relations.links  # a key may come from another object
        self.undo = Undo()
        """What was put on objects; kept by the session until the transaction is over."""
        self.unknown: list[tuple[Sequence[InstanceState], tuple[str, ...]]] = []
        """Objects, and attributes that the database made and nobody read.  Written by execution, read by `finish`."""
        # primary keys of the inserted objects, side by side with them, and of the changed ones whose key is another
        # one now; written by `find_identities`
        self._pks: list[Any] = []
        self._new_pks: list[tuple[InstanceState, Any]] = []

    def find_identities(self) -> None:
        """Read the primary keys that the objects have now.

        :raises FlushError: when a row was inserted and its key is NULL.
        """
        for manager, members in groupby(self.inserted, attrgetter("manager")):
            states, keys = list(members), manager.mapper.pk_keys
            if len(keys) == 1:
                key = keys[0]
                pks: list[Any] = [state().__dict__.get(key) for state in states]
                is_incomplete = None in pks
            else:
                pks = [tuple(map(state.dict.get, keys)) for state in states]
                is_incomplete = any(None in pk for pk in pks)
            if is_incomplete:
                self._refuse_null(manager.mapper, states, pks)
            self._pks += pks
        links = self._links
        for state in self.updated:
            changes, linked = state.changes, links.get(state, ()) if links else ()
            if changes or linked:
                for key in state.manager.mapper.pk_keys:
                    if key in linked or (changes and key in changes):
                        self._note_new_key(state)
                        break

    def _refuse_null(self, mapper: Mapper, states: Sequence[InstanceState], pks: Sequence[Any]) -> None:
        for state, pk in zip(states, pks, strict=True):
            parts = pk if len(mapper.pk_keys) > 1 else (pk,)
            if None in parts and not (mapper.allow_partial_pks and any(part is not None for part in parts)):
                raise exc.null_identity(state)

    def _note_new_key(self, state: InstanceState) -> None:
        keys, dict_ = state.manager.mapper.pk_keys, state.dict
        pk = dict_.get(keys[0], state.pk) if len(keys) == 1 else tuple(map(dict_.get, keys))
        expired = {attribute for states, attributes in self.unknown if state in states for attribute in attributes}
        if pk != state.pk and expired.isdisjoint(keys):
            self._new_pks.append((state, pk))

    def take_back(self) -> None:
        """Give the objects the values that they had before the flush; used when it failed."""
        self.undo.restore()

    def finish(self, identity_map: IdentityMap) -> None:
        """Make the objects clean: no changes, their keys known, unknown attributes to be loaded.

        :param identity_map: of the session; it no longer has to hold the objects because of their changes.
        """
        stale = self._stale_expressions()
        modified = identity_map.modified
        for state, pk in zip(self.inserted, self._pks, strict=True):
            state.pk = pk
            state.changes = None
            state.modified = False
            if state.extras is not None:
                _settle(state)
        for state in self.updated:
            if state.extras is not None:
                _settle(state)
            state.changes = None
            state.modified = False
            modified.pop(state, None)
        for state in self.deleted:
            modified.pop(state, None)
        for state, pk in self._new_pks:
            self.rekeyed.append((state, state.pk))
            state.pk = pk
        for states, attributes in self.unknown:
            for state in states:
                state.expire_attributes(state.dict, attributes)
        for state, keys in stale:
            state.expire_attributes(state.dict, keys)

    def _stale_expressions(self) -> list[tuple[InstanceState, list[str]]]:
        """Attributes that the database computes from the row, and that may be another now."""
        found = []
        for manager, states in groupby(chain(self.inserted, self.updated), attrgetter("manager")):
            computed = computed_attributes(manager.mapper)
            for state in states if computed else ():
                present, changed = state.dict, state.committed_state
                keys = [
                    key
                    for key, on_flush, is_deferred in computed
                    if key not in changed and _is_stale(key in present, on_flush, is_deferred)
                ]
                if keys:
                    found.append((state, keys))
        return found


def _settle(state: InstanceState) -> None:
    """What waited for a collection to be loaded is written, and what has a value is not expired."""
    if state.incomplete or state.pending_changes:
        state.commit_all(state.dict)


COMPUTED = "unitofwork.computed"


def computed_attributes(mapper: Mapper) -> tuple[tuple[str, bool, bool], ...]:
    """(attribute, expire_on_flush, deferred) of the column attributes that no flush writes."""
    found: tuple[tuple[str, bool, bool], ...] | None = mapper.memo.get(COMPUTED)
    if found is None:
        found = mapper.memo[COMPUTED] = tuple(
            (prop.key, prop.expire_on_flush, prop.deferred) for prop in mapper.column_props if not prop.is_writable
        )
    return found


def _is_stale(is_loaded: bool, expire_on_flush: bool, is_deferred: bool) -> bool:
    if expire_on_flush:
        return is_loaded or not is_deferred
    return not is_loaded and not is_deferred
