"""The identity map: one object per row and session.

Objects are held weakly: a clean object that nobody uses any more leaves the map by itself.  Objects with
changes are held strongly, in ``modified``, until they are flushed, expired or rolled back.

There is one dictionary per *identity space*, that is per base class of a mapped hierarchy (and identity
token where one is used), and its keys are bare primary key values when the key has one column.  The row
loop binds that dictionary to a local name and looks objects up without building anything.  The public
key ``(class, (pk, ...), identity_token)`` is made when somebody asks.

Invariant: every state under ``spaces[space][pk]`` has that ``pk``, that space and the owner's number.
Invariant: every state in ``modified`` has ``modified`` set and belongs to the map's session.
Invariant: every state of the map that has ``modified`` set is in ``modified``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .. import exc
from .state import InstanceState

Space = dict[Any, InstanceState]


class IdentityMap(Mapping[tuple[Any, ...], Any]):
    """The persistent objects of a session by identity key.

    >>> session.identity_map[identity_key(User, 5)]                                   # doctest: +SKIP
    <User at 0x...>
    """

    def __init__(self) -> None:
        self.spaces: dict[Any, Space] = {}
        """Identity class, or (identity class, token) -> pk -> state.  Written by row loop, session and ``forget``."""
        self.modified: dict[InstanceState, Any] = {}
        """Changed states -> their objects, which are thereby kept alive.  Filled at the first change, emptied by flush,
        expiry and rollback."""

    # ------------------------------------------------------------ for the rooms

    def space(self, identity_class: type, token: Any = None) -> Space:
        """The live dictionary pk -> state of one identity space."""
        return self.spaces.setdefault(identity_class if token is None else (identity_class, token), {})

    def _space_of(self, state: InstanceState) -> Space:
        return self.space(state.manager.identity_class, state.identity_token)

    def add(self, state: InstanceState) -> bool:
        """Enter *state*.

        :return: False when it was there already.
        :raises InvalidRequestError: when another living object has its key.
        """
        space = self._space_of(state)
        known = space.get(state.pk)
        if known is state:
            return False
        if known is not None and known() is not None:
            raise exc.key_taken(state)
        space[state.pk] = state
        if state.modified:
            self.modified[state] = state()
        return True

    def replace(self, state: InstanceState) -> InstanceState | None:
        """Enter *state* in place of whatever has its key, and return that."""
        space = self._space_of(state)
        known = space.get(state.pk)
        if known is state:
            return None
        if known is not None:
            self.modified.pop(known, None)
        space[state.pk] = state
        if state.modified:
            self.modified[state] = state()
        return known

    def discard(self, state: InstanceState) -> None:
        """Remove *state* when the map holds it."""
        token = state.identity_token
        identity_class = state.manager.identity_class
        space = self.spaces.get(identity_class if token is None else (identity_class, token))
        if space is not None and space.get(state.pk) is state:
            del space[state.pk]
        self.modified.pop(state, None)

    def get_state(self, identity_class: type, pk: Any, token: Any = None) -> InstanceState | None:
        """The state known under a bare primary key, or None."""
        space = self.spaces.get(identity_class if token is None else (identity_class, token))
        return None if space is None else space.get(pk)

    def contains_state(self, state: InstanceState) -> bool:
        """True when the map holds this very state."""
        return (
            state.pk is not None
            and self.get_state(state.manager.identity_class, state.pk, state.identity_token) is state
        )

    def all_states(self) -> list[InstanceState]:
        """All states, as a list that later changes of the map do not touch."""
        return [state for space in list(self.spaces.values()) for state in list(space.values())]

    def check_modified(self) -> bool:
        """True when any object of the map has changes."""
        return bool(self.modified)

    def clear(self) -> None:
        """Forget all states; their objects are not touched."""
        self.spaces.clear()
        self.modified.clear()

    # ------------------------------------------------------------ for everybody: a mapping by public key

    def _state_for_key(self, key: Any) -> InstanceState | None:
        try:
            identity_class, identity, *rest = key
            pk = identity[0] if len(identity) == 1 else tuple(identity)
            return self.get_state(identity_class, pk, rest[0] if rest else None)
        except (TypeError, ValueError):
            return None

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        state = self._state_for_key(key)
        instance = None if state is None else state()
        if instance is None:
            raise KeyError(key)
        return instance

    def __contains__(self, key: object) -> bool:
        state = self._state_for_key(key)
        return state is not None and state() is not None

    def __iter__(self) -> Iterator[tuple[Any, ...]]:
        for state in self.all_states():
            if state() is not None and (key := state.key) is not None:
                yield key

    def __len__(self) -> int:
        return sum(len(space) for space in self.spaces.values())

    def __bool__(self) -> bool:
        return any(self.spaces.values())

    def values(self) -> list[Any]:  # type: ignore[override]
        """The living objects."""
        return [instance for state in self.all_states() if (instance := state()) is not None]

    def items(self) -> list[tuple[tuple[Any, ...], Any]]:  # type: ignore[override]
        """Pairs of identity key and object."""
        return [
            (key, instance)
            for state in self.all_states()
            if (instance := state()) is not None and (key := state.key) is not None
        ]

    def __repr__(self) -> str:
        return f"<IdentityMap of {len(self)} objects, {len(self.modified)} modified>"
