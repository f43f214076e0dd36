"""Puts values that a flush made on the objects, and can take them back.

Generated keys, defaults and versions are put on the objects right after their statement, because later rows and
listeners read them there.  A flush may still fail, and a transaction may be rolled back after it: then a new object
must have the key it had before, none, rather than one that no row has.  `Undo` therefore remembers what every value
replaced.  It holds states, not objects: it keeps no object alive.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ..tracking.state import InstanceState
from ..tracking.symbols import NO_VALUE


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """One attribute of many objects: what it was (``NO_VALUE``: absent) before a value was put there."""

    attribute: str
    states: Sequence[InstanceState]
    before: Sequence[Any]


class Undo:
    """What a flush put on objects, in order.

    Kept until the flush, and by the session until the transaction, can no longer be taken back.
    """

    __slots__ = ("assignments",)

    def __init__(self) -> None:
        self.assignments: list[Assignment] = []
        """Written by `assign`; read backwards by `restore`."""

    def assign(self, attribute: str, states: Sequence[InstanceState], values: Sequence[Any]) -> None:
        """Put a value on each object, one for each state."""
        before = []
        for state, value in zip(states, values, strict=True):
            # the flush holds the objects; ``state.dict`` would call a property for each generated key
            dict_ = state().__dict__
            before.append(dict_.get(attribute, NO_VALUE))
            dict_[attribute] = value
        self.assignments.append(Assignment(attribute, states, before))

    def is_needed(self) -> bool:
        """False when all objects are gone."""
        return any(state() is not None for assignment in self.assignments for state in assignment.states)

    def restore(self, states: Collection[InstanceState] | None = None) -> None:
        """Give objects the values that they had before; all objects, or only some.

        :param states: whose values are restored; None for all.
        """
        for assignment in reversed(self.assignments):
            for state, value in zip(assignment.states, assignment.before, strict=True):
                if states is None or state in states:
                    if value is NO_VALUE:
                        state.dict.pop(assignment.attribute, None)
                    else:
                        state.dict[assignment.attribute] = value
