"""Implicit loads: what happens when an absent attribute of an object is used.

As a rule one object is loaded at a time (``fetch="one"``), which is what makes a loop over 2,000 objects send 2,000
statements.  A session, a statement or a relationship may ask for something else:

* ``"peers"``: the attribute is loaded for all objects that came from the same result, are still there and lack it, too;
* ``"warn"``: loaded alone, with a warning that names the attribute, the line and the option that avoids it;
* ``"raise"``: refused with the same words.

This holds for relationships, deferred columns and expired objects.  Objects of one result share a
:class:`PeerGroup`; it is made only where somebody asks for one of the above, and knows the states of the objects,
which are weak references.  What a statement asked for wins over the session.

A session that is asked for a report (``with session.load_report() as report``) notes each implicit load.  The loads
that a flush needs for itself are nobody's oversight: they are neither refused nor noted.
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.exc import SAWarning

from .. import exc
from ..tracking.ownership import Owner
from ..tracking.state import InstanceState
from ..tracking.symbols import NO_AUTOFLUSH, NO_RAISE

FETCH_WORDS = ("one", "peers", "warn", "raise")
_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def check_fetch(word: Any) -> str:
    """*word*, when it is one of the four.

    :raises ArgumentError: when it is not.
    """
    if word not in FETCH_WORDS:
        raise exc.unknown_fetch(word, FETCH_WORDS)
    return word  # type: ignore[no-any-return]


class PeerGroup:
    """The objects of one result.

    Invariant: a state in ``members`` is a weak reference, so no object lives longer for being in a group.
    """

    __slots__ = ("members", "word")

    def __init__(self, word: str | None, members: list[InstanceState]) -> None:
        self.word = word
        """How the statement wanted absent attributes to be loaded; None when it did not say."""
        self.members = members
        """Written when the result is loaded; those whose objects are gone are dropped now and then."""

    def living(self, owner: Owner) -> list[InstanceState]:
        """The members that are there and belong to *owner*."""
        self.members = [state for state in self.members if state() is not None]
        return [state for state in self.members if state.session_id == owner.hash_key]


def make_peers(instances: Iterable[Any], owner: Owner, word: str | None) -> None:
    """The objects of one result have come from the database: from now on they are peers.

    :param word: what the statement asked for; None when only the session or a relationship wants peers.
    """
    states = list({instance._sa_instance_state: None for instance in instances if instance is not None})
    group = PeerGroup(None if word is None else check_fetch(word), states)
    for state in states:
        known = state.peers
        if known is None or word is not None:
            state.peers = group


def is_watched(owner: Owner, state: InstanceState) -> bool:
    """Whether an implicit load of an object is anything but an ordinary one; cheap."""
    return bool(owner.fetch != "one" or owner.load_reports or (state.extras is not None and state.peers is not None))


def fetch_word(owner: Owner, state: InstanceState) -> str:
    """How absent attributes of an object are loaded."""
    group = state.peers
    if group is not None and group.word is not None:
        return group.word  # type: ignore[no-any-return]
    return owner.fetch


def peers_of(owner: Owner, state: InstanceState, lacks: Callable[[InstanceState], bool]) -> list[InstanceState]:
    """An object and its peers for which *lacks* holds, the object first."""
    group = state.peers
    if group is None:
        return [state]
    options, manager = state.load_options, state.manager
    found = [
        other
        for other in group.living(owner)
        if other is not state
        and other.manager is manager
        and other.pk is not None
        and not other.is_deleted
        and other.load_options == options
        and lacks(other)
    ]
    return [state, *found]


# ---------------------------------------------------------------- being told of it


@dataclass(frozen=True, slots=True)
class ImplicitLoad:
    """One load that the use of an absent attribute caused."""

    attribute: str
    """The attribute, such as ``User.addresses``; for an expired object, the class alone."""
    peers: int
    """For how many objects it was loaded."""
    statements: int
    """How many statements that took."""
    where: str
    """File and line of the program that used the attribute."""
    remedy: str
    """What would have avoided it: a loader option, as a rule."""


@dataclass(slots=True)
class LoadReport:
    """The implicit loads of a session while it was asked for them; ``with session.load_report() as report``.

    >>> print(report)                                                                 # doctest: +SKIP
    User.addresses  2,000 peers  4 statements  app.py:12  selectinload(User.addresses)
    """

    loads: list[ImplicitLoad] = field(default_factory=list)
    """One entry per implicit load, in order; written by the loaders of attributes."""

    def __iter__(self) -> Iterator[ImplicitLoad]:
        return iter(self.loads)

    def __len__(self) -> int:
        return len(self.loads)

    @property
    def statements(self) -> int:
        """How many statements all implicit loads took."""
        return sum(load.statements for load in self.loads)

    def __str__(self) -> str:
        if not self.loads:
            return "no implicit loads"
        rows = [
            (load.attribute, f"{load.peers:,} peers", f"{load.statements} statements", load.where, load.remedy)
            for load in self.loads
        ]
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
        return "\n".join(line.rstrip() for line in lines)


def permit(owner: Owner, state: InstanceState, key: str | None, passive: int) -> bool:
    """Whether an attribute may be loaded implicitly; warns where that was asked for.

    :param key: the attribute; None for an expired object.
    :return: False when it may not and the caller does not want an error.
    :raises InvalidRequestError: when it may not.
    """
    word = fetch_word(owner, state)
    if word not in ("warn", "raise") or owner.is_flushing:
        return True
    name, remedy = _attribute_name(state, key), remedy_for(state, key)
    if word == "raise":
        if passive & NO_RAISE:
            return False
        raise exc.implicit_load_refused(state, name, remedy)
    warnings.warn(exc.implicit_load_text(state, name, remedy), SAWarning, stacklevel=_caller()[1])
    return True


def note(owner: Owner, state: InstanceState, key: str | None, *, peers: int, statements: int = 1) -> None:
    """Enter an implicit load in the reports that the session was asked for."""
    if owner.load_reports and not owner.is_flushing:
        where, _ = _caller()
        load = ImplicitLoad(_attribute_name(state, key), peers, statements, where, remedy_for(state, key))
        for report in owner.load_reports:
            report.loads.append(load)


def flush_before(owner: Owner, passive: int) -> None:
    """Flush before a load of peers, when a load of one object would have done so."""
    if not passive & NO_AUTOFLUSH:
        owner.flush_if_due()


def statements_for(states: Sequence[InstanceState], size: int) -> int:
    """How many statements a load for so many objects takes."""
    return -(-len(states) // size)


def _attribute_name(state: InstanceState, key: str | None) -> str:
    name = state.manager.class_.__name__
    return name if key is None else f"{name}.{key}"


def remedy_for(state: InstanceState, key: str | None) -> str:
    """What would have avoided an implicit load."""
    if key is None:
        return "expire_on_commit=False, or a select() of all objects needed"
    is_column = hasattr(state.mapper.props[key], "columns")
    return f"{'undefer' if is_column else 'selectinload'}({_attribute_name(state, key)})"


def _caller() -> tuple[str, int]:
    """The line of the program from which this package was entered, and how many frames lie between."""
    frame: Any = sys._getframe(1)
    depth = 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame, depth = frame.f_back, depth + 1
    return f"{frame.f_code.co_filename}:{frame.f_lineno}", depth
