"""What happened to one attribute since it was last in step with the database.

A :class:`History` is three sequences: what was *added*, what is *unchanged*, what was *deleted*.
A scalar attribute has at most one element in each; a collection has any number.  It is computed from
two facts that the tracking keeps, the current value and the value before the first change, and it is
computed only when somebody asks.  The rules for a scalar, top to bottom, first match wins:

=====================  =====================  =======================================
value before           current value          history
=====================  =====================  =======================================
never changed          absent                 nothing is known: ``((), (), ())``
never changed          a value                unchanged
a value                an equal value         unchanged
a value                absent                 deleted
no value was loaded    absent                 ``None`` was added (the value was deleted)
no value was loaded    a value                added
a value                another value          added, and the one before deleted
=====================  =====================  =======================================

The module knows nothing of objects, states or attributes.  Invariant: an element stands in at most one
of the three sequences.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from .symbols import NO_VALUE


class History(NamedTuple):
    """The net change of an attribute: three sequences ``added``, ``unchanged`` and ``deleted``.

    >>> History(["new"], (), ["old"]).has_changes()
    True
    """

    added: Sequence[Any]
    unchanged: Sequence[Any]
    deleted: Sequence[Any]

    def __bool__(self) -> bool:
        return self != NO_HISTORY

    def empty(self) -> bool:
        """True when nothing is known and nothing happened: all three sequences are empty."""
        return not (self.added or self.deleted) and not self.unchanged

    def has_changes(self) -> bool:
        """True when something was added or deleted."""
        return bool(self.added or self.deleted)

    def sum(self) -> list[Any]:
        """All elements: added, unchanged and deleted."""
        return [*self.added, *self.unchanged, *self.deleted]

    def non_deleted(self) -> list[Any]:
        """The elements that the attribute has now: added and unchanged."""
        return [*self.added, *self.unchanged]

    def non_added(self) -> list[Any]:
        """The elements that the attribute had before: unchanged and deleted."""
        return [*self.unchanged, *self.deleted]

    def as_state(self) -> History:
        """The same history with each object replaced by its :class:`.InstanceState`.

        Elements that are no tracked objects stay as they are.
        """

        def states(elements: Sequence[Any]) -> list[Any]:
            return [getattr(element, "_sa_instance_state", element) for element in elements]

        return History(states(self.added), states(self.unchanged), states(self.deleted))


NO_HISTORY = History((), (), ())
HISTORY_BLANK = NO_HISTORY

UNCHANGED = object()
"""Given as *before* when the attribute has not been changed."""


def scalar_history(before: Any, current: Any, is_equal: Callable[[Any, Any], Any]) -> History:
    """The history of an attribute with one value, by the table at the head of the module.

    :param before: the value before the first change, ``NO_VALUE`` when none was loaded, ``UNCHANGED`` when there
        was no change.
    :param current: the value now, ``NO_VALUE`` when there is none.
    :param is_equal: says whether two values are the same to the database.
    """
    if before is UNCHANGED:
        return NO_HISTORY if current is NO_VALUE else History((), [current], ())
    if before is NO_VALUE:
        return History([None if current is NO_VALUE else current], (), ())
    if current is NO_VALUE:
        return History((), (), [before])
    # "is True": array-like values answer == with an array, which is no answer
    if current is before or is_equal(current, before) is True:
        return History((), [current], ())
    return History([current], (), [before])
